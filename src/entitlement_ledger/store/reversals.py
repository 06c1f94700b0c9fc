"""What has been reversed of a transaction: the sum of the later ones that name it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, func, select

from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import Status
from entitlement_ledger.store.dialect import among
from entitlement_ledger.store.tables import transactions

_t = transactions.c


def is_reversal() -> ColumnElement[bool]:
    """Match completed reversals."""
    return (_t.type == CommandType.REVERSE) & (_t.status == Status.COMPLETED)


def reversed_quantities(connection: Connection, sequences: Collection[int]) -> dict[int, int]:
    """Give how much of each of these transactions has been reversed; without those of nothing."""
    if not sequences:
        return {}
    with among(connection, sorted(sequences), _t.target) as wanted:
        rows = connection.execute(
            select(_t.target, func.sum(_t.quantity))
            .where(wanted, is_reversal())
            .group_by(_t.target)
        ).all()
    return {target: int(quantity) for target, quantity in rows}


def status_now(status: str) -> ColumnElement[bool]:
    """Match the status that a transaction has now, reversals included."""
    undone = (
        select(_t.target.label("target"), func.sum(_t.quantity).label("quantity"))
        .where(_t.target.is_not(None), is_reversal())
        .group_by(_t.target)
        .subquery("undone")
    )
    some = select(undone.c.target).where(undone.c.target == _t.sequence)
    whole = some.where(undone.c.quantity >= func.abs(_t.quantity))
    match status:
        case Status.REVERSED:
            return whole.exists()
        case Status.PARTLY_REVERSED:
            return some.exists() & ~whole.exists()
        case Status.COMPLETED:
            return (_t.status == status) & ~some.exists()
        case _:
            return _t.status == status


def status_of(status: str, quantity: int | None, undone: int) -> str:
    """Give the status that a transaction has now, from what has been reversed of it."""
    if not undone:
        return status
    return Status.REVERSED if undone >= abs(quantity or 0) else Status.PARTLY_REVERSED
