"""What an actor does again and again, or never did before."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CTE, Integer, Select, and_, case, cast, distinct, func, or_, select

from entitlement_ledger.checks.rules.base import (
    DAY_US,
    GIVES,
    MINUTE_US,
    Parameters,
    Rule,
    Severity,
    minutes,
    pattern,
    sessions,
)
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.store.dialect import listed


def _same_amount(acts: CTE, set_to: Parameters) -> Select[Any]:
    a = acts.c
    gap = set_to["gap_minutes"] * MINUTE_US
    by = ("actor", "entitlement", "quantity")
    runs = sessions(acts, gap, *by, where=a.gives > 0)
    r = runs.c
    of_run = (r.actor, r.entitlement, r.quantity, r.session)
    people = func.count(distinct(r.customer))
    groups = (
        select(
            *of_run,
            people.label("people"),
            func.min(r.sequence).label("first"),
            listed(r.sequence).label("sequences"),
            (func.max(r.at) - func.min(r.at)).label("span"),
        )
        .group_by(*of_run)
        .cte("groups")
    )
    # Usual is what the actor gives alike on other occasions.
    g, other = groups.c, groups.alias("other")
    usual = func.coalesce(func.avg(other.c.people), 0)
    as_large = func.count(case((other.c.people * 2 >= g.people, 1)))
    return (
        select(
            *pattern(
                g.actor,
                g.entitlement,
                g.quantity,
                g.first,
                actor=g.actor,
                transactions=g.sequences,
                score=g.people * 6,
                number=g.people,
                quantity=g.quantity,
                entitlement=g.entitlement,
                minutes=minutes(g.span),
                usual=cast(func.round(usual), Integer),
            )
        )
        .select_from(
            groups.outerjoin(other, and_(other.c.actor == g.actor, other.c.first != g.first))
        )
        .where(g.people >= set_to["least"])
        .group_by(g.actor, g.entitlement, g.quantity, g.first, g.sequences, g.people, g.span)
        .having(
            g.people >= usual * set_to["times"],
            as_large * 100
            <= set_to["alike_least"] * 100 + func.count(other.c.first) * set_to["alike_percent"],
        )
    )


def _odd_hours(acts: CTE, set_to: Parameters) -> Select[Any]:
    a = acts.c
    hour = cast(func.floor(a.at / (60 * MINUTE_US)), Integer) % 24
    weekend = case((((a.day + 3) % 7) >= 5, 1), else_=0)
    # What was approved happened when the approver was at work, not whoever had asked for it.
    timed = (
        select(acts, hour.label("hour"), weekend.label("weekend"))
        .where(a.decided_by == a.actor)
        .cte("timed")
    )
    t = timed.c
    habits = (
        select(
            t.actor,
            func.count(distinct(t.day)).label("days"),
            func.count(distinct(case((t.weekend == 1, t.day)))).label("weekends"),
        )
        .group_by(t.actor)
        .cte("habits")
    )
    seen = select(t.actor, t.day, t.hour).distinct().cte("seen")
    s, other = seen.c, seen.alias("other")
    o = other.c
    # Days, other than this one, on which the actor was at work within an hour of it.
    apart = func.abs(o.hour - s.hour)
    near = (
        select(s.actor, s.day, s.hour, func.count(distinct(o.day)).label("number"))
        .select_from(
            seen.outerjoin(
                other,
                and_(o.actor == s.actor, o.day != s.day, or_(apart <= 1, apart >= 23)),
            )
        )
        .group_by(s.actor, s.day, s.hour)
        .cte("near")
    )
    peak = (
        select(near.c.actor, func.max(near.c.number).label("number"))
        .group_by(near.c.actor)
        .cte("peak")
    )
    of_hours = (
        select(s.actor, s.hour, func.count().label("days"))
        .group_by(s.actor, s.hour)
        .cte("of_hours")
    )
    # Whoever is at work round the clock has no hours of their own.
    own = (
        select(
            habits.c.actor,
            func.count(case((of_hours.c.days * 100 >= habits.c.days * 4, 1))).label("hours"),
        )
        .select_from(habits.join(of_hours, of_hours.c.actor == habits.c.actor))
        .group_by(habits.c.actor)
        .cte("own")
    )
    n, h = near.c, habits.c
    seldom = or_(
        n.number <= set_to["days_most"],
        n.number * 100 <= h.days * set_to["seldom_percent"],
        and_(t.weekend == 1, h.weekends * 100 <= h.days * set_to["seldom_percent"]),
    )
    return (
        select(
            *pattern(
                t.actor,
                t.day,
                actor=t.actor,
                transactions=listed(t.sequence),
                score=30 + func.count() * 8,
                number=func.count(),
                hour=func.min(t.hour),
                days=func.max(h.days),
                on_other_days=func.max(n.number),
            )
        )
        .select_from(
            timed.join(near, and_(n.actor == t.actor, n.day == t.day, n.hour == t.hour))
            .join(habits, h.actor == t.actor)
            .join(peak, peak.c.actor == t.actor)
            .join(own, own.c.actor == t.actor)
        )
        .where(
            h.days >= set_to["days_least"],
            peak.c.number * 100 >= h.days * set_to["peak_percent"],
            own.c.hours <= set_to["hours_most"],
            seldom,
        )
        .group_by(t.actor, t.day)
    )


def _first_use(acts: CTE, set_to: Parameters) -> Select[Any]:
    a = acts.c
    number = func.row_number().over(partition_by=a.actor, order_by=(a.at, a.sequence))
    of_type = func.row_number().over(partition_by=(a.actor, a.did), order_by=(a.at, a.sequence))
    since = func.min(a.at).over(partition_by=a.actor)
    counted = (
        select(
            acts,
            number.label("number"),
            of_type.label("of_type"),
            since.label("since"),
            func.count().over(partition_by=(a.actor, a.did)).label("uses"),
        )
        .where(a.done)
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
            score=20 + func.least(c.number / 10, 40),
            did=c.did,
            earlier=c.number - 1,
            days=cast((c.at - c.since) / DAY_US, Integer),
        )
    ).where(
        c.of_type == 1,
        c.did.in_((*GIVES, CommandType.REVERSE.value)),
        c.number > set_to["acts_least"],
        c.at - c.since >= set_to["days_least"] * DAY_US,
        c.uses <= set_to["uses_most"],
    )


def _copied_reasons(acts: CTE, set_to: Parameters) -> Select[Any]:
    a = acts.c
    reason = func.lower(func.trim(a.reason))
    said = (
        select(acts, reason.label("said"))
        .where(a.done, a.reason.is_not(None), func.length(reason) > 0)
        .cte("said")
    )
    runs = sessions(said, set_to["gap_hours"] * 60 * MINUTE_US, "actor", "said")
    r = runs.c
    people = func.count(distinct(r.customer))
    used = (
        select(said.c.said, said.c.actor, func.count().label("number"))
        .group_by(said.c.said, said.c.actor)
        .cte("used")
    )
    of_all = (
        select(used.c.said, func.count().label("actors"), func.sum(used.c.number).label("number"))
        .group_by(used.c.said)
        .cte("of_all")
    )
    return (
        select(
            *pattern(
                r.actor,
                r.said,
                func.min(r.sequence),
                actor=r.actor,
                transactions=listed(r.sequence),
                score=20 + people * 5,
                number=people,
                reason=func.left(r.said, 60),
                minutes=minutes(func.max(r.at) - func.min(r.at)),
            )
        )
        .select_from(runs.join(of_all, of_all.c.said == r.said))
        # What others say too, on other occasions, is a phrase of the house.
        .group_by(r.actor, r.said, r.session, of_all.c.number)
        .having(
            people >= set_to["least"],
            func.count() * 100 >= of_all.c.number * set_to["share_percent"],
        )
    )


def _blank_reasons(acts: CTE, set_to: Parameters) -> Select[Any]:
    a = acts.c
    letters = func.regexp_replace(func.coalesce(a.reason, ""), "[^[:alnum:]]", "", "g")
    blank = and_(a.reason.is_not(None), func.length(letters) <= set_to["letters_most"])
    given = (
        select(acts, case((blank, 1), else_=0).label("blank"))
        .where(a.done, or_(a.gives > 0, a.did.in_(("adjust", "reverse"))), a.reason.is_not(None))
        .cte("given")
    )
    g = given.c
    others = select(
        given,
        (func.sum(g.blank).over() - func.sum(g.blank).over(partition_by=g.actor)).label("theirs"),
        (func.count().over() - func.count().over(partition_by=g.actor)).label("all_theirs"),
    ).cte("others")
    o = others.c
    return (
        select(
            *pattern(
                o.actor,
                actor=o.actor,
                transactions=listed(o.sequence),
                score=20 + func.count() * 6,
                number=func.count(),
            )
        )
        .where(o.blank == 1)
        .group_by(o.actor, o.theirs, o.all_theirs)
        .having(
            func.count() >= set_to["least"],
            o.theirs * 100 <= o.all_theirs * set_to["others_percent"],
        )
    )


def _adjust_and_reverse(acts: CTE, set_to: Parameters) -> Select[Any]:
    a = acts.c
    undone = acts.alias("undone")
    pairs = (
        select(
            a.actor,
            a.customer,
            a.at,
            a.sequence,
            undone.c.sequence.label("adjusted"),
        )
        .select_from(acts.join(undone, undone.c.sequence == a.target))
        .where(
            a.did == CommandType.REVERSE,
            a.done,
            undone.c.did == CommandType.ADJUST,
            a.at - undone.c.at <= set_to["within_hours"] * 60 * MINUTE_US,
        )
        .cte("pairs")
    )
    runs = sessions(pairs, set_to["gap_days"] * DAY_US, "actor")
    r = runs.c
    both = (
        select(r.actor, r.session, r.sequence, r.customer)
        .union_all(select(r.actor, r.session, r.adjusted, r.customer))
        .cte("both")
    )
    b = both.c
    return (
        select(
            *pattern(
                b.actor,
                func.min(b.sequence),
                actor=b.actor,
                transactions=listed(b.sequence),
                score=40 + func.count() * 4,
                number=func.count() / 2,
                customers=func.count(distinct(b.customer)),
            )
        )
        .group_by(b.actor, b.session)
        .having(func.count() >= set_to["least"] * 2)
    )


def _round_endings(acts: CTE, set_to: Parameters) -> Select[Any]:
    a = acts.c
    ending = (a.quantity % 100).label("ending")
    given = (
        select(acts, ending)
        .where(a.gives >= 100, a.reference.not_like("invoice:%") | a.reference.is_(None))
        .cte("given")
    )
    g = given.c
    numbers = select(
        g.actor,
        g.ending,
        g.sequence,
        func.count().over(partition_by=(g.actor, g.ending)).label("alike"),
        func.count().over(partition_by=g.actor).label("all_own"),
        func.count().over(partition_by=g.ending).label("alike_of_all"),
        func.count().over().label("of_all"),
    ).cte("numbers")
    n = numbers.c
    others, others_alike = n.of_all - n.all_own, n.alike_of_all - n.alike
    return (
        select(
            *pattern(
                n.actor,
                n.ending,
                actor=n.actor,
                transactions=listed(n.sequence),
                score=func.count() * 100 / func.max(n.all_own),
                number=func.count(),
                all_own=func.max(n.all_own),
                ending=n.ending,
            )
        )
        .where(
            n.alike >= set_to["least"],
            n.alike * 100 >= n.all_own * set_to["share_percent"],
            others_alike * 100 <= others * set_to["others_percent"],
        )
        .group_by(n.actor, n.ending)
    )


def _first_digits(acts: CTE, set_to: Parameters) -> Select[Any]:
    a = acts.c
    digit = func.floor(a.gives / func.power(10, func.floor(func.log10(a.gives))))
    given = (
        select(a.actor, a.sequence, a.gives, cast(digit, Integer).label("digit"))
        .where(a.gives > 0)
        .cte("given")
    )
    g = given.c
    counts = (
        select(g.actor, g.digit, func.count().label("number")).group_by(g.actor, g.digit)
    ).cte("counts")
    size = (
        select(
            g.actor,
            func.count().label("number"),
            listed(g.sequence).label("sequences"),
            (func.max(g.gives) / func.greatest(func.min(g.gives), 1)).label("spread"),
        )
        .group_by(g.actor)
        .cte("size")
    )
    expected = func.log10(1 + 1.0 / counts.c.digit)
    apart = func.abs(counts.c.number * 1.0 / size.c.number - expected)
    # A digit that never occurs is missing from the sum by as much as was expected of it.
    absent = 1 - func.sum(expected)
    deviation = cast((func.sum(apart) + absent) * 500 / 9, Integer)
    measured = (
        select(size.c.actor, size.c.number, size.c.sequences, deviation.label("deviation"))
        .select_from(counts.join(size, size.c.actor == counts.c.actor))
        .where(size.c.number >= set_to["acts_least"], size.c.spread >= set_to["spread_least"])
        .group_by(size.c.actor, size.c.number, size.c.sequences)
        .cte("measured")
    )
    m, peer = measured.c, measured.alias("peer")
    usual = func.min(peer.c.deviation)
    return (
        select(
            *pattern(
                m.actor,
                actor=m.actor,
                transactions=m.sequences,
                score=m.deviation,
                number=m.number,
                deviation=m.deviation,
                usual=usual,
            )
        )
        # Without anybody like them nobody knows what is usual here.
        .select_from(measured.join(peer, peer.c.actor != m.actor))
        .where(m.deviation >= set_to["deviation_least"])
        .group_by(m.actor, m.number, m.sequences, m.deviation)
        .having(m.deviation >= usual * set_to["times"])
    )


RULES = (
    Rule(
        "same_amount",
        Severity.HIGH,
        "one actor giving the same amount to many customers in a short time",
        "{number} customers were given exactly {quantity} {entitlement} within {minutes} minutes;"
        " this actor's usual is {usual}",
        {"gap_minutes": 30, "least": 6, "times": 4, "alike_least": 3, "alike_percent": 1},
        _same_amount,
    ),
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
    ),
    Rule(
        "first_use",
        Severity.LOW,
        "an actor's first use of a type that gives something, after much else",
        "the first {did} by this actor, after {earlier} other acts in {days} days",
        {"acts_least": 40, "days_least": 20, "uses_most": 5},
        _first_use,
    ),
    Rule(
        "copied_reasons",
        Severity.LOW,
        "one reason copied from customer to customer",
        "the reason “{reason}” was given for {number} customers within {minutes} minutes",
        {"gap_hours": 12, "least": 5, "share_percent": 60},
        _copied_reasons,
    ),
    Rule(
        "blank_reasons",
        Severity.LOW,
        "reasons that say nothing",
        "the reason says nothing (times: {number})",
        {"letters_most": 2, "least": 3, "others_percent": 20},
        _blank_reasons,
    ),
    Rule(
        "adjust_and_reverse",
        Severity.MEDIUM,
        "adjustments that are reversed soon after, in pairs",
        "{number} adjustments of {customers} customers were reversed by this actor soon after",
        {"within_hours": 48, "gap_days": 30, "least": 3},
        _adjust_and_reverse,
    ),
    Rule(
        "round_endings",
        Severity.LOW,
        "quantities given by hand that mostly end alike",
        "{number} of {all_own} quantities given by this actor end in {ending}",
        {"least": 10, "share_percent": 70, "others_percent": 35},
        _round_endings,
    ),
    Rule(
        "first_digits",
        Severity.LOW,
        "first digits of a large actor's quantities far from Benford's law",
        "the first digits of {number} quantities are {deviation} points from Benford's law; of the"
        " nearest other actor it is {usual}",
        {"acts_least": 100, "spread_least": 50, "deviation_least": 25, "times": 2},
        _first_digits,
    ),
)
