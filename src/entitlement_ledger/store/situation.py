"""A customer's situation: what was lost and why, what lapses soon, open holds, tickets."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    cast,
    desc,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import Account, Status, transaction_id
from entitlement_ledger.domain.instants import DAY
from entitlement_ledger.situations import Loss, OpenHold, Situation, Ticket
from entitlement_ledger.store import seeing
from entitlement_ledger.store.changes import scales_and_units
from entitlement_ledger.store.reporting.asked import Asked
from entitlement_ledger.store.reporting.moves import grants_known, moves, total
from entitlement_ledger.store.reversals import did
from entitlement_ledger.store.tables import resolutions, tickets, transactions

_t = transactions.c
_EXPIRED, _REVOKED = "expired", "revoked"


def situation(connection: Connection, asked: Asked, days: int, limit: int) -> Situation:
    """Tell the situation of the customer who is asked for; `limit` is of each list."""
    lost = _lost(connection, asked, limit)
    lapsing = seeing.lapses(connection, asked, asked.at, asked.at + days * DAY)
    holds = _holds(connection, asked, limit)
    asked_about = _tickets(connection, asked, limit)
    found = {"lost": lost, "lapsing": lapsing.days, "holds": holds, "tickets": asked_about}
    return Situation(
        at=asked.at,
        days=days,
        lost=tuple(lost[:limit]),
        lapsing=lapsing.days[:limit],
        holds=tuple(holds[:limit]),
        tickets=tuple(asked_about[:limit]),
        more=tuple(name for name, rows in found.items() if len(rows) > limit),
    )


def _lost(connection: Connection, asked: Asked, limit: int) -> list[Loss]:
    """Give the latest losses, one too many; what lapsed is read, swept or not."""
    given, moved = grants_known(asked), moves(asked)
    rows = connection.execute(
        union_all(_lapsed(asked, given, moved), _taken_back(asked, given, moved))
        .order_by(desc("lost_at"), desc("lot"))
        .limit(limit + 1)
    ).all()
    known = scales_and_units(connection, {row.entitlement for row in rows})
    by = _transactions(connection, [row.sequence for row in rows if row.sequence is not None])
    return [
        Loss(
            row.lost_at,
            row.entitlement,
            *known[row.entitlement],
            int(row.quantity),
            row.how,
            row.lot,
            *by.get(row.sequence, (None, None, None, None)),
        )
        for row in rows
    ]


def _lapsed(asked: Asked, given: FromClause, moved: FromClause) -> Select[Any]:
    """Give what was left on grants when they lapsed."""
    g, m = given.c, moved.c
    left = total(m.quantity, m.account.in_([Account.AVAILABLE, Account.EXPIRED]))
    return (
        select(
            g.expires_at.label("lost_at"),
            g.entitlement,
            left.label("quantity"),
            literal(_EXPIRED).label("how"),
            g.id.label("lot"),
            cast(null(), BigInteger).label("sequence"),
        )
        .select_from(given.join(moved, m.grant == g.id))
        .where(g.expires_at <= asked.at, m.effective_at <= asked.at)
        .group_by(g.expires_at, g.entitlement, g.id)
        .having(left > 0)
    )


def _taken_back(asked: Asked, given: FromClause, moved: FromClause) -> Select[Any]:
    """Give what transactions took off grants, but for what they carried over into others."""
    g, m = given.c, moved.c
    into = given.alias("into").c
    carried = (
        select(into.parent, into.sequence, func.sum(into.quantity).label("quantity"))
        .where(into.parent.is_not(None))
        .group_by(into.parent, into.sequence)
        .subquery("carried")
    )
    c = carried.c
    over = func.coalesce(c.quantity, 0)
    revoked = total(m.quantity, m.account == Account.REVOKED) - over
    return (
        select(
            m.effective_at.label("lost_at"),
            g.entitlement,
            revoked.label("quantity"),
            literal(_REVOKED).label("how"),
            g.id.label("lot"),
            m.sequence.label("sequence"),
        )
        .select_from(
            given.join(moved, m.grant == g.id).outerjoin(
                carried, and_(c.parent == g.id, c.sequence == m.sequence)
            )
        )
        .where(m.effective_at <= asked.at)
        .group_by(m.effective_at, g.entitlement, g.id, m.sequence, over)
        .having(revoked > 0)
    )


def _transactions(
    connection: Connection, sequences: list[int]
) -> dict[int, tuple[str, str, str, str | None]]:
    query = select(_t.sequence, _t.type, _t.actor, _t.reason).where(_t.sequence.in_(sequences))
    return {
        sequence: (transaction_id(sequence), kind, actor, reason)
        for sequence, kind, actor, reason in connection.execute(query).all()
    }


def _holds(connection: Connection, asked: Asked, limit: int) -> list[OpenHold]:
    later = transactions.alias("later")
    r = resolutions.c
    resolved = exists().where(
        r.target == _t.sequence,
        r.sequence <= asked.known,
        later.c.sequence == r.sequence,
        later.c.effective_at <= asked.at,
    )
    rows = connection.execute(
        select(
            _t.sequence,
            _t.entitlement,
            _t.quantity,
            _t.effective_at,
            _t.expires_at,
            _t.reference,
        )
        .where(
            _t.customer == asked.customer,
            did(CommandType.HOLD),
            _t.status != Status.REFUSED,
            _t.sequence <= asked.known,
            _t.effective_at <= asked.at,
            or_(_t.expires_at.is_(None), _t.expires_at > asked.at),
            ~resolved,
        )
        .order_by(_t.effective_at, _t.sequence)
        .limit(limit + 1)
    ).all()
    known = scales_and_units(connection, {row.entitlement for row in rows})
    return [
        OpenHold(
            transaction_id(row.sequence),
            row.entitlement,
            *known[row.entitlement],
            row.quantity,
            row.effective_at,
            row.expires_at,
            row.reference,
        )
        for row in rows
    ]


def _tickets(connection: Connection, asked: Asked, limit: int) -> list[Ticket]:
    """Give tickets that had been opened; one that was closed later was open then."""
    t = tickets.c
    closed_at = case((t.closed_at <= asked.at, t.closed_at))
    rows = connection.execute(
        select(t.id, t.status, t.subject, t.opened_at, closed_at.label("closed_at"))
        .where(t.customer == asked.customer, t.opened_at <= asked.at)
        .order_by(closed_at.is_not(None), t.opened_at.desc(), t.id)
        .limit(limit + 1)
    ).all()
    return [
        Ticket(
            row.id,
            row.status if row.closed_at is not None or row.status != "closed" else "open",
            row.subject,
            row.opened_at,
            row.closed_at,
        )
        for row in rows
    ]
