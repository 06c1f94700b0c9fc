"""What was left of one grant from its beginning on, and how quickly it was used lately."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    case,
    func,
    literal,
    select,
)

from entitlement_ledger.domain.catalogue import Category
from entitlement_ledger.domain.events import Account, Grant, grant_order, transaction_id
from entitlement_ledger.domain.instants import DAY, INSTANT_MAX, Instant
from entitlement_ledger.overviews import PACE_DAYS, BurnDown, LeftChange, Pace
from entitlement_ledger.store.changes import scales_and_units
from entitlement_ledger.store.copying import divided
from entitlement_ledger.store.dialect import microseconds
from entitlement_ledger.store.reporting.asked import Asked
from entitlement_ledger.store.reporting.moves import moves, total
from entitlement_ledger.store.tables import grants, transactions
from entitlement_ledger.store.views import grant_row

_PACE = PACE_DAYS * DAY
_GRANT_ID = re.compile(r"G\d{1,18}\.\d{1,9}", re.ASCII)
_LEFT = (Account.AVAILABLE, Account.HELD)
_GONE = (Account.CONSUMED, Account.EXPIRED, Account.REVOKED)


def find_grant(connection: Connection, name: str, known: int) -> Grant | None:
    """Find a grant by its id, among those that were known at a sequence."""
    if _GRANT_ID.fullmatch(name) is None:
        return None
    sequence, place = grant_order(name)
    g = grants.c
    columns = [g[each] for each in Grant.__struct_fields__]
    query = select(*columns).where(g.sequence == sequence, g.place == place, g.sequence <= known)
    row = connection.execute(query).first()
    if row is None:
        return None
    fields = row._asdict()
    return Grant(**{**fields, "category": Category(fields["category"])})


def burn_down(
    connection: Connection, asked: Asked, grant: Grant, *, pieces: int, changes: int
) -> BurnDown:
    """Tell what was left of a grant, in so many pieces of time at most, and the latest changes."""
    legs = _legs(asked, grant)
    sums = _sums(connection, legs, asked.at, _pace_since(grant, asked.at))
    lapsed = grant.expires_at is not None and grant.expires_at <= asked.at
    live = sums.available + sums.held
    listed, more = _changes(connection, legs, changes)
    until = min(asked.at + 1, grant.expires_at or INSTANT_MAX)
    if not live and listed:
        # It was used up, or taken back: after that there is nothing to be seen.
        until = min(until, listed[0].at + 1)
    width, curve = _curve(connection, legs, grant.effective_from, until, pieces)
    ((scale, unit),) = scales_and_units(connection, {grant.entitlement}).values()
    left = 0 if lapsed else live
    carried = _carried(connection, asked, grant)
    return BurnDown(
        grant=grant_row(grant, grant_order(grant.id)[0]),
        customer=grant.customer,
        scale=scale,
        unit=unit,
        at=asked.at,
        until=until,
        width=width,
        curve=curve,
        left=left,
        held=0 if lapsed else sums.held,
        consumed=sums.consumed,
        expired=sums.expired + (sums.available if lapsed else 0),
        revoked=sums.revoked - carried,
        carried=carried,
        pace=_pace(grant, asked.at, left, sums.drawn),
        changes=tuple(listed),
        more=more,
    )


def _legs(asked: Asked, grant: Grant) -> FromClause:
    moved = moves(asked)
    return (
        select(moved)
        .where(moved.c.grant == grant.id, moved.c.effective_at <= asked.at)
        .subquery("legs")
    )


def _carried(connection: Connection, asked: Asked, grant: Grant) -> int:
    """Give what was taken off a grant to go on in others, by a renewal or a change of product."""
    g = grants.c
    over = func.coalesce(func.sum(g.quantity), 0)
    query = select(over).where(
        g.parent == grant.id,
        g.customer == grant.customer,
        g.sequence <= asked.known,
        g.effective_from <= asked.at,
    )
    return int(connection.execute(query).scalar_one())


class _Sums(NamedTuple):
    """What is in a grant's accounts, and what was drawn from it lately."""

    available: int
    held: int
    consumed: int
    expired: int
    revoked: int
    drawn: int


def _sums(connection: Connection, legs: FromClause, at: Instant, since: Instant) -> _Sums:
    c = legs.c
    lately = (c.account == Account.CONSUMED, c.effective_at > since)
    wanted = [total(c.quantity, c.account == each) for each in (*_LEFT, *_GONE)]
    row = connection.execute(select(*wanted, total(c.quantity, *lately))).one()
    return _Sums(*map(int, row))


def _changes(connection: Connection, legs: FromClause, limit: int) -> tuple[list[LeftChange], bool]:
    """Give the latest transactions that changed what is left, newest first."""
    c, t = legs.c, transactions.c
    each = (
        select(
            c.effective_at,
            c.sequence,
            c.hold,
            func.sum(c.quantity).label("change"),
        )
        .where(c.account.in_(_LEFT))
        .group_by(c.effective_at, c.sequence, c.hold)
        .having(func.sum(c.quantity) != 0)
        .subquery("each")
    )
    order = _in_order(each)
    left = func.sum(each.c.change).over(order_by=order)
    rows = connection.execute(
        select(each.c.effective_at, each.c.sequence, t.type, t.actor, each.c.change, left)
        .select_from(each.outerjoin(transactions, t.sequence == each.c.sequence))
        .order_by(*(column.desc() for column in order))
        .limit(limit + 1)
    ).all()
    listed = [
        LeftChange(
            at, None if sequence is None else transaction_id(sequence), kind, actor, int(by), int(n)
        )
        for at, sequence, kind, actor, by, n in map(tuple, rows[:limit])
    ]
    return listed, len(rows) > limit


def _in_order(each: FromClause) -> tuple[ColumnElement[Any], ...]:
    """Give the order of changes; what is only read comes after what was posted at that instant."""
    nothing = case((each.c.sequence.is_(None), 1), else_=0)
    return (each.c.effective_at, nothing, each.c.sequence, each.c.hold)


def _curve(
    connection: Connection, legs: FromClause, since: Instant, until: Instant, pieces: int
) -> tuple[int, tuple[int, ...]]:
    """Give how long a piece is, and what was left at the end of each."""
    if since >= until:
        return 1, ()
    width = -(-(until - since) // pieces)
    count = -(-(until - since) // width)
    c = legs.c
    piece = divided(
        microseconds(c.effective_at) - literal(since, BigInteger), literal(width, BigInteger)
    ).label("piece")
    rows = connection.execute(
        select(piece, func.sum(c.quantity))
        .where(c.account.in_(_LEFT), c.effective_at < until)
        .group_by(piece)
    ).all()
    change = {int(place): int(quantity) for place, quantity in map(tuple, rows)}
    curve, left = [], 0
    for place in range(count):
        left += change.get(place, 0)
        curve.append(left)
    return width, tuple(curve)


def _pace_since(grant: Grant, at: Instant) -> Instant:
    return max(at - _PACE, grant.effective_from - 1)


def _pace(grant: Grant, at: Instant, left: int, drawn: int) -> Pace | None:
    """Say when nothing would be left if it went on as lately.

    Nothing is said of less than a day: a pace of some minutes is none.
    """
    since = max(at - _PACE, grant.effective_from)
    if drawn <= 0 or left <= 0 or at - since < DAY:
        return None
    runs_out = at + left * (at - since) // drawn
    ends = grant.expires_at
    lapses = None
    if ends is not None and ends < runs_out:
        lapses = left - drawn * (ends - at) // (at - since)
    return Pace(drawn, since, runs_out if runs_out <= INSTANT_MAX else None, lapses)
