"""Writing a report as a page that can be read and printed, and needs nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy import Connection, Select

from entitlement_ledger.domain.instants import format_instant
from entitlement_ledger.errors import InputError
from entitlement_ledger.harmless import harmless
from entitlement_ledger.reports.cover import Cover
from entitlement_ledger.store.copying import Progress
from entitlement_ledger.store.reporting.columns import Kind, ReportColumn
from entitlement_ledger.store.reporting.reading import chunks, count_rows

ROWS_MAX = 50_000


def write_html(
    connection: Connection,
    query: Select[Any],
    columns: Sequence[ReportColumn],
    cover: Cover,
    file: Path,
    progress: Progress,
) -> int:
    """Write the rows of a query to a new page; give how many there were.

    Raises:
        InputError: there are more rows than anybody reads.
    """
    total = count_rows(connection, query)
    if total > ROWS_MAX:
        raise InputError(
            f"{total:,} rows are more than the {ROWS_MAX:,} of a page: take csv, xlsx or parquet"
        )
    environment = Environment(
        loader=PackageLoader("entitlement_ledger.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def rows() -> Iterator[list[str]]:
        done = 0
        for some in chunks(connection, query, columns):
            yield from ([_cell(*both) for both in zip(columns, row, strict=True)] for row in some)
            done += len(some)
            progress(done, total)

    page = environment.get_template("report.html").stream(
        title=harmless(cover.title),
        cover=[(name, harmless(said)) for name, said in cover.lines],
        columns=[(each.name.replace("_", " "), each.is_number) for each in columns],
        rows=rows(),
        total=total,
    )
    page.enable_buffering(100)
    with file.open("wb") as opened:
        page.dump(opened, encoding="utf-8")
    return total


def _cell(column: ReportColumn, value: str | int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return harmless(value)
    return format_instant(value) if column.kind is Kind.INSTANT else str(value)
