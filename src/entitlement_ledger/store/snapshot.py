"""What the writer looks up, as it was at one moment, in a few arrays in memory.

Which keys were ever used, which customers there are, and what is left of every grant: some 8 bytes
a key, 12 and the id a customer, 64 a grant that something is left of. Found by hash, without asking
the database. It says nothing of whom or what has been concerned since that moment; that is
`remembering`'s business.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from entitlement_ledger.domain.book import HoldingKey
from entitlement_ledger.domain.standing import Standing
from entitlement_ledger.store.arrays import Hashes, Rows, Texts, in_arrays
from entitlement_ledger.store.dialect import text_hash
from entitlement_ledger.store.lots import (
    BURN_ORDER,
    LOT_COLUMNS,
    SOMETHING_LEFT,
    SUMS,
    Lots,
    sums,
    whole,
)
from entitlement_ledger.store.tables import customers, grants, idempotency, transactions

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
    """The arrays; keys, customers and holders by hash, lots by holder.

    Attributes:
        keys: the hash of every key.
        customers: the hash of every customer's id; these are `ids`.
        holders: the hash of every customer and entitlement of whom there is a grant.
        whose: who and what these are.
        known: of each of them 1 where time alone changes what is held, since an open hold may have
            an end; then what a `Standing` says, and where its lots begin and end.
        lots: of all of them.
    """

    keys: Hashes
    customers: Hashes
    ids: Texts
    holders: Hashes
    whose: Texts
    known: Rows
    lots: Lots

    def may_have(self, key: str) -> bool:
        """Say whether a key may have been used; where this says no, it has not been."""
        return self.keys.place(hash_of(key)) is not None

    def has(self, customer: str) -> bool:
        """Say whether there surely is such a customer: none is ever removed."""
        place = self.customers.place(hash_of(customer))
        return place is not None and self.ids[place] == customer

    def standings(self, pairs: Iterable[HoldingKey]) -> dict[HoldingKey, Standing]:
        """Give where holdings stood, of those of which this tells."""
        found = {}
        for pair in pairs:
            named = _BETWEEN.join(pair)
            place = self.holders.place(hash_of(named))
            if place is None:
                found[pair] = Standing.empty()
                continue
            untold, *sums, start, end = self.known[place]
            if not untold and self.whose[place] == named:
                found[pair] = self.lots.standing(start, end, sums)
        return found


def take_snapshot(connection: Connection) -> Snapshot:
    """Read all of it, in the transaction of the connection."""
    hashed = text_hash(idempotency.c.key).label("hash")
    keys = in_arrays(connection, select(hashed).order_by(hashed))
    named = text_hash(customers.c.id).label("hash")
    everybody = in_arrays(connection, select(named, customers.c.id).order_by(named))
    holders = in_arrays(connection, _holders())
    lots = Lots(in_arrays(connection, _lots()))
    starts = array("q", accumulate(holders["lots"], initial=0))
    sums_of_each = (holders[name] for name in SUMS)
    known = Rows([holders["untold"], *sums_of_each, starts[:-1], starts[1:]])
    return Snapshot(
        Hashes(keys["hash"]),
        Hashes(everybody["hash"]),
        everybody["id"],
        Hashes(holders["hash"]),
        holders["whose"],
        known,
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
            whole(held * had, "untold"),
            *sums(),
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
