"""Balances as of an instant, as known at another: sums over postings, nothing stored."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, or_, select

from entitlement_ledger.answers import Balance, Explanation, GrantPart
from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.events import Account, Status
from entitlement_ledger.domain.holdings import GrantState
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.store.loading import load_holdings
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


def history_begins(connection: Connection) -> Instant | None:
    """Give the earliest `effective_at` of what was not refused (rule T4); None if there is none."""
    return connection.execute(
        select(func.min(transactions.c.effective_at)).where(transactions.c.status != Status.REFUSED)
    ).scalar()


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


def balances(
    connection: Connection,
    customer: str,
    entitlement: str | None,
    at: Instant,
    known_at: Instant | None,
) -> list[Balance]:
    """Give a customer's balances at an instant, as known at another (rule A2)."""
    lots = _lots(customer, at, known_at).subquery("lots")
    open_lot = (lots.c.available > 0) | (lots.c.held > 0)
    query = (
        select(
            _e.code,
            _e.name,
            _e.kind,
            _e.unit,
            _e.scale,
            func.coalesce(func.sum(lots.c.available), 0).label("available"),
            func.coalesce(func.sum(lots.c.held), 0).label("held"),
            func.coalesce(func.sum(lots.c.granted), 0).label("granted"),
            func.min(case((open_lot, lots.c.expires_at))).label("expires_next"),
            func.count(lots.c.grant).label("lots"),
        )
        .select_from(entitlements.outerjoin(lots, lots.c.entitlement == _e.code))
        .group_by(_e.code, _e.name, _e.kind, _e.unit, _e.scale)
        .order_by(_e.code)
    )
    if entitlement is not None:
        query = query.where(_e.code == entitlement)
    return [
        Balance(
            customer=customer,
            entitlement=row.code,
            name=row.name,
            kind=row.kind,
            unit=row.unit,
            scale=row.scale,
            available=int(row.available),
            held=int(row.held),
            granted=int(row.granted),
            expires_next=row.expires_next,
        )
        for row in connection.execute(query).all()
        if row.lots or entitlement is not None
    ]


def _lots(customer: str, at: Instant, known_at: Instant | None) -> Select[Any]:
    """Select each known grant with what it is worth; one that is not usable is worth nothing."""
    usable = (_g.effective_from <= at) & or_(_g.expires_at.is_(None), _g.expires_at > at)
    counts = usable & (_p.effective_at <= at)
    query = (
        select(
            _p.grant,
            _p.entitlement,
            _g.expires_at,
            _worth(Account.AVAILABLE, counts).label("available"),
            _worth(Account.HELD, counts).label("held"),
            func.max(case((usable, _g.quantity), else_=0)).label("granted"),
        )
        .select_from(postings.join(grants, _g.id == _p.grant))
        .where(_p.customer == customer, _g.customer == customer)
        .group_by(_p.grant, _p.entitlement, _g.expires_at)
    )
    return query if known_at is None else query.where(_p.recorded_at <= known_at)


def _worth(account: Account, counts: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case(((_p.account == account) & counts, _p.quantity), else_=0))


def explanation(connection: Connection, balance: Balance, at: Instant) -> Explanation:
    """Explain a balance grant by grant, in burn order, and what the next draw would take."""
    pair = (balance.customer, balance.entitlement)
    book = Book()
    load_holdings(connection, book, [pair])
    states = sorted(book.holding(*pair).grants.values(), key=lambda each: each.burn_key)
    origins = _origins(connection, *pair)
    place = 0
    parts = []
    for state in states:
        usable = state.grant.usable(at)
        gives = max(state.gives(at), 0) if usable else 0
        place += 1 if gives else 0
        sequence, actor, reason, reference = origins[state.grant.id]
        worth = {account: state.account(account).at(at) for account in Account}
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
            )
        )
    return Explanation(balance, at, tuple(parts))


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
    if not state.grant.usable(at):
        return "expired"
    left = state.worth(Account.AVAILABLE, at) or state.worth(Account.HELD, at)
    return "usable" if left else "used up"
