"""The journal: appending events, and reading them back. Only the façade appends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, select

from entitlement_ledger.domain.events import Event, decode_event, leaf_hash
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.plain import Recordable
from entitlement_ledger.store.dialect import append
from entitlement_ledger.store.tables import journal, live_journal

RawRow = tuple[int, Instant, bytes, bytes]
"""(sequence, recorded_at, body, hash), as stored."""

CHUNK_ROWS = 10_000


def append_events(connection: Connection, events: Sequence[Recordable]) -> list[bytes]:
    """Append events, in order, in one statement; give their hashes as leaves."""
    bodies = [event.body() for event in events]
    hashes = [leaf_hash(body) for body in bodies]
    append(
        connection,
        live_journal,
        {
            "sequence": [event.sequence for event in events],
            "recorded_at": [event.recorded_at for event in events],
            "hash": hashes,
            "body": bodies,
        },
    )
    return hashes


def last(connection: Connection) -> tuple[int, Instant | None]:
    """Give the last sequence number and `recorded_at`: (0, None) in an empty journal."""
    # The newest event is never archived.
    # All rows, although it is one: an unfinished result would stop an append that comes next.
    rows = connection.execute(
        select(live_journal.c.sequence, live_journal.c.recorded_at)
        .order_by(live_journal.c.sequence.desc())
        .limit(1)
    ).all()
    return (rows[0].sequence, rows[0].recorded_at) if rows else (0, None)


def read_events(connection: Connection, *, after: int = 0) -> Iterator[list[Event]]:
    """Give the journal's events in order, in chunks, so that memory stays bounded."""
    for rows in _chunks(connection, after):
        yield [decode_event(row.body) for row in rows]


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
