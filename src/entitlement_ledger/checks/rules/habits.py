"""An actor's habits: the hours they are at work, and what they do."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    FromClause,
    Integer,
    Select,
    and_,
    case,
    cast,
    distinct,
    func,
    or_,
    select,
    union_all,
)

from entitlement_ledger.checks.rules.base import (
    DAY_US,
    DRAWS,
    GIVES,
    MINUTE_US,
    Parameters,
    Reach,
    Rule,
    Severity,
    pattern,
)
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.store.dialect import listed
from entitlement_ledger.store.tables import transactions

_USES = (*GIVES, CommandType.REVERSE.value)


def _hours_by_day(acts: FromClause, _set_to: Parameters) -> Select[Any]:
    """Count acts by the hours, in UTC, in which each actor was at work on each day."""
    a = acts.c
    hour = cast(func.floor(a.at / (60 * MINUTE_US)), Integer) % 24
    weekend = case((((a.day + 3) % 7) >= 5, 1), else_=0)
    # What was approved happened when the approver was at work, not whoever had asked for it.
    worked = (
        select(a.actor, a.day, hour.label("hour"), weekend.label("weekend"))
        .where(a.decided_by == a.actor)
        .subquery("worked")
    )
    w = worked.c
    by = (w.actor, w.day, w.hour, w.weekend)
    return select(*by, func.count().label("number")).group_by(*by)


def _near(seen: FromClause) -> CTE:
    """Give on how many other days the actor was at work within an hour of each hour."""
    s = seen.c
    around = union_all(
        *(select(s.actor, s.day, ((s.hour + shift) % 24).label("hour")) for shift in (0, 1, 23))
    ).cte("around")
    n = around.c
    return (
        select(n.actor, n.hour, (func.count(distinct(n.day)) - 1).label("number"))
        .group_by(n.actor, n.hour)
        .cte("near")
    )


def _unusual_hours(seen: FromClause, set_to: Parameters) -> CTE:
    """Give the hours of days that are outside the actor's own; some actors have none."""
    s = seen.c
    near = _near(seen)
    habits = (
        select(
            s.actor,
            func.count(distinct(s.day)).label("days"),
            func.count(distinct(case((s.weekend == 1, s.day)))).label("weekends"),
        )
        .group_by(s.actor)
        .cte("habits")
    )
    of_hours = (
        select(s.actor, s.hour, func.count().label("days"))
        .group_by(s.actor, s.hour)
        .cte("of_hours")
    )
    n, h, o = near.c, habits.c, of_hours.c
    # Whoever is at work round the clock has no hours of their own.
    own = (
        select(
            h.actor,
            func.count(case((o.days * 100 >= h.days * 4, 1))).label("hours"),
            func.max(n.number).label("peak"),
        )
        .select_from(
            habits.join(of_hours, o.actor == h.actor).join(
                near, and_(n.actor == o.actor, n.hour == o.hour)
            )
        )
        .group_by(h.actor)
        .cte("own")
    )
    seldom = or_(
        n.number <= set_to["days_most"],
        n.number * 100 <= h.days * set_to["seldom_percent"],
        and_(s.weekend == 1, h.weekends * 100 <= h.days * set_to["seldom_percent"]),
    )
    return (
        select(s.actor, s.day, s.hour, h.days, n.number)
        .select_from(
            seen.join(near, and_(n.actor == s.actor, n.hour == s.hour))
            .join(habits, h.actor == s.actor)
            .join(own, own.c.actor == s.actor)
        )
        .where(
            h.days >= set_to["days_least"],
            own.c.peak * 100 >= h.days * set_to["peak_percent"],
            own.c.hours <= set_to["hours_most"],
            seldom,
        )
        .cte("unusual")
    )


def _at_odd_hours(seen: FromClause, set_to: Parameters) -> Select[Any]:
    return select(_unusual_hours(seen, set_to).c.actor)


def _odd_hours(acts: FromClause, set_to: Parameters, seen: FromClause) -> Select[Any]:
    a = acts.c
    unusual = _unusual_hours(seen, set_to)
    u = unusual.c
    hour = cast(func.floor(a.at / (60 * MINUTE_US)), Integer) % 24
    return (
        select(
            *pattern(
                a.actor,
                a.day,
                actor=a.actor,
                transactions=listed(a.sequence),
                score=30 + func.count() * 8,
                number=func.count(),
                hour=func.min(u.hour),
                days=func.max(u.days),
                on_other_days=func.max(u.number),
            )
        )
        .select_from(acts.join(unusual, and_(u.actor == a.actor, u.day == a.day, u.hour == hour)))
        .where(a.decided_by == a.actor)
        .group_by(a.actor, a.day)
    )


def _by_type(acts: FromClause, _set_to: Parameters) -> Select[Any]:
    """Count what each actor did of the types that give something."""
    a = acts.c
    by = (a.actor, a.did)
    return select(*by, func.count().label("number")).where(a.done, a.did.in_(_USES)).group_by(*by)


def _seldom(by_type: FromClause, set_to: Parameters) -> CTE:
    b = by_type.c
    return select(b.actor, b.did).where(b.number <= set_to["uses_most"]).cte("seldom")


def _with_seldom_types(by_type: FromClause, set_to: Parameters) -> Select[Any]:
    return select(_seldom(by_type, set_to).c.actor)


def _first_use(acts: FromClause, set_to: Parameters, by_type: FromClause) -> Select[Any]:
    a, seldom = acts.c, _seldom(by_type, set_to)
    s, t = seldom.c, transactions.c
    of_type = func.row_number().over(partition_by=(a.actor, a.did), order_by=(a.at, a.sequence))
    # To take back what was given gives nothing.
    gives = or_(
        a.did != CommandType.REVERSE,
        func.coalesce(t.executes, t.type).in_((*DRAWS, CommandType.CAPTURE)),
        t.quantity < 0,
    )
    uses = (
        select(a.actor, a.did, a.customer, a.at, a.sequence, gives.label("gives"),
               of_type.label("of_type"))
        .select_from(
            acts.join(seldom, and_(s.actor == a.actor, s.did == a.did)).outerjoin(
                transactions, t.sequence == a.target
            )
        )
        .where(a.done)
        .cte("uses")
    )  # fmt: skip
    u = uses.c
    earlier = acts.alias("earlier")
    e = earlier.c
    before = or_(e.at < u.at, and_(e.at == u.at, e.sequence < u.sequence))
    first = (u.actor, u.did, u.customer, u.at, u.sequence)
    counted = (
        select(*first, func.count().label("number"), func.min(e.at).label("since"))
        .select_from(uses.join(earlier, and_(e.actor == u.actor, e.done, before)))
        .where(u.of_type == 1, u.gives)
        .group_by(*first)
        .cte("counted")
    )
    c = counted.c
    return select(
        *pattern(
            c.actor,
            c.did,
            customer=c.customer,
            actor=c.actor,
            transactions=listed(c.sequence).over(partition_by=c.sequence),
            score=20 + func.least((c.number + 1) / 10, 40),
            did=c.did,
            earlier=c.number,
            days=cast((c.at - c.since) / DAY_US, Integer),
        )
    ).where(
        c.number >= set_to["acts_least"],
        c.at - c.since >= set_to["days_least"] * DAY_US,
    )


RULES = (
    Rule(
        "odd_hours",
        Severity.MEDIUM,
        "an actor at work outside their own hours",
        "at work from {hour}:00 UTC on (acts: {number}); within an hour of that this actor was at"
        " work on {on_other_days} of {days} days",
        {
            "days_least": 15,
            "peak_percent": 25,
            "hours_most": 12,
            "days_most": 1,
            "seldom_percent": 2,
        },
        _odd_hours,
        lambda a: a.decided_by == a.actor,
        Reach.ACTOR,
        _hours_by_day,
        odd=_at_odd_hours,
    ),
    Rule(
        "first_use",
        Severity.LOW,
        "an actor's first use of a type that gives something, after much else",
        "the first {did} by this actor, after {earlier} other acts in {days} days",
        {"acts_least": 40, "days_least": 20, "uses_most": 5},
        _first_use,
        lambda a: a.done,
        Reach.ACTOR,
        _by_type,
        odd=_with_seldom_types,
    ),
)
