"""`upgrade` and `downgrade`: one subscription becomes another, at once or at the period's end."""

from __future__ import annotations

import msgspec

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.commands import Command
from entitlement_ledger.domain.events import Status
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.rules.context import (
    Context,
    Decision,
    known_customer,
    not_ahead,
    not_closed,
    period_open,
)
from entitlement_ledger.domain.rules.subscribing import (
    drop,
    end_subscription,
    known_product,
    live_subscription,
    not_subscribed_yet,
    not_withdrawn,
    open_period,
    period_at,
    period_start,
    right_tier,
)
from entitlement_ledger.domain.subscriptions import Change, Subscription, subscription_id

PERIOD_END = "period_end"


def decide(book: Book, command: Command, context: Context) -> Decision:
    """Decide one `upgrade` or `downgrade`."""
    not_closed(known_customer(book, command), context)
    at = context.effective_at(command)
    old = known_product(book, command.product, at)
    new = known_product(book, command.to, at)
    not_withdrawn(book, new, context)
    not_ahead(at, context)
    period_open(book, at)
    subscription = live_subscription(book, command.customer, old.code, at, context)
    not_subscribed_yet(book, command.customer, new.code, at)
    right_tier(command, old, new)
    if command.timing == PERIOD_END:
        return postponed(subscription, command, at, context)
    return changed(book, subscription, new.code, at, context, carry_over=command.carry_over)


def changed(
    book: Book,
    subscription: Subscription,
    product: str,
    at: Instant,
    context: Context,
    *,
    carry_over: str,
) -> Decision:
    """Change a subscription at an instant, which is the anchor of the new one (rule P9)."""
    new = known_product(book, product, at)
    following = Subscription(
        id=subscription_id(context.sequence),
        customer=subscription.customer,
        product=new.code,
        anchor=at,
        zone=subscription.zone,
        period=new.period,
    )
    decision = Decision(at, product=new.code)
    carry_to = following.id if carry_over == "remaining" else None
    end_subscription(book, decision, subscription, at, carry_to=carry_to, context=context)
    decision.subscriptions.append(following)
    open_period(book, decision, new, following, context)
    return decision


def postponed(
    subscription: Subscription, command: Command, at: Instant, context: Context
) -> Decision:
    """Note what is to happen at the current period's end, in place of what was noted before."""
    ends = period_start(subscription, period_at(subscription, at) + 1)
    product = command.to or None
    change = Change(
        type=command.type.value,
        product=product,
        carry_over=command.carry_over,
        at=ends,
        sequence=context.sequence,
    )
    decision = Decision(at, product=product or subscription.product, status=Status.PENDING)
    if subscription.pending is not None:
        drop(decision, [subscription.pending])
    decision.subscriptions.append(msgspec.structs.replace(subscription, pending=change))
    return decision
