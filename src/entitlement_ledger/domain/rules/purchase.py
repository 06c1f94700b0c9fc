"""`purchase`: opens a subscription to a product; one grant for each of its lines."""

from __future__ import annotations

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.commands import Command
from entitlement_ledger.domain.rules.context import (
    Context,
    Decision,
    known_customer,
    not_closed,
    period_open,
)
from entitlement_ledger.domain.rules.subscribing import (
    known_product,
    not_subscribed_yet,
    not_withdrawn,
    open_period,
)
from entitlement_ledger.domain.subscriptions import Subscription, subscription_id


def decide(book: Book, command: Command, context: Context) -> Decision:
    """Decide one `purchase`. It may take effect in the future."""
    not_closed(known_customer(book, command), context)
    at = context.effective_at(command)
    product = known_product(book, command.product, at)
    not_withdrawn(book, product, context)
    subscription = Subscription(
        id=subscription_id(context.sequence),
        customer=command.customer,
        product=product.code,
        anchor=at,
        zone=command.zone,
        period=product.period,
    )
    decision = Decision(at, product=product.code, subscriptions=[subscription])
    open_period(book, decision, product, subscription, context)
    period_open(book, at)
    not_subscribed_yet(book, command.customer, product.code, at)
    return decision
