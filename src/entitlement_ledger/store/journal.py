"""The journal: committing and appending events, and reading them back. Only the façade appends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from entitlement_ledger.domain.events import Event, decode_event, leaf_hash
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.recorded import Recorded
from entitlement_ledger.errors import StoreError
from entitlement_ledger.merkle import Block, Frontier
from entitlement_ledger.store.commits import (
    damaged,
    drop_commits,
    keep_commit,
    kept_commits,
    last_kept,
)
from entitlement_ledger.store.dialect import append
from entitlement_ledger.store.tables import journal, live_journal

RawRow = tuple[int, Instant, bytes, bytes]
"""(sequence, recorded_at, body, hash), as stored."""

CHUNK_ROWS = 10_000
_VERIFY = "the journal was altered; run `entl verify`, and restore a backup"


class JournalError(StoreError):
    """The journal does not hold each event once, with its own body."""


@dataclass(slots=True)
class Entries:
    """Events on their way into the journal.

    Attributes:
        bodies, hashes: of each event in order its body, and the hash of that as a leaf.
        blocks: the subtrees of the tree that they have completed.
    """

    events: Recorded = field(default_factory=Recorded)
    bodies: list[bytes] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    def add(self, later: Entries) -> None:
        """Take in what comes right after these."""
        self.events.extend(later.events)
        self.bodies += later.bodies
        self.hashes += later.hashes
        self.blocks += later.blocks


def entries_of(events: Recorded, tree: Frontier) -> Entries:
    """Give events as entries, and append them to the tree."""
    bodies = events.bodies()
    entries = Entries(events, bodies, [leaf_hash(body) for body in bodies])
    tree.extend(entries.hashes, entries.blocks)
    return entries


def commit(connection: Connection, entries: Entries) -> None:
    """Make entries durable with the transaction; into the journal they go right behind it."""
    keep_commit(connection, entries.events.last_sequence, entries.bodies)


def lay_out(connection: Connection, entries: Entries) -> None:
    """Append entries that were committed to the journal, in one statement."""
    events = entries.events
    append(
        connection,
        live_journal,
        {
            "sequence": events.sequences(),
            "recorded_at": events.recorded_at(),
            "hash": entries.hashes,
            "body": entries.bodies,
        },
    )
    drop_commits(connection, events.last_sequence)


def lay_out_kept(connection: Connection) -> None:
    """Append to the journal whatever was committed and is not in it: after a crash, say.

    Raises:
        StoreError: a commit is damaged.
    """
    for sequence, bodies in kept_commits(connection):
        events = _events(sequence, bodies)
        hashes = [leaf_hash(body) for body in bodies]
        lay_out(connection, Entries(Recorded(events), bodies, hashes))


def _events(sequence: int, bodies: Sequence[bytes]) -> list[Event]:
    """Give the events of a commit, the last of which has this sequence."""
    try:
        events = [decode_event(body) for body in bodies]
    except (msgspec.MsgspecError, ValueError) as error:
        raise damaged(sequence, str(error)) from None
    if [each.sequence for each in events] != [*range(sequence - len(events) + 1, sequence + 1)]:
        raise damaged(sequence, "its events have other sequences")
    return events


def last(connection: Connection) -> tuple[int, Instant | None]:
    """Give the last sequence number and `recorded_at`: (0, None) where nothing was recorded.

    Raises:
        StoreError: a commit is damaged.
    """
    kept = last_kept(connection)
    if kept is not None:
        (newest,) = _events(*kept)
        return newest.sequence, newest.recorded_at
    # The newest event is never archived.
    # All rows, although it is one: an unfinished result would stop an append that comes next.
    rows = connection.execute(
        select(live_journal.c.sequence, live_journal.c.recorded_at)
        .order_by(live_journal.c.sequence.desc())
        .limit(1)
    ).all()
    return (rows[0].sequence, rows[0].recorded_at) if rows else (0, None)


def read_events(connection: Connection, *, after: int = 0) -> Iterator[list[Event]]:
    """Give the journal's events in order, in chunks, so that memory stays bounded.

    Raises:
        JournalError: a body is not that of its row's event, or an event stands there twice.
    """
    for rows in _chunks(connection, after):
        for earlier, later in pairwise(rows):
            if earlier.sequence == later.sequence:
                raise JournalError(f"event {later.sequence} stands there twice: {_VERIFY}")
        yield [event_of(row.sequence, row.body) for row in rows]


def event_of(sequence: int, body: bytes) -> Event:
    """Read the body of an event.

    Raises:
        JournalError: it is not that of this event.
    """
    try:
        event = decode_event(body)
    except (msgspec.MsgspecError, ValueError):
        raise JournalError(f"event {sequence} cannot be read: {_VERIFY}") from None
    if event.sequence != sequence:
        raise JournalError(
            f"where event {sequence} should be is that of {event.sequence}: {_VERIFY}"
        )
    return event


def read_rows(connection: Connection, *, after: int = 0) -> Iterator[RawRow]:
    """Give the journal's rows as they are stored, in order, with bounded memory."""
    for rows in _chunks(connection, after):
        for row in rows:
            yield row.sequence, row.recorded_at, row.body, row.hash


def _chunks(connection: Connection, after: int) -> Iterator[Sequence[Any]]:
    while True:
        rows = connection.execute(
            select(journal)
            .where(journal.c.sequence > after)
            .order_by(journal.c.sequence)
            .limit(CHUNK_ROWS)
        ).all()
        if not rows:
            return
        yield rows
        after = rows[-1].sequence
