"""`renew`: the next period of a subscription, with new grants; and what is rolled over into it."""

from __future__ import annotations

import msgspec

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.commands import Command
from entitlement_ledger.domain.events import Account, Grant, grant_id
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.rules.context import (
    Context,
    Decision,
    known_customer,
    not_closed,
    period_open,
)
from entitlement_ledger.domain.rules.subscribing import (
    known_product,
    live_subscription,
    open_period,
    period_start,
)
from entitlement_ledger.domain.subscriptions import Subscription


def decide(book: Book, command: Command, context: Context) -> Decision:
    """Decide one `renew`: the period after the latest one opened, from that period's start."""
    not_closed(known_customer(book, command), context)
    at = context.effective_at(command)
    known_product(book, command.product, at)
    period_open(book, at)
    subscription = live_subscription(book, command.customer, command.product, at, context)
    return opened(book, subscription, at, context)


def opened(book: Book, subscription: Subscription, at: Instant, context: Context) -> Decision:
    """Open the next period with the product as it is at the period's start."""
    number = next_period(book, subscription)
    if number == subscription.opened + 1:
        rolled = _rolled_past(book, subscription, subscription.rolled, number)
    else:
        # What was not rolled over before its end was closed is not any more.
        rolled = number - 1
    following = msgspec.structs.replace(subscription, opened=number, rolled=rolled)
    start = period_start(following, following.opened)
    product = known_product(book, subscription.product, start)
    decision = Decision(at, product=product.code, subscriptions=[following])
    open_period(book, decision, product, following, context)
    return decision


def next_period(book: Book, subscription: Subscription) -> int:
    """Give the number of the period that is opened next.

    It is the one after the latest, past those that begin where everything is closed: a customer who
    was closed then, and is active again, was not renewed and cannot be any more.
    """
    number = subscription.opened + 1
    while book.closed(period_start(subscription, number)):
        number += 1
    return number


def _rolled_past(book: Book, subscription: Subscription, rolled: int, opened: int) -> int:
    """Go past periods that are followed by an opened one and have nothing to roll over."""
    rolling = {
        state.grant.period
        for _, state in book.grants_of(subscription)
        if state.grant.rollover_max is not None
    }
    while rolled + 1 < opened and rolled + 1 not in rolling:
        rolled += 1
    return rolled


def rolled_over(book: Book, subscription: Subscription, context: Context) -> Decision:
    """Roll the rest of a period into the next, effective at that one's start, swept or not."""
    period = subscription.rolled + 1
    start = period_start(subscription, period + 1)
    end = period_start(subscription, period + 2)
    past = _rolled_past(book, subscription, period, subscription.opened)
    rolled = msgspec.structs.replace(subscription, rolled=past)
    decision = Decision(start, product=subscription.product, subscriptions=[rolled])
    for _, state in book.grants_of(subscription):
        grant = state.grant
        if grant.period != period or grant.rollover_max is None or state.ended_at is not None:
            continue
        if grant.expires_at is not None and grant.expires_at < start:
            continue  # nothing remains of what has lapsed (rule P12)
        quantity = min(state.live.lowest_from(start), grant.rollover_max)
        if quantity <= 0:
            continue
        decision.take(state, quantity, Account.REVOKED, start)
        decision.issue(
            Grant(
                id=grant_id(context.sequence, len(decision.grants) + 1),
                customer=grant.customer,
                entitlement=grant.entitlement,
                quantity=quantity,
                priority=grant.priority,
                category=grant.category,
                effective_from=start,
                expires_at=None if grant.expires_at is None else end,
                parent=grant.id,
                subscription=subscription.id,
            )
        )
    return decision
