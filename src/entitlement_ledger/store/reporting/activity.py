"""`usage` and `allocation`: what was drawn and what was given, by month, product and segment."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, case, func, select

from entitlement_ledger.domain.events import Account
from entitlement_ledger.store.copying import month_of
from entitlement_ledger.store.reporting.asked import Asked
from entitlement_ledger.store.reporting.columns import columns
from entitlement_ledger.store.reporting.moves import grants_known, total
from entitlement_ledger.store.reporting.sources import Sources
from entitlement_ledger.store.tables import postings, transactions

_BY = "month entitlement unit scale:integer product segment "
USAGE_COLUMNS = columns(_BY + "draws:integer consumed:total customers:integer")
ALLOCATION_COLUMNS = columns(
    _BY + "grants:integer quantity:total carried_over:total customers:integer"
)


def usage(sources: Sources, asked: Asked) -> Select[Any]:
    """Give what was consumed, less what was reversed, in the month in which each counts."""
    given = grants_known(asked)
    g, p, t, c = given.c, postings.c, transactions.c, sources.customers.c
    # The product that the grant came with, else the one that the transaction names.
    product = func.coalesce(g.product, t.product)
    drawn = (
        select(
            month_of(p.effective_at).label("month"),
            g.entitlement,
            product.label("product"),
            c.segment,
            g.customer,
            p.quantity,
            p.sequence,
        )
        .select_from(
            given.join(postings, p.grant == g.id)
            .join(transactions, t.sequence == p.sequence)
            .outerjoin(sources.customers, c.id == g.customer)
        )
        .where(
            p.account == Account.CONSUMED,
            p.sequence <= asked.known,
            *asked.within(p.effective_at),
            *asked.filtered(product=product, segment=c.segment),
        )
        .cte("drawn")
    )
    d = drawn.c
    return _by_month(
        sources,
        drawn,
        draws=func.count(case((d.quantity > 0, d.sequence)).distinct()),
        consumed=total(d.quantity),
    )


def allocation(sources: Sources, asked: Asked) -> Select[Any]:
    """Give what was granted, in the month from which each counts; some of it was carried over."""
    given = grants_known(asked)
    g, t, c = given.c, transactions.c, sources.customers.c
    product = func.coalesce(g.product, t.product)
    granted = (
        select(
            month_of(g.effective_from).label("month"),
            g.entitlement,
            product.label("product"),
            c.segment,
            g.customer,
            g.quantity,
            g.parent,
        )
        .select_from(
            given.join(transactions, t.sequence == g.sequence).outerjoin(
                sources.customers, c.id == g.customer
            )
        )
        .where(
            *asked.within(g.effective_from),
            *asked.filtered(product=product, segment=c.segment),
        )
        .cte("granted")
    )
    return _by_month(
        sources,
        granted,
        grants=func.count(),
        quantity=total(granted.c.quantity),
        carried_over=total(granted.c.quantity, granted.c.parent.is_not(None)),
    )


def _by_month(sources: Sources, rows: CTE, **figures: ColumnElement[Any]) -> Select[Any]:
    """Sum rows up by month, entitlement, product and segment."""
    by = (rows.c.month, rows.c.entitlement, rows.c.product, rows.c.segment)
    sums = (
        select(
            *by,
            *(each.label(name) for name, each in figures.items()),
            func.count(rows.c.customer.distinct()).label("customers"),
        )
        .group_by(*by)
        .cte("by_month")
    )
    s, e = sums.c, sources.entitlements.c
    return (
        select(
            s.month,
            s.entitlement,
            e.unit,
            e.scale,
            s.product,
            s.segment,
            *(s[name] for name in figures),
            s.customers,
        )
        .select_from(sums.outerjoin(sources.entitlements, e.code == s.entitlement))
        .order_by(s.month, s.entitlement, s.product.nulls_last(), s.segment.nulls_last())
    )
