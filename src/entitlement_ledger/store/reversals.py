"""What has been reversed of a transaction: the sum of the later ones that name it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, FromClause, case, func, or_, select

from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import Status
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.store.dialect import among
from entitlement_ledger.store.tables import resolutions, transactions

_t = transactions.c
_later = transactions.alias("later")


def is_reversal() -> ColumnElement[bool]:
    """Match completed reversals."""
    return did(CommandType.REVERSE) & (_t.status == Status.COMPLETED)


def did(kind: CommandType) -> ColumnElement[bool]:
    """Match what did a thing, whether it was asked for at once or approved by a second person."""
    return or_(_t.executes == kind, (_t.type == kind) & ~_t.proposal)


def reversed_quantities(connection: Connection, sequences: Collection[int]) -> dict[int, int]:
    """Give how much of each of these transactions has been reversed; without those of nothing."""
    if not sequences:
        return {}
    # No other condition: the index of `target` would not be used.
    columns = (_t.target, _t.quantity, _t.status, _t.type, _t.executes, _t.proposal)
    with among(connection, sorted(sequences), _t.target) as wanted:
        rows = connection.execute(select(*columns).where(wanted)).all()
    undone: dict[int, int] = {}
    for target, quantity, status, kind, executes, proposal in rows:
        reverses = executes == CommandType.REVERSE or (kind == CommandType.REVERSE and not proposal)
        if reverses and status == Status.COMPLETED and quantity is not None:
            undone[target] = undone.get(target, 0) + quantity
    return undone


def resolutions_of(connection: Connection, sequences: Collection[int]) -> dict[int, Status]:
    """Give what later transactions made of each of these, the latest counting."""
    if not sequences:
        return {}
    r = resolutions.c
    with among(connection, sorted(sequences), r.target) as wanted:
        rows = connection.execute(
            select(r.sequence, r.place, r.target, r.status).where(wanted)
        ).all()
    return {target: Status(status) for _, _, target, status in sorted(map(tuple, rows))}


def status_now(table: FromClause, now: Instant) -> ColumnElement[str]:
    """Give the status that a transaction has now: what became of it since counts first."""
    t = table.c
    undone = (
        select(func.sum(_later.c.quantity))
        .where(
            _later.c.target == t.sequence,
            or_(_later.c.type == CommandType.REVERSE, _later.c.executes == CommandType.REVERSE),
            ~_later.c.proposal,
            _later.c.status == Status.COMPLETED,
        )
        .correlate(table)
        .scalar_subquery()
    )
    resolved = (
        select(func.arg_max(resolutions.c.status, resolutions.c.sequence))
        .where(resolutions.c.target == t.sequence)
        .correlate(table)
        .scalar_subquery()
    )
    lapsed = (t.status == Status.PENDING) & (t.expires_at <= now)
    return case(
        (t.status == Status.REFUSED, t.status),
        (undone >= func.abs(t.quantity), Status.REVERSED.value),
        (undone > 0, Status.PARTLY_REVERSED.value),
        (resolved.is_not(None), resolved),
        (lapsed, Status.EXPIRED.value),
        else_=t.status,
    )


def status_of(
    status: Status, quantity: int | None, undone: int, resolved: Status | None, *, lapsed: bool
) -> Status:
    """Give the status that a transaction has now, as `status_now` does in SQL."""
    if status is Status.REFUSED:
        return status
    if undone:
        return Status.REVERSED if undone >= abs(quantity or 0) else Status.PARTLY_REVERSED
    if resolved is not None:
        return resolved
    return Status.EXPIRED if status is Status.PENDING and lapsed else status
