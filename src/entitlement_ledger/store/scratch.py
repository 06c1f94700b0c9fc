"""A scratch area: the projections made again in a temporary file, beside the stored ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import CompoundSelect, Connection, MetaData, Select, Table, select

from entitlement_ledger.domain.events import Event
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.recorded import Recorded
from entitlement_ledger.store.closing import balances_in, closing_balances
from entitlement_ledger.store.dialect import attached, make_engine
from entitlement_ledger.store.journal import read_events
from entitlement_ledger.store.projections import project
from entitlement_ledger.store.same import same_rows
from entitlement_ledger.store.tables import PROJECTIONS, VIEWS, live_postings, metadata, store

_ROWS_MAX = 1000
"""How many differing rows of one table are told at most."""

_REPLACED = ("subscriptions", "customers", "entitlements")
"""Tables of which a row is replaced by a later event: made from a part, they lack older rows."""


class Scratch:
    """Projections made again from events; what is not alike can be asked for once they are in."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="entl-scratch-")
        self._path = Path(self._folder.name) / "scratch.duckdb"
        self._engine = make_engine(str(self._path), read_only=False)
        with self._engine.begin() as connection:
            metadata.create_all(connection, tables=[store, *PROJECTIONS], checkfirst=False)

    def __enter__(self) -> Self:
        """Give the area, to be removed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the area."""
        self._engine.dispose()
        self._folder.cleanup()

    def add(self, events: Sequence[Event]) -> None:
        """Project events, which come in order."""
        with self._engine.begin() as connection:
            project(connection, Recorded(list(events)))

    def differences(self, connection: Connection, *, after: int = 0) -> Iterator[dict[str, Any]]:
        """Give each row that is stored and was not made, or was made and is not stored.

        `after` says that only events after that sequence were put in: rows that come from earlier
        ones are left alone.
        """
        self._engine.dispose()
        with attached(connection, self._path) as name:
            beside = MetaData()
            stored = {live: view for view, live in VIEWS.items()}
            for table in PROJECTIONS:
                made = table.to_metadata(beside, name)
                yield from _differences(connection, stored.get(table, table), made, after)

    def unlike_balances(
        self, connection: Connection, before: Instant, file: Path
    ) -> Iterator[dict[str, Any]]:
        """Give each closing balance that a file holds and the postings do not give, or lack."""
        self._engine.dispose()
        with attached(connection, self._path) as name:
            made = live_postings.to_metadata(MetaData(), name)
            given, sealed = closing_balances(made, before), balances_in(file)
            if same_rows(connection, given, sealed):
                return
            yield from _told(connection, "lacking", given.except_all(sealed))
            yield from _told(connection, "sealed", sealed.except_all(given))


def _told(
    connection: Connection, what: str, unlike: CompoundSelect[Any]
) -> Iterator[dict[str, Any]]:
    found = unlike.subquery("unlike")
    by = [found.c.sequence] if "sequence" in found.c else []
    query = select(*by, *found.c).order_by(*by).limit(_ROWS_MAX)
    for row in connection.execute(query).all():
        named = {"sequence": row[0]} if by else {}
        yield {**named, what: str(tuple(row)[len(by) :])}


def _differences(
    connection: Connection, stored: Table, made: Table, after: int
) -> Iterator[dict[str, Any]]:
    def rows(table: Table) -> Select[Any]:
        return select(table).where(table.c.sequence > after) if after else select(table)

    if after and stored.name in _REPLACED:
        wanted = [("lacking", rows(made).except_(rows(stored)))]
    elif same_rows(connection, rows(made), rows(stored)):
        return
    else:
        wanted = [
            ("lacking", rows(made).except_all(rows(stored))),
            ("stored", rows(stored).except_all(rows(made))),
        ]
    for what, unlike in wanted:
        for fault in _told(connection, what, unlike):
            yield {"table": stored.name, **fault}


def stale_rows(connection: Connection) -> Iterator[dict[str, Any]]:
    """Make every projection again beside the stored ones; give each row that is not alike."""
    with Scratch() as scratch:
        for events in read_events(connection):
            scratch.add(events)
        yield from scratch.differences(connection)
