"""Closing a period: what lies wholly before an instant goes into files, and nothing is lost.

The files are written and read again first. Then, in one database transaction, the event that seals
them is recorded and what they hold is taken out of the tables; nobody reads meanwhile.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from entitlement_ledger.answers import ArchivedPeriod
from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.due import overdue
from entitlement_ledger.domain.events import Event, RecordEvent
from entitlement_ledger.domain.instants import Instant, format_instant
from entitlement_ledger.errors import InputError, StoreError
from entitlement_ledger.files import synced
from entitlement_ledger.posting import Writer
from entitlement_ledger.store.archives import (
    MANIFEST,
    STORE_SAYS,
    Archives,
    Manifest,
    file_name,
)
from entitlement_ledger.store.closing import Progress, range_of, take_out, write_files
from entitlement_ledger.store.dialect import raw, upsert
from entitlement_ledger.store.due import due_customers, due_holdings
from entitlement_ledger.store.holdings import load_holdings
from entitlement_ledger.store.loading import load_whole_customers
from entitlement_ledger.store.opening import store_id
from entitlement_ledger.store.tables import postings, store
from entitlement_ledger.store.tree import root_at


def archive(
    writer: Writer,
    archives: Archives,
    before: Instant,
    nobody_reading: Callable[[], AbstractContextManager[None]],
    progress: Progress,
    *,
    actor: str,
    role: str | None,
    reason: str | None,
) -> ArchivedPeriod:
    """Close the period before an instant, in which nothing is due any more.

    `nobody_reading` lasts from before the tables are changed until everybody sees the archive.

    Raises:
        InputError: it is closed already, nothing is in it, or something in it is still due.
        StoreError: the files cannot be written, or are not what was written.
    """
    with ExitStack() as until_seen, ExitStack() as unless_recorded:

        def change(connection: Connection, book: Book, now: Instant) -> list[Event]:
            _can_be_closed(connection, book, before)
            sequence = book.last_sequence + 1
            manifest = _write(connection, archives, sequence, before, progress)
            folder = archives.folder / str(sequence)
            unless_recorded.callback(shutil.rmtree, folder, ignore_errors=True)
            until_seen.enter_context(nobody_reading())
            for temporary in (True, False):
                archives.put_in_view(raw(connection), folder, temporary=temporary)
            take_out(connection, folder, manifest.files)
            known = " ".join(str(each) for each in (*archives.known, sequence))
            upsert(connection, store, {"name": [STORE_SAYS], "value": [known]})
            event = RecordEvent(
                sequence=sequence,
                recorded_at=now,
                record="archive",
                id=format_instant(before),
                actor=actor,
                role=role,
                before=None,
                after=msgspec.to_builtins(manifest),
                reason=reason,
            )
            book.take(event)
            return [event]

        (event,) = writer.record(change)
        unless_recorded.pop_all()
        assert isinstance(event, RecordEvent), "one record says it all"
        manifest = msgspec.convert(event.after, Manifest)
        archives.add(event.sequence, manifest)
    rows = {name: file.rows for name, file in manifest.files.items()}
    return ArchivedPeriod(
        before,
        manifest.events,
        rows[file_name(postings.name)],
        str(archives.folder / str(event.sequence)),
    )


def _can_be_closed(connection: Connection, book: Book, before: Instant) -> None:
    if book.closed_until is not None and before <= book.closed_until:
        raise InputError(
            f"all before {format_instant(book.closed_until)} is archived already: name a later time"
        )
    last = before - 1
    customers = due_customers(connection, last)
    load_whole_customers(connection, book, customers)
    pairs = due_holdings(connection, last)
    load_holdings(connection, book, pairs)
    left = overdue(book, customers, pairs, last)
    if left:
        raise InputError(
            f"something of {left[0]} is due before {format_instant(before)} and could not be "
            "recorded: look at `entl run-due`, settle it, and archive again"
        )


def _write(
    connection: Connection, archives: Archives, sequence: int, before: Instant, progress: Progress
) -> Manifest:
    """Write an archive into a folder of its own, which appears whole or not at all."""
    events, first, last = range_of(connection, before)
    if not events:
        raise InputError(f"nothing to archive lies wholly before {format_instant(before)}")
    folder = archives.folder / str(sequence)
    unfinished = archives.folder / f".{sequence}.{os.getpid()}.new"
    for left in archives.folder.glob(".[0-9]*.new"):
        # Of an archiving that was killed: nobody else has the store open to be written.
        shutil.rmtree(left, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        files = write_files(connection, before, unfinished, progress)
        size = sequence - 1
        manifest = Manifest(
            store=store_id(connection),
            before=before,
            events=events,
            first=first,
            last=last,
            size=size,
            root=root_at(connection, size).hex(),
            files=files,
        )
        _write_durably(unfinished / MANIFEST, manifest.written())
        _clear(folder, manifest.store)
        unfinished.rename(folder)
        synced(archives.folder)
        synced(archives.folder.parent)
    except OSError as error:
        raise StoreError(f"cannot archive to {archives.folder}: {error.strerror}") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        with suppress(OSError):
            # Only where it is empty.
            archives.folder.rmdir()
    return manifest


def _write_durably(file: Path, said: bytes) -> None:
    with file.open("xb") as opened:
        opened.write(said)
        opened.flush()
        os.fsync(opened.fileno())


def _clear(folder: Path, store_name: str) -> None:
    """Clear away what an archiving that was cut short has left: the store does not know it."""
    if not folder.exists():
        return
    try:
        left = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError):
        left = None
    if left is None or left.store != store_name:
        raise InputError(f"{folder} is there already, and not of this store: move it away")
    shutil.rmtree(folder)
