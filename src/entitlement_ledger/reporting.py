"""The reporting part of the façade: reports, looked at or written to files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from entitlement_ledger.auditing import Auditing
from entitlement_ledger.domain.instants import format_instant
from entitlement_ledger.errors import InputError, StoreError
from entitlement_ledger.proving import Progress, silent
from entitlement_ledger.reports.asking import asked_of, check_options
from entitlement_ledger.reports.cover import Cover, cover_of
from entitlement_ledger.reports.names import REPORTS, Report, report_named
from entitlement_ledger.reports.parameters import Parameters, ReportInfo, ReportRows, Written
from entitlement_ledger.reports.placing import format_of, placed
from entitlement_ledger.reports.writing import write
from entitlement_ledger.store.archives import archive_folder
from entitlement_ledger.store.balances import knowledge_begins
from entitlement_ledger.store.customers import customer
from entitlement_ledger.store.opening import store_id
from entitlement_ledger.store.reporting.asked import Asked
from entitlement_ledger.store.reporting.reading import count_rows, first_rows
from entitlement_ledger.store.reporting.reconciliation import run_asked
from entitlement_ledger.store.reporting.sources import Sources, known_sequence
from entitlement_ledger.store.tree import TreeError, root_at

_NOBODY = "unknown"


class Reporting(Auditing):
    """An open ledger that reports."""

    def reports(self) -> list[ReportInfo]:
        """Give the reports, with what each answers and takes."""
        return [each.info() for each in REPORTS.values()]

    def report_rows(
        self, name: str, parameters: Parameters | None = None, *, limit: int = 100
    ) -> ReportRows:
        """Give the first rows of a report.

        Raises:
            InputError: there is no such report, it does not take a parameter or lacks one, or it is
                asked about a time before history or knowledge begins.
        """
        report = report_named(name)
        with self._asking(report, parameters or Parameters()) as (connection, asked):
            with Sources(connection, asked.known) as sources:
                query = report.query(sources, asked)
                rows = first_rows(connection, query, report.columns, limit + 1)
            return ReportRows(report.columns, tuple(rows[:limit]), len(rows) > limit)

    @property
    def own_files(self) -> list[Path]:
        """The files and folders that belong to the store, which nothing else is written to."""
        own = (self._path, self._witness.path, archive_folder(self._path), self._signing_key)
        return [each for each in own if each is not None]

    def write_report(
        self,
        name: str,
        parameters: Parameters | None,
        path: Path,
        format: str | None = None,
        *,
        force: bool = False,
        actor: str = _NOBODY,
        progress: Progress = silent,
    ) -> Written:
        """Write a report to a file, which appears whole or not at all.

        Without a format, the suffix of the file says it. `actor` is who the file says asked for it.

        Raises:
            InputError: as `report_rows`; or no such format, the file exists and `force` does not
                say to replace it, it is the store's own, or its folder is missing.
            StoreError: it cannot be written: no space, no permission.
            Cancelled: `interrupt` was called; nothing is left behind then.
        """
        report, format = report_named(name), format_of(path, format)
        with placed(path, self.own_files, force=force) as unfinished:
            with self._asking(report, parameters or Parameters()) as (connection, asked):
                cover = self._cover(connection, report, asked, actor)
                with Sources(connection, asked.known) as sources:
                    query = report.query(sources, asked)
                    rows = write(
                        connection, query, report.columns, cover, format, unfinished.file, progress
                    )
                    wrong = report.wrong(query)
                    ok = wrong is None or not count_rows(connection, wrong)
            digest = unfinished.keep()
        return Written(name, format, path, rows, digest, cover.size, cover.root, ok)

    @contextmanager
    def _asking(self, report: Report, parameters: Parameters) -> Iterator[tuple[Connection, Asked]]:
        """Give a connection to read a report on, and what it is asked with, checked."""
        check_options(report, parameters)
        with self._read() as connection:
            known = known_sequence(connection, parameters.known_at)
            asked = asked_of(report, parameters, known, self._now(connection))
            self._refuse_silent_zero(connection, report, parameters, asked)
            yield connection, asked

    def _refuse_silent_zero(
        self, connection: Connection, report: Report, parameters: Parameters, asked: Asked
    ) -> None:
        """Refuse what lies wholly before history or knowledge begins, or names what is unknown."""
        last_in = None if parameters.until is None else parameters.until - 1
        moments = [parameters.at, None if report.recorded else last_in]
        for at in moments:
            self._answerable(connection, asked.customer, asked.entitlement, at, parameters.known_at)
        begins = knowledge_begins(connection)
        if report.recorded and last_in is not None and begins is not None and last_in < begins:
            raise InputError(f"knowledge begins at {format_instant(begins)}: give a later --until")

    def _cover(self, connection: Connection, report: Report, asked: Asked, actor: str) -> Cover:
        found = None
        if "customer" in report.needs and asked.customer is not None:
            found = customer(connection, asked.customer)
        try:
            root = root_at(connection, asked.known).hex()
        except TreeError as error:
            raise StoreError(f"{self._path}: {error}: run `entl verify`") from None
        return cover_of(
            report,
            asked,
            store=self._path.name,
            store_id=store_id(connection),
            root=root,
            actor=actor,
            whose="" if found is None else found.name,
            run=run_asked(connection, asked.run) if "run" in report.options else None,
        )
