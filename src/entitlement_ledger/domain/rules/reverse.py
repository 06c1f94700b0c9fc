"""`reverse`: undoes a completed transaction, whole or in part, never more than is left of it.

What was drawn goes back to the very grants it came from, last drawn first. What was given is taken
out of available into revoked, only as far as the grant can give it.
"""

from __future__ import annotations

from entitlement_ledger.domain.book import Book, Original
from entitlement_ledger.domain.catalogue import Entitlement
from entitlement_ledger.domain.commands import Command, CommandType
from entitlement_ledger.domain.events import Account, Draw, Status
from entitlement_ledger.domain.holdings import Holding
from entitlement_ledger.domain.instants import Instant, format_instant
from entitlement_ledger.domain.quantities import format_quantity
from entitlement_ledger.domain.refusals import Code, Refused
from entitlement_ledger.domain.rules.context import (
    Context,
    Decision,
    integers_fit,
    known_customer,
    not_ahead,
    room_for,
)

_REVERSIBLE = frozenset({CommandType.ISSUE, CommandType.CONSUME, CommandType.ADJUST})


def decide(book: Book, command: Command, context: Context) -> Decision:
    """Decide one `reverse`."""
    known_customer(book, command)
    original = _original(book, command)
    _quantity_valid(command)
    event = original.event
    assert event.entitlement is not None and event.quantity is not None
    at, moves_at = _effective(original, command, context)
    quantity = _quantity(original, command)
    holding = book.holding(command.customer, event.entitlement)
    decision = Decision(at, event.entitlement, quantity=quantity, target=event.sequence)
    if event.grants:
        _take_back(book.entitlements[event.entitlement], holding, original, decision, moves_at)
    else:
        _give_back(holding, original, decision)
    return decision


def _original(book: Book, command: Command) -> Original:
    """Find what is to be reversed."""
    original = book.original(command.transaction)
    if original is None or original.event.customer != command.customer:
        raise Refused(Code.UNKNOWN_TRANSACTION, "this customer has no such transaction")
    event = original.event
    if event.status is not Status.COMPLETED:
        raise Refused(Code.NOT_REVERSIBLE, "it was refused, so there is nothing to undo")
    if event.type not in _REVERSIBLE:
        raise Refused(Code.NOT_REVERSIBLE, f"a transaction of type {event.type} is not reversible")
    return original


def _quantity_valid(command: Command) -> None:
    integers_fit(command)
    if command.quantity is not None and command.quantity <= 0:
        raise Refused(Code.INVALID_QUANTITY, f"quantity is {command.quantity}, not above zero")


def _effective(original: Original, command: Command, context: Context) -> tuple[Instant, Instant]:
    """Give when the reversal counts, and when its postings do (rule T3)."""
    at = context.effective_at(command)
    not_ahead(at, context)
    starts = original.event.effective_at
    if at < starts and not (original.event.grants and starts > context.now):
        raise Refused(
            Code.INVALID_TIME,
            f"effective_at {format_instant(at)} is earlier than {format_instant(starts)}, "
            "when the original took effect",
        )
    return at, max(at, starts)


def _quantity(original: Original, command: Command) -> int:
    """Give how much is reversed: as asked, or all that is left."""
    whole = abs(original.event.quantity or 0)
    left = whole - original.reversed
    if not left:
        raise Refused(Code.ALREADY_RESOLVED, "all of it has been reversed already")
    if command.quantity is not None and command.quantity > left:
        raise Refused(
            Code.EXCEEDS_ORIGINAL,
            f"{command.quantity} asked for, {left} of {whole} are left unreversed",
        )
    return left if command.quantity is None else command.quantity


def _take_back(
    entitlement: Entitlement,
    holding: Holding,
    original: Original,
    decision: Decision,
    at: Instant,
) -> None:
    """Undo a grant: available to revoked."""
    (grant,) = original.event.grants
    quantity = decision.quantity or 0
    gives = holding.grants[grant.id].gives(at)
    if gives < quantity:
        asked, can = (format_quantity(n, entitlement.scale) for n in (quantity, max(gives, 0)))
        raise Refused(
            Code.INSUFFICIENT_BALANCE,
            f"{asked} {entitlement.unit} to take back, {can} are still on grant {grant.id}",
        )
    decision.take(holding, [Draw(grant.id, quantity)], Account.REVOKED, at)


def _give_back(holding: Holding, original: Original, decision: Decision) -> None:
    """Undo a draw: back to available, last drawn first, after what earlier reversals gave back."""
    room_for(decision.quantity or 0, holding)
    source = Account.REVOKED if original.event.type == CommandType.ADJUST else Account.CONSUMED
    skip, left = original.reversed, decision.quantity or 0
    for draw in reversed(original.event.draws):
        skipped = min(skip, draw.quantity)
        skip -= skipped
        returned = min(left, draw.quantity - skipped)
        left -= returned
        if returned:
            decision.draws.append(Draw(draw.grant, returned))
            grant = holding.grants[draw.grant].grant
            decision.move(grant, source, Account.AVAILABLE, returned, decision.effective_at)
    assert not left, "an original cannot give back more than it drew"
