"""Writing a report as a file of one of the formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select

from entitlement_ledger.reports.cover import Cover
from entitlement_ledger.store.copying import (
    Progress,
    copy_out,
    decimal,
    hexadecimal,
    instant_in_utc,
    instant_text,
    integer,
    without_formula,
)
from entitlement_ledger.store.reporting.columns import Kind, ReportColumn
from entitlement_ledger.store.reporting.reading import How, written_as

_HOW: Mapping[str, How] = {
    "csv": {
        Kind.TEXT: without_formula,
        Kind.DIGEST: hexadecimal,
        Kind.INTEGER: integer,
        Kind.TOTAL: decimal,
        Kind.INSTANT: instant_text,
    },
    "json": {
        Kind.DIGEST: hexadecimal,
        Kind.INTEGER: integer,
        Kind.TOTAL: decimal,
        Kind.INSTANT: instant_text,
    },
    "parquet": {
        Kind.DIGEST: hexadecimal,
        Kind.INTEGER: integer,
        Kind.TOTAL: decimal,
        Kind.INSTANT: instant_in_utc,
    },
}


def write(
    connection: Connection,
    query: Select[Any],
    columns: Sequence[ReportColumn],
    cover: Cover,
    format: str,
    file: Path,
    progress: Progress,
) -> int:
    """Write the rows of a query to a new file; give how many there were.

    Raises:
        InputError: there are more rows than the format has room for.
        OSError: the file cannot be written.
    """
    if format == "xlsx":
        from entitlement_ledger.reports.xlsx import write_xlsx

        return write_xlsx(connection, query, columns, cover, file, progress)
    if format == "html":
        from entitlement_ledger.reports.html import write_html

        return write_html(connection, query, columns, cover, file, progress)
    rows = written_as(query, columns, _HOW[format])
    return copy_out(connection, rows, file, format, dict(cover.lines), progress)
