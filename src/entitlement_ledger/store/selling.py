"""The products that are sold, and who has them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import msgspec
from sqlalchemy import Connection, select

from entitlement_ledger.answers import ProductLineRow, ProductRow, SubscriptionRow
from entitlement_ledger.domain.catalogue import Product
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.subscriptions import Subscription, period_start
from entitlement_ledger.store.loading import products
from entitlement_ledger.store.tables import subscriptions
from entitlement_ledger.store.then import subscriptions_then

_s = subscriptions.c


def product_rows(connection: Connection, of: Sequence[str] | None = None) -> list[ProductRow]:
    """Give the newest version of every product, or of those of some codes, by code."""
    return [
        _product(code, versions[-1][1], len(versions))
        for code, versions in sorted(products(connection, of).items())
    ]


def _product(code: str, newest: Product, versions: int) -> ProductRow:
    lines = tuple(
        ProductLineRow(
            each.entitlement,
            each.quantity,
            each.valid_for,
            each.priority,
            each.category.value,
            each.rollover_max,
        )
        for each in newest.lines
    )
    return ProductRow(
        code, newest.name, newest.tier, newest.period, newest.status.value, lines, versions
    )


def subscription_rows(
    connection: Connection,
    customer: str,
    at: Instant | None = None,
    known_at: Instant | None = None,
) -> list[SubscriptionRow]:
    """Give a customer's live subscriptions, oldest first; with an instant, those of then.

    `known_at` counts with `at` only.
    """
    if at is not None:
        return [_row(each) for each in subscriptions_then(connection, customer, at, known_at)]
    rows = connection.execute(
        select(_s.state)
        .where(_s.customer == customer, _s.ended_at.is_(None))
        .order_by(_s.anchor, _s.id)
    ).all()
    return [_row(msgspec.json.decode(row.state, type=Subscription)) for row in rows]


def _row(subscription: Subscription) -> SubscriptionRow:
    until: Instant | None = None
    with suppress(ValueError):
        until = period_start(subscription, subscription.opened + 1)
    change = subscription.pending
    pending = None if change is None else f"{change.type} {change.product or ''}".rstrip()
    return SubscriptionRow(subscription.product, subscription.anchor, until, pending)
