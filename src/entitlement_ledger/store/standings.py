"""Where holdings stand: what is left of each grant.

A holding whose state time alone will change, because an open hold has an end, has no standing here:
it is left to the rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Select, String, column, select, table

from entitlement_ledger.domain.book import HoldingKey
from entitlement_ledger.domain.holdings import burn_order
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.standing import Lot, Standing
from entitlement_ledger.store.arrays import in_arrays
from entitlement_ledger.store.dialect import Columns, microseconds, standing_by
from entitlement_ledger.store.holdings import CUSTOMERS_BY_INDEX_MAX, of_pairs
from entitlement_ledger.store.lots import (
    BURN_ORDER,
    LOT_COLUMNS,
    SOMETHING_LEFT,
    Lots,
    sums,
    whole,
)
from entitlement_ledger.store.tables import grants, transactions
from entitlement_ledger.store.written import LookUp, ensure_transaction

_g = grants.c
# Without the id, which can be told: reading it would take longer than all the others.
_COLUMNS = (
    _g.customer,
    _g.entitlement,
    _g.available,
    _g.held,
    _g.expired,
    microseconds(_g.last_at),
    microseconds(_g.expires_at),
    _g.priority,
    _g.category,
    microseconds(_g.effective_from),
    _g.sequence,
    _g.place,
    _g.quantity,
)
_of_customers = LookUp(_g.customer, *_COLUMNS)


def standings(connection: Connection, pairs: Collection[HoldingKey]) -> dict[HoldingKey, Standing]:
    """Give where holdings stand, of those that have a standing."""
    few = len({customer for customer, _ in pairs}) <= CUSTOMERS_BY_INDEX_MAX
    found = _of_few(connection, pairs) if few else _of_many(connection, pairs)
    for pair in _with_ends(connection, {pair for pair, each in found.items() if each.held}):
        found.pop(pair, None)
    return found


def _of_few(connection: Connection, pairs: Collection[HoldingKey]) -> dict[HoldingKey, Standing]:
    """Ask for all grants of a few customers, by index."""
    found = {pair: Standing.empty() for pair in pairs}
    whose = sorted({customer for customer, _ in pairs})
    rows = _of_customers.rows(connection, whose, alone=True) if whose else []
    # As tuples: to ask a row for each of its columns by name takes longer than to read it.
    for customer, what, available, held, expired, last_at, expires_at, *order, _ in rows:
        standing = found.get((customer, what))
        if standing is None:
            continue
        standing.unspent += available + held + expired
        if standing.last_at is None or last_at > standing.last_at:
            standing.last_at = last_at
        if available or held:
            priority, category, effective_from, sequence, place = order
            key = burn_order(priority, expires_at, category, effective_from, (sequence, place))
            standing.add(Lot(key, available, held, expires_at))
    return found


_asked = table(
    "asked_holdings",
    column("place", BigInteger),
    column("customer", String()),
    column("entitlement", String()),
)
_of_asked = grants.join(
    _asked, (_asked.c.customer == _g.customer) & (_asked.c.entitlement == _g.entitlement)
)
_sums_of_asked: Select[*tuple[Any, ...]] = (
    select(_asked.c.place, *sums())
    .select_from(_of_asked)
    .group_by(_asked.c.place)
    .order_by(_asked.c.place)
)
_lots_of_asked: Select[*tuple[Any, ...]] = (
    select(*(whole(each, name) for name, each in LOT_COLUMNS.items()))
    .select_from(_of_asked)
    .where(SOMETHING_LEFT)
    .order_by(_asked.c.place, *BURN_ORDER)
)


def _of_many(connection: Connection, pairs: Collection[HoldingKey]) -> dict[HoldingKey, Standing]:
    """Have the database sum up and put in order: a row a holding, and one a lot, numbers only."""
    found = {pair: Standing.empty() for pair in pairs}
    ordered = list(found)
    places = list(range(len(ordered)))
    customers, entitlements = (list(each) for each in zip(*ordered, strict=True))
    values: Columns = {"place": places, "customer": customers, "entitlement": entitlements}
    # Both as of one moment: what is being projected beside may be committed between them.
    ensure_transaction(connection)
    with standing_by(connection, _asked, values):
        each_sums = in_arrays(connection, _sums_of_asked)
        lots = Lots(in_arrays(connection, _lots_of_asked))
    start = 0
    for place, *known, count in zip(*each_sums.values(), strict=True):
        found[ordered[place]] = lots.standing(start, start + count, known)
        start += count
    return found


class Sums(NamedTuple):
    """What grants of one entitlement that are usable at an instant come to.

    Attributes:
        granted: what they were given with.
        expires_next: the first end of one that something is left of.
    """

    available: int = 0
    held: int = 0
    granted: int = 0
    expires_next: Instant | None = None


def settled(connection: Connection, customer: str, at: Instant) -> dict[str, Sums | None]:
    """Give what a customer has of each entitlement that there are grants of.

    None where the accounts do not tell: something is posted later than the instant, or the end of a
    hold is to be read.
    """
    found = _summed(_of_customers.rows(connection, [customer], alone=True), at)
    if all(sums is not None and not sums.held for sums in found.values()):
        return found
    # More is to be asked, and all of it as of one moment.
    found = _summed(_of_customers.rows(connection, [customer]), at)
    holding = {(customer, code) for code, sums in found.items() if sums and sums.held}
    for _, code in _with_ends(connection, holding):
        found[code] = None
    return found


def _summed(rows: Iterable[Any], at: Instant) -> dict[str, Sums | None]:
    """Sum up grants by entitlement; None where something is posted later, or begins later."""
    found: dict[str, Sums | None] = {}
    for row in rows:
        _, code, available, held, _, last_at, expires_at, _, _, effective_from, *_, quantity = row
        sums = found.setdefault(code, Sums())
        if last_at > at or effective_from > at:
            found[code] = None
        if sums is None or found[code] is None or (expires_at is not None and expires_at <= at):
            continue
        ends = [each for each in (sums.expires_next, expires_at) if each is not None]
        found[code] = Sums(
            sums.available + available,
            sums.held + held,
            sums.granted + quantity,
            min(ends, default=None) if available or held else sums.expires_next,
        )
    return found


def _with_ends(connection: Connection, pairs: Collection[HoldingKey]) -> set[HoldingKey]:
    """Give the pairs of which a hold with an end has been recorded, open or not."""
    if not pairs:
        return set()
    t = transactions.c
    with of_pairs(connection, pairs, transactions) as wanted:
        of_them = _apart(select(t.customer, t.entitlement, t.expires_at).where(wanted), "of_them")
        ending = select(of_them.c.customer, of_them.c.entitlement).distinct()
        rows = connection.execute(ending.where(of_them.c.expires_at.is_not(None))).all()
    return {(row.customer, row.entitlement) for row in rows}


def _apart(query: Select[Any], name: str) -> Any:
    """Have a query answered by itself: an index serves only where nothing else is asked."""
    return query.cte(name).prefix_with("MATERIALIZED")
