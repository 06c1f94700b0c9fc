"""The book: the part of the ledger's state that a batch of commands is judged by.

The store fills it before deciding; `take` moves it on by one event, whether that event has just
been decided or was read from the journal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby

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
from entitlement_ledger.domain.holdings import Holding
from entitlement_ledger.domain.instants import Instant

HoldingKey = tuple[str, str]
"""(customer, entitlement)"""


@dataclass(slots=True)
class Original:
    """An earlier transaction that a command names, and how much of it has been reversed."""

    event: TransactionEvent
    reversed: int = 0


@dataclass(slots=True)
class Book:
    """State in memory. What is not in it has not been asked for, or does not exist.

    Attributes:
        keys: the first event of every key that the batch uses again.
        originals: by sequence.
        all_customers: every customer is in it, so one that is not does not exist.
        last_recorded_at: None in an empty ledger.
    """

    customers: dict[str, Customer] = field(default_factory=dict)
    all_customers: bool = False
    entitlements: dict[str, Entitlement] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    holdings: dict[HoldingKey, Holding] = field(default_factory=dict)
    keys: dict[str, TransactionEvent] = field(default_factory=dict)
    originals: dict[int, Original] = field(default_factory=dict)
    last_sequence: int = 0
    last_recorded_at: Instant | None = None

    def holding(self, customer: str, entitlement: str) -> Holding:
        """Give what a customer holds of an entitlement, empty at first."""
        return self.holdings.setdefault((customer, entitlement), Holding())

    def original(self, name: str) -> Original | None:
        """Find a transaction by id, then by key (rule I3)."""
        sequence = sequence_of(name)
        if sequence is None:
            known = self.keys.get(name)
            sequence = known.sequence if known else None
        return None if sequence is None else self.originals.get(sequence)

    def take(self, event: Event) -> None:
        """Move the book on by one event."""
        assert event.sequence == self.last_sequence + 1, "the journal has no gaps"
        assert self.last_recorded_at is None or event.recorded_at >= self.last_recorded_at
        self.last_sequence, self.last_recorded_at = event.sequence, event.recorded_at
        if isinstance(event, RecordEvent):
            self._take_record(event)
        else:
            self._take_transaction(event)

    def add_original(self, event: TransactionEvent, reversed_quantity: int = 0) -> None:
        """Make a transaction known by key and by id."""
        self.keys[event.key] = event
        self.originals[event.sequence] = Original(event, reversed_quantity)

    def forget(self, holdings_max: int, customers_max: int) -> None:
        """Drop what only the last batch needed, and the longest-known of what is kept."""
        self.keys.clear()
        self.originals.clear()
        for holding in list(self.holdings)[: max(len(self.holdings) - holdings_max, 0)]:
            del self.holdings[holding]
        for customer in list(self.customers)[: max(len(self.customers) - customers_max, 0)]:
            del self.customers[customer]
            self.all_customers = False

    def _take_transaction(self, event: TransactionEvent) -> None:
        self.add_original(event)
        if event.status is not Status.COMPLETED:
            return
        for grant in event.grants:
            self.holding(grant.customer, grant.entitlement).add(grant)
        postings = sorted(event.postings, key=lambda each: each.entitlement)
        for entitlement, legs in groupby(postings, key=lambda each: each.entitlement):
            self.holding(event.customer, entitlement).apply(legs)
        if event.type == CommandType.REVERSE and event.target is not None and event.quantity:
            self.originals[event.target].reversed += event.quantity

    def _take_record(self, event: RecordEvent) -> None:
        match event.record:
            case "customer":
                self.customers[event.id] = msgspec.convert(event.after, Customer)
            case "entitlement":
                self.entitlements[event.id] = msgspec.convert(event.after, Entitlement)
            case "product":
                self.products[event.id] = msgspec.convert(event.after, Product)
            case _:  # pragma: no cover - an event of another kind is not written by this version
                raise AssertionError(event.record)
