"""What customers hold, read from the projections: grants, what moved on them, holds, endings.

An index is used where its column is the only condition of a statement. So for a few customers all
rows of theirs are read, and what was not asked for is left out here; for many, pairs are joined.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, FromClause, select

from entitlement_ledger.domain.book import Book, HoldingKey, without
from entitlement_ledger.domain.catalogue import Category
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import Account, Grant, Status
from entitlement_ledger.domain.holdings import GrantState, Holding, Pin
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.store.dialect import among, microseconds
from entitlement_ledger.store.reversals import did
from entitlement_ledger.store.tables import (
    endings,
    grants,
    lapses,
    postings,
    resolutions,
    transactions,
)

Moves = dict[str, list[tuple[Instant, int, Account, int]]]
"""By grant: when, in which transaction, on which account, how much."""

CUSTOMERS_BY_INDEX_MAX = 100
_NAMES = [each.name for each in msgspec.structs.fields(Grant)]


def load_holdings(
    connection: Connection,
    book: Book,
    pairs: Iterable[HoldingKey],
    *,
    known: int | None = None,
) -> None:
    """Load what customers hold of entitlements, as far as the book does not know it yet.

    `known` leaves out every event after that sequence: what was not known then.
    """
    lacking = without(pairs, book.holdings)
    if not lacking:
        return
    by_pair: dict[HoldingKey, list[GrantState]] = {pair: [] for pair in sorted(lacking)}
    for state in _grant_states(connection, lacking, known):
        by_pair[state.grant.customer, state.grant.entitlement].append(state)
    given = {pair for pair, states in by_pair.items() if states}
    moves = _moves(connection, given, known) if given else {}
    pins = _pins(connection, moves, known)
    ended = _endings(connection, given, known) if given else {}
    for pair, states in by_pair.items():
        for state in states:
            for at, _, account, quantity in moves.get(state.grant.id, ()):
                state.apply(account, quantity, at)
        names = [state.grant.id for state in states]
        book.holdings[pair] = Holding.of(
            states,
            [(name, hold, pin) for name in names for hold, pin in pins.get(name, ())],
            [(name, ended[name]) for name in names if name in ended],
        )


@contextmanager
def of_pairs(
    connection: Connection, pairs: Collection[HoldingKey], table: FromClause
) -> Iterator[ColumnElement[bool]]:
    """Give a condition that holds for rows of these pairs, and maybe for others of theirs."""
    whose = sorted({customer for customer, _ in pairs})
    if len(whose) <= CUSTOMERS_BY_INDEX_MAX:
        yield table.c.customer.in_(whose)
        return
    columns = (table.c.customer, table.c.entitlement)
    with among(connection, sorted(pairs), *columns) as wanted:
        yield wanted


def _grant_states(
    connection: Connection, pairs: Collection[HoldingKey], known: int | None
) -> list[GrantState]:
    """Give the grants of pairs, in the order in which they were given."""
    g = grants.c
    times = ("effective_from", "expires_at")
    columns = [microseconds(g[name]) if name in times else g[name] for name in _NAMES]
    with of_pairs(connection, pairs, grants) as wanted:
        rows = connection.execute(select(g.sequence, g.place, *columns).where(wanted)).all()
    states = []
    for sequence, _, *values in sorted(map(tuple, rows), key=lambda row: row[:2]):
        fields: dict[str, Any] = dict(zip(_NAMES, values, strict=True))
        if (fields["customer"], fields["entitlement"]) in pairs and _is_known(sequence, known):
            fields["category"] = Category(fields["category"])
            states.append(GrantState(Grant(**fields)))
    return states


def _is_known(sequence: int, known: int | None) -> bool:
    return known is None or sequence <= known


def _moves(connection: Connection, pairs: Collection[HoldingKey], known: int | None) -> Moves:
    """Give what was posted to the accounts of grants, in order of time."""
    p = postings.c
    with of_pairs(connection, pairs, postings) as wanted:
        rows = connection.execute(
            select(p.grant, microseconds(p.effective_at), p.sequence, p.account, p.quantity).where(
                wanted
            )
        ).all()
    moves: Moves = {}
    for grant, at, sequence, account, quantity in rows:
        if account != Account.ISSUANCE and _is_known(sequence, known):
            moves.setdefault(grant, []).append((at, sequence, Account(account), quantity))
    for each in moves.values():
        each.sort()
    return moves


def _pins(
    connection: Connection, moves: Moves, known: int | None
) -> dict[str, list[tuple[int, Pin]]]:
    """Give what holds that nobody has captured or released keep, by grant."""
    held = sorted(
        (sequence, grant, quantity)
        for grant, moved in moves.items()
        for _, sequence, account, quantity in moved
        if account is Account.HELD and quantity > 0
    )
    open_holds = _open_holds(connection, sorted({sequence for sequence, _, _ in held}), known)
    ends = _ends(connection, sorted(open_holds), known)
    pins: dict[str, list[tuple[int, Pin]]] = {}
    for hold, grant, quantity in held:
        if hold in open_holds:
            account = ends.get((hold, grant))
            recorded = None if account in (None, Account.HELD) else account
            pins.setdefault(grant, []).append((hold, Pin(quantity, open_holds[hold], recorded)))
    return pins


def _open_holds(
    connection: Connection, sequences: list[int], known: int | None
) -> dict[int, Instant | None]:
    """Give those holds among transactions that nobody has captured or released, and their ends."""
    t, r = transactions.c, resolutions.c
    if not sequences:
        return {}
    with among(connection, sequences, r.target) as wanted:
        rows = connection.execute(select(r.target, r.status, r.sequence).where(wanted)).all()
    resolved = {
        target
        for target, status, sequence in rows
        if status != Status.EXPIRED and _is_known(sequence, known)
    }
    left = [each for each in sequences if each not in resolved]
    if not left:
        return {}
    with among(connection, left, t.sequence) as wanted:
        holds = connection.execute(
            select(t.sequence, t.expires_at).where(wanted, did(CommandType.HOLD))
        ).all()
    return {row.sequence: row.expires_at for row in holds}


def _ends(
    connection: Connection, holds: list[int], known: int | None
) -> dict[tuple[int, str], Account]:
    """Give where the end of a hold on a grant was posted to, the latest counting."""
    each = lapses.c
    if not holds:
        return {}
    columns = (each.sequence, each.place, each.hold, each.grant, each.account)
    with among(connection, holds, each.hold) as wanted:
        rows = connection.execute(select(*columns).where(wanted)).all()
    return {
        (hold, grant): Account(account)
        for sequence, _, hold, grant, account in sorted(map(tuple, rows))
        if _is_known(sequence, known)
    }


def _endings(
    connection: Connection, pairs: Collection[HoldingKey], known: int | None
) -> dict[str, Instant]:
    """Give when grants were cancelled or upgraded away."""
    e = endings.c
    with among(connection, sorted({customer for customer, _ in pairs}), e.customer) as wanted:
        rows = connection.execute(select(e.grant, e.ended_at, e.sequence).where(wanted)).all()
    return {row.grant: row.ended_at for row in rows if _is_known(row.sequence, known)}
