"""Writing a report as a workbook: a sheet that says what it is, and a sheet of the rows.

Every text is written as text: nothing in it becomes a formula or a link.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from entitlement_ledger.domain.instants import Instant, format_instant, parse_instant, to_datetime
from entitlement_ledger.errors import InputError
from entitlement_ledger.formulas import without_formula
from entitlement_ledger.reports.cover import Cover
from entitlement_ledger.store.copying import Progress
from entitlement_ledger.store.reporting.columns import Kind, ReportColumn
from entitlement_ledger.store.reporting.reading import chunks, count_rows

ROWS_MAX = 1_048_575
"""A sheet has 1,048,576 rows; the heading takes one."""

TEXT_MAX = 32_767
EXACT_MAX = 2**53
"""A spreadsheet counts in floating point: a larger number would not stay what it is."""

_TIME_FORMAT = "yyyy-mm-dd hh:mm:ss.000"
_WIDTH_MIN, _WIDTH_MAX = 8, 48
_WIDTHS = {Kind.INSTANT: 24, Kind.INTEGER: 14, Kind.TOTAL: 16}
_FIRST_TIME = parse_instant("1900-03-01T00:00:00Z")
"""Before it, spreadsheets count days in two ways, or not at all."""
_LAST_TIME = parse_instant("9999-12-31T23:59:59Z")
"""What comes after it is rounded into a year that there is not."""

Put = Callable[[int, int, Any], None]


def write_xlsx(
    connection: Connection,
    query: Select[Any],
    columns: Sequence[ReportColumn],
    cover: Cover,
    file: Path,
    progress: Progress,
) -> int:
    """Write the rows of a query to a new workbook; give how many there were.

    Raises:
        InputError: there are more rows than a sheet has.
    """
    total = count_rows(connection, query)
    if total > ROWS_MAX:
        raise InputError(
            f"{total:,} rows are more than the {ROWS_MAX:,} of a sheet: take csv or parquet"
        )
    book = Workbook(
        str(file),
        {
            "constant_memory": True,
            "tmpdir": str(file.parent),
            "use_zip64": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    try:
        # The time of asking, not of writing: the same question gives the same bytes.
        created = _created(cover.moment)
        book.set_properties({"title": _text(cover.title), "created": created})
        _about(book, cover)
        _rows(book, connection, query, columns, total, progress)
        book.close()
    finally:
        _give_up(book)
    return total


def _give_up(book: Workbook) -> None:
    """Let go of a workbook: one that was not closed would write itself when it is forgotten."""
    book.fileclosed = True
    for sheet in book.worksheets():
        if sheet.row_data_fh is not None:
            sheet.row_data_fh.close()


def _created(moment: Instant) -> datetime:
    return to_datetime(max(moment, _FIRST_TIME)).replace(microsecond=0, tzinfo=None)


def _about(book: Workbook, cover: Cover) -> None:
    sheet = book.add_worksheet("About")
    bold = book.add_format({"bold": True})
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 1, 80)
    sheet.write_string(0, 0, _text(cover.title), bold)
    for place, (name, said) in enumerate(cover.lines, 2):
        sheet.write_string(place, 0, name, bold)
        sheet.write_string(place, 1, _text(said))


def _rows(
    book: Workbook,
    connection: Connection,
    query: Select[Any],
    columns: Sequence[ReportColumn],
    total: int,
    progress: Progress,
) -> None:
    sheet = book.add_worksheet("Rows")
    bold = book.add_format({"bold": True, "bottom": 1})
    puts = [_put(book, sheet, each) for each in columns]
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, total, len(columns) - 1)
    sheet.repeat_rows(0)
    done, widths_known = 0, False
    for rows in chunks(connection, query, columns):
        if not widths_known:
            widths_known = True
            _set_widths(sheet, columns, rows)
            _headings(sheet, columns, bold)
        for row in rows:
            done += 1
            for place, value in enumerate(row):
                if value is not None:
                    puts[place](done, place, value)
        progress(done, total)
    if not widths_known:
        _set_widths(sheet, columns, [])
        _headings(sheet, columns, bold)


def _headings(sheet: Worksheet, columns: Sequence[ReportColumn], bold: Any) -> None:
    for place, each in enumerate(columns):
        sheet.write_string(0, place, each.name, bold)


def _set_widths(
    sheet: Worksheet, columns: Sequence[ReportColumn], rows: Sequence[Sequence[Any]]
) -> None:
    """Set the widths by the first rows: what is written is not kept to be looked at again."""
    for place, each in enumerate(columns):
        longest = max((len(str(row[place])) for row in rows if row[place] is not None), default=0)
        width = _WIDTHS.get(each.kind, min(max(longest, _WIDTH_MIN), _WIDTH_MAX))
        sheet.set_column(place, place, max(width, len(each.name) + 2))


def _put(book: Workbook, sheet: Worksheet, column: ReportColumn) -> Put:
    """Give what writes a value of a column into a cell."""
    time = book.add_format({"num_format": _TIME_FORMAT})

    def put_text(row: int, place: int, value: Any) -> None:
        sheet.write_string(row, place, _text(value))

    def put_number(row: int, place: int, value: Any) -> None:
        if abs(value) <= EXACT_MAX:
            sheet.write_number(row, place, value)
        else:
            sheet.write_string(row, place, str(value))

    def put_instant(row: int, place: int, value: Any) -> None:
        if _FIRST_TIME <= value <= _LAST_TIME:
            sheet.write_datetime(row, place, to_datetime(value).replace(tzinfo=None), time)
        else:
            sheet.write_string(row, place, format_instant(value))

    if column.kind is Kind.INSTANT:
        return put_instant
    return put_number if column.is_number else put_text


def _text(value: str) -> str:
    """Give text as a cell can hold it: harmless, not too long, and possible in XML."""
    text = without_formula(value)
    text = text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + "…"
    return text.translate(_NOT_IN_XML)


_NOT_IN_XML = dict.fromkeys([0xFFFE, 0xFFFF, *range(0xD800, 0xE000)], "\N{REPLACEMENT CHARACTER}")
