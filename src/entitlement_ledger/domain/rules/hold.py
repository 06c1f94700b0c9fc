"""`hold`: available to held, in burn order, all or nothing, until its `expires_at`."""

from __future__ import annotations

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.commands import Command
from entitlement_ledger.domain.events import Account, Status
from entitlement_ledger.domain.rules.context import (
    Context,
    Decision,
    consumable,
    draw,
    ends_after,
    known_customer,
    known_entitlement,
    not_ahead,
    not_suspended,
    period_open,
    positive_quantity,
)


def decide(book: Book, command: Command, context: Context) -> Decision:
    """Decide one `hold`."""
    not_suspended(known_customer(book, command), context)
    entitlement = known_entitlement(book, command)
    consumable(entitlement)
    quantity = positive_quantity(command)
    at = context.effective_at(command)
    not_ahead(at, context)
    ends_after(command.expires_at, at)
    period_open(book, at)
    decision = Decision(
        at,
        entitlement=entitlement.code,
        quantity=quantity,
        status=Status.PENDING,
        expires_at=command.expires_at,
    )
    holding = book.holding(command.customer, entitlement.code)
    draw(decision, holding, entitlement, quantity, Account.HELD)
    return decision
