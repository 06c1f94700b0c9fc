"""What the writer looks up, as it was at one moment, in a few arrays in memory.

Which keys were ever used, and what is left of every grant: some 8 bytes a key and 60 a grant that
something is left of. Found by hash, without asking the database. It says nothing of whom or what
has been concerned since that moment; that is `remembering`'s business.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, case, cast, func, or_, select

from entitlement_ledger.domain.book import HoldingKey
from entitlement_ledger.domain.catalogue import Category
from entitlement_ledger.domain.events import grant_id
from entitlement_ledger.domain.holdings import burn_order
from entitlement_ledger.domain.plain import Lot, Standing
from entitlement_ledger.store.arrays import Numbers, Texts, in_arrays
from entitlement_ledger.store.dialect import microseconds, text_hash
from entitlement_ledger.store.tables import grants, idempotency, transactions

_g, _t = grants.c, transactions.c
_NEVER = (1 << 63) - 1
_BETWEEN = "\x1f"
_LOT_COLUMNS: dict[str, ColumnElement[Any]] = {
    "left": _g.available,
    "held": _g.held,
    "expires_at": func.coalesce(microseconds(_g.expires_at), _NEVER),
    "priority": _g.priority,
    "promo": case((_g.category == Category.PROMO.value, 1), else_=0),
    "effective_from": microseconds(_g.effective_from),
    "sequence": _g.sequence,
    "place": _g.place,
}


def hash_of(text: str) -> int:
    """Give the lower half of a text's MD5 as a number: the database hashes in the same way.

    What is found by it is compared or looked up; nothing is believed because of a hash.
    """
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The arrays; holders and keys by hash, lots by holder.

    Attributes:
        keys: the hash of every key.
        holders: the hash of every customer and entitlement of whom there is a grant.
        whose: who and what these are.
        unspent, last_at: as in a `Standing`.
        starts: where a holder's lots begin; the next one's is where they end.
        lots: the columns of `_LOT_COLUMNS`, in that order.
        untold: 1 where time alone changes what is held: an open hold may have an end.
    """

    keys: Numbers
    holders: Numbers
    whose: Texts
    unspent: Numbers
    last_at: Numbers
    starts: Numbers
    untold: Numbers
    lots: dict[str, Numbers]

    def may_have(self, key: str) -> bool:
        """Say whether a key may have been used; where this says no, it has not been."""
        return _place(self.keys, hash_of(key)) is not None

    def standing(self, pair: HoldingKey) -> Standing | None:
        """Give where a holding stood; None where this does not tell."""
        named = _BETWEEN.join(pair)
        place = _place(self.holders, hash_of(named))
        if place is None:
            return Standing([])
        if self.whose[place] != named or self.untold[place]:
            return None
        lots = self._lots(self.starts[place], self.starts[place + 1])
        return Standing(lots, self.unspent[place], self.last_at[place])

    def _lots(self, start: int, end: int) -> list[Lot]:
        columns = (column[start:end] for column in self.lots.values())
        lots = []
        for left, held, ends, priority, promo, begins, sequence, place in zip(
            *columns, strict=True
        ):
            until = None if ends == _NEVER else ends
            category = Category.PROMO if promo else Category.PAID
            key = burn_order(priority, until, category, begins, (sequence, place))
            lots.append(Lot(key, grant_id(sequence, place), left, held, until))
        return lots


def take_snapshot(connection: Connection) -> Snapshot:
    """Read all of it, in the transaction of the connection."""
    hashed = text_hash(idempotency.c.key).label("hash")
    keys = in_arrays(connection, select(hashed).order_by(hashed))
    holders = in_arrays(connection, _holders())
    lots = in_arrays(connection, _lots())
    return Snapshot(
        keys["hash"],
        holders["hash"],
        holders["whose"],
        holders["unspent"],
        holders["last_at"],
        array("q", accumulate(holders["lots"], initial=0)),
        holders["untold"],
        lots,
    )


def _whose() -> ColumnElement[str]:
    return _g.customer.concat(_BETWEEN).concat(_g.entitlement)


def _whole(number: ColumnElement[Any], name: str) -> ColumnElement[int]:
    """Give a sum or a count as a number of 64 bits."""
    return cast(number, BigInteger).label(name)


def _holders() -> Select[*tuple[Any, ...]]:
    hashed = text_hash(_whose()).label("hash")
    some_left = case((or_(_g.available > 0, _g.held > 0), 1), else_=0)
    held = func.max(case((_g.held > 0, 1), else_=0))
    # Whether such a hold is open is not asked: few of those who ever had one are concerned.
    ending = (
        select(_t.customer, _t.entitlement).where(_t.expires_at.is_not(None)).distinct().subquery()
    )
    had = func.max(case((ending.c.customer.is_not(None), 1), else_=0))
    both = (ending.c.customer == _g.customer) & (ending.c.entitlement == _g.entitlement)
    return (
        select(
            hashed,
            _whose().label("whose"),
            _whole(func.sum(_g.available + _g.held + _g.expired), "unspent"),
            _whole(func.max(microseconds(_g.last_at)), "last_at"),
            _whole(func.sum(some_left), "lots"),
            _whole(held * had, "untold"),
        )
        .select_from(grants.outerjoin(ending, both))
        .group_by(_g.customer, _g.entitlement)
        .order_by(hashed, _g.customer, _g.entitlement)
    )


def _lots() -> Select[*tuple[Any, ...]]:
    """Give the lots in the order of their holders, and in burn order of each."""
    burn = [_LOT_COLUMNS[name] for name in ("priority", "expires_at")]
    burn += [
        _LOT_COLUMNS["promo"].desc(),
        *(_g[n] for n in ("effective_from", "sequence", "place")),
    ]
    lots: Select[*tuple[Any, ...]] = select(
        *(_whole(each, name) for name, each in _LOT_COLUMNS.items())
    )
    lots = lots.where(or_(_g.available > 0, _g.held > 0))
    return lots.order_by(text_hash(_whose()), _g.customer, _g.entitlement, *burn)


def _place(hashes: Numbers, sought: int) -> int | None:
    """Give where a hash stands first in an array that is in order; None where it is not."""
    place = bisect_left(hashes, sought)
    return place if place < len(hashes) and hashes[place] == sought else None
