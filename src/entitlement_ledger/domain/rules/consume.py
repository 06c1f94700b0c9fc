"""`consume`: available to consumed, in burn order, all of it or nothing."""

from __future__ import annotations

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.commands import Command
from entitlement_ledger.domain.events import Account
from entitlement_ledger.domain.rules.context import (
    Context,
    Decision,
    consumable,
    draw,
    known_customer,
    known_entitlement,
    not_ahead,
    not_suspended,
    period_open,
    positive_quantity,
)


def decide(book: Book, command: Command, context: Context) -> Decision:
    """Decide one `consume`."""
    not_suspended(known_customer(book, command), context)
    entitlement = known_entitlement(book, command)
    consumable(entitlement)
    quantity = positive_quantity(command)
    at = context.effective_at(command)
    not_ahead(at, context)
    period_open(book, at)
    holding = book.holding(command.customer, entitlement.code)
    decision = Decision(at, entitlement=entitlement.code, quantity=quantity)
    draw(decision, holding, entitlement, quantity, Account.CONSUMED)
    return decision
