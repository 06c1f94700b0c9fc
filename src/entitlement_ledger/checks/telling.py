"""The check that balances are the sum of postings: what was told against what is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    FromClause,
    Select,
    String,
    and_,
    case,
    column,
    func,
    or_,
    select,
    tuple_,
    union_all,
)

from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import Account, Status, TransactionEvent
from entitlement_ledger.store.dialect import beside, temporary
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


Told = dict[tuple[str, str], tuple[Any, ...]]
"""By customer and entitlement what was told last: the values of `_COLUMNS`."""

HOLDINGS_AT_ONCE = 200_000
"""Of how many holdings what was told last is kept in memory at once."""

_FAULTS_AT_ONCE = 1000


def told_balances(
    connection: Connection, at_once: int = HOLDINGS_AT_ONCE
) -> Iterator[dict[str, Any]]:
    """Find holdings whose last told balance is not the sum of the postings made by then.

    A lapsed hold of which the end is not recorded yet is read, not posted (rule H2): a holding
    that has one is compared again when due work has recorded it and a balance is told.

    What was told is put aside by the database whenever so much of it has been read.
    """
    with ExitStack() as kept:
        aside = [
            kept.enter_context(_put_aside(connection, told))
            for told in _last_told(connection, at_once)
        ]
        if aside:
            query = _at_fault(_newest(aside))
            found = kept.enter_context(temporary(connection, "unlike", query))
            yield from _in_pages(connection, found)


def _last_told(connection: Connection, at_once: int) -> Iterator[Told]:
    """Read what was told of each holding last, of so many at a time; a later part counts."""
    told: Told = {}
    for events in read_events(connection):
        for event in events:
            if isinstance(event, TransactionEvent):
                for each in event.balances:
                    pair = (event.customer, each.entitlement)
                    worth = (each.after.available, each.after.held)
                    told[pair] = (event.sequence, *pair, event.effective_at, *worth)
        if len(told) >= at_once:
            yield told
            told = {}
    if told:
        yield told


@contextmanager
def _put_aside(connection: Connection, told: Told) -> Iterator[FromClause]:
    names = [each.name for each in _COLUMNS]
    columns = {name: [row[place] for row in told.values()] for place, name in enumerate(names)}
    with ExitStack() as stack:
        with beside(connection, _COLUMNS, columns) as rows:
            table = stack.enter_context(temporary(connection, "told", select(rows)))
        yield table


def _newest(aside: Sequence[FromClause]) -> FromClause:
    """Give what was told last of each holding, of all that was put aside."""
    told = union_all(*(select(each) for each in aside)).subquery("all_told")
    later = func.max(told.c.told_by).over(partition_by=(told.c.customer, told.c.entitlement))
    latest = select(told, later.label("latest")).subquery("latest_told")
    newest = [latest.c[each.name] for each in _COLUMNS]
    return select(*newest).where(latest.c.told_by == latest.c.latest).subquery("told")


def _in_pages(connection: Connection, found: FromClause) -> Iterator[dict[str, Any]]:
    """Read rows by what told of them, some of them at a time."""
    place = tuple_(found.c.told_by, found.c.entitlement)
    after: tuple[int, str] = (0, "")
    while True:
        page = select(found).where(place > after).order_by(*place).limit(_FAULTS_AT_ONCE)
        rows = connection.execute(page).all()
        for row in rows:
            yield dict(row._mapping)
        if len(rows) < _FAULTS_AT_ONCE:
            return
        after = rows[-1].told_by, rows[-1].entitlement


def _at_fault(told: FromClause) -> Select[Any]:
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
