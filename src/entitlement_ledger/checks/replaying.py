"""The check that reads the journal from its beginning, and decides again."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from zlib import crc32

import msgspec

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.commands import RESERVED_PREFIX, parse_command
from entitlement_ledger.domain.decide import Asker, decide
from entitlement_ledger.domain.events import (
    Event,
    TransactionEvent,
    customer_in,
    encode_event,
)
from entitlement_ledger.domain.refusals import Code, Refused
from entitlement_ledger.domain.rules.context import Context
from entitlement_ledger.errors import StoreError
from entitlement_ledger.store.journal import RawRow, event_of

Fault = dict[str, object]
Read = Callable[[], Iterable[RawRow]]
"""Reads the journal from its beginning."""

EVENTS_AT_ONCE = 500_000
"""Of how many events what was decided is kept in memory at once, as nearly as customers allow."""


def decisions(read: Read, events: int, at_once: int = EVENTS_AT_ONCE) -> Iterator[Fault]:
    """Find commands that, decided again in order, come to another outcome or draw.

    What the system recorded of its own, and what only became a proposal, is taken as it is, and so
    are messages: they are wording, and a later version may say it better.

    No command concerns what another customer holds: where there are many events, the journal is
    read several times, and some of the customers decided for each time.
    """
    parts = -(-events // at_once) or 1
    found = [fault for part in range(parts) for fault in _decided(read(), part, parts)]
    return iter(sorted(found, key=operator.itemgetter("sequence")))


def _decided(rows: Iterable[RawRow], part: int, parts: int) -> Iterator[Fault]:
    """Decide again for one part of the customers; the first part tells of a gap."""
    book = Book(all_customers=True)
    for sequence, _, body, _ in rows:
        if sequence != book.last_sequence + 1:
            if part == 0:
                yield {"sequence": sequence, "expected": book.last_sequence + 1}
            return
        if parts > 1 and _part_of(customer_in(body), part, parts) != part:
            book.pass_over(sequence)
            continue
        try:
            event = event_of(sequence, body)
        except StoreError as error:
            yield {"sequence": sequence, "why": str(error)}
            return
        if isinstance(event, TransactionEvent) and not _by_policy(event):
            again = _again(book, event)
            if again is None or encode_event(again) != body:
                yield {"sequence": sequence, "status": event.status.value, "again": _told(again)}
        book.take(event)


def _part_of(customer: str | None, part: int, parts: int) -> int:
    """Say to which part an event belongs: what is of no customer belongs to every one."""
    return part if customer is None else crc32(customer.encode()) % parts


def _by_policy(event: TransactionEvent) -> bool:
    """Say whether the settings of that day, which nobody knows any more, had a part in it."""
    refused = event.code in (Code.NOT_PERMITTED, Code.OWN_PROPOSAL)
    return event.key.startswith(RESERVED_PREFIX) or event.proposal or refused


def _again(book: Book, event: TransactionEvent) -> Event | None:
    try:
        command = parse_command({**event.command, "key": event.key})
    except Refused:
        return None
    context = Context(event.recorded_at, event.sequence, event.history)
    again = decide(book, command, context, Asker(event.actor, event.role))
    return msgspec.structs.replace(again, message=event.message)


def _told(event: Event | None) -> str:
    return event.status.value if isinstance(event, TransactionEvent) else "not a command"
