"""What an act is based on: references, tickets, invoices, the time it is said to have happened."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    FromClause,
    Select,
    and_,
    case,
    exists,
    false,
    func,
    or_,
    select,
    true,
)

from entitlement_ledger.checks.rules.base import (
    DAY_US,
    Parameters,
    Reach,
    Rule,
    Severity,
    pattern,
)
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.store.dialect import listed
from entitlement_ledger.store.functions import hours_later
from entitlement_ledger.store.tables import billing, tickets

_INVOICE, _TICKET = "invoice:", "ticket:"


def _without_reference(acts: Any) -> Any:
    return or_(acts.reference.is_(None), func.trim(acts.reference) == "")


def _adjustments(acts: Any) -> Any:
    return and_(acts.did == CommandType.ADJUST, acts.done)


def _with_and_without(acts: FromClause, _set_to: Parameters) -> Select[Any]:
    """Count adjustments with and without a reference."""
    without = case((_without_reference(acts.c), 1), else_=0).label("without")
    adjusted = select(without).where(_adjustments(acts.c)).subquery("adjusted")
    return select(adjusted.c.without, func.count().label("number")).group_by(adjusted.c.without)


def _references_are_given(counted: FromClause, set_to: Parameters) -> Select[Any]:
    """Say whether adjustments mostly have references: else to give none says nothing."""
    c = counted.c
    usual = func.sum(c.without * c.number) * 100 <= func.sum(c.number) * set_to["usual_percent"]
    return select(func.coalesce(usual, true()).label("usual"))


def _no_reference(acts: FromClause, _set_to: Parameters, given: FromClause) -> Select[Any]:
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
        .select_from(acts.join(given, given.c.usual))
        .where(_adjustments(a), _without_reference(a))
        .group_by(a.actor, a.customer)
    )


def _on_a_ticket(acts: Any) -> Any:
    given = or_(acts.gives > 0, acts.did.in_(("adjust", "reverse", "purchase")))
    return and_(acts.done, given, acts.reference.like(f"{_TICKET}%"))


def _with_ticket(acts: FromClause) -> CTE:
    a = acts.c
    return (
        select(
            acts,
            tickets.c.id.label("ticket"),
            tickets.c.customer.label("of_customer"),
            tickets.c.closed_at,
        )
        .select_from(acts.join(tickets, a.reference == func.concat(_TICKET, tickets.c.id)))
        .where(_on_a_ticket(a))
        .cte("with_ticket")
    )


def _closed_ticket(acts: FromClause, set_to: Parameters) -> Select[Any]:
    w = _with_ticket(acts).c
    late = hours_later(w.closed_at, set_to["grace_hours"])
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


def _others_ticket(acts: FromClause, _set_to: Parameters) -> Select[Any]:
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


def _invoice_twice(acts: FromClause, _set_to: Parameters) -> Select[Any]:
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


def _no_claw_back(acts: FromClause, set_to: Parameters) -> Select[Any]:
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


def _naming_invoices(acts: Any) -> Any:
    given = or_(acts.gives > 0, acts.did == CommandType.PURCHASE)
    return and_(given, acts.done, acts.reference.like(f"{_INVOICE}%"))


def _unknown_invoice(acts: Any) -> Any:
    return ~exists().where(acts.reference == func.concat(_INVOICE, billing.c.invoice_line))


def _invoices(acts: FromClause, _set_to: Parameters) -> Select[Any]:
    """Count invoices that are named, by whether billing knows them."""
    a = acts.c
    unknown = case((_unknown_invoice(a), 1), else_=0).label("unknown")
    named = select(unknown).where(_naming_invoices(a)).subquery("named")
    return select(named.c.unknown, func.count().label("number")).group_by(named.c.unknown)


def _billing_is_known(counted: FromClause, set_to: Parameters) -> Select[Any]:
    """Say whether billing knows most invoices: else it is the feed that is missing."""
    c = counted.c
    usual = func.sum(c.unknown * c.number) * 100 <= func.sum(c.number) * set_to["usual_percent"]
    return select(func.coalesce(usual, false()).label("usual"))


def _no_billing(acts: FromClause, _set_to: Parameters, known: FromClause) -> Select[Any]:
    a = acts.c
    return (
        select(
            *pattern(
                a.actor,
                a.customer,
                customer=a.customer,
                actor=a.actor,
                transactions=listed(a.sequence),
                score=50 + func.count() * 10,
                number=func.count(),
                line=func.min(func.substr(a.reference, len(_INVOICE) + 1)),
            )
        )
        .select_from(acts.join(known, known.c.usual))
        .where(_naming_invoices(a), _unknown_invoice(a))
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
        _adjustments,
        Reach.CUSTOMER,
        _with_and_without,
        _references_are_given,
    ),
    Rule(
        "closed_ticket",
        Severity.MEDIUM,
        "something given for a ticket that was closed before",
        "{ticket} had been closed before (acts that name it: {number})",
        {"grace_hours": 1},
        _closed_ticket,
        _on_a_ticket,
        Reach.CUSTOMER,
    ),
    Rule(
        "others_ticket",
        Severity.HIGH,
        "something given for another customer's ticket",
        "{ticket} is a ticket of {of_customer} (acts that name it: {number})",
        {},
        _others_ticket,
        _on_a_ticket,
        Reach.CUSTOMER,
    ),
    Rule(
        "invoice_twice",
        Severity.HIGH,
        "one invoice line granted more than once",
        "invoice line {line} was granted {number} times in {entitlement}",
        {},
        _invoice_twice,
        lambda a: a.reference.like(f"{_INVOICE}%"),
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
        _naming_invoices,
        Reach.CUSTOMER,
        _invoices,
        _billing_is_known,
    ),
)
