"""What is left of grants, by column: read as numbers, in burn order, and made into lots."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, case, cast, func, or_

from entitlement_ledger.domain.catalogue import Category
from entitlement_ledger.domain.holdings import burn_order
from entitlement_ledger.domain.plain import Lot
from entitlement_ledger.store.dialect import microseconds
from entitlement_ledger.store.tables import grants

_g = grants.c
_NEVER = (1 << 63) - 1
LOT_COLUMNS: dict[str, ColumnElement[Any]] = {
    "left": _g.available,
    "held": _g.held,
    "expires_at": func.coalesce(microseconds(_g.expires_at), _NEVER),
    "priority": _g.priority,
    "promo": case((_g.category == Category.PROMO.value, 1), else_=0),
    "effective_from": microseconds(_g.effective_from),
    "sequence": _g.sequence,
    "place": _g.place,
}
SOMETHING_LEFT = or_(_g.available > 0, _g.held > 0)
BURN_ORDER: tuple[ColumnElement[Any], ...] = (
    LOT_COLUMNS["priority"],
    LOT_COLUMNS["expires_at"],
    LOT_COLUMNS["promo"].desc(),
    _g.effective_from,
    _g.sequence,
    _g.place,
)
"""As in `domain.holdings.burn_order`."""


def whole(number: ColumnElement[Any], name: str) -> ColumnElement[int]:
    """Give a sum or a count as a number of 64 bits."""
    return cast(number, BigInteger).label(name)


def sums() -> list[ColumnElement[int]]:
    """Give what a `Standing` says of all grants of a holding, where these are grouped by it."""
    return [
        whole(func.sum(_g.available + _g.held + _g.expired), "unspent"),
        whole(func.max(microseconds(_g.last_at)), "last_at"),
        whole(func.sum(case((SOMETHING_LEFT, 1), else_=0)), "lots"),
    ]


def lots_of(columns: Iterable[Iterable[int]]) -> list[Lot]:
    """Give the lots that columns say, which are those of `LOT_COLUMNS` in that order."""
    lots = []
    for left, held, ends, priority, promo, begins, sequence, place in zip(*columns, strict=True):
        until = None if ends == _NEVER else ends
        category = Category.PROMO if promo else Category.PAID
        key = burn_order(priority, until, category, begins, (sequence, place))
        lots.append(Lot(key, left, held, until))
    return lots
