"""What moved on grants, as it was known: postings, and the ends of holds that are only read.

It is the rules' reading (`domain/holdings.py`, H1 to H3) said for all customers at once: a hold
past its own end that nobody has captured, released or recorded as lapsed gives back what it keeps,
to `available`, or to `revoked` where the grant had been ended before.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import Account, Status
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.store.copying import integer
from entitlement_ledger.store.reporting.asked import Asked
from entitlement_ledger.store.reversals import did
from entitlement_ledger.store.tables import (
    endings,
    grants,
    lapses,
    postings,
    resolutions,
    subscriptions,
    transactions,
)

_g, _p, _t = grants.c, postings.c, transactions.c

Grants = ReadOnlyColumnCollection[str, Any]
"""The columns of grants that were known."""


def grants_known(asked: Asked) -> CTE:
    """Give the grants that were known, of the customer and entitlement that are asked for."""
    wanted = asked.filtered(customer=_g.customer, entitlement=_g.entitlement)
    # Not what is in their accounts: that is what it is now.
    return (
        select(
            _g.sequence,
            _g.place,
            _g.id,
            _g.customer,
            _g.entitlement,
            _g.quantity,
            _g.category,
            _g.effective_from,
            _g.expires_at,
            _g.parent,
            subscriptions.c.product,
        )
        .select_from(grants.outerjoin(subscriptions, subscriptions.c.id == _g.subscription))
        .where(_g.sequence <= asked.known, *wanted)
        .cte("grants_known")
    )


def moves(asked: Asked) -> CTE:
    """Give every leg: grant, entitlement, account, quantity, when, and of which transaction.

    `hold` names the hold whose end is only read, and is null for what was posted.
    """
    wanted = asked.filtered(customer=_p.customer, entitlement=_p.entitlement)
    posted = select(
        _p.grant,
        _p.entitlement,
        _p.account,
        _p.quantity,
        _p.effective_at,
        _p.sequence,
        cast(null(), BigInteger).label("hold"),
    ).where(_p.sequence <= asked.known, *wanted)
    pins = _pins(asked)
    back = case(
        (
            or_(pins.c.ended_at.is_(None), pins.c.expires_at <= pins.c.ended_at),
            literal(Account.AVAILABLE.value),
        ),
        else_=literal(Account.REVOKED.value),
    )
    read = (
        _read(pins, literal(Account.HELD.value), -pins.c.quantity),
        _read(pins, back, pins.c.quantity),
    )
    return union_all(posted, *read).cte("moves")


def _read(pins: Subquery, account: ColumnElement[Any], quantity: ColumnElement[Any]) -> Select[Any]:
    return select(
        pins.c.grant,
        pins.c.entitlement,
        account.label("account"),
        quantity.label("quantity"),
        pins.c.expires_at,
        cast(null(), BigInteger).label("sequence"),
        pins.c.hold,
    )


def _pins(asked: Asked) -> Subquery:
    """Give what holds with an end keep on grants, of those whose end was not known otherwise."""
    r, e = resolutions.c, endings.c
    resolved = select(r.target).where(r.status != Status.EXPIRED, r.sequence <= asked.known)
    holds = (
        select(_t.sequence, _t.expires_at)
        .where(
            did(CommandType.HOLD),
            _t.expires_at.is_not(None),
            _t.sequence <= asked.known,
            _t.sequence.not_in(resolved),
            *asked.filtered(customer=_t.customer, entitlement=_t.entitlement),
        )
        .subquery("holds")
    )
    recorded = _recorded(asked)
    ended = select(e.grant, e.ended_at).where(e.sequence <= asked.known).subquery("ended")
    pinned = (
        holds.join(postings, _p.sequence == holds.c.sequence)
        .outerjoin(recorded, (recorded.c.hold == _p.sequence) & (recorded.c.grant == _p.grant))
        .outerjoin(ended, ended.c.grant == _p.grant)
    )
    return (
        select(
            _p.grant,
            _p.entitlement,
            _p.quantity,
            holds.c.expires_at,
            holds.c.sequence.label("hold"),
            ended.c.ended_at,
        )
        .select_from(pinned)
        .where(
            _p.account == Account.HELD,
            _p.quantity > 0,
            func.coalesce(recorded.c.account, Account.HELD.value) == Account.HELD,
        )
        .subquery("pins")
    )


def _recorded(asked: Asked) -> Subquery:
    """Give where the end of a hold on a grant was posted to, as far as known: the latest counts."""
    each = lapses.c
    latest = func.row_number().over(
        partition_by=[each.hold, each.grant], order_by=[each.sequence.desc(), each.place.desc()]
    )
    ranked = (
        select(each.hold, each.grant, each.account, latest.label("place"))
        .where(each.sequence <= asked.known)
        .subquery("lapses_ranked")
    )
    c = ranked.c
    return select(c.hold, c.grant, c.account).where(c.place == 1).subquery("recorded")


def total(
    quantity: ColumnElement[Any], *conditions: ColumnElement[bool], sign: int = 1
) -> ColumnElement[int]:
    """Sum up what meets conditions; 0 where nothing does."""
    counted = quantity if sign > 0 else -quantity
    if conditions:
        counted = case((conditions[0] if len(conditions) == 1 else _all(conditions), counted))
    return func.coalesce(func.sum(counted), 0)


def _all(conditions: tuple[ColumnElement[bool], ...]) -> ColumnElement[bool]:
    first, *others = conditions
    for each in others:
        first &= each
    return first


def standings(asked: Asked, at: Instant, accounts: tuple[Account, ...]) -> CTE:
    """Give what is in accounts of each grant at an instant, one column an account.

    A grant on which nothing had moved by then has no row.
    """
    moved = moves(asked)
    m = moved.c
    return (
        select(
            m.grant,
            *(integer(total(m.quantity, m.account == each)).label(each.value) for each in accounts),
        )
        .where(m.effective_at <= at)
        .group_by(m.grant)
        .cte("standings")
    )


def usable(grant: Grants, at: Instant) -> ColumnElement[bool]:
    """Say whether grants count at an instant: from is in, expiry is out."""
    begun: ColumnElement[bool] = grant.effective_from <= at
    return begun & or_(grant.expires_at.is_(None), grant.expires_at > at)
