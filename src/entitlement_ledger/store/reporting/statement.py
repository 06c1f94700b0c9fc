"""`statement`: one customer's movements, oldest first, with the running balance.

A movement is what one transaction did to one entitlement at one instant. What time alone brought
about is in it by reading, at the instant at which it counts: a grant that lapses takes along what
is on it, and what moves on it later counts nothing; a hold that ends gives back what it kept.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    SelectBase,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import Account
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.store.reporting.asked import Asked
from entitlement_ledger.store.reporting.columns import columns
from entitlement_ledger.store.reporting.moves import grants_known, moves, total
from entitlement_ledger.store.reporting.sources import Sources
from entitlement_ledger.store.reporting.wording import transaction_name
from entitlement_ledger.store.tables import InstantColumn, postings, resolutions, transactions

COLUMNS = columns(
    "effective_at:instant transaction type entitlement unit scale:integer "
    "available_change:integer held_change:integer available:integer held:integer "
    "actor reason reference"
)
_OPENING, _EXPIRY, _LAPSE, _POSTED = range(4)
"""In which order movements of one instant are told."""

_CHANGES = {"available_change": Account.AVAILABLE, "held_change": Account.HELD}


def query(sources: Sources, asked: Asked) -> Select[Any]:
    """Give one row a movement in the span, after an opening row for each entitlement."""
    legs = _counted(asked)
    lines = union_all(_moved(legs), _expired(legs, asked)).cte("lines")
    running = _running(lines)
    shown: SelectBase = select(running)
    if asked.since is not None:
        later = select(running).where(running.c.effective_at >= asked.since)
        shown = union_all(_opening(lines, asked.since), later)
    s = shown.subquery("shown").c
    t, e, p = transactions.c, sources.entitlements.c, _proposed(asked).c
    rows = (
        s.type.table.outerjoin(transactions, t.sequence == s.sequence)
        .outerjoin(p.sequence.table, p.sequence == s.sequence)
        .outerjoin(sources.entitlements, e.code == s.entitlement)
    )
    ended = literal("the end of the hold ").concat(transaction_name(s.hold))
    return (
        select(
            s.effective_at,
            transaction_name(s.sequence).label("transaction"),
            func.coalesce(s.type, t.executes, t.type).label("type"),
            s.entitlement,
            e.unit,
            e.scale,
            s.available_change,
            s.held_change,
            s.available,
            s.held,
            t.actor,
            func.coalesce(t.reason, p.reason, ended).label("reason"),
            func.coalesce(t.reference, p.reference).label("reference"),
        )
        .select_from(rows)
        .order_by(s.effective_at, s.rank, s.turn, s.place, s.entitlement)
    )


def _counted(asked: Asked) -> CTE:
    """Give the legs that a balance counts: those on grants that have not lapsed yet."""
    given, moved = grants_known(asked), moves(asked)
    g, m = given.c, moved.c
    return (
        select(
            g.id,
            g.sequence.label("granted"),
            g.place,
            g.entitlement,
            g.expires_at,
            m.account,
            m.quantity,
            m.effective_at,
            m.sequence,
            m.hold,
        )
        .select_from(given.join(moved, m.grant == g.id))
        .where(
            m.account.in_(list(_CHANGES.values())),
            m.effective_at < asked.until,
            or_(g.expires_at.is_(None), m.effective_at < g.expires_at),
        )
        .cte("counted")
    )


def _changes(legs: FromClause, sign: int = 1) -> list[ColumnElement[Any]]:
    c = legs.c
    return [
        total(c.quantity, c.account == account, sign=sign).label(name)
        for name, account in _CHANGES.items()
    ]


def _moved(legs: CTE) -> Select[Any]:
    """Give what transactions did, and what came back when holds ended that nobody had resolved."""
    c = legs.c
    lapsed = c.hold.is_not(None)
    return select(
        c.effective_at,
        case((lapsed, literal(_LAPSE)), else_=literal(_POSTED)).label("rank"),
        func.coalesce(c.sequence, c.hold).label("turn"),
        cast(literal(0), BigInteger).label("place"),
        case((lapsed, literal(CommandType.RELEASE.value))).label("type"),
        c.sequence,
        c.hold,
        c.entitlement,
        *_changes(legs),
    ).group_by(c.effective_at, c.sequence, c.hold, c.entitlement)


def _expired(legs: CTE, asked: Asked) -> Select[Any]:
    """Give what lapsed with its grant, with the transaction of the sweep where there is one."""
    swept, c = _swept(asked), legs.c
    available, held = _changes(legs, -1)
    left = (
        select(c.id, c.granted, c.place, c.entitlement, c.expires_at, available, held)
        .where(c.expires_at < asked.until)
        .group_by(c.id, c.granted, c.place, c.entitlement, c.expires_at)
        .subquery("left_over")
    )
    at_the_end = and_(swept.c.grant == left.c.id, swept.c.effective_at == left.c.expires_at)
    return (
        select(
            left.c.expires_at,
            literal(_EXPIRY).label("rank"),
            left.c.granted.label("turn"),
            left.c.place,
            literal("expire").label("type"),
            swept.c.sequence,
            cast(null(), BigInteger).label("hold"),
            left.c.entitlement,
            left.c.available_change,
            left.c.held_change,
        )
        .select_from(left.outerjoin(swept, at_the_end))
        .where((left.c.available_change != 0) | (left.c.held_change != 0))
    )


def _swept(asked: Asked) -> Subquery:
    """Give the transactions by which the sweep recorded that grants had lapsed."""
    p, t = postings.c, transactions.c
    return (
        select(p.grant, p.effective_at, func.min(p.sequence).label("sequence"))
        .select_from(postings.join(transactions, t.sequence == p.sequence))
        .where(
            t.type == "expire",
            p.account == Account.EXPIRED,
            p.sequence <= asked.known,
            *asked.filtered(customer=p.customer, entitlement=p.entitlement),
        )
        .group_by(p.grant, p.effective_at)
        .subquery("swept")
    )


def _running(lines: CTE) -> Subquery:
    """Add to each movement what there is after it."""
    c = lines.c
    order = (c.effective_at, c.rank, c.turn, c.place)

    def so_far(change: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.sum(change).over(partition_by=c.entitlement, order_by=order, rows=(None, 0))

    return select(
        lines,
        so_far(c.available_change).label("available"),
        so_far(c.held_change).label("held"),
    ).subquery("running")


def _opening(lines: CTE, since: Instant) -> Select[Any]:
    """Give what there was just before the span, of each entitlement that there was any of."""
    c = lines.c
    nothing = cast(null(), BigInteger)
    return (
        select(
            cast(literal(since, InstantColumn), InstantColumn).label("effective_at"),
            literal(_OPENING).label("rank"),
            nothing.label("turn"),
            nothing.label("place"),
            literal("opening").label("type"),
            nothing.label("sequence"),
            nothing.label("hold"),
            c.entitlement,
            nothing.label("available_change"),
            nothing.label("held_change"),
            total(c.available_change).label("available"),
            total(c.held_change).label("held"),
        )
        .where(c.effective_at < since)
        .group_by(c.entitlement)
    )


def _proposed(asked: Asked) -> Subquery:
    """Give what was said of proposals, by the approval that executed each."""
    proposals = transactions.alias("proposals")
    p, t, r = proposals.c, transactions.c, resolutions.c
    return (
        select(r.sequence, p.reason, p.reference)
        .select_from(
            resolutions.join(proposals, and_(p.sequence == r.target, p.proposal)).join(
                transactions, and_(t.sequence == r.sequence, t.executes.is_not(None))
            )
        )
        .where(r.sequence <= asked.known, *asked.filtered(customer=p.customer))
        .subquery("proposed")
    )
