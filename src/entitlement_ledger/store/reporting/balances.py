"""`balances`: what every customer has of every entitlement they were given a grant of."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, case, func, select

from entitlement_ledger.domain.events import Account
from entitlement_ledger.store.reporting.asked import Asked
from entitlement_ledger.store.reporting.columns import columns
from entitlement_ledger.store.reporting.moves import grants_known, standings, total, usable
from entitlement_ledger.store.reporting.sources import Sources

COLUMNS = columns(
    "customer segment status entitlement kind unit scale:integer "
    "available:integer held:integer expires_next:instant"
)


def query(sources: Sources, asked: Asked) -> Select[Any]:
    """Give one row a customer and entitlement; a balance is that of `Ledger.balances`."""
    given = grants_known(asked)
    stands = standings(asked, asked.at, (Account.AVAILABLE, Account.HELD))
    g, s, c, e = given.c, stands.c, sources.customers.c, sources.entitlements.c
    counts = usable(g, asked.at)
    something = counts & ((s.available != 0) | (s.held != 0))
    sums = (
        select(
            g.customer,
            g.entitlement,
            total(s.available, counts).label("available"),
            total(s.held, counts).label("held"),
            func.min(case((something, g.expires_at))).label("expires_next"),
        )
        .select_from(given.outerjoin(stands, s.grant == g.id))
        .group_by(g.customer, g.entitlement)
        .cte("sums")
    )
    rows = sums.outerjoin(sources.customers, c.id == sums.c.customer).outerjoin(
        sources.entitlements, e.code == sums.c.entitlement
    )
    return (
        select(
            sums.c.customer,
            c.segment,
            c.status,
            sums.c.entitlement,
            e.kind,
            e.unit,
            e.scale,
            sums.c.available,
            sums.c.held,
            sums.c.expires_next,
        )
        .select_from(rows)
        .where(*asked.filtered(segment=c.segment))
        .order_by(sums.c.customer, sums.c.entitlement)
    )
