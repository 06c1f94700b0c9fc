"""What is left of grants, by column: read as numbers, in burn order, and made into lots."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, case, cast, func, or_

from entitlement_ledger.domain.catalogue import Category
from entitlement_ledger.domain.holdings import burn_order
from entitlement_ledger.domain.standing import Lot, Standing
from entitlement_ledger.store.arrays import Rows
from entitlement_ledger.store.dialect import microseconds
from entitlement_ledger.store.tables import grants

_g = grants.c
_NEVER = (1 << 63) - 1
_PROMO, _PAID = Category.PROMO, Category.PAID
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


SUMS: dict[str, ColumnElement[Any]] = {
    "unspent": func.sum(_g.available + _g.held + _g.expired),
    "last_at": func.max(microseconds(_g.last_at)),
    "left": func.sum(_g.available),
    "held": func.sum(_g.held),
    "ending": func.sum(case((SOMETHING_LEFT & _g.expires_at.is_not(None), 1), else_=0)),
}
"""What a `Standing` says of all grants of a holding, in its order."""


def sums() -> list[ColumnElement[int]]:
    """Give the sums of `SUMS` for a holding, where grants are grouped by it, and how many lots."""
    lots = func.sum(case((SOMETHING_LEFT, 1), else_=0))
    return [*(whole(each, name) for name, each in SUMS.items()), whole(lots, "lots")]


class Lots:
    """Lots of many holdings, those of each one after another, in burn order."""

    def __init__(self, columns: Mapping[str, array[int]]) -> None:
        self._rows = Rows([columns[name] for name in LOT_COLUMNS])

    def standing(self, start: int, end: int, sums: Sequence[int]) -> Standing:
        """Give a holding whose lots are those from one place to another; `sums` as `SUMS`.

        Most commands need the first lot only: the others are made when they are needed.
        """
        unspent, last_at, left, held, ending = sums
        if end <= start + 1:
            return Standing(self.some(start, end), unspent, last_at, left, held, ending)
        first = [_lot(*self._rows[start])]
        return Standing(first, unspent, last_at, left, held, ending, self, start + 1, end)

    def some(self, start: int, end: int) -> list[Lot]:
        """Make the lots from one place, which is in, to another, which is out."""
        return [_lot(*self._rows[place]) for place in range(start, end)]


def _lot(
    left: int,
    held: int,
    ends: int,
    priority: int,
    promo: int,
    begins: int,
    sequence: int,
    place: int,
) -> Lot:
    until = None if ends == _NEVER else ends
    category = _PROMO if promo else _PAID
    return Lot(burn_order(priority, until, category, begins, (sequence, place)), left, held, until)
