"""Finding due work."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from entitlement_ledger.domain.book import HoldingKey
from entitlement_ledger.domain.events import Account
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.store.tables import grants, postings

_g, _p = grants.c, postings.c


def due_holdings(connection: Connection, until: Instant) -> list[HoldingKey]:
    """Find the holdings with something left on a grant that has expired by an instant."""
    left = (
        select(_p.grant, func.sum(_p.quantity).label("quantity"))
        .where(_p.account == Account.AVAILABLE)
        .group_by(_p.grant)
        .subquery("remaining")
    )
    rows = connection.execute(
        select(_g.customer, _g.entitlement)
        .join(left, left.c.grant == _g.id)
        .where(_g.expires_at <= until, left.c.quantity > 0)
        .distinct()
        .order_by(_g.customer, _g.entitlement)
    ).all()
    return [(row.customer, row.entitlement) for row in rows]
