"""`cancel`: ends a subscription, or one grant, at once or at the period's end."""

from __future__ import annotations

import msgspec

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.commands import Command
from entitlement_ledger.domain.events import Status
from entitlement_ledger.domain.holdings import GrantState
from entitlement_ledger.domain.instants import Instant, format_instant
from entitlement_ledger.domain.refusals import Code, Refused
from entitlement_ledger.domain.rules.change import PERIOD_END, postponed
from entitlement_ledger.domain.rules.context import (
    Context,
    Decision,
    known_customer,
    not_ahead,
    period_open,
)
from entitlement_ledger.domain.rules.subscribing import (
    drop,
    end_grant,
    end_subscription,
    known_product,
    live_subscription,
    period_at,
    period_start,
)
from entitlement_ledger.domain.subscriptions import Change, Subscription


def decide(book: Book, command: Command, context: Context) -> Decision:
    """Decide one `cancel`."""
    known_customer(book, command)
    if command.grant:
        return _grant(book, command, context)
    at = context.effective_at(command)
    known_product(book, command.product, at)
    not_ahead(at, context)
    period_open(book, at)
    subscription = live_subscription(book, command.customer, command.product, at, context)
    if command.timing == PERIOD_END:
        return postponed(subscription, command, at, context)
    return cancelled(book, subscription, at, context)


def cancelled(book: Book, subscription: Subscription, at: Instant, context: Context) -> Decision:
    """End a subscription at an instant."""
    decision = Decision(at, product=subscription.product)
    end_subscription(book, decision, subscription, at, context=context)
    return decision


def _grant(book: Book, command: Command, context: Context) -> Decision:
    """End one grant. At the period's end means that of the subscription it came from."""
    found = book.grant_of(command.customer, command.grant)
    if found is None:
        raise Refused(Code.UNKNOWN_TRANSACTION, f"this customer has no grant {command.grant}")
    _, state = found
    grant = state.grant
    at = context.effective_at(command)
    not_ahead(at, context)
    if at < grant.effective_from <= context.now:
        raise Refused(
            Code.INVALID_TIME,
            f"effective_at {format_instant(at)} is earlier than the grant, which is from "
            f"{format_instant(grant.effective_from)}",
        )
    period_open(book, at)
    if command.timing == PERIOD_END:
        return _grant_later(book, command, state, at, context)
    if state.ended_at is not None or (grant.expires_at is not None and grant.expires_at <= at):
        raise Refused(Code.ALREADY_RESOLVED, f"grant {grant.id} has ended already")
    return grant_ended(state, at, context)


def grant_ended(state: GrantState, at: Instant, context: Context) -> Decision:
    """End one grant at an instant."""
    decision = Decision(at, entitlement=state.grant.entitlement)
    decision.quantity = end_grant(decision, state, at, context)
    return decision


def _grant_later(
    book: Book, command: Command, state: GrantState, at: Instant, context: Context
) -> Decision:
    """Note that a grant is to end at the end of its subscription's current period."""
    grant = state.grant
    known = book.subscriptions.get(command.customer, {}).get(grant.subscription or "")
    if known is None:
        raise Refused(Code.NOT_SUBSCRIBED, "the grant is of no subscription: it has no period")
    begins = max(at, grant.effective_from)
    ends = period_start(known, period_at(known, begins) + 1)
    gone = grant.expires_at is not None and grant.expires_at <= ends
    if state.ended_at is not None or gone:
        raise Refused(Code.ALREADY_RESOLVED, f"grant {grant.id} ends by then anyway")
    change = Change(
        type=command.type.value,
        product=None,
        carry_over="none",
        at=ends,
        sequence=context.sequence,
        grant=grant.id,
    )
    decision = Decision(at, entitlement=grant.entitlement, status=Status.PENDING)
    before = [each for each in known.leaving if each.grant == grant.id]
    drop(decision, before)
    leaving = (*(each for each in known.leaving if each.grant != grant.id), change)
    decision.subscriptions.append(msgspec.structs.replace(known, leaving=leaving))
    return decision
