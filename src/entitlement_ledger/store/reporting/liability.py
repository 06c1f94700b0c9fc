"""`liability`: what is still owed, by when it lapses, with what is expected to lapse unused."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select

from entitlement_ledger.domain.events import Account
from entitlement_ledger.store.copying import divided, month_of
from entitlement_ledger.store.reporting.asked import Asked
from entitlement_ledger.store.reporting.columns import columns
from entitlement_ledger.store.reporting.moves import grants_known, standings, total, usable
from entitlement_ledger.store.reporting.sources import Sources

COLUMNS = columns(
    "entitlement kind unit scale:integer expiry_month category grants:integer outstanding:total "
    "past_granted:total past_expired:total expected_to_lapse:total"
)


def query(sources: Sources, asked: Asked) -> Select[Any]:
    """Give one row an entitlement, month of expiry (null: never) and category.

    What is expected to lapse is the share that lapsed unused of all grants of that entitlement and
    category that are over: whole units, rounded down.
    """
    given = grants_known(asked)
    stands = standings(asked, asked.at, (Account.AVAILABLE, Account.HELD, Account.EXPIRED))
    g, s, e = given.c, stands.c, sources.entitlements.c
    of_grants = given.join(stands, s.grant == g.id)
    left = (
        select(
            g.entitlement,
            month_of(g.expires_at).label("expiry_month"),
            g.category,
            (s.available + s.held).label("quantity"),
        )
        .select_from(of_grants)
        .where(usable(g, asked.at), s.available + s.held != 0)
        .cte("left_over")
    )
    by = (left.c.entitlement, left.c.expiry_month, left.c.category)
    owed = (
        select(*by, func.count().label("grants"), total(left.c.quantity).label("outstanding"))
        .group_by(*by)
        .cte("owed")
    )
    past = (
        select(
            g.entitlement,
            g.category,
            total(g.quantity).label("granted"),
            total(s.available + s.expired).label("expired"),
        )
        .select_from(of_grants)
        .where(g.expires_at <= asked.at)
        .group_by(g.entitlement, g.category)
        .cte("past")
    )
    o, p = owed.c, past.c
    rows = owed.outerjoin(
        past, (p.entitlement == o.entitlement) & (p.category == o.category)
    ).outerjoin(sources.entitlements, e.code == o.entitlement)
    granted, expired = func.coalesce(p.granted, 0), func.coalesce(p.expired, 0)
    return (
        select(
            o.entitlement,
            e.kind,
            e.unit,
            e.scale,
            o.expiry_month,
            o.category,
            o.grants,
            o.outstanding,
            granted.label("past_granted"),
            expired.label("past_expired"),
            case(
                (o.expiry_month.is_(None) | (granted == 0), 0),
                else_=_share(o.outstanding, expired, granted),
            ).label("expected_to_lapse"),
        )
        .select_from(rows)
        .order_by(o.entitlement, o.expiry_month.nulls_last(), o.category)
    )


def _share(
    whole: ColumnElement[Any], part: ColumnElement[Any], of: ColumnElement[Any]
) -> ColumnElement[Any]:
    """Give whole * part // of, without the product, which might pass 128 bits."""
    return divided(whole, of) * part + divided(whole % of * part, of)
