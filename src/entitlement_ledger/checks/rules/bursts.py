"""What an account does all at once: bursts, outflow, refusals until something succeeds."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    FromClause,
    Select,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    union,
)

from entitlement_ledger.checks.rules.base import (
    DAY_US,
    MINUTE_US,
    News,
    Parameters,
    Reach,
    Rule,
    Severity,
    draws_by_size,
    minutes,
    pattern,
    roughly_drawn,
    sessions,
    wide,
)
from entitlement_ledger.store.dialect import listed
from entitlement_ledger.store.functions import quotient


def _crowded(drawing: CTE, window: int, least: int) -> Any:
    """Give the customers with so many draws within two windows: nobody else has them in one.

    Every window lies within a stretch of two that begins at a multiple of one.
    """
    d = drawing.c
    return union(
        *(
            select(d.customer)
            .group_by(d.customer, quotient(d.at + shift, 2 * window))
            .having(func.count() >= least)
            for shift in (0, window)
        )
    )


def _with_many_draws(news: News, set_to: Parameters) -> Select[Any]:
    """Give the customers who drew often enough of late."""
    drawing = select(news.lately).where(news.lately.c.draws > 0).cte("drawing")
    crowded = _crowded(drawing, _window(set_to), set_to["least"]).subquery("crowded")
    return select(*crowded.c)


def _window(set_to: Parameters) -> int:
    return max(set_to["window_minutes"] * MINUTE_US, 1)


def _burst(acts: FromClause, set_to: Parameters) -> Select[Any]:
    window = _window(set_to)
    all_draws = select(acts).where(acts.c.draws > 0).cte("all_draws")
    crowded = _crowded(all_draws, window, set_to["least"])
    drawing = select(all_draws).where(all_draws.c.customer.in_(crowded)).cte("drawing")
    d = drawing.c
    together = func.count().over(partition_by=d.customer, order_by=d.at, range_=(-window, 0))
    counted = select(drawing, together.label("together")).cte("counted")
    c = counted.c
    days = (
        select(d.customer, d.day, func.count().label("number")).group_by(d.customer, d.day)
    ).cte("days")
    peak = (
        select(c.customer, c.day, func.max(c.together).label("most"))
        .group_by(c.customer, c.day)
        .cte("peak")
    )
    # What is usual is told by the other days: what there was at once, and altogether.
    others = peak.alias("others")
    alike = or_(
        others.c.most * set_to["times"] > peak.c.most,
        days.c.number * set_to["times_a_day"] > peak.c.most,
    )
    usual = (
        select(
            peak.c.customer,
            peak.c.day,
            func.coalesce(func.max(days.c.number), 0).label("busiest"),
        )
        .select_from(
            peak.outerjoin(
                days, and_(days.c.customer == peak.c.customer, days.c.day != peak.c.day)
            ).outerjoin(
                others, and_(others.c.customer == days.c.customer, others.c.day == days.c.day)
            )
        )
        .where(peak.c.most >= set_to["least"])
        .group_by(peak.c.customer, peak.c.day)
        .having(
            # Whoever did it once may do it again, but who does it often is like that.
            func.count(case((alike, 1))) <= set_to["alike_most"],
            func.count(case((alike, 1))) * 100 <= func.count(days.c.day) * set_to["alike_percent"],
        )
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
        )
        .group_by(near.c.customer, near.c.day)
    )


def _days(acts: FromClause) -> CTE:
    """Give how much each customer drew of each entitlement on each day."""
    a = acts.c
    by = (a.customer, a.entitlement, a.day)
    return (
        select(*by, func.sum(a.draws).label("total")).where(a.draws > 0).group_by(*by).cte("days")
    )


def _much(counted: FromClause, set_to: Parameters) -> Select[Any]:
    """Give about what most draws of anybody stay under, by entitlement."""
    return roughly_drawn(counted, set_to["above_percent_of_all"], "much")


def _with_a_large_day(news: News, _set_to: Parameters) -> Select[Any]:
    """Give the customers with a day on which they drew much: nobody else's day stands out."""
    assert news.compared is not None
    days = _days(news.lately)
    m = news.compared.c
    return (
        select(days.c.customer)
        .select_from(days.join(news.compared, m.entitlement == days.c.entitlement))
        .where(days.c.total >= m.much)
    )


def _outflow(acts: FromClause, set_to: Parameters, usual: FromClause) -> Select[Any]:
    a = acts.c
    days = _days(acts)
    d = days.c
    # Whoever drew on few days has no past to be compared with.
    known = (
        select(d.customer, d.entitlement)
        .group_by(d.customer, d.entitlement)
        .having(func.count() > set_to["days_least"])
        .cte("known")
    )
    earlier: dict[str, Any] = {
        "partition_by": (d.customer, d.entitlement),
        "order_by": d.day,
        "rows": (None, -1),
    }
    compared = (
        select(
            days,
            func.count().over(**earlier).label("days_before"),
            wide(func.avg(d.total).over(**earlier)).label("usual"),
            func.coalesce(func.stddev_pop(d.total).over(**earlier), 0).label("spread"),
            func.max(d.total).over(**earlier).label("most"),
        )
        .select_from(
            days.join(
                known,
                and_(known.c.customer == d.customer, known.c.entitlement == d.entitlement),
            )
        )
        .cte("compared_days")
    )
    c = compared.c
    # What is much for this customer and an ordinary day for others is no flight of points.
    flown = (
        select(compared)
        .select_from(compared.join(usual, usual.c.entitlement == c.entitlement))
        .where(
            c.total >= usual.c.much,
            c.days_before >= set_to["days_least"],
            c.total >= func.greatest(c.usual, 1) * set_to["times"],
            c.total >= c.most * set_to["times_the_most"],
            # Whoever draws now little and now much has days far above the average now and then.
            c.total >= c.usual + c.spread * set_to["times_the_spread"],
        )
        .cte("flown")
    )
    f = flown.c
    of_day = (f.customer, f.entitlement, f.day, f.total, f.usual, f.days_before)
    return (
        select(
            *pattern(
                f.customer,
                f.entitlement,
                func.min(a.sequence),
                customer=f.customer,
                transactions=listed(a.sequence),
                score=f.total * 8.0 / func.greatest(f.usual, 1),
                total=f.total,
                entitlement=f.entitlement,
                usual=cast(f.usual, BigInteger),
                days_before=f.days_before,
            )
        )
        .select_from(
            flown.join(
                acts,
                and_(a.customer == f.customer, a.entitlement == f.entitlement, a.day == f.day),
            )
        )
        .where(a.draws > 0)
        .group_by(*of_day)
    )


def _refusals(acts: FromClause, _set_to: Parameters) -> Select[Any]:
    """Count refusals by customer, actor and type."""
    a = acts.c
    by = (a.customer, a.actor, a.did)
    return select(*by, func.count().label("number")).where(a.code.is_not(None)).group_by(*by)


def _often(refusals: FromClause, set_to: Parameters) -> CTE:
    r = refusals.c
    often = select(r.customer, r.actor, r.did).where(r.number >= set_to["least"])
    return often.cte("refused_often")


def _refused_of_late(news: News, set_to: Parameters) -> Select[Any]:
    """Give the customers who were refused often, and for whom something was tried again of late."""
    assert news.compared is not None
    n, often = news.lately.c, _often(news.compared, set_to)
    o = often.c
    same = and_(o.customer == n.customer, o.actor == n.actor, o.did == n.did)
    return (
        select(n.customer)
        .select_from(news.lately.join(often, same))
        .where(or_(n.code.is_not(None), n.done))
        .group_by(n.customer, n.actor, n.did)
        .having(func.count() > 1)
    )


def _refusals_then_success(
    acts: FromClause, set_to: Parameters, refusals: FromClause
) -> Select[Any]:
    a = acts.c
    # Whoever was not refused so often altogether need not be looked at.
    refused_often = _often(refusals, set_to)
    o = refused_often.c
    same = and_(o.customer == a.customer, o.actor == a.actor, o.did == a.did)
    tried = (
        select(acts)
        .select_from(acts.join(refused_often, same))
        .where(or_(a.code.is_not(None), a.done))
        .cte("tried")
    )
    gap = set_to["gap_minutes"] * MINUTE_US
    runs = sessions(tried, gap, "customer", "actor", "did", least=2)
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
        {
            "window_minutes": 10,
            "least": 6,
            "times": 3,
            "times_a_day": 2,
            "alike_most": 2,
            "alike_percent": 20,
        },
        _burst,
        lambda a: a.draws > 0,
        Reach.CUSTOMER,
        suspects=_with_many_draws,
        reaches_back=lambda set_to: 2 * _window(set_to),
    ),
    Rule(
        "outflow",
        Severity.MEDIUM,
        "a day's outflow far above the customer's own past",
        "{total} of {entitlement} drawn in one day; on the {days_before} days before it was {usual}"
        " on average",
        {
            "days_least": 8,
            "times": 8,
            "times_the_most": 3,
            "times_the_spread": 15,
            "above_percent_of_all": 95,
        },
        _outflow,
        lambda a: a.draws > 0,
        Reach.CUSTOMER,
        draws_by_size,
        _much,
        suspects=_with_a_large_day,
        reaches_back=lambda _: DAY_US,
    ),
    Rule(
        "refusals_then_success",
        Severity.MEDIUM,
        "a streak of refusals, and then success",
        "{refusals} times {did} was refused within {minutes} minutes before it went through",
        {"gap_minutes": 30, "least": 4},
        _refusals_then_success,
        lambda a: or_(a.code.is_not(None), a.done),
        Reach.CUSTOMER,
        _refusals,
        suspects=_refused_of_late,
        reaches_back=lambda set_to: set_to["gap_minutes"] * MINUTE_US,
    ),
)
