"""The time at which something is said to have happened: long before, or in a closed period."""

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
    func,
    or_,
    select,
)

from entitlement_ledger.checks.rules.base import (
    BLOCK,
    DAY_US,
    Parameters,
    Reach,
    Rule,
    Severity,
    pattern,
)
from entitlement_ledger.domain.refusals import Code
from entitlement_ledger.store.dialect import listed, microseconds
from entitlement_ledger.store.functions import quotient


def _late_us(set_to: Parameters) -> int:
    return set_to["days"] * DAY_US


def _so_long(acts: Any) -> Any:
    """Give how long after it took effect something was recorded."""
    return microseconds(acts.recorded_at) - microseconds(acts.effective_at)


def _by_block(acts: FromClause, set_to: Parameters) -> Select[Any]:
    """Count acts by block and actor, with the first and the last moment; `total` are late ones.

    What of history is late, its moments tell.
    """
    a = acts.c
    late = and_(~a.history, _so_long(a) >= _late_us(set_to))
    numbered = select(
        quotient(a.sequence, BLOCK).label("block"),
        a.actor,
        a.at,
        case((a.done, 1)).label("done"),
        case((late, 1)).label("late"),
    ).subquery("numbered")
    n = numbered.c
    return select(
        n.block,
        n.actor,
        func.count(n.done).label("number"),
        func.count(n.late).label("total"),
        func.min(n.at).label("first"),
        func.max(n.at).label("last"),
    ).group_by(n.block, n.actor)


def _arrived_late(acts: FromClause, late_us: int, blocks: FromClause) -> CTE:
    """Give what is said to have happened long before it was recorded, and how long.

    History arrives in the order of its lines: what is late counts from what came before it. Acts
    are looked at one by one only in those blocks in which something can be late.
    """
    a, odd = acts.c, _mixed(blocks, late_us)
    o = odd.c
    so_far = func.max(a.at).over(partition_by=o.block, order_by=a.sequence, rows=(None, 0))
    latest = func.greatest(so_far, func.coalesce(o.before, so_far))
    lag = case((a.history, latest - a.at), else_=_so_long(a))
    looked_at = (
        select(a.sequence, a.customer, a.actor, a.done, lag.label("lag"))
        .select_from(acts.join(odd, o.block == quotient(a.sequence, BLOCK)))
        .cte("looked_at")
    )
    k = looked_at.c
    return (
        select(k.sequence, k.customer, k.actor, k.lag).where(k.done, k.lag >= late_us).cte("late")
    )


def _mixed(blocks: FromClause, late_us: int) -> CTE:
    """Give the blocks in which something can be late, and the latest moment before them."""
    by_actor = blocks.c
    whole = (
        select(
            by_actor.block,
            func.sum(by_actor.total).label("total"),
            func.min(by_actor.first).label("first"),
            func.max(by_actor.last).label("last"),
        )
        .group_by(by_actor.block)
        .cte("whole_blocks")
    )
    b = whole.c
    before = func.max(b.last).over(order_by=b.block, rows=(None, -1))
    through = select(whole, before.label("before")).cte("through")
    t = through.c
    return (
        select(t.block, t.before)
        .where(
            or_(
                func.greatest(t.last, func.coalesce(t.before, t.last)) - t.first >= late_us,
                t.total > 0,
            )
        )
        .cte("odd")
    )


def _where_late(blocks: FromClause, set_to: Parameters) -> Select[Any]:
    return select(_mixed(blocks, _late_us(set_to)).c.block)


def _backdated(acts: FromClause, set_to: Parameters, blocks: FromClause) -> Select[Any]:
    b = blocks.c
    late = _arrived_late(acts, _late_us(set_to), blocks)
    g = late.c
    all_late = select(g.actor, func.count().label("late")).group_by(g.actor).cte("all_late")
    of_actor = (
        select(b.actor, all_late.c.late, func.sum(b.number).label("number"))
        .select_from(blocks.join(all_late, all_late.c.actor == b.actor))
        .group_by(b.actor, all_late.c.late)
        .cte("of_actor")
    )
    h = of_actor.c
    return (
        select(
            *pattern(
                g.actor,
                g.customer,
                customer=g.customer,
                actor=g.actor,
                transactions=listed(g.sequence),
                score=40 + func.count() * 10,
                number=func.count(),
                days=cast(func.max(g.lag) / DAY_US, Integer),
                late=func.max(h.late),
                of=func.max(h.number),
            )
        )
        .select_from(late.join(of_actor, h.actor == g.actor))
        .where(h.late * 100 <= h.number * set_to["usual_percent"])
        .group_by(g.actor, g.customer)
    )


def _after_close(acts: FromClause, _set_to: Parameters) -> Select[Any]:
    a = acts.c
    return (
        select(
            *pattern(
                a.actor,
                a.customer,
                customer=a.customer,
                actor=a.actor,
                transactions=listed(a.sequence),
                score=30 + func.count() * 10,
                number=func.count(),
            )
        )
        .where(a.code == Code.PERIOD_CLOSED)
        .group_by(a.actor, a.customer)
    )


RULES = (
    Rule(
        "backdated",
        Severity.MEDIUM,
        "acts that are said to have happened long before they were recorded",
        "arrived up to {days} days after it is said to have happened (acts: {number}); of this"
        " actor's {of} acts {late} did",
        {"days": 7, "usual_percent": 10},
        _backdated,
        counted=_by_block,
        odd=_where_late,
        odd_by="block",
    ),
    Rule(
        "after_close",
        Severity.MEDIUM,
        "attempts to put something into a closed period",
        "refused because the period was closed (commands: {number})",
        {},
        _after_close,
        lambda a: a.code == Code.PERIOD_CLOSED,
        Reach.CUSTOMER,
    ),
)
