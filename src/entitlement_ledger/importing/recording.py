"""Recording what was imported: an event for each record that is new or changed.

Personal data goes beside the journal, never into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from entitlement_ledger.answers import Imported
from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.catalogue import Customer, Entitlement, Product
from entitlement_ledger.domain.events import Event, RecordEvent
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.errors import InputError
from entitlement_ledger.importing.chunks import Row, read_feed
from entitlement_ledger.importing.feeds import Feed, find_files
from entitlement_ledger.importing.mapping import Mapping, read_mapping
from entitlement_ledger.posting import Writer
from entitlement_ledger.store.dialect import among, upsert
from entitlement_ledger.store.feeds import KEPT, digest
from entitlement_ledger.store.loading import load_customers
from entitlement_ledger.store.persons import load_people, renewed, save_people


def import_files(
    writer: Writer,
    paths: Sequence[Path],
    *,
    actor: str,
    role: str | None,
    mapping: Path | None = None,
) -> list[Imported]:
    """Import files, each whole or not at all; products after the entitlements they name.

    Raises:
        InputError: a path that does not exist or is not named like a feed; a mapping that cannot be
            read, does not fit the file, or is given with several files.
    """
    found = find_files(paths)
    read_as = None if mapping is None else read_mapping(mapping)
    if mapping is not None and len(found) != 1:
        raise InputError(
            f"{mapping} is the mapping of one file, {len(found)} are given: import each by itself"
        )
    return [_import(writer, feed, path, read_as, actor, role) for feed, path in found]


def _import(
    writer: Writer, feed: Feed, path: Path, mapping: Mapping | None, actor: str, role: str | None
) -> Imported:
    read = read_feed(feed, path, mapping)
    loading = _Loading(feed, path, read.rows, actor, role, read.problems)
    if not read.problems:
        writer.record(loading.change)
    added, changed = (0, 0) if loading.problems else (loading.added, loading.changed)
    return Imported(str(path), feed.name, len(read.rows), added, changed, tuple(loading.problems))


@dataclass(slots=True)
class _Loading:
    """One file on its way into the ledger."""

    feed: Feed
    path: Path
    rows: list[Row]
    actor: str
    role: str | None
    problems: list[str]
    added: int = 0
    changed: int = 0

    def change(self, connection: Connection, book: Book, now: Instant) -> list[Event]:
        """Give the events of this file, and write what is not journaled."""
        rows = [row.fields for row in self.rows]
        match self.feed.name:
            case "customers":
                return self._customers(connection, book, now, rows)
            case "entitlements":
                return [
                    event
                    for row in rows
                    if (event := self._entitlement(book, now, row)) is not None
                ]
            case "products":
                return self._products(book, now)
            case _:
                return self._plain(connection, book, now, rows)

    def _customers(
        self, connection: Connection, book: Book, now: Instant, rows: list[dict[str, Any]]
    ) -> list[Event]:
        ids = [row["id"] for row in rows]
        load_customers(connection, book, ids)
        known = load_people(connection, ids)
        persons = [renewed(known.get(row["id"]), row) for row in rows]
        events: list[Event] = []
        for row, person in zip(rows, persons, strict=True):
            after = {name: row[name] for name in ("id", "segment", "status")}
            event = self._event(
                book,
                now,
                "customer",
                row["id"],
                book.customers.get(row["id"]),
                after,
                msgspec.convert(after, Customer),
                personal=person.digest(),
                personal_changed=known.get(row["id"]) != person,
            )
            if event:
                events.append(event)
        save_people(connection, persons)
        return events

    def _entitlement(self, book: Book, now: Instant, row: dict[str, Any]) -> Event | None:
        before = book.entitlements.get(row["code"])
        return self._event(
            book, now, "entitlement", row["code"], before, row, msgspec.convert(row, Entitlement)
        )

    def _products(self, book: Book, now: Instant) -> list[Event]:
        events: list[Event] = []
        for row in self.rows:
            unknown = [
                line["entitlement"]
                for line in row.fields["lines"]
                if line["entitlement"] not in book.entitlements
            ]
            if unknown:
                self.problems.append(
                    f"{self.path}, line {row.line}, column lines: entitlement "
                    f"{unknown[0]!a} is not in the catalogue: import it first"
                )
        if self.problems:
            return []
        for row in self.rows:
            fields, code = row.fields, row.fields["code"]
            event = self._event(
                book,
                now,
                "product",
                code,
                book.newest_product(code),
                fields,
                msgspec.convert(fields, Product),
            )
            if event:
                events.append(event)
        return events

    def _event(
        self,
        book: Book,
        now: Instant,
        record: str,
        name: str,
        before: Customer | Entitlement | Product | None,
        after: dict[str, Any],
        as_is: Customer | Entitlement | Product,
        *,
        personal: str | None = None,
        personal_changed: bool = False,
    ) -> RecordEvent | None:
        """Make the event of one record, and take it into the book; None where nothing changed."""
        if before == as_is and not personal_changed:
            return None
        event = RecordEvent(
            sequence=book.last_sequence + 1,
            recorded_at=now,
            record=record,
            id=name,
            actor=self.actor,
            role=self.role,
            before=None if before is None else msgspec.to_builtins(before),
            after=after,
            personal=personal,
            personal_changed=personal_changed,
        )
        book.take(event)
        self.added += before is None
        self.changed += before is not None
        return event

    def _plain(
        self, connection: Connection, book: Book, now: Instant, rows: list[dict[str, Any]]
    ) -> list[Event]:
        """Load a feed that is kept as it came; the event says what the feed holds then."""
        name = self.feed.name
        table = KEPT[name]
        key = table.c[self.feed.key]
        if name == "tickets":
            _blank_forgotten(connection, rows)
        with among(connection, [row[self.feed.key] for row in rows], key) as wanted:
            found = connection.execute(select(key, table).where(wanted))
            known = {row[0]: row[1:] for row in found}
        self.added = len(rows) - len(known)
        names = [each.name for each in table.columns]
        self.changed = (
            sum(
                tuple(row[each] for each in names) != known.get(row[self.feed.key], ())
                for row in rows
            )
            - self.added
        )
        before = digest(connection, name)
        upsert(connection, table, {each: [row[each] for row in rows] for each in self.feed.columns})
        event = feed_event(connection, book, now, name, before, self.actor, self.role)
        return [event] if event else []


def feed_event(
    connection: Connection,
    book: Book,
    now: Instant,
    feed: str,
    before: dict[str, int | str],
    actor: str,
    role: str | None,
) -> RecordEvent | None:
    """Make the event that says what a feed holds now; None where that is what it held before."""
    after = digest(connection, feed)
    if after == before:
        return None
    event = RecordEvent(
        sequence=book.last_sequence + 1,
        recorded_at=now,
        record="feed",
        id=feed,
        actor=actor,
        role=role,
        before=before if before["rows"] else None,
        after=after,
    )
    book.take(event)
    return event


def _blank_forgotten(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Leave out what tickets say about customers who are forgotten."""
    known = load_people(connection, sorted({row["customer"] for row in rows}))
    for row in rows:
        person = known.get(row["customer"])
        if person is not None and person.forgotten:
            row["subject"] = ""
