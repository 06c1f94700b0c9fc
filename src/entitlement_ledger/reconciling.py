"""The reconciling part of the façade: outside files against the ledger, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.events import RecordEvent
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.errors import InputError
from entitlement_ledger.proving import Progress, silent
from entitlement_ledger.reconciliations import Against, Class, Discrepancy, Run
from entitlement_ledger.reporting import Reporting
from entitlement_ledger.store.dialect import within_memory
from entitlement_ledger.store.reconciling import runs as stored
from entitlement_ledger.store.reconciling.aside import set_aside

_PAGE = 1000
_PLACES_AT_ONCE = 10_000
_MEMORY_MAX = "400MB"
"""What DuckDB may take for a run of millions of lines: with the rest, less than a gigabyte."""


class Reconciling(Reporting):
    """An open ledger that ties out."""

    _reconcile: Mapping[str, object]

    def reconcile(
        self,
        path: Path,
        against: Against,
        *,
        actor: str,
        since: Instant | None = None,
        until: Instant | None = None,
        mapping: Path | None = None,
        progress: Progress = silent,
    ) -> Run:
        """Match a file line by line; keep it, and what came of it, and give the run.

        `since` and `until` bound the period, half-open. `mapping` is a file that says how columns
        are named. `interrupt` stops it, and so does whatever `progress` raises; nothing is kept
        then.

        Raises:
            InputError: the file or the mapping cannot be used, lines are bad, or the ledger is
                open to be read only.
        """
        from entitlement_ledger.importing.mapping import read_mapping
        from entitlement_ledger.reconcile.allowing import allowed
        from entitlement_ledger.reconcile.running import Asked, reconcile

        if self._read_only:
            raise InputError("the ledger is open to be read only: a run is recorded")
        if since is not None and until is not None and since >= until:
            raise InputError(
                "the period is empty, or ends before it begins: since is in, until is out"
            )
        if against is Against.CAM and (since, until) != (None, None):
            raise InputError("customers have no period: leave since and until out")
        if not path.is_file():
            raise InputError(f"{path} is not a file: name an extract of {against.value}")
        asked = Asked(
            path=path,
            against=against,
            since=since,
            until=until,
            mapping=None if mapping is None else read_mapping(mapping),
            settings=allowed(self._reconcile, against),
            actor=actor,
            role=self._roles.get(actor),
        )

        def change(connection: Connection, book: Book, now: Instant) -> list[RecordEvent]:
            with self._interruptible(connection):
                return [reconcile(connection, book, now, asked, aside, progress)]

        with (
            self._explained(),
            set_aside(self._path.parent) as aside,
            within_memory(self._engine, _MEMORY_MAX),
        ):
            (event,) = self._writer.record(change)
        assert isinstance(event, RecordEvent)
        return stored.run_of(event)

    @contextmanager
    def sparingly(self) -> Iterator[None]:
        """Let the database keep little of what it reads: for all of a run that told millions."""
        with within_memory(self._engine, _MEMORY_MAX):
            yield

    def runs(self) -> list[Run]:
        """Give all runs of reconciliation, the oldest first."""
        with self._read() as connection:
            return stored.runs(connection)

    def run(self, number: int) -> Run:
        """Give one run.

        Raises:
            InputError: there is none of that number.
        """
        found = next((each for each in self.runs() if each.number == number), None)
        if found is None:
            raise InputError(f"no run {number}: `entl reconcile --runs` lists them")
        return found

    def discrepancies(
        self, run: int, class_: Class | None = None, *, after: int = -1, limit: int = _PAGE
    ) -> tuple[list[Discrepancy], int | None]:
        """Give a page of what a run told, and what to go on after; None at the end."""
        with self._read() as connection:
            return stored.page(connection, run, class_, after, limit)

    def all_discrepancies(self, run: int, class_: Class | None = None) -> Iterator[Discrepancy]:
        """Give all that a run told, with few of them in memory at a time."""
        for begin, end in self._stretches(run):
            with self._read() as connection:
                told = stored.stretch(connection, run, class_, begin, end)
            yield from told

    def resolved(
        self, run: Run, *, after: int = -1, limit: int = _PAGE
    ) -> tuple[list[Discrepancy], int | None]:
        """Give a page of what the run before told, and this one not any more.

        With it comes what to go on after; None at the end.
        """
        if run.previous is None:
            return [], None
        with self._read() as connection:
            return stored.resolved(connection, run.number, run.previous, after, limit)

    def all_resolved(self, run: Run) -> Iterator[Discrepancy]:
        """Give all that the run before told, and this one not any more; few at a time."""
        if run.previous is None or not run.resolved:
            return
        for begin, end in self._stretches(run.previous):
            with self._read() as connection:
                told = stored.stretch_resolved(connection, run.number, run.previous, begin, end)
            yield from told

    def _stretches(self, run: int) -> Iterator[tuple[int, int]]:
        """Give the places of what a run told in stretches, each with its end."""
        with self._read() as connection:
            places = stored.places(connection, run)
        for begin in range(0, places, _PLACES_AT_ONCE):
            yield begin, min(begin + _PLACES_AT_ONCE, places)
