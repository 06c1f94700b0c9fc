"""A table of a report's first rows, whose columns are as wide as what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from entitlement_ledger.console.widgets.paged_table import Column, PagedTable
from entitlement_ledger.domain.instants import second_text
from entitlement_ledger.harmless import harmless
from entitlement_ledger.reports.parameters import Cell, ReportRows

if TYPE_CHECKING:
    from entitlement_ledger.store.reporting.columns import ReportColumn

_WIDTH_MAX = 32


@dataclass(frozen=True, slots=True)
class Shown:
    """One row, with its place among those shown, from 1."""

    place: int
    cells: tuple[Cell, ...]


class ReportTable(PagedTable[Shown]):
    """The first rows of a report. `y` copies a row, its cells separated by tabs."""

    def __init__(self, *, id: str) -> None:
        super().__init__(
            (Column("", 1, lambda _: ""),), key=lambda row: str(row.place), id=id, copied=_copied
        )

    def show_report(self, told: ReportRows) -> None:
        """Show rows; numbers stand at the right of their columns."""
        rows = [Shown(place, cells) for place, cells in enumerate(told.rows, 1)]
        self._all_columns = [
            _column(place, column, rows) for place, column in enumerate(told.columns)
        ]
        self.show_rows(rows, more=False)


def _column(place: int, column: ReportColumn, rows: list[Shown]) -> Column[Shown]:
    text = partial(_text, place, column)
    name = column.name.replace("_", " ")
    longest = max((len(text(row)) for row in rows), default=0)
    return Column(
        name,
        min(max(longest, len(name)), _WIDTH_MAX),
        text,
        right=column.is_number,
        order=partial(_order, place),
    )


def _text(place: int, column: ReportColumn, row: Shown) -> str:
    cell = row.cells[place]
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    return second_text(cell) if column.kind == "instant" else f"{cell:,}"


def _order(place: int, row: Shown) -> tuple[bool, Cell]:
    """Sort by a cell; what is empty comes last."""
    cell = row.cells[place]
    return cell is None, 0 if cell is None else cell


def _copied(row: Shown) -> str:
    return "\t".join("" if cell is None else harmless(str(cell)) for cell in row.cells)
