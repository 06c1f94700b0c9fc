"""Where holdings stand: what is left of each grant, summed by the database.

A holding whose state time alone will change, because an open hold has an end, has no standing here:
it is left to the rules.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from entitlement_ledger.domain.book import HoldingKey
from entitlement_ledger.domain.events import Account
from entitlement_ledger.domain.holdings import burn_order
from entitlement_ledger.domain.plain import Lot, Standing
from entitlement_ledger.store.dialect import microseconds
from entitlement_ledger.store.holdings import of_pairs
from entitlement_ledger.store.tables import grants, postings, transactions

_FIELDS = ("id", "customer", "entitlement", "priority", "category", "sequence", "place")


def standings(connection: Connection, pairs: Collection[HoldingKey]) -> dict[HoldingKey, Standing]:
    """Give where holdings stand, of those that have a standing."""
    found = {pair: Standing([]) for pair in pairs}
    holding: set[HoldingKey] = set()
    for row in _grants_with_sums(connection, found):
        pair = row.customer, row.entitlement
        if pair not in found:
            continue
        standing = found[pair]
        standing.unspent += row.available + row.held + row.expired
        if standing.last_at is None or row.last_at > standing.last_at:
            standing.last_at = row.last_at
        if row.available or row.held:
            key = burn_order(
                row.priority,
                row.expires_at,
                row.category,
                row.effective_from,
                (row.sequence, row.place),
            )
            standing.lots.append(Lot(key, row.id, row.available, row.held, row.expires_at))
        if row.held:
            holding.add(pair)
    for pair in _with_ends(connection, holding):
        found.pop(pair, None)
    for standing in found.values():
        standing.lots.sort(key=lambda lot: lot.burn_key)
    return found


def _grants_with_sums(connection: Connection, pairs: Collection[HoldingKey]) -> Sequence[Row[Any]]:
    """Give the grants of pairs, and maybe others, with what has been posted to each."""
    g, p = grants.c, postings.c
    moved_columns = [p.grant, p.account, p.quantity, microseconds(p.effective_at).label("at")]
    times = [microseconds(g[name]).label(name) for name in ("effective_from", "expires_at")]
    with (
        of_pairs(connection, pairs, grants) as given_to,
        of_pairs(connection, pairs, postings) as to,
    ):
        moved = _apart(select(*moved_columns).where(to), "moved")
        given = _apart(select(*(g[name] for name in _FIELDS), *times).where(given_to), "given")
        sums = (
            select(
                moved.c.grant,
                *(
                    func.coalesce(
                        func.sum(moved.c.quantity).filter(moved.c.account == account.value), 0
                    ).label(account.value)
                    for account in (Account.AVAILABLE, Account.HELD, Account.EXPIRED)
                ),
                func.max(moved.c.at).label("last_at"),
            )
            .group_by(moved.c.grant)
            .subquery("sums")
        )
        joined = given.join(sums, sums.c.grant == given.c.id)
        return connection.execute(select(given, sums).select_from(joined)).all()


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
