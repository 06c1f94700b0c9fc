"""The company as it goes through its year: what has been asked for, and what came of it.

The rules of the ledger themselves say what each command does, so that the year holds the refusals
it is meant to hold and no others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.catalogue import (
    CatalogueStatus,
    Customer,
    CustomerStatus,
    Entitlement,
    Kind,
    Product,
)
from entitlement_ledger.domain.commands import parse_command
from entitlement_ledger.domain.decide import Asker, decide, repeat
from entitlement_ledger.domain.events import TransactionEvent
from entitlement_ledger.domain.instants import DAY, HOUR, Instant, format_instant
from entitlement_ledger.domain.rules.context import Context
from entitlement_ledger.sample.catalogue import ENTITLEMENT_COLUMNS, ENTITLEMENTS, PRODUCTS
from entitlement_ledger.sample.people import Person
from entitlement_ledger.sample.year import YEAR_FROM, YEAR_UNTIL

Fields = dict[str, Any]


@dataclass(slots=True)
class Ticket:
    """A support ticket."""

    id: str
    customer: str
    subject: str
    opened_at: Instant
    closed_at: Instant | None

    def row(self) -> list[str]:
        """Give the row of `tickets.csv`."""
        closed = "" if self.closed_at is None else format_instant(self.closed_at)
        status = "closed" if closed else "open"
        opened = format_instant(self.opened_at)
        return [self.id, self.customer, status, self.subject, opened, closed]


@dataclass(slots=True)
class Company:
    """What has happened so far.

    Attributes:
        book: the ledger as it stands after the lines so far.
        lines: the commands, in the order of their arrival.
        billing: the rows of `billing.csv`.
        drawn: consumes that may still be reversed, oldest first.
        namesakes: customers who are, or are called like, one of the staff.
    """

    random: Random
    customers: list[Person]
    book: Book = field(default_factory=Book)
    lines: list[Fields] = field(default_factory=list)
    billing: list[list[str]] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    drawn: list[TransactionEvent] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    namesakes: dict[str, Person] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Tell the book the customers and the catalogue."""
        known, self.customers = self.customers, []
        self.welcome(known)
        for row in ENTITLEMENTS:
            fields = dict(zip(ENTITLEMENT_COLUMNS, row, strict=True))
            self.book.entitlements[row[0]] = Entitlement(
                code=row[0],
                name=fields["name"],
                description=fields["description"],
                kind=Kind(fields["kind"]),
                unit=fields["unit"],
                scale=int(fields["scale"]),
                resources=tuple(filter(None, fields["resources"].split(";"))),
                status=CatalogueStatus(fields["status"]),
            )

        for product in PRODUCTS:
            self.book.products[product["code"]] = [(YEAR_FROM, msgspec.convert(product, Product))]

    def welcome(self, people: list[Person]) -> None:
        """Take in more customers."""
        self.customers += people
        for person in people:
            self.book.customers[person.id] = Customer(
                id=person.id, segment=person.segment, status=CustomerStatus(person.status)
            )

    def next(self, series: str) -> int:
        """Give the next number of a series."""
        self.numbers[series] = self.numbers.get(series, 0) + 1
        return self.numbers[series]

    def ask(self, at: Instant, actor: str, fields: Fields) -> TransactionEvent | None:
        """Put a line into the year; give what came of it, or None if it was a repeat."""
        line = {
            **{name: fields[name] for name in ("type", "key", "customer")},
            "effective_at": format_instant(at).replace(".000000Z", "Z"),
            "actor": actor,
            **fields,
        }
        self.lines.append(line)
        command = parse_command(msgspec.json.decode(msgspec.json.encode(line)))
        if repeat(self.book, command):
            return None
        context = Context(YEAR_UNTIL, self.book.last_sequence + 1, history=True)
        event = decide(self.book, command, context, Asker(actor))
        self.book.take(event)
        return event

    def available(self, customer: str, entitlement: str, at: Instant) -> int:
        """Say how much could be drawn at a moment."""
        draws, _ = self.book.holding(customer, entitlement).draw(2**62, at)
        return sum(draw.quantity for draw in draws)

    def open_ticket(self, customer: str, subject: str, at: Instant) -> str:
        """Open a ticket some hours before somebody acts on it; give the reference."""
        opened = at - self.random.randrange(1, 40) * HOUR - self.random.randrange(3600) * 1_000_000
        closed = at + self.random.randrange(1, 3 * 24) * HOUR
        ticket = Ticket(
            f"T-{3000 + self.next('ticket')}",
            customer,
            subject,
            opened,
            None if closed > YEAR_UNTIL - 2 * DAY else closed,
        )
        self.tickets.append(ticket)
        return f"ticket:{ticket.id}"
