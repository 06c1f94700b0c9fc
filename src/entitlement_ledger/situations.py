"""What whoever answers a customer has to know besides balances: what was lost, held, asked.

Times are instants (microseconds since 1970, UTC), quantities whole numbers in the smallest unit.
"""

from __future__ import annotations

import msgspec

from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.overviews import Lapsing


class Loss(msgspec.Struct, frozen=True):
    """What was on a grant and is gone without having been used.

    Attributes:
        at: when it lapsed, or was taken back.
        how: `expired` or `revoked`.
        transaction, type, actor, reason: what took it back; None for what lapsed.
    """

    at: Instant
    entitlement: str
    scale: int
    unit: str
    quantity: int
    how: str
    grant: str
    transaction: str | None
    type: str | None
    actor: str | None
    reason: str | None


class OpenHold(msgspec.Struct, frozen=True):
    """What is kept for something that has not happened yet; `expires_at` is None without an end."""

    transaction: str
    entitlement: str
    scale: int
    unit: str
    quantity: int
    since: Instant
    expires_at: Instant | None
    reference: str | None


class Ticket(msgspec.Struct, frozen=True):
    """A ticket of the customer's; `closed_at` is None while it is open."""

    id: str
    status: str
    subject: str
    opened_at: Instant
    closed_at: Instant | None


class Situation(msgspec.Struct, frozen=True):
    """A customer's situation at an instant; lists are bounded.

    Attributes:
        at: as of when it is told.
        lost: the latest first.
        lapsing: what lapses within `days`, the soonest first.
        holds: those that are open, the oldest first.
        tickets: open ones first, then the latest.
        more: the names of the lists that go on.
    """

    at: Instant
    days: int
    lost: tuple[Loss, ...]
    lapsing: tuple[Lapsing, ...]
    holds: tuple[OpenHold, ...]
    tickets: tuple[Ticket, ...]
    more: tuple[str, ...]
