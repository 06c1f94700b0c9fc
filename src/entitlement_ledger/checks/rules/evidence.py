"""What an act is based on: references, tickets, invoices, the time it is said to have happened."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CTE, Integer, Select, and_, case, cast, exists, func, or_, select

from entitlement_ledger.checks.rules.base import (
    DAY_US,
    Parameters,
    Reach,
    Rule,
    Severity,
    pattern,
)
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.refusals import Code
from entitlement_ledger.store.dialect import listed
from entitlement_ledger.store.tables import billing, tickets

_INVOICE, _TICKET = "invoice:", "ticket:"


def _no_reference(acts: CTE, set_to: Parameters) -> Select[Any]:
    a = acts.c
    without = case((or_(a.reference.is_(None), func.trim(a.reference) == ""), 1), else_=0)
    adjusted = select(
        acts,
        without.label("without"),
        func.sum(without).over().label("all_without"),
        func.count().over().label("number"),
    ).where(a.did == CommandType.ADJUST, a.done)
    # Where hardly anybody gives references, to give none says nothing.
    d = adjusted.cte("adjusted").c
    return (
        select(
            *pattern(
                d.actor,
                d.customer,
                customer=d.customer,
                actor=d.actor,
                transactions=listed(d.sequence),
                score=30 + func.count() * 10,
                number=func.count(),
            )
        )
        .where(d.without == 1, d.all_without * 100 <= d.number * set_to["usual_percent"])
        .group_by(d.actor, d.customer)
    )


def _with_ticket(acts: CTE) -> CTE:
    a = acts.c
    return (
        select(
            acts,
            tickets.c.id.label("ticket"),
            tickets.c.customer.label("of_customer"),
            tickets.c.closed_at,
        )
        .select_from(acts.join(tickets, a.reference == func.concat(_TICKET, tickets.c.id)))
        .where(a.done, or_(a.gives > 0, a.did.in_(("adjust", "reverse", "purchase"))))
        .cte("with_ticket")
    )


def _closed_ticket(acts: CTE, set_to: Parameters) -> Select[Any]:
    w = _with_ticket(acts).c
    late = w.closed_at + func.to_hours(set_to["grace_hours"])
    return (
        select(
            *pattern(
                w.actor,
                w.ticket,
                w.customer,
                customer=w.customer,
                actor=w.actor,
                transactions=listed(w.sequence),
                score=40 + func.count() * 10,
                number=func.count(),
                ticket=w.ticket,
            )
        )
        .where(late < w.moment)
        .group_by(w.actor, w.ticket, w.customer)
    )


def _others_ticket(acts: CTE, _set_to: Parameters) -> Select[Any]:
    w = _with_ticket(acts).c
    return (
        select(
            *pattern(
                w.actor,
                w.ticket,
                w.customer,
                customer=w.customer,
                actor=w.actor,
                transactions=listed(w.sequence),
                score=60 + func.count() * 10,
                number=func.count(),
                ticket=w.ticket,
                of_customer=w.of_customer,
            )
        )
        .where(w.of_customer != w.customer)
        .group_by(w.actor, w.ticket, w.customer, w.of_customer)
    )


def _invoice_twice(acts: CTE, _set_to: Parameters) -> Select[Any]:
    a = acts.c
    return (
        select(
            *pattern(
                a.reference,
                a.entitlement,
                customer=func.min(a.customer),
                actor=func.max(a.actor),
                transactions=listed(a.sequence),
                score=50 + func.count() * 10,
                number=func.count(),
                line=func.substr(a.reference, len(_INVOICE) + 1),
                entitlement=a.entitlement,
            )
        )
        .where(
            a.done,
            or_(a.gives > 0, a.did == CommandType.PURCHASE),
            a.reference.like(f"{_INVOICE}%"),
            or_(a.left > 0, a.left.is_(None)),
        )
        .group_by(a.reference, a.entitlement)
        .having(func.count() > 1)
    )


def _no_claw_back(acts: CTE, set_to: Parameters) -> Select[Any]:
    a, b = acts.c, billing.c
    latest = select(func.max(a.at)).scalar_subquery()
    return select(
        *pattern(
            a.reference,
            a.entitlement,
            a.sequence,
            customer=a.customer,
            actor=a.actor,
            transactions=listed(a.sequence).over(partition_by=a.sequence),
            score=70,
            line=b.invoice_line,
            status=b.status,
            left=a.left,
            entitlement=a.entitlement,
        )
    ).select_from(
        acts.join(billing, a.reference == func.concat(_INVOICE, b.invoice_line))
    ).where(
        a.gives > 0,
        a.left > 0,
        b.status.in_(("refunded", "void")),
        # What was taken back today may be booked tomorrow.
        a.at <= latest - set_to["grace_days"] * DAY_US,
    )  # fmt: skip


def _no_billing(acts: CTE, set_to: Parameters) -> Select[Any]:
    a = acts.c
    known = exists().where(a.reference == func.concat(_INVOICE, billing.c.invoice_line))
    named = case((a.reference.like(f"{_INVOICE}%"), 1), else_=0)
    missing = case((and_(named == 1, ~known), 1), else_=0)
    granted = (
        select(
            acts,
            missing.label("missing"),
            func.sum(missing).over().label("all_missing"),
            func.sum(named).over().label("all_named"),
        )
        .where(or_(a.gives > 0, a.did == CommandType.PURCHASE), a.done)
        .cte("granted")
    )
    g = granted.c
    # Where most invoices are unknown, it is the feed that is missing.
    return (
        select(
            *pattern(
                g.actor,
                g.customer,
                customer=g.customer,
                actor=g.actor,
                transactions=listed(g.sequence),
                score=50 + func.count() * 10,
                number=func.count(),
                line=func.min(func.substr(g.reference, len(_INVOICE) + 1)),
            )
        )
        .where(g.missing == 1, g.all_missing * 100 <= g.all_named * set_to["usual_percent"])
        .group_by(g.actor, g.customer)
    )


def _backdated(acts: CTE, set_to: Parameters) -> Select[Any]:
    """History arrives in the order of its lines: what is late counts from what came before it."""
    a = acts.c
    arrived = func.max(a.at).over(order_by=a.sequence, rows=(None, 0))
    effective = func.epoch_us(a.effective_at)
    lag = case((a.history, arrived - a.at), else_=func.epoch_us(a.recorded_at) - effective)
    lagging = select(acts, lag.label("lag")).where(a.done).cte("lagging")
    g = lagging.c
    late = case((g.lag >= set_to["days"] * DAY_US, 1), else_=0)
    number = func.count().over(partition_by=g.actor)
    habit = select(
        lagging, late.label("late"), func.sum(late).over(partition_by=g.actor).label("all_late"),
        number.label("number"),
    ).cte("habit")  # fmt: skip
    h = habit.c
    return (
        select(
            *pattern(
                h.actor,
                h.customer,
                customer=h.customer,
                actor=h.actor,
                transactions=listed(h.sequence),
                score=40 + func.count() * 10,
                number=func.count(),
                days=cast(func.max(h.lag) / DAY_US, Integer),
                late=func.max(h.all_late),
                of=func.max(h.number),
            )
        )
        .where(h.late == 1, h.all_late * 100 <= h.number * set_to["usual_percent"])
        .group_by(h.actor, h.customer)
    )


def _after_close(acts: CTE, _set_to: Parameters) -> Select[Any]:
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
        "no_reference",
        Severity.MEDIUM,
        "an adjustment without a reference, where others have one",
        "no ticket, order or invoice is named (adjustments: {number})",
        {"usual_percent": 40},
        _no_reference,
    ),
    Rule(
        "closed_ticket",
        Severity.MEDIUM,
        "something given for a ticket that was closed before",
        "{ticket} had been closed before (acts that name it: {number})",
        {"grace_hours": 1},
        _closed_ticket,
        Reach.CUSTOMER,
    ),
    Rule(
        "others_ticket",
        Severity.HIGH,
        "something given for another customer's ticket",
        "{ticket} is a ticket of {of_customer} (acts that name it: {number})",
        {},
        _others_ticket,
        Reach.CUSTOMER,
    ),
    Rule(
        "invoice_twice",
        Severity.HIGH,
        "one invoice line granted more than once",
        "invoice line {line} was granted {number} times in {entitlement}",
        {},
        _invoice_twice,
    ),
    Rule(
        "no_claw_back",
        Severity.HIGH,
        "a refunded or void invoice line whose grant was not taken back",
        "invoice line {line} is {status}, and {left} of {entitlement} were not taken back",
        {"grace_days": 3},
        _no_claw_back,
    ),
    Rule(
        "no_billing",
        Severity.HIGH,
        "a grant for an invoice that billing does not know",
        "billing does not have invoice line {line} (such grants: {number})",
        {"usual_percent": 20},
        _no_billing,
    ),
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
        Reach.CUSTOMER,
    ),
)
