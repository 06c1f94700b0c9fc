"""What plain events make of the projections: a part of `project`.

Of most columns they have one value or none, and of the others each has at most one: two narrow
tables in memory say all of it, and the database makes the rows of each projection from them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Insert,
    Integer,
    LargeBinary,
    Select,
    String,
    Table,
    Update,
    case,
    cast,
    column,
    func,
    insert,
    literal,
    select,
    table,
    union_all,
    update,
)

from entitlement_ledger.domain.catalogue import Category
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import Account, Status
from entitlement_ledger.domain.plain_events import PlainEvents
from entitlement_ledger.domain.refusals import Code
from entitlement_ledger.domain.standing import PRIORITY
from entitlement_ledger.store.dialect import Columns, standing_by
from entitlement_ledger.store.searching import words_of
from entitlement_ledger.store.tables import (
    InstantColumn,
    grants,
    idempotency,
    live_postings,
    transactions,
)

_EVENTS = table(
    "plain_events",
    column("sequence", BigInteger),
    column("type", String()),
    column("customer", String()),
    column("entitlement", String()),
    column("quantity", BigInteger),
    column("effective_at", InstantColumn()),
    column("recorded_at", InstantColumn()),
    column("actor", String()),
    column("role", String()),
    column("reason", String()),
    column("reference", String()),
    column("key", String()),
    column("history", Boolean),
    column("refused", Boolean),
    column("command_hash", LargeBinary),
)
_DRAWS = table(
    "plain_draws",
    column("sequence", BigInteger),
    column("place", Integer),
    column("grant", String()),
    column("quantity", BigInteger),
)
_e, _d = _EVENTS.c, _DRAWS.c
_ISSUED = _e.type == CommandType.ISSUE.value


def project_plain(connection: Connection, events: PlainEvents) -> None:
    """Write what plain events make of the projections, in a few statements."""
    if not events:
        return
    with (
        standing_by(connection, _EVENTS, _event_columns(events)),
        standing_by(connection, _DRAWS, _draw_columns(events)),
    ):
        for statement in _STATEMENTS:
            connection.execute(statement)


def _event_columns(events: PlainEvents) -> Columns:
    return {
        "sequence": events.sequence,
        "type": events.type,
        "customer": events.customer,
        "entitlement": events.entitlement,
        "quantity": events.quantity,
        "effective_at": events.effective_at,
        "recorded_at": events.of_common(lambda each: each.recorded_at),
        "actor": events.of_common(lambda each: each.actor),
        "role": events.of_common(lambda each: each.role),
        "reason": events.reason,
        "reference": events.reference,
        "key": events.key,
        "history": events.of_common(lambda each: each.history),
        "refused": [bool(each) for each in events.refused],
        "command_hash": [bytes.fromhex(each) for each in events.command_hash],
    }


def _draw_columns(events: PlainEvents) -> Columns:
    rows = [
        (sequence, place, grant, quantity)
        for sequence, draws in zip(events.sequence, events.draws, strict=True)
        for place, (grant, quantity) in enumerate(draws)
    ]
    sequences, places, names, quantities = zip(*rows, strict=True) if rows else ((), (), (), ())
    return {
        "sequence": list(sequences),
        "place": list(places),
        "grant": list(names),
        "quantity": list(quantities),
    }


def _into(target: Table, values: dict[str, ColumnElement[Any]]) -> Insert:
    """Give what appends one row of values for each plain event."""
    return insert(target).from_select(list(values), select(*values.values()))


def _transactions() -> Insert:
    given = {each.name: each for each in _e if each.name not in ("command_hash", "refused")}
    return _into(
        transactions,
        given | {
            "status": case((_e.refused, Status.REFUSED.value), else_=Status.COMPLETED.value),
            "code": case((_e.refused, Code.INSUFFICIENT_BALANCE.value)),
            "proposal": literal(value=False),
            "undone": literal(0),
            "words": words_of(_EVENTS),
        },
    )  # fmt: skip


def _idempotency() -> Insert:
    return _into(
        idempotency, {"key": _e.key, "sequence": _e.sequence, "command_hash": _e.command_hash}
    )


def _issued_id() -> ColumnElement[str]:
    return literal("G").concat(cast(_e.sequence, String)).concat(".1")


def _postings() -> Insert:
    """Give the legs: two of each grant that is issued, two of each that is drawn from."""

    def legs(sign: int, place: ColumnElement[int], account: Account, *, drawn: bool) -> Select[Any]:
        grant, quantity = (_d.grant, _d.quantity) if drawn else (_issued_id(), _e.quantity)
        leg = select(
            _e.sequence,
            place,
            grant,
            _e.customer,
            _e.entitlement,
            literal(account.value),
            quantity if sign > 0 else -quantity,
            _e.effective_at,
            _e.recorded_at,
        )
        if not drawn:
            return leg.where(_ISSUED)
        return leg.select_from(_DRAWS.join(_EVENTS, _d.sequence == _e.sequence))

    both = union_all(
        legs(-1, literal(1), Account.ISSUANCE, drawn=False),
        legs(1, literal(2), Account.AVAILABLE, drawn=False),
        legs(-1, _d.place * 2 + 1, Account.AVAILABLE, drawn=True),
        legs(1, _d.place * 2 + 2, Account.CONSUMED, drawn=True),
    )
    names = [
        "sequence",
        "place",
        "grant",
        "customer",
        "entitlement",
        "account",
        "quantity",
        "effective_at",
        "recorded_at",
    ]
    return insert(live_postings).from_select(names, both)


def _sums() -> CTE:
    """Give what is drawn from each grant, and the latest instant of it."""
    joined = _DRAWS.join(_EVENTS, _d.sequence == _e.sequence)
    summed = cast(func.sum(_d.quantity), BigInteger).label("drawn")
    latest = func.max(_e.effective_at, type_=InstantColumn()).label("last_at")
    return select(_d.grant, summed, latest).select_from(joined).group_by(_d.grant).cte("sums")


def _draw() -> Update:
    """Move what is drawn from grants that are there already."""
    sums = _sums()
    numbers = func.substr(sums.c.grant, 2)
    sequence, place = (cast(func.split_part(numbers, ".", n), BigInteger) for n in (1, 2))
    same = (grants.c.sequence == sequence) & (grants.c.place == place)
    return (
        update(grants)
        .where(same)
        .values(
            available=grants.c.available - sums.c.drawn,
            consumed=grants.c.consumed + sums.c.drawn,
            last_at=func.greatest(grants.c.last_at, sums.c.last_at),
        )
    )


def _grants() -> Insert:
    """Give the grants that are issued, after what is drawn from them right away."""
    sums = _sums()
    drawn, nothing = func.coalesce(sums.c.drawn, 0), literal(0)
    values: dict[str, ColumnElement[Any]] = {
        "sequence": _e.sequence,
        "place": literal(1),
        "id": _issued_id(),
        "customer": _e.customer,
        "entitlement": _e.entitlement,
        "quantity": _e.quantity,
        "priority": literal(PRIORITY),
        "category": literal(Category.PAID.value),
        "effective_from": _e.effective_at,
        "available": _e.quantity - drawn,
        "held": nothing,
        "consumed": drawn,
        "expired": nothing,
        "revoked": nothing,
        "last_at": func.greatest(_e.effective_at, sums.c.last_at),
    }
    rows = select(*values.values()).where(_ISSUED)
    rows = rows.select_from(_EVENTS.outerjoin(sums, sums.c.grant == _issued_id()))
    return insert(grants).from_select(list(values), rows)


# What is drawn from earlier grants first: those that are issued here have it from the beginning.
_STATEMENTS = (_transactions(), _draw(), _grants(), _postings(), _idempotency())
