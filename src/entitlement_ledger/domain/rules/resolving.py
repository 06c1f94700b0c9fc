"""What `capture` and `release` ask of a hold, and how they take back an end already posted."""

from __future__ import annotations

from entitlement_ledger.domain.book import Book, Original
from entitlement_ledger.domain.commands import Command, CommandType
from entitlement_ledger.domain.events import Account, Status
from entitlement_ledger.domain.holdings import GrantState, Pin
from entitlement_ledger.domain.instants import Instant, format_instant
from entitlement_ledger.domain.refusals import Code, Refused
from entitlement_ledger.domain.rules.context import (
    Context,
    Decision,
    named,
    not_ahead,
    not_earlier,
    period_open,
)

_LAPSED = (None, Status.EXPIRED)
"""The status of a hold that can still be captured or released by somebody who was in time."""


def known_hold(book: Book, command: Command) -> Original:
    """Give the hold that a command names, or refuse with `not_a_hold`."""
    original = named(book, command)
    event = original.event
    refused = event.status is Status.REFUSED or event.proposal
    if event.kind != CommandType.HOLD or refused:
        raise Refused(Code.NOT_A_HOLD, f"it is not a hold but a {_what(original)}")
    return original


def _what(original: Original) -> str:
    refused = "refused " if original.event.status is Status.REFUSED else ""
    return f"{refused}{original.event.type}"


def open_at(book: Book, hold: Original, command: Command, context: Context) -> Instant:
    """Give when the resolution counts, or refuse one that is too early, too late, or the second."""
    at = context.effective_at(command)
    not_ahead(at, context)
    not_earlier(at, hold)
    period_open(book, at)
    if hold.status not in _LAPSED:
        raise Refused(Code.ALREADY_RESOLVED, f"the hold has been resolved: it is {hold.status}")
    ends = hold.event.expires_at
    if ends is not None and at >= ends:
        raise Refused(
            Code.ALREADY_RESOLVED,
            f"the hold ended at {format_instant(ends)}, and {format_instant(at)} is not before",
        )
    return at


def pinned(book: Book, hold: Original) -> list[tuple[GrantState, Pin]]:
    """Give the grants that a hold pins with what it keeps on each, in the order drawn."""
    event = hold.event
    assert event.entitlement is not None, "a hold is of one entitlement"
    holding = book.holding(event.customer, event.entitlement)
    states = [holding.grants[draw.grant] for draw in event.draws]
    return [(state, state.pins[event.sequence]) for state in states]


def undo_lapse(decision: Decision, state: GrantState, pin: Pin) -> None:
    """Take back the posted end of a hold: somebody who was in time has been heard late."""
    if pin.recorded is None:
        return
    assert pin.expires_at is not None, "a hold without an end does not lapse"
    decision.move(state.grant, pin.recorded, Account.HELD, pin.quantity, pin.expires_at)
