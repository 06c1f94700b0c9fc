"""Archived periods: events and postings that lie in Parquet files beside the store.

The views `journal` and `postings` reach into them, so that whoever reads those reads the archive
too; whoever writes, or means only what is not archived, names the tables. The views in the store
say where its archives were when they were made; on every connection that is given out, temporary
ones stand before them that say where they are, so that no view in a store is believed.

Files are held against what the journal says of them when a store is opened, and again when one of
them has been touched since: what is altered is not read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, event, select

from entitlement_ledger.domain.events import RecordEvent, canonical, decode_event
from entitlement_ledger.domain.instants import Instant, format_instant
from entitlement_ledger.errors import StoreError
from entitlement_ledger.files import sha256_of
from entitlement_ledger.store.dialect import Database, make_view
from entitlement_ledger.store.tables import VIEWS, live_journal, store

STORE_SAYS = "archives"
"""The row of `store` that lists the events which closed a period."""

MANIFEST = "manifest.json"

Stamp = tuple[int, int, int]


class ArchivedFile(msgspec.Struct, frozen=True):
    """A file of an archive: its size in bytes and its SHA-256 in hexadecimal."""

    rows: int
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What closing a period put into its archive, as the event of it says.

    Attributes:
        store: the id of the store.
        before: when the period ends: nothing in it took effect at that instant or later.
        events, first, last: how many events are in it, between which sequences.
        size, root: of the whole journal just before, the root in hexadecimal.
        files: by name.
    """

    store: str
    before: Instant
    events: int
    first: int
    last: int
    size: int
    root: str
    files: dict[str, ArchivedFile]

    def written(self) -> bytes:
        """Give the manifest as it lies beside the files."""
        return canonical(msgspec.to_builtins(self)) + b"\n"


def archive_folder(path: Path) -> Path:
    """Say where the archives of a store are: one folder each, named by the event that made it."""
    return path.with_name(f"{path.name}.archive")


def file_name(part: str) -> str:
    """Give the name of the file that holds a part of an archive."""
    return f"{part}.parquet"


class Archives:
    """The archives of one store."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.folder = archive_folder(path)
        self.known: dict[int, Manifest] = {}
        self._stamps: dict[Path, Stamp] = {}
        self._generation = 0

    def load(self, connection: Connection) -> None:
        """Read from a store which archives it has, and hold each file against its event.

        Raises:
            StoreError: a file is missing or altered, or the store lacks what it says it has.
        """
        known = select(store.c.value).where(store.c.name == STORE_SAYS)
        said = " ".join(connection.execute(known).scalars().all()).split()
        numbers = [int(each) for each in said if each.isascii() and each.isdigit()]
        rows = connection.execute(
            select(live_journal.c.sequence, live_journal.c.body)
            .where(live_journal.c.sequence.in_(numbers))
            .order_by(live_journal.c.sequence)
        ).all()
        if len(rows) != len(said):
            raise StoreError(
                f"{self._path} does not say which periods it has archived: it is damaged; "
                "restore a backup"
            )
        self.known = {sequence: self._manifest(body) for sequence, body in rows}
        self.check()
        self._generation += 1

    def _manifest(self, body: bytes) -> Manifest:
        try:
            said = decode_event(body)
            assert isinstance(said, RecordEvent), "a transaction closes nothing"
            return msgspec.convert(said.after, Manifest)
        except (msgspec.MsgspecError, AssertionError):
            raise StoreError(
                f"{self._path}: what it says of an archived period cannot be read: it is damaged; "
                "restore a backup"
            ) from None

    def check(self, *, touched: bool = False) -> None:
        """Hold the files against what the journal says of them, or only those touched since.

        Raises:
            StoreError: a file is missing or altered; it is named.
        """
        for sequence, manifest in self.known.items():
            for name, size, digest in _files(manifest):
                file = self.folder / str(sequence) / name
                stamp = self._stamp(file, manifest)
                if touched and self._stamps.get(file) == stamp:
                    continue
                if stamp[0] != size or sha256_of(file) != digest:
                    raise self._wrong(file, manifest, "is not what was archived")
                self._stamps[file] = stamp

    def _stamp(self, file: Path, manifest: Manifest) -> Stamp:
        try:
            found = file.stat()
        except OSError:
            raise self._wrong(file, manifest, "is missing") from None
        return found.st_size, found.st_mtime_ns, found.st_ino

    def _wrong(self, file: Path, manifest: Manifest, why: str) -> StoreError:
        return StoreError(
            f"{file} {why}: it holds a part of what was before "
            f"{format_instant(manifest.before)}; put it back from a backup"
        )

    def folders(self) -> list[Path]:
        """Say where each archive is."""
        return [self.folder / str(sequence) for sequence in self.known]

    def file(self, sequence: int, part: str) -> Path:
        """Say where a part of an archive is."""
        return self.folder / str(sequence) / file_name(part)

    def follow(self, engine: Engine) -> None:
        """Put the archives in view on every connection that an engine gives out from now on."""

        def given_out(database: Any, record: Any, _proxy: Any) -> None:
            self.check(touched=True)
            if record.info.get(STORE_SAYS, 0) != self._generation:
                self.put_in_view(database)
                record.info[STORE_SAYS] = self._generation

        event.listen(engine, "checkout", given_out)

    def put_in_view(
        self, database: Database, beside: Path | None = None, *, temporary: bool = True
    ) -> None:
        """Put the archives in view, and one more that is only being made.

        On one connection; or in the store, for whoever else opens it.
        """
        folders = [each.absolute() for each in (*self.folders(), *([beside] if beside else []))]
        for view, live in VIEWS.items():
            files = [folder / file_name(view.name) for folder in folders]
            make_view(database, view, live, files, temporary=temporary)

    def add(self, sequence: int, manifest: Manifest) -> None:
        """Have one more archive in view."""
        self.known = {**self.known, sequence: manifest}
        self._generation += 1


def _files(manifest: Manifest) -> Iterator[tuple[str, int, str]]:
    """Give the name, the size and the SHA-256 of each file, the manifest's own too."""
    for name, file in manifest.files.items():
        yield name, file.bytes, file.sha256
    written = manifest.written()
    yield MANIFEST, len(written), hashlib.sha256(written).hexdigest()
