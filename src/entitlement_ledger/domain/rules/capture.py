"""`capture`: held to consumed, the whole or a part; a part releases the rest; once only."""

from __future__ import annotations

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.commands import Command
from entitlement_ledger.domain.events import Account, Draw, Resolution, Status
from entitlement_ledger.domain.holdings import GrantState, Pin
from entitlement_ledger.domain.quantities import format_quantity
from entitlement_ledger.domain.refusals import Code, Refused
from entitlement_ledger.domain.rules.context import (
    Context,
    Decision,
    known_customer,
    not_closed,
    quantity_positive_if_given,
    scale_of,
)
from entitlement_ledger.domain.rules.resolving import (
    known_hold,
    open_at,
    pinned,
    undo_lapse,
)


def decide(book: Book, command: Command, context: Context) -> Decision:
    """Decide one `capture`."""
    not_closed(known_customer(book, command), context)
    hold = known_hold(book, command)
    quantity_positive_if_given(command)
    at = open_at(book, hold, command, context)
    held = hold.event.quantity or 0
    quantity = held if command.quantity is None else command.quantity
    pins = pinned(book, hold)
    parts = _parts(pins, min(quantity, held))
    scale = scale_of(book, hold)
    _bearable(parts, scale)
    if quantity > held:
        asked, can = (format_quantity(n, scale) for n in (quantity, held))
        raise Refused(Code.EXCEEDS_HELD, f"{asked} asked for, {can} are held")
    decision = Decision(at, hold.event.entitlement, quantity=quantity, target=hold.event.sequence)
    for state, pin, captured in parts:
        _capture(decision, state, pin, captured)
    decision.resolves.append(Resolution(hold.event.sequence, Status.COMPLETED))
    return decision


def _parts(pins: list[tuple[GrantState, Pin]], quantity: int) -> list[tuple[GrantState, Pin, int]]:
    """Say how much of each pin is captured: first what was drawn first."""
    parts = []
    for state, pin in pins:
        captured = min(quantity, pin.quantity)
        quantity -= captured
        parts.append((state, pin, captured))
    return parts


def _bearable(parts: list[tuple[GrantState, Pin, int]], scale: int) -> None:
    """Refuse a late capture of what has come back at the hold's end and is spent since."""
    for state, pin, captured in parts:
        if pin.expires_at is None or not state.lapses_back(pin):
            continue
        left = state.live.lowest_from(pin.expires_at)
        if left < captured:
            back, rest = (format_quantity(n, scale) for n in (captured, max(left, 0)))
            raise Refused(
                Code.ALREADY_RESOLVED,
                f"the hold has ended: of {back} that came back to grant {state.grant.id}, "
                f"{rest} are left",
            )


def _capture(decision: Decision, state: GrantState, pin: Pin, captured: int) -> None:
    """Consume a part of what a hold keeps on one grant, and give back the rest."""
    at = decision.effective_at
    undo_lapse(decision, state, pin)
    if captured:
        decision.draws.append(Draw(state.grant.id, captured))
        decision.move(state.grant, Account.HELD, Account.CONSUMED, captured, at)
    if captured < pin.quantity:
        back = pin.expires_at if state.lapses_back(pin) else None
        decision.give_back(state, Account.HELD, pin.quantity - captured, at, awaited=back)
    if captured and pin.recorded is Account.AVAILABLE and pin.expires_at is not None:
        decision.cover(state, state.cover([(pin.expires_at, captured)]))
