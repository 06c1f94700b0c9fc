"""`release`: held back to the same grants; once only."""

from __future__ import annotations

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.commands import Command
from entitlement_ledger.domain.events import Account, Draw, Resolution, Status
from entitlement_ledger.domain.rules.context import Context, Decision, known_customer
from entitlement_ledger.domain.rules.resolving import (
    known_hold,
    open_at,
    pinned,
    undo_lapse,
)


def decide(book: Book, command: Command, context: Context) -> Decision:
    """Decide one `release`."""
    known_customer(book, command)
    hold = known_hold(book, command)
    at = open_at(book, hold, command, context)
    decision = Decision(
        at, hold.event.entitlement, quantity=hold.event.quantity, target=hold.event.sequence
    )
    for state, pin in pinned(book, hold):
        undo_lapse(decision, state, pin)
        decision.draws.append(Draw(state.grant.id, pin.quantity))
        back = pin.expires_at if state.lapses_back(pin) else None
        decision.give_back(state, Account.HELD, pin.quantity, at, awaited=back)
    decision.resolves.append(Resolution(hold.event.sequence, Status.RELEASED))
    return decision
