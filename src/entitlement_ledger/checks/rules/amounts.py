"""What actors give: the same again and again, round, unlike chance, or only for show."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    FromClause,
    Integer,
    Select,
    and_,
    case,
    cast,
    distinct,
    false,
    func,
    literal,
    or_,
    select,
)

from entitlement_ledger.checks.rules.base import (
    DAY_US,
    MINUTE_US,
    Parameters,
    Rule,
    Severity,
    beyond_chance,
    minutes,
    pattern,
    sessions,
)
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.store.dialect import listed


def _sizes(given: FromClause, groups: FromClause) -> CTE:
    """Give how often each actor gave the same to so many people; what is in no group was alone."""
    g, e = groups.c, given.c
    sizes = (
        select(g.actor, g.people, func.count().label("number"), func.sum(g.acts).label("acts"))
        .group_by(g.actor, g.people)
        .cte("of_groups")
    )
    s = sizes.c
    together = select(s.actor, func.sum(s.acts).label("acts")).group_by(s.actor).cte("together")
    t = together.c
    alone = e.number - func.coalesce(t.acts, 0)
    return (
        select(s.actor, s.people, s.number)
        .union_all(
            select(e.actor, literal(1), alone)
            .select_from(given.outerjoin(together, t.actor == e.actor))
            .where(alone > 0)
        )
        .cte("sizes")
    )


def _given(acts: FromClause, _set_to: Parameters) -> Select[Any]:
    """Count what each actor gave."""
    a = acts.c
    return select(a.actor, func.count().label("number")).where(a.gives > 0).group_by(a.actor)


def _gap(set_to: Parameters) -> int:
    return set_to["gap_minutes"] * MINUTE_US


def _groups(acts: FromClause, set_to: Parameters) -> Select[Any]:
    """Give what was given alike, one after the other: at least twice."""
    a = acts.c
    by = ("actor", "entitlement", "quantity")
    given = (
        select(a.sequence, a.customer, a.at, *(a[each] for each in by))
        .where(a.gives > 0)
        .cte("alike_given")
    )
    r = sessions(given, _gap(set_to), *by, least=2, name="alike").c
    return select(
        r.actor,
        r.entitlement,
        r.quantity,
        func.min(r.sequence).label("began"),
        func.count(distinct(r.customer)).label("people"),
        func.count().label("acts"),
        func.min(r.at).label("begins"),
        func.max(r.at).label("ends"),
        listed(r.sequence).label("sequences"),
    ).group_by(r.actor, r.entitlement, r.quantity, r.session)


def _large(groups: FromClause, set_to: Parameters) -> Select[Any]:
    """Give the actors with a group that may be a campaign."""
    return select(groups.c.actor).where(groups.c.people >= set_to["campaign_least"])


def _given_alike(_given: FromClause, set_to: Parameters, groups: FromClause) -> Select[Any]:
    """Give the actors who gave alike to many."""
    return select(groups.c.actor).where(groups.c.people >= set_to["least"])


def _same_amount(
    acts: FromClause, set_to: Parameters, given: FromClause, groups: FromClause
) -> Select[Any]:
    a, g = acts.c, groups.c
    # Usual is what the actor gives alike on other occasions; what is no part of a group is alone.
    sizes = _sizes(given, groups)
    s = sizes.c
    others = func.sum(s.number) - 1
    usual = func.coalesce(
        (func.sum(s.number * s.people) - g.people) * 1.0 / func.nullif(others, 0), 0
    )
    # Most of all to whom an actor ever gave anything are reached by a campaign.
    reached = (
        select(a.actor, func.count(distinct(a.customer)).label("customers"))
        .where(a.gives > 0, a.actor.in_(_large(groups, set_to)))
        .group_by(a.actor)
        .cte("reached")
    )
    campaign = and_(
        g.people >= set_to["campaign_least"],
        g.people * 100 >= reached.c.customers * set_to["campaign_percent"],
    )
    as_large = func.sum(case((s.people * 2 >= g.people, s.number), else_=0)) - 1
    of_group = (g.actor, g.entitlement, g.quantity, g.began, g.people, g.begins, g.ends)
    return (
        select(
            *pattern(
                g.actor,
                g.entitlement,
                g.quantity,
                g.began,
                actor=g.actor,
                transactions=g.sequences,
                score=g.people * 6,
                number=g.people,
                quantity=g.quantity,
                entitlement=g.entitlement,
                minutes=minutes(g.ends - g.begins),
                usual=cast(func.round(usual), Integer),
            )
        )
        .select_from(
            groups.join(sizes, s.actor == g.actor).outerjoin(reached, reached.c.actor == g.actor)
        )
        .where(g.people >= set_to["least"], ~func.coalesce(campaign, false()))
        .group_by(*of_group, g.sequences)
        .having(
            g.people >= usual * set_to["times"],
            as_large * 100 <= set_to["alike_least"] * 100 + others * set_to["alike_percent"],
        )
    )


def _adjust_and_reverse(acts: FromClause, set_to: Parameters) -> Select[Any]:
    a = acts.c
    undone = acts.alias("undone")
    pairs = (
        select(
            a.actor,
            a.customer,
            a.at,
            a.sequence,
            undone.c.sequence.label("adjusted"),
            undone.c.at.label("adjusted_at"),
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
    often = _more_than_others(acts, pairs, runs, set_to)
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
                number=cast(func.count() / 2, Integer),
                customers=func.count(distinct(b.customer)),
            )
        )
        .select_from(both.join(often, and_(often.c.actor == b.actor, often.c.session == b.session)))
        .group_by(b.actor, b.session)
    )


def _more_than_others(acts: FromClause, pairs: CTE, runs: CTE, set_to: Parameters) -> CTE:
    """Give the sessions in which an actor reversed far more than others do of what they adjust."""
    a, r = acts.c, runs.c
    adjusts = select(a.actor, a.at).where(a.did == CommandType.ADJUST, a.done).cte("adjusts")
    of_all = select(func.count().label("number")).select_from(adjusts).cte("of_all")
    pairs_of_all = select(func.count().label("number")).select_from(pairs).cte("pairs_of_all")
    own = select(adjusts.c.actor, func.count().label("number")).group_by(adjusts.c.actor).cte("own")
    own_pairs = (
        select(pairs.c.actor, func.count().label("number")).group_by(pairs.c.actor).cte("own_pairs")
    )
    spans = (
        select(
            r.actor,
            r.session,
            func.min(r.adjusted_at).label("begins"),
            func.max(r.at).label("ends"),
            func.count().label("number"),
        )
        .group_by(r.actor, r.session)
        .having(func.count() >= set_to["least"])
        .cte("spans")
    )
    s, d = spans.c, adjusts.c
    within = and_(d.actor == s.actor, d.at >= s.begins, d.at <= s.ends)
    theirs = func.coalesce(own.c.number, 0)
    return (
        select(s.actor, s.session)
        .select_from(
            spans.outerjoin(adjusts, within)
            .outerjoin(own, own.c.actor == s.actor)
            .join(own_pairs, own_pairs.c.actor == s.actor)
            .join(of_all, literal(True))
            .join(pairs_of_all, literal(True))
        )
        .group_by(
            s.actor,
            s.session,
            s.number,
            own.c.number,
            own_pairs.c.number,
            of_all.c.number,
            pairs_of_all.c.number,
        )
        .having(
            beyond_chance(
                s.number,
                func.count(d.at),
                pairs_of_all.c.number - own_pairs.c.number,
                of_all.c.number - theirs,
                least=set_to["least"],
                times=set_to["times"],
            )
        )
        .cte("often")
    )


def _by_hand(acts: Any) -> Any:
    """Say of what is given whether somebody chose how much: an invoice does so by itself."""
    return or_(acts.reference.is_(None), acts.reference.not_like("invoice:%"))


def _chosen(acts: FromClause, _set_to: Parameters) -> Select[Any]:
    """Count what each actor gave, by quantities that somebody chose."""
    a = acts.c
    chosen = select(a.actor, a.quantity, func.count().label("number"))
    return chosen.where(a.gives >= 100, _by_hand(a)).group_by(a.actor, a.quantity)


def _alike(chosen: FromClause, set_to: Parameters) -> CTE:
    """Give the actors whose quantities mostly end alike, and in what."""
    q = chosen.c
    of_ending = select(q.actor, (q.quantity % 100).label("ending"), q.number).cte("of_ending")
    e = of_ending.c
    alike = (
        select(
            e.actor,
            e.ending,
            func.sum(e.number).label("alike"),
            func.count().label("unlike"),
        )
        .group_by(e.actor, e.ending)
        .cte("alike")
    )
    n = alike.c
    numbers = select(
        alike,
        cast(func.sum(n.alike).over(partition_by=n.actor), BigInteger).label("all_own"),
        func.sum(n.unlike).over(partition_by=n.actor).label("unlike_own"),
        func.sum(n.unlike).over(partition_by=n.ending).label("unlike_of_all"),
        func.sum(n.unlike).over().label("of_all"),
    ).cte("numbers")
    o = numbers.c
    # Each quantity counts once: whoever gives the same to thousands does not tell what is usual.
    others, others_alike = o.of_all - o.unlike_own, o.unlike_of_all - o.unlike
    return (
        select(o.actor, o.ending, o.all_own)
        .where(
            o.alike >= set_to["least"],
            o.unlike >= set_to["unlike_least"],
            o.alike * 100 >= o.all_own * set_to["share_percent"],
            others_alike * o.all_own * set_to["times"] <= o.alike * others,
        )
        .cte("odd")
    )


def _ending_alike(chosen: FromClause, set_to: Parameters) -> Select[Any]:
    return select(_alike(chosen, set_to).c.actor)


def _round_endings(acts: FromClause, set_to: Parameters, chosen: FromClause) -> Select[Any]:
    a = acts.c
    ending = (a.quantity % 100).label("ending")
    given = select(a.actor, a.sequence, ending).where(a.gives >= 100, _by_hand(a)).cte("given")
    g = given.c
    odd = _alike(chosen, set_to)
    return (
        select(
            *pattern(
                g.actor,
                g.ending,
                actor=g.actor,
                transactions=listed(g.sequence),
                score=func.count() * 100 / func.max(odd.c.all_own),
                number=func.count(),
                all_own=func.max(odd.c.all_own),
                ending=g.ending,
            )
        )
        .select_from(given.join(odd, and_(odd.c.actor == g.actor, odd.c.ending == g.ending)))
        .group_by(g.actor, g.ending)
    )


def _quantities(acts: FromClause, _set_to: Parameters) -> Select[Any]:
    """Count what each actor gave, by quantity."""
    a = acts.c
    given = select(a.actor, a.gives, func.count().label("number"))
    return given.where(a.gives > 0).group_by(a.actor, a.gives)


def _unlike_benford(quantities: FromClause, set_to: Parameters) -> CTE:
    """Give the actors whose first digits are far from Benford's law, and from other actors'."""
    q = quantities.c
    digit = func.floor(q.gives / func.power(10, func.floor(func.log10(q.gives))))
    digits = select(q.actor, cast(digit, Integer).label("digit"), q.number).cte("digits")
    d = digits.c
    counts = (
        select(d.actor, d.digit, func.sum(d.number).label("number")).group_by(d.actor, d.digit)
    ).cte("counts")
    size = (
        select(
            q.actor,
            func.sum(q.number).label("number"),
            (func.max(q.gives) / func.greatest(func.min(q.gives), 1)).label("spread"),
        )
        .group_by(q.actor)
        .cte("size")
    )
    expected = func.log10(1 + 1.0 / counts.c.digit)
    apart = func.abs(counts.c.number * 1.0 / size.c.number - expected)
    # A digit that never occurs is missing from the sum by as much as was expected of it.
    absent = 1 - func.sum(expected)
    deviation = cast((func.sum(apart) + absent) * 500 / 9, Integer)
    measured = (
        select(size.c.actor, size.c.number, deviation.label("deviation"))
        .select_from(counts.join(size, size.c.actor == counts.c.actor))
        .where(size.c.number >= set_to["acts_least"], size.c.spread >= set_to["spread_least"])
        .group_by(size.c.actor, size.c.number)
        .cte("measured")
    )
    m, peer = measured.c, measured.alias("peer")
    usual = func.min(peer.c.deviation)
    return (
        select(m.actor, m.number, m.deviation, usual.label("usual"))
        # Without anybody like them nobody knows what is usual here.
        .select_from(measured.join(peer, peer.c.actor != m.actor))
        .where(m.deviation >= set_to["deviation_least"])
        .group_by(m.actor, m.number, m.deviation)
        .having(m.deviation >= usual * set_to["times"])
        .cte("unlike")
    )


def _with_odd_digits(quantities: FromClause, set_to: Parameters) -> Select[Any]:
    return select(_unlike_benford(quantities, set_to).c.actor)


def _first_digits(acts: FromClause, set_to: Parameters, quantities: FromClause) -> Select[Any]:
    a = acts.c
    given = select(a.actor, a.sequence).where(a.gives > 0).cte("given")
    g = given.c
    unlike = _unlike_benford(quantities, set_to)
    u = unlike.c
    return (
        select(
            *pattern(
                u.actor,
                actor=u.actor,
                transactions=listed(g.sequence),
                score=u.deviation,
                number=u.number,
                deviation=u.deviation,
                usual=u.usual,
            )
        )
        .select_from(unlike.join(given, g.actor == u.actor))
        .group_by(*u)
    )


RULES = (
    Rule(
        "same_amount",
        Severity.HIGH,
        "one actor giving the same amount to many customers in a short time",
        "{number} customers were given exactly {quantity} {entitlement} within {minutes} minutes;"
        " this actor's usual is {usual}",
        {
            "gap_minutes": 30,
            "least": 6,
            "times": 4,
            "alike_least": 3,
            "alike_percent": 1,
            "campaign_least": 50,
            "campaign_percent": 40,
        },
        _same_amount,
        lambda a: a.gives > 0,
        counted=_given,
        pieces=_groups,
        joins=_gap,
        odd=_given_alike,
    ),
    Rule(
        "adjust_and_reverse",
        Severity.MEDIUM,
        "adjustments that are reversed soon after, in pairs",
        "{number} adjustments of {customers} customers were reversed by this actor soon after",
        {"within_hours": 48, "gap_days": 7, "least": 3, "times": 3},
        _adjust_and_reverse,
        lambda a: and_(a.did.in_((CommandType.ADJUST, CommandType.REVERSE)), a.done),
    ),
    Rule(
        "round_endings",
        Severity.LOW,
        "quantities given by hand that mostly end alike",
        "{number} of {all_own} quantities given by this actor end in {ending}",
        {"least": 10, "unlike_least": 4, "share_percent": 70, "times": 2},
        _round_endings,
        lambda a: a.gives > 0,
        counted=_chosen,
        odd=_ending_alike,
    ),
    Rule(
        "first_digits",
        Severity.LOW,
        "first digits of a large actor's quantities far from Benford's law",
        "the first digits of {number} quantities are {deviation} points from Benford's law; of the"
        " nearest other actor it is {usual}",
        {"acts_least": 100, "spread_least": 50, "deviation_least": 25, "times": 2},
        _first_digits,
        lambda a: a.gives > 0,
        counted=_quantities,
        odd=_with_odd_digits,
    ),
)
