"""The catalogue by pages, products first: filtered and counted where it is stored."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    and_,
    false,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)

from entitlement_ledger.answers import CatalogueFilter, CataloguePlace, CatalogueRow, Page
from entitlement_ledger.store.customers import entitlement_rows
from entitlement_ledger.store.searching import contains
from entitlement_ledger.store.selling import product_rows
from entitlement_ledger.store.tables import entitlements, product_versions

PRODUCT = "product"
_e, _p = entitlements.c, product_versions.c
_newest = select(_p.code, func.max(_p.sequence).label("sequence")).group_by(_p.code).subquery("new")
_sold = product_versions.join(
    _newest, and_(_newest.c.code == _p.code, _newest.c.sequence == _p.sequence)
)


def catalogue_page(
    connection: Connection, only: CatalogueFilter, *, after: CataloguePlace | None, limit: int
) -> Page[CatalogueRow, CataloguePlace]:
    """Give a page of the catalogue: products, then entitlements, each by code."""
    listed = _matching(only).subquery("listed").c
    query = select(listed.right, listed.code).order_by(listed.right, listed.code)
    if after is not None:
        right, code = after
        later = and_(listed.right.is_(right), listed.code > code)
        query = query.where(later if right else or_(listed.right.is_(True), later))
    rows = connection.execute(query.limit(limit + 1)).all()
    page = [(bool(row.right), str(row.code)) for row in rows[:limit]]
    sold = product_rows(connection, [code for right, code in page if not right])
    rights = entitlement_rows(connection, [code for right, code in page if right])
    return Page((*sold, *rights), page[-1] if len(rows) > limit else None)


def count_catalogue(connection: Connection, only: CatalogueFilter) -> int:
    """Count what a filter matches of the catalogue."""
    query = select(func.count()).select_from(_matching(only).subquery("listed"))
    return connection.execute(query).scalar_one()


def _matching(only: CatalogueFilter) -> CompoundSelect[Any]:
    """Select what a filter matches: whether it is a right, and its code."""
    products = _conditions(only, (_p.code, _p.name), _p.status)
    if only.kind is not None:
        products.append(true() if only.kind == PRODUCT else false())
    rights = _conditions(only, (_e.code, _e.name, _e.description), _e.status)
    if only.kind is not None:
        rights.append(_e.kind == only.kind)
    return union_all(
        select(literal(False).label("right"), _p.code.label("code"))
        .select_from(_sold)
        .where(*products),
        select(literal(True), _e.code).where(*rights),
    )


def _conditions(
    only: CatalogueFilter, looked_at: tuple[ColumnElement[str], ...], status: ColumnElement[str]
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if only.status is not None:
        conditions.append(status == only.status)
    if only.text:
        conditions.append(or_(*(contains(column, only.text) for column in looked_at)))
    return conditions
