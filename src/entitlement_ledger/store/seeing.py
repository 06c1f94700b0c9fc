"""What is drawn: use by pieces of time, what lapses by day, how many transactions of which type."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    case,
    func,
    literal,
    select,
    tuple_,
    union_all,
)

from entitlement_ledger.answers import HistoryFilter
from entitlement_ledger.domain.events import Account, Status
from entitlement_ledger.domain.instants import DAY, INSTANT_MAX, Instant
from entitlement_ledger.overviews import (
    REFUSED,
    CountsOver,
    Lapses,
    Lapsing,
    LapsingGrant,
    LapsingGrants,
    Span,
    Step,
    TypeCounts,
    Use,
    UseOver,
)
from entitlement_ledger.store.changes import scales_and_units
from entitlement_ledger.store.reporting.asked import Asked
from entitlement_ledger.store.reporting.moves import grants_known, moves, total
from entitlement_ledger.store.spans import begins
from entitlement_ledger.store.tables import InstantColumn, transactions
from entitlement_ledger.store.views import matching

ROWS_MAX = 5000
"""How many rows a month of lapses may have: days times entitlements."""

_ISSUED, _CONSUMED, _EXPIRED, _REVOKED = _KINDS = ("issued", "consumed", "expired", "revoked")
_t = transactions.c


def use(connection: Connection, asked: Asked, span: Span) -> UseOver:
    """Give what was issued, consumed, expired and revoked of a customer's entitlements.

    The entitlement that is asked for is there even if nothing moved; without one, those of which
    something did.
    """
    moved = _movements(asked)
    m = moved.c
    begin = begins(span.step, m.at).label("begin")
    rows = connection.execute(
        select(m.entitlement, begin, *(total(m.quantity, m.kind == kind) for kind in _KINDS))
        .where(m.at >= span.begins[0], m.at <= span.at)
        .group_by(m.entitlement, begin)
    ).all()
    place = {each: number for number, each in enumerate(span.begins)}
    found: dict[str, list[list[int]]] = {}
    codes = {row.entitlement for row in rows} | ({asked.entitlement} - {None})
    for code in sorted(filter(None, codes)):
        found[code] = [[0] * len(place) for _ in _KINDS]
    for code, begun, *sums in map(tuple, rows):
        for values, quantity in zip(found[code], sums, strict=True):
            values[place[begun]] = int(quantity)
    known = scales_and_units(connection, found.keys())
    return UseOver(
        span,
        tuple(Use(code, *known[code], *map(tuple, values)) for code, values in found.items()),
    )


def _movements(asked: Asked) -> FromClause:
    """Give what moved, when, and what kind of movement that was.

    What is on a lapsed grant has expired when the grant lapsed, or when it came to it later.
    """
    given, moved = grants_known(asked), moves(asked)
    g, m = given.c, moved.c
    lapsed_at = func.greatest(m.effective_at, g.expires_at, type_=InstantColumn)
    kind = case(
        (m.account == Account.ISSUANCE, _ISSUED),
        (m.account == Account.CONSUMED, _CONSUMED),
        (m.account == Account.EXPIRED, _EXPIRED),
        else_=_REVOKED,
    )
    posted = select(
        m.entitlement,
        m.effective_at.label("at"),
        kind.label("kind"),
        case((m.account == Account.ISSUANCE, -m.quantity), else_=m.quantity).label("quantity"),
    ).where(m.account.not_in([Account.AVAILABLE, Account.HELD]))
    unswept = (
        select(m.entitlement, lapsed_at.label("at"), literal(_EXPIRED), m.quantity)
        .select_from(given.join(moved, m.grant == g.id))
        .where(m.account == Account.AVAILABLE, g.expires_at.is_not(None))
    )
    return union_all(posted, unswept).subquery("movements")


def lapses(connection: Connection, asked: Asked, since: Instant, until: Instant) -> Lapses:
    """Give what lapses, or has lapsed, from one instant until another, by day and entitlement."""
    grant = _lapsing(asked, since, until).subquery("lapsing")
    c = grant.c
    day = begins(Step.DAY, c.expires_at).label("day")
    rows = connection.execute(
        select(day, c.entitlement, func.sum(c.quantity), func.sum(c.held), func.count())
        .group_by(day, c.entitlement)
        .order_by(day, c.entitlement)
        .limit(ROWS_MAX + 1)
    ).all()
    known = scales_and_units(connection, {row.entitlement for row in rows})
    days = tuple(
        Lapsing(begun, code, *known[code], int(quantity), int(held), count)
        for begun, code, quantity, held, count in map(tuple, rows[:ROWS_MAX])
    )
    return Lapses(since, until, asked.at, days, len(rows) > ROWS_MAX)


def lapsing_grants(
    connection: Connection, asked: Asked, day: Instant, *, after: LapsingGrant | None, limit: int
) -> LapsingGrants:
    """Give a page of the grants that lapse on a day, the earliest first."""
    grant = _lapsing(asked, day, day + DAY).subquery("lapsing")
    c = grant.c
    query = select(grant).order_by(c.expires_at, c.sequence, c.place).limit(limit + 1)
    if after is not None:
        last = tuple_(
            literal(after.expires_at, InstantColumn), literal(after.sequence), literal(after.place)
        )
        query = query.where(tuple_(c.expires_at, c.sequence, c.place) > last)
    rows = connection.execute(query).all()
    known = scales_and_units(connection, {row.entitlement for row in rows})
    page = tuple(
        LapsingGrant(
            row.id,
            row.sequence,
            row.place,
            row.customer,
            row.entitlement,
            *known[row.entitlement],
            row.expires_at,
            int(row.quantity),
            int(row.held),
        )
        for row in rows[:limit]
    )
    return LapsingGrants(page, len(rows) > limit)


def _lapsing(asked: Asked, since: Instant, until: Instant) -> Select[Any]:
    """Give the grants that lapse in a span and of which something does, or is held.

    Of one that has lapsed, what lapsed; of another, what is there at `at`; of one that is still to
    begin, what it will begin with.
    """
    given, moved = grants_known(asked), moves(asked)
    g, m = given.c, moved.c
    # Behind the last instant there is, there is nothing to be left out.
    ends = [g.expires_at < until] if until <= INSTANT_MAX else []
    counts_at = func.greatest(g.effective_from, literal(asked.at, InstantColumn))
    quantity = total(m.quantity, m.account.in_([Account.AVAILABLE, Account.EXPIRED]))
    held = total(m.quantity, m.account == Account.HELD)
    by = (g.id, g.sequence, g.place, g.customer, g.entitlement, g.expires_at)
    return (
        select(*by, quantity.label("quantity"), held.label("held"))
        .select_from(given.join(moved, m.grant == g.id))
        .where(g.expires_at >= since, *ends, m.effective_at <= counts_at)
        .group_by(*by)
        .having((quantity != 0) | (held != 0))
    )


def counts(connection: Connection, only: HistoryFilter, now: Instant, span: Span) -> CountsOver:
    """Count the transactions that a filter matches by type and time, refused ones apart."""
    kind = case((_t.status == Status.REFUSED, REFUSED), else_=_t.type).label("kind")
    begin: ColumnElement[int] = begins(span.step, _t.effective_at).label("begin")
    first, where = span.begins[0], matching(only, now)
    rows = connection.execute(
        select(kind, begin, func.count())
        .where(*where, _t.effective_at >= first, _t.effective_at <= span.at)
        .group_by(kind, begin)
    ).all()
    outside = connection.execute(
        select(
            func.count(case((_t.effective_at < first, 1))),
            func.count(case((_t.effective_at > span.at, 1))),
        )
        .select_from(transactions)
        .where(*where)
    ).all()
    place = {each: number for number, each in enumerate(span.begins)}
    found: dict[str, list[int]] = {}
    for name, begun, count in map(tuple, rows):
        found.setdefault(name, [0] * len(place))[place[begun]] = count
    types = [TypeCounts(name, tuple(values)) for name, values in found.items()]
    types.sort(key=lambda each: (-each.total, each.type))
    return CountsOver(span, tuple(types), *outside[0])
