"""What the rules of subscriptions share: finding one, opening a period, ending one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from entitlement_ledger.domain import subscriptions
from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.catalogue import CatalogueStatus, Product, ProductLine
from entitlement_ledger.domain.commands import Command
from entitlement_ledger.domain.events import (
    Account,
    Draw,
    Ended,
    Grant,
    Lapse,
    Resolution,
    Status,
    grant_id,
)
from entitlement_ledger.domain.holdings import GrantState
from entitlement_ledger.domain.instants import AHEAD_MAX, Instant, format_instant
from entitlement_ledger.domain.periods import nth, parse_period, parse_zone
from entitlement_ledger.domain.refusals import Code, Refused
from entitlement_ledger.domain.rules.context import (
    Context,
    Decision,
    room_for,
)
from entitlement_ledger.domain.subscriptions import Change, Subscription

_TO_PERIOD_END = "period"


def known_product(book: Book, code: str, at: Instant) -> Product:
    """Give a product as it was at an instant, or refuse with `unknown_product`."""
    product = book.product_at(code, at)
    if product is None:
        raise Refused(Code.UNKNOWN_PRODUCT, f"no such product in the catalogue: {code}")
    return product


def not_withdrawn(book: Book, product: Product, context: Context) -> None:
    """Refuse to sell a product that is retired now, or that gives a retired entitlement."""
    if context.history:
        return
    newest = book.products[product.code][-1][1]
    if newest.status is CatalogueStatus.RETIRED:
        raise Refused(Code.ENTITLEMENT_RETIRED, f"{product.code} is retired: it is sold no more")
    for line in product.lines:
        entitlement = book.entitlements.get(line.entitlement)
        if entitlement is not None and entitlement.status is CatalogueStatus.RETIRED:
            raise Refused(
                Code.ENTITLEMENT_RETIRED,
                f"{product.code} gives {line.entitlement}, which is retired",
            )


def not_subscribed_yet(book: Book, customer: str, product: str, at: Instant) -> None:
    """Refuse a second live subscription to one product."""
    for each in book.subscriptions.get(customer, {}).values():
        if each.product == product and not each.over(at):
            raise Refused(
                Code.ALREADY_SUBSCRIBED,
                f"the customer has {product} since {format_instant(each.anchor)} already",
            )


def live_subscription(
    book: Book, customer: str, product: str, at: Instant, context: Context
) -> Subscription:
    """Give the live subscription to a product, or refuse with `not_subscribed`.

    One of which the end is recorded is not, however early the command counts (rule P11).
    """
    for each in book.subscriptions.get(customer, {}).values():
        begun = each.anchor <= at or each.anchor > context.now
        if each.product == product and begun and each.ended_at is None:
            return each
    raise Refused(
        Code.NOT_SUBSCRIBED, f"the customer does not have {product} at {format_instant(at)}"
    )


def period_start(subscription: Subscription, number: int) -> Instant:
    """Give the start of a period, or refuse where there is none."""
    try:
        start = subscriptions.period_start(subscription, number)
    except ValueError as error:
        raise Refused(Code.INVALID_TIME, str(error)) from None
    if start is None:
        raise Refused(Code.NOT_SUBSCRIBED, f"{subscription.product} has no periods")
    return start


def period_at(subscription: Subscription, at: Instant) -> int:
    """Give the number of the period that an instant lies in; before the first it is the first."""
    number = 1
    while period_start(subscription, number + 1) <= at:
        number += 1
    return number


def open_period(
    book: Book, decision: Decision, product: Product, subscription: Subscription, context: Context
) -> None:
    """Give the grants of a subscription's latest period, one for each line of the product."""
    number = subscription.opened
    start = period_start(subscription, number)
    end = None if subscription.period is None else period_start(subscription, number + 1)
    given: Counter[str] = Counter()
    for line in product.lines:
        given[line.entitlement] += line.quantity
        holding = book.holding(subscription.customer, line.entitlement)
        room_for(given[line.entitlement], holding, start)
        decision.issue(
            Grant(
                id=grant_id(context.sequence, len(decision.grants) + 1),
                customer=subscription.customer,
                entitlement=line.entitlement,
                quantity=line.quantity,
                priority=line.priority,
                category=line.category,
                effective_from=start,
                expires_at=_lapses(line, start, end, subscription.zone),
                subscription=subscription.id,
                period=number,
                rollover_max=line.rollover_max,
            )
        )


def _lapses(line: ProductLine, start: Instant, end: Instant | None, zone: str) -> Instant | None:
    if line.valid_for is None:
        return None
    if line.valid_for == _TO_PERIOD_END:
        return end
    try:
        return nth(start, parse_period(line.valid_for), 1, parse_zone(zone))
    except ValueError as error:
        raise Refused(Code.INVALID_TIME, str(error)) from None


def end_subscription(
    book: Book,
    decision: Decision,
    subscription: Subscription,
    at: Instant,
    *,
    carry_to: str | None = None,
    context: Context,
) -> None:
    """End a subscription: what its grants can give is revoked, or carried over to another."""
    for _, state in book.grants_of(subscription):
        rest = end_grant(decision, state, at, context)
        if rest and carry_to is not None:
            grant = state.grant
            carried = msgspec.structs.replace(
                grant,
                id=grant_id(context.sequence, len(decision.grants) + 1),
                quantity=rest,
                effective_from=max(at, grant.effective_from),
                parent=grant.id,
                subscription=carry_to,
                period=None,
                rollover_max=None,
            )
            decision.issue(carried)
    drop(decision, subscription.waiting())
    ended_at = max(at, subscription.anchor)
    decision.subscriptions.append(
        msgspec.structs.replace(subscription, ended_at=ended_at, pending=None, leaving=())
    )


def end_grant(decision: Decision, state: GrantState, at: Instant, context: Context) -> int:
    """End one grant, a scheduled one when it would begin; give how much was revoked of it.

    What has come back to it after its end, and is not spent, is revoked as well; what holds keep
    goes to revoked when they end (rule H3).
    """
    grant = state.grant
    moment = max(at, grant.effective_from)
    if state.ended_at is not None or (grant.expires_at is not None and grant.expires_at <= moment):
        return 0
    decision.ended.append(Ended(grant.id, moment))
    rest = max(state.gives(moment), 0)
    ends = [
        (pin.expires_at, hold)
        for hold, pin in sorted(state.pins.items())
        if pin.expires_at is not None and moment < pin.expires_at <= context.now + AHEAD_MAX
    ]
    moves = [(moment, rest)] if rest else []
    for instant, lowest in state.live.lowest_within(moment, context.now + AHEAD_MAX):
        for hold in (hold for end, hold in ends if end == instant):
            quantity = min(state.pins[hold].quantity, lowest - _sum(moves))
            _end_hold(decision, state, hold, quantity)
            moves += [(instant, quantity)] if quantity > 0 else []
        if lowest > _sum(moves):
            moves.append((instant, lowest - _sum(moves)))
    needs = [*moves, *_unlapsed(decision, state, max(moment, context.now + AHEAD_MAX))]
    for when, quantity in moves:
        decision.move(grant, Account.AVAILABLE, Account.REVOKED, quantity, when)
    if rest:
        decision.draws.append(Draw(grant.id, rest))
    if needs:
        decision.cover(state, state.cover(needs, [hold for _, hold in ends]))
    return rest


def _sum(moves: list[tuple[Instant, int]]) -> int:
    return sum(quantity for _, quantity in moves)


def _end_hold(decision: Decision, state: GrantState, hold: int, revoked: int) -> None:
    """Post the end of a hold that ended after its grant did, of which a part is revoked."""
    pin = state.pins[hold]
    if pin.recorded is None:
        decision.lapse(state, hold, pin)
    if revoked == pin.quantity:
        # Nobody has drawn on it: somebody who was in time may still be heard late.
        decision.lapses.append(Lapse(hold, state.grant.id, Account.REVOKED))


def _unlapsed(decision: Decision, state: GrantState, after: Instant) -> list[tuple[Instant, int]]:
    """Take back the ends of holds that were posted ahead of their time; give what came of each."""
    taken = []
    for hold, pin in state.pins.items():
        if pin.expires_at is None or pin.expires_at <= after:
            continue
        if pin.recorded is Account.AVAILABLE:
            decision.unlapse(state, hold, pin)
            taken.append((pin.expires_at, pin.quantity))
    return taken


def drop(decision: Decision, changes: Iterable[Change]) -> None:
    """Note that changes that were to happen at a period's end will not."""
    for change in changes:
        decision.resolves.append(Resolution(change.sequence, Status.RELEASED))


def right_tier(command: Command, old: Product, new: Product) -> None:
    """Refuse an upgrade that is none, and a downgrade that is none."""
    higher = command.type == "upgrade"
    if (new.tier > old.tier) if higher else (new.tier < old.tier):
        return
    needed = "a higher" if higher else "a lower"
    raise Refused(
        Code.WRONG_TIER,
        f"{new.code} has tier {new.tier}, {old.code} {old.tier}: {command.type} needs {needed} one",
    )
