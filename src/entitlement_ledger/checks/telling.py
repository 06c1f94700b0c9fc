"""The check that balances are the sum of postings: what was told against what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    String,
    TableClause,
    and_,
    case,
    column,
    func,
    or_,
    select,
)

from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import Account, Status, TransactionEvent
from entitlement_ledger.store.dialect import beside
from entitlement_ledger.store.journal import read_events
from entitlement_ledger.store.reversals import did
from entitlement_ledger.store.tables import (
    InstantColumn,
    grants,
    lapses,
    postings,
    resolutions,
    transactions,
)

_g, _p, _r, _t = grants.c, postings.c, resolutions.c, transactions.c
_COLUMNS = (
    column("told_by", BigInteger()),
    column("customer", String()),
    column("entitlement", String()),
    column("told_at", InstantColumn()),
    column("available", BigInteger()),
    column("held", BigInteger()),
)


def told_balances(connection: Connection) -> Iterator[dict[str, Any]]:
    """Find holdings whose last told balance is not the sum of the postings made by then.

    A lapsed hold of which the end is not recorded yet is read, not posted (rule H2): a holding
    that has one is compared again when due work has recorded it and a balance is told.
    """
    last: dict[tuple[str, str], tuple[Any, ...]] = {}
    for events in read_events(connection):
        for event in events:
            if isinstance(event, TransactionEvent):
                for told in event.balances:
                    pair = (event.customer, told.entitlement)
                    worth = (told.after.available, told.after.held)
                    last[pair] = (event.sequence, *pair, event.effective_at, *worth)
    names = [each.name for each in _COLUMNS]
    columns = {name: [row[place] for row in last.values()] for place, name in enumerate(names)}
    with beside(connection, _COLUMNS, columns) as rows:
        for row in connection.execute(_at_fault(rows)).all():
            yield dict(row._mapping)


def _at_fault(told: TableClause) -> Select[Any]:
    t = told.c
    counts = and_(
        _p.sequence <= t.told_by,
        _p.effective_at <= t.told_at,
        _g.effective_from <= t.told_at,
        or_(_g.expires_at.is_(None), _g.expires_at > t.told_at),
    )

    def total(account: Account) -> Any:
        posted = case((and_(counts, _p.account == account), _p.quantity), else_=0)
        return func.coalesce(func.sum(posted), 0)

    available, held = total(Account.AVAILABLE), total(Account.HELD)
    joined = told.join(
        grants, and_(_g.customer == t.customer, _g.entitlement == t.entitlement)
    ).join(postings, _p.grant == _g.id)
    return (
        select(*t, available.label("posted_available"), held.label("posted_held"))
        .select_from(joined)
        .where(~_lapse_unrecorded(t))
        .group_by(*t)
        .having(or_(available != t.available, held != t.held))
        .order_by(t.told_by)
    )


def _lapse_unrecorded(t: Any) -> Any:
    """Say whether a hold had lapsed, on some grant, of which the end was not posted yet."""
    kept = postings.alias("kept")
    recorded = select(lapses.c.sequence).where(
        lapses.c.hold == kept.c.sequence,
        lapses.c.grant == kept.c.grant,
        lapses.c.sequence <= t.told_by,
    )
    resolved = select(_r.sequence).where(
        _r.target == kept.c.sequence, _r.status != Status.EXPIRED, _r.sequence <= t.told_by
    )
    return (
        select(kept.c.sequence)
        .select_from(kept.join(transactions, _t.sequence == kept.c.sequence))
        .where(
            kept.c.customer == t.customer,
            kept.c.entitlement == t.entitlement,
            kept.c.account == Account.HELD,
            kept.c.quantity > 0,
            did(CommandType.HOLD),
            _t.expires_at <= t.told_at,
            ~recorded.correlate_except(lapses).exists(),
            ~resolved.correlate_except(resolutions).exists(),
        )
        .exists()
    )
