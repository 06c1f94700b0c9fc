"""What transactions did, and what has become of them since."""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, case, func, or_

from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import Status
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.store.tables import transactions

_t = transactions.c


def is_reversal() -> ColumnElement[bool]:
    """Match completed reversals."""
    return did(CommandType.REVERSE) & (_t.status == Status.COMPLETED)


def did(kind: CommandType) -> ColumnElement[bool]:
    """Match what did a thing, whether it was asked for at once or approved by a second person."""
    return or_(_t.executes == kind, (_t.type == kind) & ~_t.proposal)


def status_now(now: Instant, table: FromClause = transactions) -> ColumnElement[str]:
    """Give the status that a transaction has now: what became of it since counts first."""
    t = table.c
    return case(
        (t.status == Status.REFUSED, t.status),
        # The end of a grant that had nothing left has a quantity of 0, and is never reversed.
        ((t.undone > 0) & (t.undone >= func.abs(t.quantity)), Status.REVERSED.value),
        (t.undone > 0, Status.PARTLY_REVERSED.value),
        (t.became.is_not(None), t.became),
        ((t.status == Status.PENDING) & (t.expires_at <= now), Status.EXPIRED.value),
        else_=t.status,
    )


def status_of(
    status: str,
    undone: int,
    quantity: int | None,
    became: str | None,
    expires_at: Instant | None,
    now: Instant,
) -> str:
    """Give the same of one transaction that has been read: for a few that is quicker."""
    if status == Status.REFUSED:
        return status
    if undone > 0:
        whole = quantity is not None and undone >= abs(quantity)
        return Status.REVERSED.value if whole else Status.PARTLY_REVERSED.value
    if became is not None:
        return became
    if status == Status.PENDING and expires_at is not None and expires_at <= now:
        return Status.EXPIRED.value
    return status
