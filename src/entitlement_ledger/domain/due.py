"""Due work: what time alone has brought about, recorded so that the history can be read.

Expiries and lapsed holds change no answer: they are a matter of reading (`domain/holdings.py`).
Renewals and changes at a period's end are done here, each once, in the order of time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from entitlement_ledger.domain.book import Book, HoldingKey
from entitlement_ledger.domain.catalogue import CustomerStatus
from entitlement_ledger.domain.commands import Command, CommandType
from entitlement_ledger.domain.decide import Asker, seal
from entitlement_ledger.domain.events import Event, Resolution, Status, TransactionEvent
from entitlement_ledger.domain.holdings import GrantState
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.refusals import Refused
from entitlement_ledger.domain.rules import cancel, change, expire, renew
from entitlement_ledger.domain.rules.context import Context, Decision
from entitlement_ledger.domain.rules.subscribing import not_subscribed_yet, period_start
from entitlement_ledger.domain.subscriptions import Change, Subscription, subscription_order

SYSTEM = Asker("system", "system")


def expiries(book: Book, pairs: Iterable[HoldingKey], until: Instant, now: Instant) -> list[Event]:
    """Record what has lapsed and expired by an instant on these holdings, holds first."""
    events: list[Event] = []
    for customer, entitlement in pairs:
        states = list(book.holding(customer, entitlement).grants.values())
        for hold, ends, kept in _lapsed(states, until):
            decision = Decision(ends, entitlement=entitlement, target=hold)
            decision.resolves.append(Resolution(hold, Status.EXPIRED))
            for state in kept:
                decision.lapse(state, hold, state.pins[hold])
            decision.quantity = sum(state.pins[hold].quantity for state in kept)
            events.append(_record(book, CommandType.RELEASE, customer, decision, now, str(hold)))
        for state in states:
            for decision in list(expire.decide(state, until)):
                name = state.grant.id
                events.append(_record(book, CommandType.EXPIRE, customer, decision, now, name))
    return events


def _lapsed(
    states: list[GrantState], until: Instant
) -> list[tuple[int, Instant, list[GrantState]]]:
    """Give the holds that have ended by an instant and whose end is not posted, oldest first."""
    kept: dict[int, list[GrantState]] = {}
    for state in states:
        for hold, pin in state.pins.items():
            if pin.expires_at is not None and pin.expires_at <= until and pin.recorded is None:
                kept.setdefault(hold, []).append(state)
    return [(hold, _end(kept[hold][0], hold), kept[hold]) for hold in sorted(kept)]


def _end(state: GrantState, hold: int) -> Instant:
    ends = state.pins[hold].expires_at
    assert ends is not None, "only what ends lapses"
    return ends


def periods(book: Book, customers: Iterable[str], until: Instant, now: Instant) -> list[Event]:
    """Record the renewals, rollovers and period-end changes that are due for these customers."""
    return [event for customer in customers for event in _of_customer(book, customer, until, now)]


def _of_customer(book: Book, customer: str, until: Instant, now: Instant) -> Iterator[Event]:
    """Do what is due first, then what that makes due: each missed period in turn."""
    stuck: set[str] = set()
    while True:
        due = [
            (at, order, subscription)
            for subscription in book.subscriptions.get(customer, {}).values()
            if subscription.id not in stuck
            for at, order in _due(book, subscription, until)
        ]
        if not due:
            return
        at, order, subscription = min(
            due, key=lambda each: (each[0], each[1], subscription_order(each[2].id))
        )
        try:
            event = _do(book, subscription, order, at, now)
        except Refused:
            # It would pass 64 bits or the year 9999: it stays due, and so does what comes after it
            # on this subscription. The customer's others go on.
            stuck.add(subscription.id)
            continue
        yield event


def overdue(
    book: Book, customers: Iterable[str], pairs: Iterable[HoldingKey], until: Instant
) -> list[str]:
    """Give those customers for whom something due by an instant is not recorded.

    Of `customers` the subscriptions are looked at, of `pairs` what is held.
    """
    found = [
        customer
        for customer in customers
        for subscription in book.subscriptions.get(customer, {}).values()
        if any(_due(book, subscription, until))
    ]
    for customer, entitlement in pairs:
        states = list(book.holding(customer, entitlement).grants.values())
        if _lapsed(states, until) or any(any(expire.decide(each, until)) for each in states):
            found.append(customer)
    return found


_CHANGE, _RENEW, _ROLL = range(3)
"""In this order at one instant: what is changed is not renewed, what is renewed is rolled over."""


def _due(book: Book, subscription: Subscription, until: Instant) -> Iterator[tuple[Instant, int]]:
    """Give what is due for one subscription: when, and what."""
    if subscription.ended_at is not None:
        return
    for waiting in subscription.waiting():
        if waiting.at <= until:
            yield waiting.at, _CHANGE
    if subscription.period is None:
        return
    if not _closed(book, subscription):
        following = _next_start(book, subscription)
        if following is not None and following <= until:
            yield following, _RENEW
    if subscription.rolled + 1 < subscription.opened:
        begun = _start(subscription, subscription.rolled + 2)
        if begun is not None and begun <= until:
            yield begun, _ROLL


def _next_start(book: Book, subscription: Subscription) -> Instant | None:
    """Give when the next period starts that is to be opened; None where there is none any more."""
    try:
        return period_start(subscription, renew.next_period(book, subscription))
    except Refused:
        return None


def _start(subscription: Subscription, number: int) -> Instant | None:
    """Give the start of a period; None where it lies beyond the last instant there is."""
    try:
        return period_start(subscription, number)
    except Refused:
        return None


def _closed(book: Book, subscription: Subscription) -> bool:
    return book.customers[subscription.customer].status is CustomerStatus.CLOSED


def _do(book: Book, subscription: Subscription, order: int, at: Instant, now: Instant) -> Event:
    """Record one thing that is due."""
    context = Context(now, book.last_sequence + 1, history=True)
    if order == _CHANGE:
        waiting = min(subscription.waiting(), key=lambda each: (each.at, each.sequence))
        return _change(book, subscription, waiting, context)
    name = f"{subscription.id}:{subscription.opened + 1}"
    if order == _RENEW:
        decision = renew.opened(book, subscription, at, context)
        return _record(book, CommandType.RENEW, subscription.customer, decision, now, name)
    name = f"{subscription.id}:{subscription.rolled + 1}:rollover"
    decision = renew.rolled_over(book, subscription, context)
    return _record(book, CommandType.RENEW, subscription.customer, decision, now, name)


def _change(book: Book, subscription: Subscription, waiting: Change, context: Context) -> Event:
    """Do what was to happen at a period's end, effective then."""
    left = msgspec.structs.replace(
        subscription,
        pending=None if waiting == subscription.pending else subscription.pending,
        leaving=tuple(each for each in subscription.leaving if each != waiting),
    )
    status = Status.COMPLETED
    if waiting.grant is not None:
        decision = _end_grant(book, left, waiting, context)
    elif waiting.product is None:
        decision = cancel.cancelled(book, left, waiting.at, context)
    elif _closed(book, left) or _has(book, left.customer, waiting.product, waiting.at):
        # Closed or bought meanwhile (rules P13 and P6): a closed customer is given nothing, and two
        # subscriptions to one product cannot be, so nothing is changed.
        decision, status = Decision(waiting.at, product=waiting.product), Status.RELEASED
        decision.subscriptions.append(left)
    else:
        decision = change.changed(
            book, left, waiting.product, waiting.at, context, carry_over=waiting.carry_over
        )
    decision.target = waiting.sequence
    decision.resolves.append(Resolution(waiting.sequence, status))
    of_type = CommandType(waiting.type)
    return _record(book, of_type, left.customer, decision, context.now, str(waiting.sequence))


def _has(book: Book, customer: str, product: str, at: Instant) -> bool:
    try:
        not_subscribed_yet(book, customer, product, at)
    except Refused:
        return True
    return False


def _end_grant(
    book: Book, subscription: Subscription, waiting: Change, context: Context
) -> Decision:
    """End one grant; the subscription goes on without that change."""
    found = book.grant_of(subscription.customer, waiting.grant or "")
    assert found is not None, "what is to end was there"
    decision = cancel.grant_ended(found[1], waiting.at, context)
    decision.subscriptions.append(subscription)
    return decision


def _record(
    book: Book, of_type: CommandType, customer: str, decision: Decision, now: Instant, name: str
) -> TransactionEvent:
    """Make the event of something due, by the system; the book takes it."""
    sequence = book.last_sequence + 1
    command = Command(
        type=of_type,
        key=f"entl:{of_type}:{name}:{sequence}",
        customer=customer,
        body={"type": of_type.value, "customer": customer},
    )
    event = seal(book, command, decision, Context(now, sequence), SYSTEM)
    book.take(event)
    return event
