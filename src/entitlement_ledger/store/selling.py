"""The products that are sold, and who has them."""

from __future__ import annotations

from contextlib import suppress

import msgspec
from sqlalchemy import Connection, select

from entitlement_ledger.answers import ProductRow, SubscriptionRow
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.subscriptions import Subscription, period_start
from entitlement_ledger.store.loading import products
from entitlement_ledger.store.tables import subscriptions

_s = subscriptions.c


def product_rows(connection: Connection) -> list[ProductRow]:
    """Give the newest version of every product, by code."""
    newest = {code: versions[-1][1] for code, versions in products(connection).items()}
    return [
        ProductRow(code, each.name, each.tier, each.period, each.status.value)
        for code, each in sorted(newest.items())
    ]


def subscription_rows(connection: Connection, customer: str) -> list[SubscriptionRow]:
    """Give a customer's live subscriptions, oldest first."""
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
