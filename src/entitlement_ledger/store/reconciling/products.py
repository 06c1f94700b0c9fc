"""What was sold and given of products: how much of which entitlement, and how often."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection, FromClause, func, literal, select, union_all

from entitlement_ledger.domain.subscriptions import Subscription
from entitlement_ledger.reconciliations import INVOICE
from entitlement_ledger.store.reconciling.compared import PAID, Period, given_ones, invoice_named
from entitlement_ledger.store.reconciling.paging import paged
from entitlement_ledger.store.tables import billing, feed_lines, grants, subscriptions

_decoder = msgspec.json.Decoder(Subscription)
_l, _g, _s, _b = feed_lines.c, grants.c, subscriptions.c, billing.c


def sold_of_products(connection: Connection, feed: str, period: Period) -> Iterator[Any]:
    """Give how often paid lines sold how much of an entitlement as part of a product."""
    groups = (_l.product, _l.entitlement, _l.quantity)
    query = (
        select(
            *groups,
            func.count().label("lines"),
            func.min(_l.line).label("line"),
            func.min(_l.reference).label("name"),
        )
        .where(
            _l.feed == feed,
            _l.status == PAID,
            _l.product != "",
            _l.entitlement != "",
            period.holds(_l.dated_at),
        )
        .group_by(*groups)
    )
    return paged(connection, "sold", query, *groups)


def given_of_products(connection: Connection, period: Period) -> Iterator[Any]:
    """Give how often how much of an entitlement was given as part of a product.

    By a subscription, or for an invoice line that the ledger has imported. What was carried over
    was given before.
    """
    by_subscription = (
        select(
            _s.product,
            _g.entitlement,
            _g.quantity,
            _g.customer,
            literal("").label("name"),
            _g.sequence,
            _g.effective_from.label("moment"),
        )
        .select_from(grants.join(subscriptions, _s.id == _g.subscription))
        .where(_g.parent.is_(None), period.holds(_g.effective_from))
    )
    given = given_ones()
    name = invoice_named(given.c.reference)
    by_invoice = (
        select(
            _b.product,
            _g.entitlement,
            _g.quantity,
            _g.customer,
            name,
            _g.sequence,
            _g.effective_from,
        )
        .select_from(
            given.join(grants, _g.sequence == given.c.sequence).join(
                billing, _b.invoice_line == name
            )
        )
        .where(
            given.c.reference.like(f"{INVOICE}%"),
            _g.subscription.is_(None),
            _b.product != "",
            period.holds(_g.effective_from),
        )
    )
    all_of_it = union_all(by_subscription, by_invoice).subquery().c
    groups = (all_of_it.product, all_of_it.entitlement, all_of_it.quantity)
    query = select(
        *groups,
        func.count().label("grants"),
        func.min(all_of_it.customer).label("customer"),
        func.min(all_of_it.name).label("name"),
        func.min(all_of_it.sequence).label("sequence"),
        func.min(all_of_it.moment).label("moment"),
    ).group_by(*groups)
    return paged(connection, "given_of_it", query, *groups)


def subscriptions_of(
    connection: Connection, lines: FromClause, first: str, last: str
) -> list[Subscription]:
    """Give the subscriptions of customers who have lines, from one customer to another."""
    of_them = select(lines.c.customer).where(lines.c.customer.between(first, last))
    query = select(_s.state).where(_s.customer.between(first, last), _s.customer.in_(of_them))
    states = connection.execute(query.order_by(_s.sequence)).scalars().all()
    return [_decoder.decode(state) for state in states]
