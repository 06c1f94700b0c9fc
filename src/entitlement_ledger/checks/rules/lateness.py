"""The time at which something is said to have happened: long before, or in a closed period."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    FromClause,
    Integer,
    Select,
    cast,
    func,
    select,
    union_all,
)

from entitlement_ledger.checks.rules.base import (
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

_BLOCK = 1024


def _arrived_late(acts: FromClause, late_us: int) -> CTE:
    """Give what is said to have happened long before it was recorded, and how long.

    History arrives in the order of its lines: what is late counts from what came before it. Acts
    are looked at in blocks, and only those blocks one by one in which something can be late.
    """
    a = acts.c
    block = quotient(a.sequence, _BLOCK)
    blocks = (
        select(block.label("block"), func.max(a.at).label("most"), func.min(a.at).label("least"))
        .group_by(block)
        .cte("blocks")
    )
    b = blocks.c
    before = func.max(b.most).over(order_by=b.block, rows=(None, -1))
    through = select(blocks, before.label("before")).cte("through")
    t = through.c
    mixed = (
        select(t.block, t.before)
        .where(func.greatest(t.most, func.coalesce(t.before, t.most)) - t.least >= late_us)
        .cte("mixed")
    )
    m = mixed.c
    so_far = func.max(a.at).over(partition_by=m.block, order_by=a.sequence, rows=(None, 0))
    of_history = (
        select(acts, (func.greatest(so_far, func.coalesce(m.before, so_far)) - a.at).label("lag"))
        .select_from(acts.join(mixed, m.block == block))
        .cte("of_history")
    )
    of_now = (microseconds(a.recorded_at) - microseconds(a.effective_at)).label("lag")
    columns = ("sequence", "customer", "actor", "lag")
    h = of_history.c
    return union_all(
        select(*(h[each] for each in columns)).where(h.done, h.history, h.lag >= late_us),
        select(a.sequence, a.customer, a.actor, of_now).where(
            a.done, ~a.history, of_now >= late_us
        ),
    ).cte("late")


def _backdated(acts: FromClause, set_to: Parameters) -> Select[Any]:
    a = acts.c
    late = _arrived_late(acts, set_to["days"] * DAY_US)
    g = late.c
    all_late = select(g.actor, func.count().label("late")).group_by(g.actor).cte("all_late")
    of_actor = (
        select(a.actor, all_late.c.late, func.count().label("number"))
        .select_from(acts.join(all_late, all_late.c.actor == a.actor))
        .where(a.done)
        .group_by(a.actor, all_late.c.late)
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
