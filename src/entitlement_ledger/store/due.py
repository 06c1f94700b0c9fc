"""Finding due work."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, union

from entitlement_ledger.domain.book import HoldingKey
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import Account, Status
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.store.reversals import did
from entitlement_ledger.store.tables import (
    grants,
    postings,
    resolutions,
    subscriptions,
    transactions,
)

_g, _p, _t = grants.c, postings.c, transactions.c


def due_holdings(connection: Connection, until: Instant) -> list[HoldingKey]:
    """Find the holdings with an expired grant that has something left, or with a lapsed hold."""
    left = (
        select(_p.grant, func.sum(_p.quantity).label("quantity"))
        .where(_p.account == Account.AVAILABLE)
        .group_by(_p.grant)
        .subquery("remaining")
    )
    expired = (
        select(_g.customer, _g.entitlement)
        .join(left, left.c.grant == _g.id)
        .where(_g.expires_at <= until, left.c.quantity > 0)
    )
    resolved = select(resolutions.c.target)
    lapsed = select(_t.customer, _t.entitlement).where(
        _t.status == Status.PENDING,
        did(CommandType.HOLD),
        _t.expires_at <= until,
        _t.sequence.not_in(resolved),
    )
    rows = connection.execute(union(expired, lapsed).order_by("customer", "entitlement")).all()
    return [(row.customer, row.entitlement) for row in rows]


def due_customers(connection: Connection, until: Instant) -> list[str]:
    """Find the customers with a subscription that has something due by an instant."""
    query = select(subscriptions.c.customer).where(subscriptions.c.due_at <= until).distinct()
    return list(connection.execute(query.order_by(subscriptions.c.customer)).scalars().all())
