"""Forgetting a customer: personal data and its key are destroyed; what was recorded stays."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select, update

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.events import Event, RecordEvent
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.errors import InputError
from entitlement_ledger.importing.recording import feed_event
from entitlement_ledger.posting import Writer
from entitlement_ledger.store.feeds import digest
from entitlement_ledger.store.loading import load_customers
from entitlement_ledger.store.persons import blank, load_people, save_people
from entitlement_ledger.store.tables import tickets


def forget(writer: Writer, customer: str, *, actor: str, role: str | None, reason: str) -> None:
    """Destroy a customer's name, email and key, and what their tickets say; record who and why.

    Raises:
        InputError: no such customer, forgotten already, or no reason.
    """
    if not reason.strip():
        raise InputError("say why: an auditor will ask")

    def change(connection: Connection, book: Book, now: Instant) -> list[Event]:
        load_customers(connection, book, [customer])
        known = book.customers.get(customer)
        if known is None:
            raise InputError(f"no customer {customer!a}")
        person = load_people(connection, [customer]).get(customer)
        if person is not None and person.forgotten:
            raise InputError(f"{customer} is forgotten already")
        save_people(connection, [blank(customer)])
        fields = msgspec.to_builtins(known)
        event = RecordEvent(
            sequence=book.last_sequence + 1,
            recorded_at=now,
            record="customer",
            id=customer,
            actor=actor,
            role=role,
            before=fields,
            after=fields,
            forgets=True,
            reason=reason,
        )
        book.take(event)
        said = _blank_tickets(connection, book, now, customer, actor, role)
        return [event, *said]

    writer.record(change)


def _blank_tickets(
    connection: Connection, book: Book, now: Instant, customer: str, actor: str, role: str | None
) -> list[Event]:
    theirs = (tickets.c.customer == customer, tickets.c.subject != "")
    if not connection.execute(select(tickets.c.id).where(*theirs)).scalars().all():
        return []
    before = digest(connection, "tickets")
    connection.execute(update(tickets).where(*theirs).values(subject=""))
    event = feed_event(connection, book, now, "tickets", before, actor, role)
    return [event] if event else []
