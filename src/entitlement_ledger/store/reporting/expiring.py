"""`expiring`: the grants that lapse within a span and still hold something."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from entitlement_ledger.domain.events import Account
from entitlement_ledger.store.reporting.asked import Asked
from entitlement_ledger.store.reporting.columns import columns
from entitlement_ledger.store.reporting.moves import grants_known, standings, usable
from entitlement_ledger.store.reporting.sources import Sources

COLUMNS = columns(
    "customer segment entitlement unit scale:integer grant expires_at:instant "
    "available:integer held:integer category product"
)


def query(sources: Sources, asked: Asked) -> Select[Any]:
    """Give one row a grant that is usable at `at` and lapses in the span, the earliest first."""
    given = grants_known(asked)
    stands = standings(asked, asked.at, (Account.AVAILABLE, Account.HELD))
    g, s, c, e = given.c, stands.c, sources.customers.c, sources.entitlements.c
    rows = (
        given.join(stands, s.grant == g.id)
        .outerjoin(sources.customers, c.id == g.customer)
        .outerjoin(sources.entitlements, e.code == g.entitlement)
    )
    return (
        select(
            g.customer,
            c.segment,
            g.entitlement,
            e.unit,
            e.scale,
            g.id.label("grant"),
            g.expires_at,
            s.available,
            s.held,
            g.category,
            g.product,
        )
        .select_from(rows)
        .where(
            usable(g, asked.at),
            g.expires_at.is_not(None),
            (s.available != 0) | (s.held != 0),
            *asked.within(g.expires_at),
            *asked.filtered(segment=c.segment, product=g.product),
        )
        .order_by(g.expires_at, g.customer, g.entitlement, g.sequence, g.place)
    )
