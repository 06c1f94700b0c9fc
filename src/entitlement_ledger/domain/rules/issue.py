"""`issue`: a new grant, from issuance to available. It may take effect in the future."""

from __future__ import annotations

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.commands import Command
from entitlement_ledger.domain.events import Grant, grant_id
from entitlement_ledger.domain.rules.context import (
    Context,
    Decision,
    ends_after,
    known_customer,
    known_entitlement,
    not_closed,
    not_retired,
    period_open,
    positive_quantity,
    room_for,
)


def decide(book: Book, command: Command, context: Context) -> Decision:
    """Decide one `issue`."""
    not_closed(known_customer(book, command), context)
    entitlement = known_entitlement(book, command)
    not_retired(entitlement, context)
    quantity = positive_quantity(command)
    at = context.effective_at(command)
    room_for(quantity, book.holding(command.customer, entitlement.code), at)
    ends_after(command.expires_at, at)
    period_open(book, at)
    decision = Decision(at, entitlement=entitlement.code, quantity=quantity)
    decision.issue(
        Grant(
            id=grant_id(context.sequence, 1),
            customer=command.customer,
            entitlement=entitlement.code,
            quantity=quantity,
            priority=command.priority,
            category=command.category,
            effective_from=at,
            expires_at=command.expires_at,
        )
    )
    return decision
