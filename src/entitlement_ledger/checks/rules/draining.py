"""Accounts that are emptied: after a long quiet, or right after something was given."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    FromClause,
    Integer,
    Select,
    String,
    and_,
    cast,
    false,
    func,
    literal,
    or_,
    select,
)

from entitlement_ledger.checks.rules.base import (
    DAY_US,
    MINUTE_US,
    News,
    Parameters,
    Reach,
    Rule,
    Severity,
    added_up,
    draws_by_size,
    minutes,
    pattern,
    roughly_drawn,
    wide,
)
from entitlement_ledger.domain.events import Account
from entitlement_ledger.store.dialect import listed
from entitlement_ledger.store.tables import grants, postings


def _drawn(acts: FromClause, set_to: Parameters) -> Select[Any]:
    """Count draws by size, and those of each customer, with the first and the last of them."""
    a = acts.c
    nobody, nothing = cast(literal(None), String), cast(literal(None), Integer)
    never = cast(literal(None), BigInteger)
    s = draws_by_size(acts, set_to).subquery("of_size").c
    both = select(
        nobody.label("customer"),
        s.entitlement,
        s.power,
        s.number,
        wide(never).label("total"),
        never.label("first"),
        never.label("last"),
    ).union_all(
        select(
            a.customer,
            a.entitlement,
            nothing,
            func.count(),
            wide(func.sum(a.draws)),
            func.min(a.at),
            func.max(a.at),
        )
        .where(a.draws > 0)
        .group_by(a.customer, a.entitlement)
    )
    return select(both.subquery("both"))


def _typical(counted: FromClause, _set_to: Parameters) -> Select[Any]:
    """Give about what an ordinary draw is, by entitlement."""
    of_all = select(counted).where(counted.c.customer.is_(None)).cte("of_all_draws")
    return roughly_drawn(of_all, 50, "draw")


_LITTLE_LESS = 0.999
"""A little less than is asked, where an average may be rounded."""


def _woken(news: News, set_to: Parameters) -> Select[Any]:
    """Give the customers whom new draws wake up, and those who may have woken up just before.

    Of the former, whoever draws no more than ever drains nothing.
    """
    assert news.before is not None and news.compared is not None
    n, b, typical = news.acts.c, news.before.c, news.compared.c
    new = (
        select(
            n.customer,
            n.entitlement,
            wide(func.sum(n.draws)).label("total"),
            func.min(n.at).label("first"),
            func.max(n.at).label("last"),
        )
        .where(n.draws > 0)
        .group_by(n.customer, n.entitlement)
        .cte("new_draws")
    )
    theirs = select(news.before).where(b.customer.in_(select(new.c.customer))).cte("theirs")
    old = added_up(theirs).cte("old_draws")
    spans = [
        select(
            each.c.customer,
            func.min(each.c.first).label("first"),
            func.max(each.c.last).label("last"),
        ).group_by(each.c.customer)
        for each in (new, old)
    ]
    now, then = (
        spans[0].cte("now"),
        spans[1].add_columns(func.sum(old.c.number).label("number")).cte("then"),
    )
    gap = now.c.first - then.c.last
    usual = (then.c.last - then.c.first) * 1.0 / func.nullif(then.c.number - 1, 0)
    each = func.coalesce(old.c.total * 1.0 / old.c.number, typical.draw * 1.0)
    much = new.c.total >= each * set_to["times_a_draw"] * _LITTLE_LESS
    quiet = set_to["quiet_days"] * DAY_US
    return (
        select(new.c.customer)
        .select_from(
            new.join(now, now.c.customer == new.c.customer)
            .outerjoin(then, then.c.customer == new.c.customer)
            .outerjoin(
                old,
                and_(old.c.customer == new.c.customer, old.c.entitlement == new.c.entitlement),
            )
            .outerjoin(news.compared, typical.entitlement == new.c.entitlement)
        )
        .where(
            or_(
                now.c.last - now.c.first >= quiet,
                gap <= set_to["within_hours"] * 60 * MINUTE_US,
                and_(
                    gap >= quiet,
                    gap >= func.coalesce(usual, 0) * set_to["times"] * _LITTLE_LESS,
                    much,
                ),
            )
        )
    )


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


def _given(acts: FromClause, _set_to: Parameters) -> Select[Any]:
    """Count what each actor gave."""
    a = acts.c
    return select(a.actor, func.count().label("number")).where(a.gives > 0).group_by(a.actor)


def _drained(acts: FromClause, set_to: Parameters) -> Select[Any]:
    """Give what was given by hand and used up soon after, by which draws."""
    a = acts.c
    later = acts.alias("later")
    after = later.c.at - a.at
    moved = (
        select(
            a.sequence.label("given_by"),
            a.customer,
            a.actor,
            a.entitlement,
            a.gives,
            a.at,
            later.c.sequence,
            (-postings.c.quantity).label("drawn"),
            after.label("after"),
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
        .where(a.gives > 0, later.c.draws > 0, after >= 0, after <= _soon(set_to))
        .cte("moved")
    )
    m = moved.c
    of_it = (m.given_by, m.customer, m.actor, m.entitlement, m.gives, m.at)
    return (
        select(
            *of_it[:-1],
            cast(func.sum(m.drawn), BigInteger).label("drawn"),
            func.max(m.after).label("after"),
            m.at.label("begins"),
            m.at.label("ends"),
            listed(m.sequence).label("sequences"),
        )
        .group_by(*of_it)
        .having(func.sum(m.drawn) * 100 >= wide(m.gives) * set_to["drained_percent"])
    )


def _soon(set_to: Parameters) -> int:
    return set_to["within_minutes"] * MINUTE_US


def _unusually(given: FromClause, set_to: Parameters, drained: FromClause) -> CTE:
    """Give what was drained of actors whose grants mostly are not, and how much of theirs was."""
    d, g = drained.c, given.c
    of_actor = select(d.actor, func.count().label("drained")).group_by(d.actor).cte("of_actor")
    number = of_actor.c.drained
    return (
        select(drained, number.label("times"))
        .select_from(
            drained.join(given, g.actor == d.actor).join(of_actor, of_actor.c.actor == d.actor)
        )
        .where(
            # Whoever's grants are mostly used at once sells what is used at once.
            or_(
                g.number < set_to["usual_least"],
                number * 100 <= g.number * set_to["usual_percent"],
            ),
            # Once among hundreds it is chance.
            number * 1000 >= g.number * set_to["chance_permille"],
        )
        .cte("unusually")
    )


def _with_drains(given: FromClause, set_to: Parameters, drained: FromClause) -> Select[Any]:
    return select(_unusually(given, set_to, drained).c.customer)


def _granted_then_drained(
    acts: FromClause, set_to: Parameters, given: FromClause, drained: FromClause
) -> Select[Any]:
    a, unusually = acts.c, _unusually(given, set_to, drained)
    u = unusually.c
    # A draw as ever takes what was given last, too: that is no drain.
    others = (
        select(
            a.customer,
            a.entitlement,
            func.count().label("number"),
            func.avg(a.draws).label("each"),
        )
        .where(
            a.draws > 0,
            a.customer.in_(select(u.customer)),
            a.sequence.not_in(select(func.unnest(drained.c.sequences))),
        )
        .group_by(a.customer, a.entitlement)
        .cte("others")
    )
    o = others.c
    as_ever = and_(o.number >= set_to["draws_least"], u.drawn < o.each * set_to["times_a_draw"])
    return (
        select(
            *pattern(
                u.customer,
                u.given_by,
                customer=u.customer,
                actor=u.actor,
                transactions=func.array_append(u.sequences, u.given_by),
                score=70 + func.least(u.times * 5, 30),
                gives=u.gives,
                drawn=u.drawn,
                entitlement=u.entitlement,
                minutes=minutes(u.after),
            )
        )
        .select_from(
            unusually.outerjoin(
                others, and_(o.customer == u.customer, o.entitlement == u.entitlement)
            )
        )
        .where(~func.coalesce(as_ever, false()))
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
        _drawn,
        _typical,
        suspects=_woken,
        looks_at_postings=True,
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
        counted=_given,
        pieces=_drained,
        joins=_soon,
        odd=_with_drains,
        odd_by="customer",
    ),
)
