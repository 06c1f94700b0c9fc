"""Subscriptions: one customer holding one product, period by period from an anchor."""

from __future__ import annotations

import msgspec

from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.periods import nth, parse_period, parse_zone
from entitlement_ledger.domain.ranges import Moment, Whole


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What is to happen to a subscription at its period's end.

    Attributes:
        type: `upgrade`, `downgrade` or `cancel`.
        product: what it is changed to; None where it ends.
        grant: the one grant that ends; None where the whole subscription does.
        sequence: the pending transaction that asked for it.
    """

    type: str
    product: str | None
    carry_over: str
    at: Moment
    sequence: Whole
    grant: str | None = None


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One customer holding one product.

    Attributes:
        anchor: where its first period starts, and every period is counted from.
        zone: the IANA time zone in which periods are counted.
        period: an ISO 8601 duration, as the product had it when it was opened; None has no end.
        opened: the latest period opened, from 1.
        rolled: the latest period whose rest has been rolled over.
        ended_at: from when on it is no more; None while it lives.
        pending, leaving: what is to happen at a period's end to it, and to single grants of it.
    """

    id: str
    customer: str
    product: str
    anchor: Moment
    zone: str
    period: str | None
    opened: Whole = 1
    rolled: Whole = 0
    ended_at: Moment | None = None
    pending: Change | None = None
    leaving: tuple[Change, ...] = ()

    def over(self, at: Instant) -> bool:
        """Say whether it has ended by an instant; one that ended before it began never lived."""
        return self.ended_at is not None and self.ended_at <= max(at, self.anchor)

    def waiting(self) -> tuple[Change, ...]:
        """Give every change that waits for a period's end."""
        return (*self.leaving, *(() if self.pending is None else (self.pending,)))


def subscription_id(sequence: int) -> str:
    """Give the id of the subscription that a transaction opened."""
    return f"S{sequence}"


def subscription_order(subscription: str) -> int:
    """Give the order in which a subscription was opened, from its id."""
    return int(subscription[1:])


def period_start(subscription: Subscription, number: int) -> Instant | None:
    """Give the start of a period, from 1; the end of one is the start of the next.

    None where the product has no periods and so only a first one.

    Raises:
        ValueError: the period lies outside the years 0001 to 9999.
    """
    if number == 1:
        return subscription.anchor
    if subscription.period is None:
        return None
    zone = parse_zone(subscription.zone)
    return nth(subscription.anchor, parse_period(subscription.period), number - 1, zone)


def next_due(subscription: Subscription) -> Instant | None:
    """Give the earliest instant at which something may be due; None where nothing ever is."""
    if subscription.ended_at is not None:
        return None
    due = [change.at for change in subscription.waiting()]
    for number in (subscription.opened + 1, subscription.rolled + 2):
        try:
            start = period_start(subscription, number)
        except ValueError:
            continue
        due += [] if start is None else [start]
    return min(due, default=None)
