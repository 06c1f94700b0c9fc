"""`rollforward`: what was outstanding, what came and went, and whether that is what is outstanding.

Opening and closing are told by what was in the accounts just before the two instants, the
movements by what was posted between them: the two meet only if every transaction sums to zero.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, case, func, literal, or_, select

from entitlement_ledger.domain.events import Account
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.store.reporting.asked import Asked
from entitlement_ledger.store.reporting.columns import columns
from entitlement_ledger.store.reporting.moves import grants_known, moves, total
from entitlement_ledger.store.reporting.sources import Sources
from entitlement_ledger.store.tables import InstantColumn

COLUMNS = columns(
    "entitlement kind unit scale:integer opening:total issued:total consumed:total expired:total "
    "revoked:total closing:total held_on_expired:total difference:total ties_out"
)
TIES, TIES_NOT = "yes", "NO"


def query(sources: Sources, asked: Asked) -> Select[Any]:
    """Give one row an entitlement that a grant of was known.

    What is outstanding just before an instant: what is available on grants that have not lapsed,
    and all that is held, on lapsed grants too, since a hold pins its grants.
    """
    given, moved = grants_known(asked), moves(asked)
    g, m, e = given.c, moved.c, sources.entitlements.c
    legs = (
        select(g.entitlement, g.expires_at, m.account, m.quantity, m.effective_at)
        .select_from(given.outerjoin(moved, m.grant == g.id))
        .cte("legs")
    )
    sums = (
        select(legs.c.entitlement, *(each.label(name) for name, each in _sums(legs, asked)))
        .group_by(legs.c.entitlement)
        .cte("sums")
    )
    s = sums.c
    difference = s.opening + s.issued - s.consumed - s.expired - s.revoked - s.closing
    return (
        select(
            s.entitlement,
            e.kind,
            e.unit,
            e.scale,
            s.opening,
            s.issued,
            s.consumed,
            s.expired,
            s.revoked,
            s.closing,
            s.held_on_expired,
            difference.label("difference"),
            case((difference == 0, TIES), else_=TIES_NOT).label("ties_out"),
        )
        .select_from(sums.outerjoin(sources.entitlements, e.code == s.entitlement))
        .order_by(s.entitlement)
    )


def wrong(query: Select[Any]) -> Select[Any]:
    """Give the rows that do not tie out."""
    rows = query.order_by(None).subquery("tied")
    return select(rows).where(rows.c.difference != 0)


def _sums(legs: FromClause, asked: Asked) -> list[tuple[str, ColumnElement[Any]]]:
    c = legs.c
    span = asked.within(c.effective_at)

    def moved(account: Account, sign: int = 1) -> ColumnElement[Any]:
        return total(c.quantity, c.account == account, *span, sign=sign)

    # What is on a lapsed grant has expired when the grant lapsed, or when it came to it later.
    lapsed_at = func.greatest(c.effective_at, c.expires_at, type_=InstantColumn)
    unswept = total(
        c.quantity,
        c.account == Account.AVAILABLE,
        c.expires_at.is_not(None),
        *asked.within(lapsed_at),
    )
    nothing: ColumnElement[Any] = literal(0)
    return [
        ("opening", nothing if asked.since is None else _outstanding(legs, asked.since)),
        ("issued", moved(Account.ISSUANCE, -1)),
        ("consumed", moved(Account.CONSUMED)),
        ("expired", moved(Account.EXPIRED) + unswept),
        ("revoked", moved(Account.REVOKED)),
        ("closing", _outstanding(legs, asked.until)),
        ("held_on_expired", _held(legs, asked.until, c.expires_at < asked.until)),
    ]


def _outstanding(legs: FromClause, before: Instant) -> ColumnElement[Any]:
    """Give what was outstanding just before an instant, as the accounts stood then."""
    c = legs.c
    alive = or_(c.expires_at.is_(None), c.expires_at >= before)
    available = total(c.quantity, c.account == Account.AVAILABLE, c.effective_at < before, alive)
    return available + _held(legs, before)


def _held(
    legs: FromClause, before: Instant, *conditions: ColumnElement[bool]
) -> ColumnElement[Any]:
    c = legs.c
    return total(c.quantity, c.account == Account.HELD, c.effective_at < before, *conditions)
