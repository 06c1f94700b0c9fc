"""The book: the part of the ledger's state that a batch of commands is judged by.

The store fills it before deciding; `take` moves it on by one event, whether that event has just
been decided or was read from the journal.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Set
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from entitlement_ledger.domain.catalogue import Customer, Entitlement, Product
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import (
    Event,
    RecordEvent,
    Status,
    TransactionEvent,
    sequence_of,
)
from entitlement_ledger.domain.holdings import GrantState, Holding, Pin
from entitlement_ledger.domain.instants import Instant, parse_instant
from entitlement_ledger.domain.plain_events import PlainEvents
from entitlement_ledger.domain.standing import Standing
from entitlement_ledger.domain.subscriptions import Subscription

HoldingKey = tuple[str, str]
"""(customer, entitlement)"""


Sought = TypeVar("Sought")


def without(sought: Iterable[Sought], known: Container[Sought]) -> set[Sought]:
    """Give what is sought and not known: `sought - known.keys()` looks at all that is known."""
    return {each for each in sought if each not in known}


@dataclass(slots=True)
class Original:
    """An earlier transaction that a command names, and what has become of it since.

    Attributes:
        reversed: how much of it has been reversed.
        status: what later transactions made of it; None while nothing has.
        executed_by: the approval that executed it, where it was a proposal.
    """

    event: TransactionEvent
    reversed: int = 0
    status: Status | None = None
    executed_by: int | None = None


@dataclass(slots=True)
class Ahead:
    """Whom events concern that the book has taken in and the projections lack.

    Attributes:
        plain: customers of plain events, which leave no trace in `holdings`.
        ruled: customers of all other events, which leave none in `standings`.
        keys: the keys of the plain events.
    """

    plain: set[str] = field(default_factory=set)
    ruled: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)

    def concerns(self, keys: Set[str], ruled: Set[str]) -> bool:
        """Say whether only the projections could tell of a key, or what the rules need."""
        return not (keys.isdisjoint(self.keys) and ruled.isdisjoint(self.plain))


@dataclass(slots=True)
class Book:
    """State in memory. What is not in it has not been asked for, or does not exist.

    Attributes:
        products: every version of each product with its `recorded_at`, oldest first.
        subscriptions: by customer, then by id.
        keys: the first event of every key that the batch uses again.
        originals: by sequence.
        standings: where holdings stand, for plain commands.
        ahead: of whom the book knows more than the projections.
        in_hand: the same of what is being projected, and may be there or not.
        all_customers: every customer is in it, so one that is not does not exist.
        others_active: every customer who is not active is in it, so one that is not is active
            or does not exist.
        last_recorded_at: None in an empty ledger.
        closed_until: nothing can take effect before it any more; None while no period is closed.
    """

    customers: dict[str, Customer] = field(default_factory=dict)
    all_customers: bool = False
    others_active: bool = False
    entitlements: dict[str, Entitlement] = field(default_factory=dict)
    products: dict[str, list[tuple[Instant, Product]]] = field(default_factory=dict)
    holdings: dict[HoldingKey, Holding] = field(default_factory=dict)
    subscriptions: dict[str, dict[str, Subscription]] = field(default_factory=dict)
    keys: dict[str, TransactionEvent] = field(default_factory=dict)
    originals: dict[int, Original] = field(default_factory=dict)
    standings: dict[HoldingKey, Standing] = field(default_factory=dict)
    ahead: Ahead = field(default_factory=Ahead)
    in_hand: Ahead = field(default_factory=Ahead)
    last_sequence: int = 0
    last_recorded_at: Instant | None = None
    closed_until: Instant | None = None

    def holding(self, customer: str, entitlement: str) -> Holding:
        """Give what a customer holds of an entitlement, empty at first."""
        holding = self.holdings.get((customer, entitlement))
        if holding is None:
            holding = self.holdings[customer, entitlement] = Holding()
        return holding

    def original(self, name: str) -> Original | None:
        """Find what a name stands for: an approved proposal stands for its approval (rule I5)."""
        found = self.named(name)
        if found is not None and found.executed_by is not None:
            return self.originals.get(found.executed_by)
        return found

    def named(self, name: str) -> Original | None:
        """Find a transaction by id, then by key (rule I3)."""
        sequence = sequence_of(name)
        if sequence is None:
            known = self.keys.get(name)
            sequence = known.sequence if known else None
        return None if sequence is None else self.originals.get(sequence)

    def closed(self, at: Instant) -> bool:
        """Say whether an instant lies in a period that has been closed."""
        return self.closed_until is not None and at < self.closed_until

    def product_at(self, code: str, at: Instant) -> Product | None:
        """Give a product as it was at an instant; its first version counts from the beginning."""
        versions = self.products.get(code)
        if not versions:
            return None
        known = [product for recorded_at, product in versions if recorded_at <= at]
        return known[-1] if known else versions[0][1]

    def newest_product(self, code: str) -> Product | None:
        """Give a product as it is now."""
        versions = self.products.get(code)
        return versions[-1][1] if versions else None

    def held_by(self, customer: str) -> Iterator[Holding]:
        """Give what a customer holds, of every entitlement."""
        for entitlement in self.entitlements:
            holding = self.holdings.get((customer, entitlement))
            if holding is not None:
                yield holding

    def grant_of(self, customer: str, grant: str) -> tuple[Holding, GrantState] | None:
        """Find a customer's grant."""
        for holding in self.held_by(customer):
            if grant in holding.grants:
                return holding, holding.grants[grant]
        return None

    def grants_of(self, subscription: Subscription) -> list[tuple[Holding, GrantState]]:
        """Give everything that a subscription gave, in the order given."""
        found = [
            (holding, state)
            for holding in self.held_by(subscription.customer)
            for state in holding.grants.values()
            if state.grant.subscription == subscription.id
        ]
        return sorted(found, key=lambda each: each[1].burn_key[-1])

    def take(self, event: Event) -> None:
        """Move the book on by one event."""
        assert event.sequence == self.last_sequence + 1, "the journal has no gaps"
        assert self.last_recorded_at is None or event.recorded_at >= self.last_recorded_at
        self.last_sequence, self.last_recorded_at = event.sequence, event.recorded_at
        if isinstance(event, RecordEvent):
            self._take_record(event)
        else:
            self._take_transaction(event)

    def pass_over(self, sequence: int) -> None:
        """Move the book past an event of somebody whom it does not know."""
        assert sequence == self.last_sequence + 1, "the journal has no gaps"
        self.last_sequence = sequence

    def take_plain(self, events: PlainEvents) -> None:
        """Note whom plain events concern; the standings were moved on when they were decided."""
        pairs = set(zip(events.customer, events.entitlement, strict=True))
        for pair in pairs & self.holdings.keys():
            del self.holdings[pair]
        self.ahead.plain.update(events.customer)
        self.ahead.keys.update(events.key)

    def pass_plain(self, events: int, recorded_at: Instant) -> None:
        """Move the book past the next events, which are plain, and which it has been told of."""
        self.last_sequence += events
        if events:
            self.last_recorded_at = recorded_at

    def add_original(
        self, event: TransactionEvent, reversed_quantity: int = 0, status: Status | None = None
    ) -> None:
        """Make a transaction known by key and by id."""
        self.keys[event.key] = event
        self.originals[event.sequence] = Original(event, reversed_quantity, status)

    def is_ahead(self, keys: Set[str], ruled: Set[str]) -> bool:
        """Say whether the projections must be brought up before keys and customers are looked up.

        `ruled` are the customers whom the rules are to judge.
        """
        return self.ahead.concerns(keys, ruled) or self.in_hand.concerns(keys, ruled)

    def hand_over(self) -> None:
        """Note that all that the book has taken in so far is being projected."""
        self.in_hand, self.ahead = self.ahead, Ahead()

    def handed_over(self) -> None:
        """Note that what was being projected is there."""
        self.in_hand = Ahead()

    def projected(self) -> None:
        """Note that the projections lack nothing of what the book has taken in so far."""
        self.ahead, self.in_hand = Ahead(), Ahead()

    def forget(self, standings_max: int, holdings_max: int, customers_max: int) -> None:
        """Drop what only the last batch needed, and the longest-known of what is kept.

        The projections lack nothing that the book has taken in.
        """
        self.projected()
        for holding in list(self.standings)[: max(len(self.standings) - standings_max, 0)]:
            del self.standings[holding]
        self.keys.clear()
        self.originals.clear()
        self.subscriptions.clear()
        for key in list(self.holdings)[: max(len(self.holdings) - holdings_max, 0)]:
            del self.holdings[key]
        for customer in list(self.customers)[: max(len(self.customers) - customers_max, 0)]:
            del self.customers[customer]
            self.all_customers = self.others_active = False

    def _take_transaction(self, event: TransactionEvent) -> None:
        self.add_original(event)
        for code in self.entitlements:
            self.standings.pop((event.customer, code), None)
        self.ahead.ruled.add(event.customer)
        if event.status is Status.REFUSED:
            return
        for resolution in event.resolves:
            if resolution.target in self.originals:
                original = self.originals[resolution.target]
                original.status = resolution.status
                if event.executes and original.event.proposal:
                    original.executed_by = event.sequence
        for subscription in event.subscriptions:
            known = self.subscriptions.setdefault(subscription.customer, {})
            known[subscription.id] = subscription
        self._take_holdings(event)
        if event.kind == CommandType.REVERSE and event.target in self.originals:
            self.originals[event.target].reversed += event.quantity or 0

    def _take_holdings(self, event: TransactionEvent) -> None:
        """Take in grants, postings and pins, then set aside what was used up."""
        for grant in event.grants:
            self.holding(grant.customer, grant.entitlement).add(grant)
        touched: dict[str, Holding] = {}
        for posting in event.postings:
            if posting.grant not in touched:
                touched[posting.grant] = self.holding(event.customer, posting.entitlement)
            touched[posting.grant].apply(posting)
        for lapse in event.lapses:
            touched[lapse.grant].lapse(lapse.grant, lapse.hold, lapse.account)
        for ended in event.ended:
            found = self.grant_of(event.customer, ended.grant)
            assert found is not None, "what is ended was there"
            found[0].end(ended.grant, ended.at)
        if event.kind == CommandType.HOLD:
            for draw in event.draws:
                touched[draw.grant].pin(
                    draw.grant, event.sequence, Pin(draw.quantity, event.expires_at)
                )
        elif any(each.status is not Status.EXPIRED for each in event.resolves):
            self._unpin(event, touched)
        for name, holding in touched.items():
            holding.settle([holding.grants[name]])

    def _unpin(self, event: TransactionEvent, touched: dict[str, Holding]) -> None:
        """Forget a hold that somebody has captured or released: its grants are all touched."""
        for name, holding in touched.items():
            if event.target is not None and event.target in holding.grants[name].pins:
                holding.unpin(name, event.target)

    def _take_record(self, event: RecordEvent) -> None:
        match event.record:
            case "customer":
                self.customers[event.id] = msgspec.convert(event.after, Customer)
            case "entitlement":
                self.entitlements[event.id] = msgspec.convert(event.after, Entitlement)
            case "product":
                product = msgspec.convert(event.after, Product)
                self.products.setdefault(event.id, []).append((event.recorded_at, product))
            case "feed" | "finding" | "reconciliation" | "review":
                pass
            case "archive":
                self.closed_until = parse_instant(event.id)
            case _:  # pragma: no cover - an event of another kind is not written by this version
                raise AssertionError(event.record)
