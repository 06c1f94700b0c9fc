"""Balances as of an instant, as known at another.

Of now they are mostly what is in the accounts of grants; of any other time, sums over postings.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from entitlement_ledger.answers import Balance, Explanation, GrantMove, GrantPart
from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import Account, Status, transaction_id
from entitlement_ledger.domain.holdings import GrantState, Holding
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.store.catalogue import Catalogue, Described
from entitlement_ledger.store.holdings import load_holdings
from entitlement_ledger.store.standings import Sums, settled
from entitlement_ledger.store.tables import (
    customers,
    entitlements,
    grants,
    journal,
    postings,
    transactions,
)
from entitlement_ledger.store.views import grant_row

_g, _p, _e = grants.c, postings.c, entitlements.c


class Beginning:
    """When history begins (rule T4): kept, so that only what came since is looked at."""

    def __init__(self) -> None:
        self._known: tuple[int, Instant | None] = (0, None)

    def read(self, connection: Connection, until: int) -> Instant | None:
        """Give the earliest `effective_at` of what was not refused; None if there is none.

        What is only proposed, or rejected, has moved nothing.

        `until` is the last sequence there is.
        """
        t = transactions.c
        known, begins = self._known
        if until > known:
            query = select(func.min(t.effective_at)).where(
                t.sequence > known,
                t.sequence <= until,
                t.status != Status.REFUSED,
                ~t.proposal,
                t.type != CommandType.REJECT,
            )
            found = [*connection.execute(query).scalars().all(), begins]
            begins = min((each for each in found if each is not None), default=None)
            self._known = (until, begins)
        return begins


def knowledge_begins(connection: Connection) -> Instant | None:
    """Give the first `recorded_at`; None in an empty journal."""
    return connection.execute(
        select(journal.c.recorded_at).order_by(journal.c.sequence).limit(1)
    ).scalar()


def customer_exists(connection: Connection, customer: str) -> bool:
    """Say whether the customer is known."""
    found = connection.execute(select(customers.c.id).where(customers.c.id == customer)).first()
    return found is not None


def entitlement_exists(connection: Connection, code: str) -> bool:
    """Say whether the entitlement is in the catalogue."""
    found = connection.execute(select(_e.code).where(_e.code == code)).first()
    return found is not None


def known_until(connection: Connection, known_at: Instant | None) -> int | None:
    """Give the last sequence that was known at an instant; None is all there is."""
    if known_at is None:
        return None
    query = select(func.max(journal.c.sequence)).where(journal.c.recorded_at <= known_at)
    return connection.execute(query).scalar() or 0


def balances(
    connection: Connection,
    catalogue: Catalogue,
    customer: str,
    entitlement: str | None,
    at: Instant,
    known_at: Instant | None,
) -> list[Balance]:
    """Give a customer's balances at an instant, as known at another (rule A2)."""
    known = known_until(connection, known_at)
    sums = settled(connection, customer, at) if known is None else {}
    described = catalogue.read(connection, [*sums, *([entitlement] if entitlement else [])])
    wanted = [code for code in described if entitlement in (None, code)]
    if known is not None:
        sums = dict.fromkeys(wanted)
    book = Book()
    unsettled = [(customer, code) for code in wanted if sums.get(code, described) is None]
    load_holdings(connection, book, unsettled, known=known)
    for _, code in unsettled:
        if book.holding(customer, code).grants:
            sums[code] = _sums(book.holding(customer, code), at)
    return [
        _balance(customer, described[code], sums.get(code) or Sums())
        for code in wanted
        if entitlement is not None or sums.get(code)
    ]


def _sums(holding: Holding, at: Instant) -> Sums:
    worth = holding.balance(at)
    usable = [state for state in holding.grants.values() if state.grant.usable(at)]
    lapsing = [
        state.grant.expires_at
        for state in usable
        if state.grant.expires_at is not None
        and (state.read(Account.AVAILABLE, at) or state.read(Account.HELD, at))
    ]
    return Sums(
        worth.available,
        worth.held,
        sum(state.grant.quantity for state in usable),
        min(lapsing, default=None),
    )


def _balance(customer: str, row: Described, sums: Sums) -> Balance:
    return Balance(
        customer=customer,
        entitlement=row.code,
        name=row.name,
        kind=row.kind,
        unit=row.unit,
        scale=row.scale,
        available=sums.available,
        held=sums.held,
        granted=sums.granted,
        expires_next=sums.expires_next,
    )


def explanation(
    connection: Connection, balance: Balance, at: Instant, known_at: Instant | None
) -> Explanation:
    """Explain a balance grant by grant, in burn order, and what the next draw would take."""
    pair = (balance.customer, balance.entitlement)
    book = Book()
    known = known_until(connection, known_at)
    load_holdings(connection, book, [pair], known=known)
    states = sorted(book.holding(*pair).grants.values(), key=lambda each: each.burn_key)
    origins = _origins(connection, *pair)
    moves = _moves(connection, *pair, at, known)
    place = 0
    parts = []
    for state in states:
        gives = max(state.gives(at), 0) if state.grant.usable(at) else 0
        place += 1 if gives else 0
        sequence, actor, reason, reference = origins[state.grant.id]
        worth = {account: state.read(account, at) for account in Account}
        if state.grant.expires_at is not None and at >= state.grant.expires_at:
            # Expiry is read, whether a sweep has recorded it or not.
            worth[Account.EXPIRED] += worth[Account.AVAILABLE]
            worth[Account.AVAILABLE] = 0
        parts.append(
            GrantPart(
                grant=grant_row(state.grant, sequence),
                actor=actor,
                reason=reason,
                reference=reference,
                available=worth[Account.AVAILABLE],
                held=worth[Account.HELD],
                consumed=worth[Account.CONSUMED],
                expired=worth[Account.EXPIRED],
                revoked=worth[Account.REVOKED],
                state=_state(state, at),
                next_draw=place if gives else None,
                gives=gives,
                moves=tuple(moves.get(state.grant.id, ())),
            )
        )
    return Explanation(balance, at, tuple(parts))


def _moves(
    connection: Connection, customer: str, entitlement: str, at: Instant, known: int | None
) -> dict[str, list[GrantMove]]:
    """Give what each transaction put into each account of each grant, oldest first.

    `known` is the last sequence that was known; None is all there is.
    """
    t = transactions.c
    query = (
        select(_p.grant, _p.account, _p.quantity, _p.effective_at, t.sequence, t.type, t.actor)
        .select_from(postings.join(transactions, t.sequence == _p.sequence))
        .where(
            _p.customer == customer,
            _p.entitlement == entitlement,
            _p.quantity > 0,
            _p.effective_at <= at,
            (_p.account != Account.AVAILABLE) | (t.type != CommandType.ISSUE),
        )
        .order_by(_p.effective_at, _p.sequence, _p.place)
    )
    if known is not None:
        query = query.where(_p.sequence <= known)
    rows = connection.execute(query).all()
    moves: dict[str, list[GrantMove]] = {}
    for row in rows:
        moves.setdefault(row.grant, []).append(
            GrantMove(
                transaction_id(row.sequence),
                row.type,
                row.actor,
                row.account,
                row.quantity,
                row.effective_at,
            )
        )
    return moves


def _origins(
    connection: Connection, customer: str, entitlement: str
) -> dict[str, tuple[int, str, str | None, str | None]]:
    """Give the transaction that each grant came from: sequence, actor, reason, reference."""
    t = transactions.c
    rows = connection.execute(
        select(_g.id, t.sequence, t.actor, t.reason, t.reference)
        .select_from(grants.join(transactions, t.sequence == _g.sequence))
        .where(_g.customer == customer, _g.entitlement == entitlement)
    ).all()
    return {row.id: (row.sequence, row.actor, row.reason, row.reference) for row in rows}


def _state(state: GrantState, at: Instant) -> str:
    if at < state.grant.effective_from:
        return "scheduled"
    if state.ended_at is not None and state.ended_at <= at:
        return "ended"
    if not state.grant.usable(at):
        return "expired"
    left = state.worth(Account.AVAILABLE, at) or state.worth(Account.HELD, at)
    return "usable" if left else "used up"
