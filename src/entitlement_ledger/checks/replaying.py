"""The checks that read the journal from its beginning: bytes hashed again, decisions made again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.commands import RESERVED_PREFIX, parse_command
from entitlement_ledger.domain.decide import Asker, decide
from entitlement_ledger.domain.events import (
    Event,
    TransactionEvent,
    decode_event,
    encode_event,
    leaf_hash,
)
from entitlement_ledger.domain.refusals import Code, Refused
from entitlement_ledger.domain.rules.context import Context
from entitlement_ledger.store.journal import RawRow

Fault = dict[str, object]


def hashes(rows: Iterable[RawRow]) -> Iterator[Fault]:
    """Find events whose bytes are not what was hashed."""
    for sequence, _, body, known in rows:
        if leaf_hash(body) != known:
            yield {"sequence": sequence, "hash": leaf_hash(body).hex(), "stored": known.hex()}


def decisions(rows: Iterable[RawRow]) -> Iterator[Fault]:
    """Find commands that, decided again in order, come to another outcome or draw.

    What the system recorded of its own, and what only became a proposal, is taken as it is, and so
    are messages: they are wording, and a later version may say it better.
    """
    book = Book(all_customers=True)
    for sequence, _, body, _ in rows:
        if sequence != book.last_sequence + 1:
            yield {"sequence": sequence, "expected": book.last_sequence + 1}
            return
        event = decode_event(body)
        if isinstance(event, TransactionEvent) and not _by_policy(event):
            again = _again(book, event)
            if again is None or encode_event(again) != body:
                yield {"sequence": sequence, "status": event.status.value, "again": _told(again)}
        book.take(event)


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
