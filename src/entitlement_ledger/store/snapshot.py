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

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from entitlement_ledger.domain.book import HoldingKey
from entitlement_ledger.domain.plain import Standing
from entitlement_ledger.store.arrays import Numbers, Texts, in_arrays
from entitlement_ledger.store.dialect import text_hash
from entitlement_ledger.store.lots import (
    BURN_ORDER,
    LOT_COLUMNS,
    SOMETHING_LEFT,
    lots_of,
    sums,
    whole,
)
from entitlement_ledger.store.tables import grants, idempotency, transactions

_g, _t = grants.c, transactions.c
_BETWEEN = "\x1f"


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
        lots: the columns of `LOT_COLUMNS`, in that order.
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
        span = slice(self.starts[place], self.starts[place + 1])
        lots = lots_of(column[span] for column in self.lots.values())
        return Standing(lots, self.unspent[place], self.last_at[place])


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


def _holders() -> Select[*tuple[Any, ...]]:
    hashed = text_hash(_whose()).label("hash")
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
            *sums(),
            whole(held * had, "untold"),
        )
        .select_from(grants.outerjoin(ending, both))
        .group_by(_g.customer, _g.entitlement)
        .order_by(hashed, _g.customer, _g.entitlement)
    )


def _lots() -> Select[*tuple[Any, ...]]:
    """Give the lots in the order of their holders, and in burn order of each."""
    lots: Select[*tuple[Any, ...]] = select(*(whole(each, n) for n, each in LOT_COLUMNS.items()))
    whose = (text_hash(_whose()), _g.customer, _g.entitlement)
    return lots.where(SOMETHING_LEFT).order_by(*whose, *BURN_ORDER)


def _place(hashes: Numbers, sought: int) -> int | None:
    """Give where a hash stands first in an array that is in order; None where it is not."""
    place = bisect_left(hashes, sought)
    return place if place < len(hashes) and hashes[place] == sought else None
