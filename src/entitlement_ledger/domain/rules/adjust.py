"""`adjust`: a signed correction by staff. Positive: a promo grant. Negative: into revoked."""

from __future__ import annotations

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.catalogue import Category
from entitlement_ledger.domain.commands import Command
from entitlement_ledger.domain.events import Account, Grant, grant_id
from entitlement_ledger.domain.refusals import Code, Refused
from entitlement_ledger.domain.rules.context import (
    Context,
    Decision,
    draw,
    integers_fit,
    known_customer,
    known_entitlement,
    not_ahead,
    not_closed,
    not_retired,
    period_open,
    reason_given,
    room_for,
)


def decide(book: Book, command: Command, context: Context) -> Decision:
    """Decide one `adjust`."""
    not_closed(known_customer(book, command), context)
    entitlement = known_entitlement(book, command)
    quantity = command.quantity
    assert quantity is not None, "the shape asks for a quantity"
    if quantity > 0:
        not_retired(entitlement, context)
    reason_given(command)
    integers_fit(command)
    if quantity == 0:
        raise Refused(Code.INVALID_QUANTITY, "an adjustment by zero changes nothing")
    holding = book.holding(command.customer, entitlement.code)
    at = context.effective_at(command)
    decision = Decision(at, entitlement=entitlement.code, quantity=quantity)
    if quantity < 0:
        not_ahead(at, context)
        period_open(book, at)
        draw(decision, holding, entitlement, -quantity, Account.REVOKED)
        return decision
    room_for(quantity, holding, at)
    not_ahead(at, context)
    period_open(book, at)
    decision.issue(
        Grant(
            id=grant_id(context.sequence, 1),
            customer=command.customer,
            entitlement=entitlement.code,
            quantity=quantity,
            priority=command.priority,
            category=Category.PROMO,
            effective_from=at,
            expires_at=None,
        )
    )
    return decision
