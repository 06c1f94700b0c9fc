"""Accounts that are emptied: after a long quiet, or right after something was given."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    FromClause,
    Integer,
    Select,
    and_,
    cast,
    false,
    func,
    or_,
    select,
    union_all,
)

from entitlement_ledger.checks.rules.base import (
    DAY_US,
    MINUTE_US,
    Parameters,
    Reach,
    Rule,
    Severity,
    minutes,
    pattern,
    roughly_drawn,
    wide,
)
from entitlement_ledger.domain.events import Account
from entitlement_ledger.store.dialect import listed
from entitlement_ledger.store.tables import grants, postings


def _typical(acts: FromClause, _set_to: Parameters) -> Select[Any]:
    """Give about what an ordinary draw is, by entitlement."""
    return roughly_drawn(acts, 0.5, "draw")


def _dormant_then_drained(acts: FromClause, set_to: Parameters, typical: FromClause) -> Select[Any]:
    a = acts.c
    before = func.lag(a.at).over(partition_by=a.customer, order_by=(a.at, a.sequence))
    drawing = (
        select(a.sequence, a.customer, a.entitlement, a.draws, a.at, a.effective_at,
               (a.at - before).label("gap"))
        .where(a.draws > 0)
        .cte("drawing")
    )  # fmt: skip
    d = drawing.c
    earlier: dict[str, Any] = {"order_by": (d.at, d.sequence), "rows": (None, -1)}
    woken = select(
        drawing,
        func.avg(d.gap).over(partition_by=d.customer, **earlier).label("usual"),
        func.avg(d.draws).over(partition_by=(d.customer, d.entitlement), **earlier).label("each"),
    ).cte("woken")
    w = woken.c
    # What was there when the account woke up, of the entitlement that was drawn first.
    there = (
        select(
            w.sequence,
            w.customer,
            w.entitlement,
            w.at,
            w.gap,
            w.each,
            func.sum(postings.c.quantity).label("available"),
        )
        .select_from(
            woken.join(
                postings,
                and_(
                    postings.c.customer == w.customer,
                    postings.c.entitlement == w.entitlement,
                    postings.c.account == Account.AVAILABLE,
                    postings.c.effective_at <= w.effective_at,
                    postings.c.sequence < w.sequence,
                ),
            ).join(grants, grants.c.id == postings.c.grant)
        )
        .where(
            w.gap >= set_to["quiet_days"] * DAY_US,
            w.gap >= func.coalesce(w.usual, 0) * set_to["times"],
            or_(grants.c.expires_at.is_(None), grants.c.expires_at > w.effective_at),
        )
        .group_by(w.sequence, w.customer, w.entitlement, w.at, w.gap, w.each)
        .cte("there")
    )
    drained = func.sum(d.draws)
    return (
        select(
            *pattern(
                there.c.customer,
                there.c.sequence,
                customer=there.c.customer,
                transactions=listed(d.sequence),
                score=60 + func.count() * 4,
                days=cast(there.c.gap / DAY_US, Integer),
                total=drained,
                available=there.c.available,
                entitlement=there.c.entitlement,
                number=func.count(),
            )
        )
        .select_from(
            there.join(
                drawing,
                and_(
                    d.customer == there.c.customer,
                    d.entitlement == there.c.entitlement,
                    d.at >= there.c.at,
                    d.at <= there.c.at + set_to["within_hours"] * 60 * MINUTE_US,
                ),
            ).join(typical, typical.c.entitlement == there.c.entitlement)
        )
        .group_by(
            there.c.customer,
            there.c.sequence,
            there.c.gap,
            there.c.each,
            there.c.available,
            there.c.entitlement,
            typical.c.draw,
        )
        .having(
            # Who never drew of it before is compared with everybody.
            drained >= func.coalesce(there.c.each, typical.c.draw) * set_to["times_a_draw"],
            drained * 100 >= there.c.available * set_to["drained_percent"],
            there.c.available > 0,
        )
    )


def _granted_then_drained(acts: FromClause, set_to: Parameters) -> Select[Any]:
    a = acts.c
    later = acts.alias("later")
    moved = (
        select(
            a.sequence.label("given_by"),
            a.customer,
            a.actor,
            a.entitlement,
            a.gives,
            later.c.sequence,
            (-postings.c.quantity).label("drawn"),
            (later.c.at - a.at).label("after"),
        )
        .select_from(
            acts.join(grants, grants.c.sequence == a.sequence)
            .join(
                postings,
                and_(
                    postings.c.grant == grants.c.id,
                    postings.c.account == Account.AVAILABLE,
                    postings.c.quantity < 0,
                ),
            )
            .join(later, later.c.sequence == postings.c.sequence)
        )
        .where(
            a.gives > 0,
            later.c.draws > 0,
            later.c.at - a.at <= set_to["within_minutes"] * MINUTE_US,
        )
        .cte("moved")
    )
    m = moved.c
    drained = (
        select(m.given_by, func.sum(m.drawn).label("drawn"), func.max(m.after).label("after"))
        .group_by(m.given_by, m.gives)
        .having(func.sum(m.drawn) * 100 >= wide(m.gives) * set_to["drained_percent"])
        .cte("drained")
    )
    parts = union_all(
        select(m.given_by, m.sequence), select(drained.c.given_by, drained.c.given_by)
    ).cte("parts")
    # A draw as ever takes what was given last, too: that is no drain.
    customers = select(m.customer).where(m.given_by.in_(select(drained.c.given_by)))
    others = (
        select(
            a.customer,
            a.entitlement,
            func.count().label("number"),
            func.avg(a.draws).label("each"),
        )
        .where(
            a.draws > 0,
            a.customer.in_(customers),
            a.sequence.not_in(select(parts.c.sequence)),
        )
        .group_by(a.customer, a.entitlement)
        .cte("others")
    )
    as_ever = and_(
        others.c.number >= set_to["draws_least"],
        drained.c.drawn < others.c.each * set_to["times_a_draw"],
    )
    # Whoever's grants are mostly used at once sells what is used at once.
    given = (
        select(
            a.actor,
            func.count().label("number"),
            func.count(drained.c.given_by).label("drained"),
        )
        .select_from(acts.outerjoin(drained, drained.c.given_by == a.sequence))
        .where(a.gives > 0)
        .group_by(a.actor)
        .cte("given")
    )
    joined = (
        acts.join(drained, drained.c.given_by == a.sequence)
        .join(parts, parts.c.given_by == a.sequence)
        .join(given, given.c.actor == a.actor)
        .outerjoin(
            others, and_(others.c.customer == a.customer, others.c.entitlement == a.entitlement)
        )
    )
    return (
        select(
            *pattern(
                a.customer,
                a.sequence,
                customer=a.customer,
                actor=a.actor,
                transactions=listed(parts.c.sequence),
                score=70 + func.least(func.max(given.c.drained) * 5, 30),
                gives=a.gives,
                drawn=func.max(drained.c.drawn),
                entitlement=a.entitlement,
                minutes=minutes(func.max(drained.c.after)),
            )
        )
        .select_from(joined)
        .where(
            ~func.coalesce(as_ever, false()),
            or_(
                given.c.number < set_to["usual_least"],
                given.c.drained * 100 <= given.c.number * set_to["usual_percent"],
            ),
            # Once among hundreds it is chance.
            given.c.drained * 1000 >= given.c.number * set_to["chance_permille"],
        )
        .group_by(a.customer, a.sequence, a.actor, a.gives, a.entitlement)
    )


RULES = (
    Rule(
        "dormant_then_drained",
        Severity.HIGH,
        "an account that was quiet for long and is then emptied",
        "{total} of {available} {entitlement} drawn after {days} quiet days (draws: {number})",
        {
            "quiet_days": 80,
            "times": 4,
            "within_hours": 24,
            "drained_percent": 70,
            "times_a_draw": 3,
        },
        _dormant_then_drained,
        lambda a: a.draws > 0,
        Reach.CUSTOMER,
        _typical,
    ),
    Rule(
        "granted_then_drained",
        Severity.HIGH,
        "something given by hand and used up within minutes",
        "{gives} of {entitlement} given, {drawn} of it drawn within {minutes} minutes",
        {
            "within_minutes": 30,
            "drained_percent": 80,
            "usual_least": 30,
            "usual_percent": 20,
            "chance_permille": 2,
            "draws_least": 5,
            "times_a_draw": 2,
        },
        _granted_then_drained,
        lambda a: or_(a.gives > 0, a.draws > 0),
    ),
)
