"""Where holdings stand: what is left of each grant.

A holding whose state time alone will change, because an open hold has an end, has no standing here:
it is left to the rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, select

from entitlement_ledger.domain.book import HoldingKey
from entitlement_ledger.domain.events import grant_id
from entitlement_ledger.domain.holdings import burn_order
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.plain import Lot, Standing
from entitlement_ledger.store.dialect import microseconds
from entitlement_ledger.store.holdings import CUSTOMERS_BY_INDEX_MAX, of_pairs
from entitlement_ledger.store.tables import grants, transactions
from entitlement_ledger.store.written import LookUp

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
    found = {pair: Standing([]) for pair in pairs}
    holding: set[HoldingKey] = set()
    # As tuples: to ask a row for each of its columns by name takes longer than to read it.
    for whose, what, available, held, expired, last_at, expires_at, *order, _ in map(
        tuple, _grants(connection, found)
    ):
        standing = found.get((whose, what))
        if standing is None:
            continue
        standing.unspent += available + held + expired
        if standing.last_at is None or last_at > standing.last_at:
            standing.last_at = last_at
        if available or held:
            priority, category, effective_from, sequence, place = order
            key = burn_order(priority, expires_at, category, effective_from, (sequence, place))
            grant = grant_id(sequence, place)
            standing.add(Lot(key, grant, available, held, expires_at))
        if held:
            holding.add((whose, what))
    for pair in _with_ends(connection, holding):
        found.pop(pair, None)
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


def _grants(connection: Connection, pairs: Collection[HoldingKey]) -> Iterable[Any]:
    """Give the grants of pairs, and maybe others."""
    whose = sorted({customer for customer, _ in pairs})
    if len(whose) <= CUSTOMERS_BY_INDEX_MAX:
        return _of_customers.rows(connection, whose, alone=True)
    with of_pairs(connection, pairs, grants) as wanted:
        return connection.execute(select(*_COLUMNS).where(wanted)).all()


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
