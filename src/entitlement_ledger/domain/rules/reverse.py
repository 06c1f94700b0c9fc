"""`reverse`: undoes a completed transaction, whole or in part, never more than is left of it.

What was drawn goes back to the very grants it came from, last drawn first. What was given is taken
out of available into revoked, only as far as the grant can give it.
"""

from __future__ import annotations

from entitlement_ledger.domain.book import Book, Original
from entitlement_ledger.domain.catalogue import Entitlement
from entitlement_ledger.domain.commands import REVERSIBLE, Command, CommandType
from entitlement_ledger.domain.events import Account, Draw, Resolution, Status
from entitlement_ledger.domain.holdings import Holding
from entitlement_ledger.domain.instants import AHEAD_MAX, Instant
from entitlement_ledger.domain.quantities import format_quantity
from entitlement_ledger.domain.refusals import Code, Refused
from entitlement_ledger.domain.rules.context import (
    Context,
    Decision,
    known_customer,
    named,
    not_ahead,
    not_earlier,
    period_open,
    quantity_positive_if_given,
    room_for,
    scale_of,
)
from entitlement_ledger.domain.rules.subscribing import end_subscription
from entitlement_ledger.domain.subscriptions import subscription_id


def decide(book: Book, command: Command, context: Context) -> Decision:
    """Decide one `reverse`."""
    known_customer(book, command)
    original = _original(book, command)
    if original.event.kind == CommandType.PURCHASE:
        _whole(book, original, command, context)
    quantity_positive_if_given(command)
    at, moves_at = _effective(original, command, context)
    period_open(book, at)
    event = original.event
    if event.kind == CommandType.PURCHASE:
        return _purchase(book, original, at, context)
    quantity = _quantity(original, command, scale_of(book, original))
    assert event.entitlement is not None, "what was drawn or given is of one entitlement"
    holding = book.holding(command.customer, event.entitlement)
    decision = Decision(at, event.entitlement, quantity=quantity, target=event.sequence)
    if event.grants:
        _take_back(book.entitlements[event.entitlement], holding, original, decision, moves_at)
    else:
        _give_back(holding, original, decision)
    return decision


def _original(book: Book, command: Command) -> Original:
    """Find what is to be reversed."""
    original = named(book, command)
    event = original.event
    if event.status is Status.REFUSED:
        raise Refused(Code.NOT_REVERSIBLE, "it was refused, so there is nothing to undo")
    if event.proposal:
        raise Refused(
            Code.NOT_REVERSIBLE, "it is a proposal: until it is approved it moves nothing"
        )
    if event.kind not in REVERSIBLE:
        raise Refused(Code.NOT_REVERSIBLE, f"a transaction of type {event.type} is not reversible")
    return original


def _effective(original: Original, command: Command, context: Context) -> tuple[Instant, Instant]:
    """Give when the reversal counts, and when its postings do (rule T3)."""
    at = context.effective_at(command)
    not_ahead(at, context)
    starts = original.event.effective_at
    if not (original.event.grants and starts > context.now):
        not_earlier(at, original)
    return at, max(at, starts)


def _whole(book: Book, original: Original, command: Command, context: Context) -> None:
    """Refuse to reverse a purchase in part, or once one of its grants has been drawn on.

    What has been reversed already is told as that, later; and so is a time that is too far ahead.
    """
    if command.quantity is not None:
        raise Refused(Code.NOT_REVERSIBLE, "a purchase is reversed whole, without a quantity")
    if original.status is Status.REVERSED:
        return
    at = min(context.effective_at(command), context.now + AHEAD_MAX)
    for grant in original.event.grants:
        found = book.grant_of(original.event.customer, grant.id)
        assert found is not None, "what was given is known"
        if found[1].gives(max(at, grant.effective_from)) != grant.quantity:
            raise Refused(Code.NOT_REVERSIBLE, f"grant {grant.id} is not untouched any more")


def _purchase(book: Book, original: Original, at: Instant, context: Context) -> Decision:
    """Undo a purchase, whole: its grants are untouched, and its subscription ends."""
    event = original.event
    if original.status is Status.REVERSED:
        raise Refused(Code.ALREADY_RESOLVED, "it has been reversed already")
    subscription = book.subscriptions[event.customer][subscription_id(event.sequence)]
    decision = Decision(at, product=event.product, target=event.sequence)
    decision.resolves.append(Resolution(event.sequence, Status.REVERSED))
    if subscription.ended_at is None:
        end_subscription(book, decision, subscription, at, context=context)
    else:
        # It has ended: what has neither lapsed nor been revoked can be given until then (rule P11).
        for _, state in book.grants_of(subscription):
            moment = max(at, state.grant.effective_from)
            if (rest := state.gives(moment)) > 0:
                decision.take(state, rest, Account.REVOKED, moment)
    return decision


def _quantity(original: Original, command: Command, scale: int) -> int:
    """Give how much is reversed: as asked, or all that is left."""
    whole = abs(original.event.quantity or 0)
    left = whole - original.reversed
    if not left:
        raise Refused(Code.ALREADY_RESOLVED, "all of it has been reversed already")
    if command.quantity is not None and command.quantity > left:
        asked, rest, all_of_it = (
            format_quantity(n, scale) for n in (command.quantity, left, whole)
        )
        raise Refused(
            Code.EXCEEDS_ORIGINAL, f"{asked} asked for, {rest} of {all_of_it} are left unreversed"
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
    decision.take(holding.grants[grant.id], quantity, Account.REVOKED, at)


def _give_back(holding: Holding, original: Original, decision: Decision) -> None:
    """Undo a draw: back to available, last drawn first, after what earlier reversals gave back."""
    room_for(decision.quantity or 0, holding, decision.effective_at)
    source = Account.REVOKED if original.event.kind == CommandType.ADJUST else Account.CONSUMED
    skip, left = original.reversed, decision.quantity or 0
    for draw in reversed(original.event.draws):
        skipped = min(skip, draw.quantity)
        skip -= skipped
        returned = min(left, draw.quantity - skipped)
        left -= returned
        if returned:
            decision.draws.append(Draw(draw.grant, returned))
            state = holding.grants[draw.grant]
            decision.give_back(state, source, returned, decision.effective_at)
    assert not left, "an original cannot give back more than it drew"
