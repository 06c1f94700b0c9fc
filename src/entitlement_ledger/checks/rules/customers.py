"""What a customer's account does: bursts, outflow, draining, refusals until something succeeds."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CTE, Integer, Select, and_, case, cast, func, or_, select, union_all

from entitlement_ledger.checks.rules.base import (
    DAY_US,
    MINUTE_US,
    Parameters,
    Reach,
    Rule,
    Severity,
    minutes,
    pattern,
    sessions,
)
from entitlement_ledger.domain.events import Account
from entitlement_ledger.store.dialect import listed
from entitlement_ledger.store.tables import grants, postings


def _burst(acts: CTE, set_to: Parameters) -> Select[Any]:
    window = set_to["window_minutes"] * MINUTE_US
    drawing = select(acts).where(acts.c.draws > 0).cte("drawing")
    d = drawing.c
    together = func.count().over(partition_by=d.customer, order_by=d.at, range_=(-window, 0))
    counted = select(drawing, together.label("together")).cte("counted")
    c = counted.c
    days = (
        select(d.customer, d.day, func.count().label("number")).group_by(d.customer, d.day)
    ).cte("days")
    # What is usual is told by the other days.
    peak = (
        select(c.customer, c.day, func.max(c.together).label("most"))
        .group_by(c.customer, c.day)
        .cte("peak")
    )
    usual = (
        select(
            peak.c.customer,
            peak.c.day,
            peak.c.most,
            func.coalesce(func.max(days.c.number), 0).label("busiest"),
        )
        .select_from(
            peak.outerjoin(days, and_(days.c.customer == peak.c.customer, days.c.day != peak.c.day))
        )
        .where(peak.c.most >= set_to["least"])
        .group_by(peak.c.customer, peak.c.day, peak.c.most)
        .cte("usual")
    )
    soon = func.max(c.together).over(partition_by=c.customer, order_by=c.at, range_=(0, window))
    near = select(counted, soon.label("soon")).cte("near")
    return (
        select(
            *pattern(
                near.c.customer,
                func.min(near.c.sequence),
                customer=near.c.customer,
                transactions=listed(near.c.sequence),
                score=func.count() * 8,
                number=func.count(),
                minutes=minutes(func.max(near.c.at) - func.min(near.c.at)),
                busiest=func.max(usual.c.busiest),
            )
        )
        .select_from(
            near.join(usual, and_(usual.c.customer == near.c.customer, usual.c.day == near.c.day))
        )
        .where(
            near.c.soon >= set_to["least"],
            usual.c.most >= usual.c.busiest * set_to["times"],
        )
        .group_by(near.c.customer, near.c.day)
    )


def _outflow(acts: CTE, set_to: Parameters) -> Select[Any]:
    a = acts.c
    days = (
        select(
            a.customer,
            a.entitlement,
            a.day,
            func.sum(a.draws).label("total"),
            listed(a.sequence).label("sequences"),
            func.min(a.sequence).label("first"),
        )
        .where(a.draws > 0)
        .group_by(a.customer, a.entitlement, a.day)
        .cte("days")
    )
    d = days.c
    earlier: dict[str, Any] = {
        "partition_by": (d.customer, d.entitlement),
        "order_by": d.day,
        "rows": (None, -1),
    }
    compared = select(
        days,
        func.count().over(**earlier).label("days_before"),
        cast(func.avg(d.total).over(**earlier), Integer).label("usual"),
        func.max(d.total).over(**earlier).label("most"),
    ).cte("compared")
    c = compared.c
    # What is much for this customer and an ordinary day for others is no flight of points.
    share = set_to["above_percent_of_all"] / 100
    usual = (
        select(d.entitlement, func.percentile_cont(share).within_group(d.total).label("much"))
        .group_by(d.entitlement)
        .cte("usual")
    )
    return (
        select(
            *pattern(
                c.customer,
                c.entitlement,
                c.first,
                customer=c.customer,
                transactions=c.sequences,
                score=cast(c.total * 8 / func.greatest(c.usual, 1), Integer),
                total=c.total,
                entitlement=c.entitlement,
                usual=c.usual,
                days_before=c.days_before,
            )
        )
        .select_from(compared.join(usual, usual.c.entitlement == c.entitlement))
        .where(
            c.total >= usual.c.much,
            c.days_before >= set_to["days_least"],
            c.total >= func.greatest(c.usual, 1) * set_to["times"],
            c.total >= c.most * set_to["times_the_most"],
        )
    )


def _dormant_then_drained(acts: CTE, set_to: Parameters) -> Select[Any]:
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
        func.coalesce(
            func.avg(d.draws).over(partition_by=(d.customer, d.entitlement), **earlier),
            func.avg(d.draws).over(partition_by=d.entitlement),
        ).label("each"),
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
            )
        )
        .group_by(
            there.c.customer,
            there.c.sequence,
            there.c.gap,
            there.c.each,
            there.c.available,
            there.c.entitlement,
        )
        .having(
            drained >= func.coalesce(there.c.each, 0) * set_to["times_a_draw"],
            drained * 100 >= there.c.available * set_to["drained_percent"],
            there.c.available > 0,
        )
    )


def _granted_then_drained(acts: CTE, set_to: Parameters) -> Select[Any]:
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
        .having(func.sum(m.drawn) * 100 >= m.gives * set_to["drained_percent"])
        .cte("drained")
    )
    parts = union_all(
        select(m.given_by, m.sequence), select(drained.c.given_by, drained.c.given_by)
    ).cte("parts")
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
            or_(
                given.c.number < set_to["usual_least"],
                given.c.drained * 100 <= given.c.number * set_to["usual_percent"],
            ),
            # Once among hundreds it is chance.
            given.c.drained * 1000 >= given.c.number * set_to["chance_permille"],
        )
        .group_by(a.customer, a.sequence, a.actor, a.gives, a.entitlement)
    )


def _refusals_then_success(acts: CTE, set_to: Parameters) -> Select[Any]:
    a = acts.c
    tried = select(acts).where(or_(a.code.is_not(None), a.done)).cte("tried")
    gap = set_to["gap_minutes"] * MINUTE_US
    runs = sessions(tried, gap, "customer", "actor", "did")
    r = runs.c
    of_run = (r.customer, r.actor, r.did, r.session)
    refused = case((r.code.is_not(None), 1), else_=0)
    streak = func.sum(refused).over(
        partition_by=of_run, order_by=(r.at, r.sequence), rows=(None, -1)
    )
    after = select(runs, streak.label("streak")).cte("after_refusals")
    s = after.c
    won = (
        select(s.customer, s.actor, s.did, s.session, func.min(s.sequence).label("success"))
        .where(s.code.is_(None), s.streak >= set_to["least"])
        .group_by(s.customer, s.actor, s.did, s.session)
        .cte("won")
    )
    refusals = func.sum(refused)
    return (
        select(
            *pattern(
                r.customer,
                r.actor,
                r.did,
                func.min(r.sequence),
                customer=r.customer,
                actor=r.actor,
                transactions=listed(r.sequence),
                score=30 + refusals * 6,
                refusals=refusals,
                did=r.did,
                minutes=minutes(func.max(r.at) - func.min(r.at)),
            )
        )
        .select_from(
            runs.join(
                won,
                and_(
                    won.c.customer == r.customer,
                    won.c.actor == r.actor,
                    won.c.did == r.did,
                    won.c.session == r.session,
                ),
            )
        )
        .where(r.sequence <= won.c.success)
        .group_by(*of_run)
    )


RULES = (
    Rule(
        "burst",
        Severity.MEDIUM,
        "many draws by one customer within minutes",
        "{number} draws within {minutes} minutes; on the busiest other day there were {busiest}",
        {"window_minutes": 10, "least": 6, "times": 3},
        _burst,
        Reach.CUSTOMER,
    ),
    Rule(
        "outflow",
        Severity.MEDIUM,
        "a day's outflow far above the customer's own past",
        "{total} of {entitlement} drawn in one day; on the {days_before} days before it was {usual}"
        " on average",
        {"days_least": 8, "times": 8, "times_the_most": 3, "above_percent_of_all": 95},
        _outflow,
    ),
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
            "chance_permille": 4,
        },
        _granted_then_drained,
    ),
    Rule(
        "refusals_then_success",
        Severity.MEDIUM,
        "a streak of refusals, and then success",
        "{refusals} times {did} was refused within {minutes} minutes before it went through",
        {"gap_minutes": 30, "least": 4},
        _refusals_then_success,
        Reach.CUSTOMER,
    ),
)
