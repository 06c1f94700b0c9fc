"""A table that holds keyset pages, never the whole result, and asks for more near its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widgets import DataTable

from entitlement_ledger.console.actions import TABLE, bindings_of
from entitlement_ledger.console.widgets.quick_table import QuickTable
from entitlement_ledger.console.wording import cell

if TYPE_CHECKING:
    from entitlement_ledger.console.app import ConsoleApp

Row = TypeVar("Row")
_NEAR_END = 25
_SCROLLBAR = 1
_GAP = 1
_STEP = 12
"""How many cells the table goes to the side at a time."""


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column.

    Attributes:
        width: in cells; the last column takes what is left.
        text: what a row shows in it.
        style: the name of a theme colour for a row's cell, or nothing.
        order: what rows are sorted by in this column; None where sorting makes no sense.
        wide_only: left out where not every column fits.
        spare: left out before any other is, where not every column fits.
        least: to how many cells it is narrowed where the others do not fit; 0 is not at all.
        brief: what a row shows in it once it is narrowed, if that is not the beginning of its text.
        roomy: left out where what is narrowed does not fit.
    """

    label: str
    width: int
    text: Callable[[Row], str]
    right: bool = False
    style: Callable[[Row], str] | None = None
    order: Callable[[Row], object] | None = None
    wide_only: bool = False
    spare: bool = False
    least: int = 0
    brief: Callable[[Row], str] | None = None
    roomy: bool = False

    def shown(self, row: Row, width: int) -> str:
        """Give what a row shows in so many cells."""
        return self.text(row) if self.brief is None or width >= self.width else self.brief(row)


def _narrowed(columns: Sequence[Column[Row]], room: int) -> list[int]:
    """Give the widths of columns; the first ones are narrowed first, as far as is needed."""
    missing = sum(column.width + _GAP for column in columns) - room
    widths = []
    for column in columns:
        spared = 0
        if missing > 0 and column.least:
            spared = column.width - column.least
            if column.brief is None:
                spared = min(spared, missing)
        widths.append(column.width - spared)
        missing -= spared
    return widths


class PagedTable(QuickTable, Generic[Row]):
    """Rows of one kind, a page at a time."""

    BINDINGS = bindings_of(TABLE)

    class MoreWanted(Message):
        """The cursor came near the end and there is more: the next page is wanted."""

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        *,
        key: Callable[[Row], str],
        id: str,
        copied: Callable[[Row], str] | None = None,
    ) -> None:
        super().__init__(id=id, cursor_type="row", cell_padding=0)
        console = cast("ConsoleApp", self.app)
        self._bindings = console.my_keys.rebind(self._bindings)
        self._all_columns = columns
        self._key = key
        self._copied = copied or key
        self.rows_held: list[Row] = []
        self.more = False
        self._asked = False
        self._sorted_by = -1
        self._laid_out_for = -1
        self._laid_out: list[tuple[Column[Row], int]] = []
        """The columns that are shown, and their widths: found once, not for each row."""

    @property
    def selected(self) -> Row | None:
        """The row under the cursor."""
        return (
            self.rows_held[self.cursor_row] if 0 <= self.cursor_row < len(self.rows_held) else None
        )

    def on_mount(self) -> None:
        """Go along with the theme: cells have the colours of one."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._again())

    def _again(self) -> None:
        """Lay the rows out once more, the cursor where it is."""
        selected = self.selected
        self._lay_out(keep=None if selected is None else self._key(selected))

    def show_rows(
        self, rows: Sequence[Row], *, more: bool, keep: str | None = None, stay: bool = False
    ) -> None:
        """Show a first page; the cursor goes to the row with the key `keep`, else to the first.

        To stay is to keep the row under the cursor; where it is gone, the one that took its place.
        """
        here, selected = self.cursor_row, self.selected
        if stay and selected is not None:
            keep = self._key(selected)
        self.rows_held = list(rows)
        self.more, self._asked, self._sorted_by = more, False, -1
        self._lay_out(keep=keep)
        if stay and keep not in [self._key(row) for row in rows]:
            self.move_cursor(row=min(here, len(rows) - 1), animate=False)

    def use_columns(self, columns: Sequence[Column[Row]]) -> None:
        """Take other columns: those that show what belongs to the rows that come next."""
        self._all_columns = columns

    def shows(self, label: str) -> bool:
        """Say whether there is room for a column."""
        return any(column.label == label for column, _ in self._widths())

    def add_rows_held(self, rows: Sequence[Row], *, more: bool) -> None:
        """Add the next page."""
        self.rows_held += rows
        self.more, self._asked = more, False
        self._add(rows)

    def on_resize(self, _event: events.Resize) -> None:
        """Give the columns the new width."""
        if self.size.width != self._laid_out_for:
            self._again()

    def _lay_out(self, *, keep: str | None) -> None:
        self._laid_out_for = self.size.width
        self._laid_out = self._widths()
        self.clear(columns=True)
        for column, width in self._laid_out:
            label = cell(column.label, width, right=column.right)
            self.add_column(label, width=width + _GAP)
        self._add(self.rows_held)
        keys = [self._key(row) for row in self.rows_held]
        if keep in keys:
            self.move_cursor(row=keys.index(keep), animate=False)

    def _widths(self) -> list[tuple[Column[Row], int]]:
        """Give the columns that fit, and their widths; the last one takes what is left."""
        room = self.size.width - _SCROLLBAR
        shown = list(self._all_columns)
        if sum(column.width + _GAP for column in shown) > room:
            shown = [column for column in shown if not column.spare]
        if sum(column.width + _GAP for column in shown) > room:
            shown = [column for column in shown if not column.wide_only]
        widths = _narrowed(shown, room)
        if sum(widths) + _GAP * len(shown) > room:
            shown = [column for column in shown if not column.roomy]
            widths = _narrowed(shown, room)
        taken = sum(widths[:-1]) + _GAP * len(shown)
        widths[-1] = max(widths[-1], room - taken)
        return list(zip(shown, widths, strict=True))

    def _add(self, rows: Iterable[Row]) -> None:
        self.add_below((partial(self._cells, row), self._key(row)) for row in rows)

    def _cells(self, row: Row) -> Iterator[Text]:
        """Give what a row shows in the columns that fit."""
        colours = self.app.theme_variables
        for column, width in self._laid_out:
            yield cell(
                column.shown(row, width),
                width,
                right=column.right,
                style="" if column.style is None else colours.get(column.style(row), ""),
            )

    def update_row(self, row: Row) -> None:
        """Show a row as it is now; the cursor, and what is in view, stay where they are."""
        key = self._key(row)
        before = self.get_row(key)
        for place, shown in enumerate(self._cells(row)):
            if (shown.plain, shown.style) != (before[place].plain, before[place].style):
                self.update_cell(key, self.ordered_columns[place].key, shown)

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """Ask for the next page before the end is reached."""
        if self.cursor_row >= len(self.rows_held) - _NEAR_END:
            self.want_more()

    def want_more(self) -> None:
        """Ask for the next page, where there is one and nobody has asked for it yet."""
        if self.more and not self._asked:
            self._asked = True
            self.post_message(self.MoreWanted())

    def more_failed(self) -> None:
        """Let the next page be asked for again."""
        self._asked = False

    def action_sort(self) -> None:
        """Sort by the next column that can be; only a whole result, or the order would be a lie."""
        places = [n for n, column in enumerate(self._all_columns) if column.order is not None]
        if self.more:
            self.notify("Only a whole result can be sorted: filter it first.", markup=False)
        elif places:
            later = [place for place in places if place > self._sorted_by]
            self._sort_by(later[0] if later else places[0])

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        """Sort by the column whose header was clicked."""
        column = self._laid_out[event.column_index][0]
        if column.order is not None and not self.more:
            self._sort_by(self._all_columns.index(column))

    def _sort_by(self, place: int) -> None:
        column = self._all_columns[place]
        assert column.order is not None
        descending = place == self._sorted_by
        self._sorted_by = place
        self.rows_held.sort(key=column.order, reverse=descending)  # type: ignore[arg-type]
        self._lay_out(keep=None)
        self.notify(f"Sorted by {column.label}.", timeout=2, markup=False)

    def action_cursor_right(self) -> None:
        """Look further right, where not every column fits."""
        self.scroll_relative(x=_STEP, animate=False)

    def action_cursor_left(self) -> None:
        """Look further left."""
        self.scroll_relative(x=-_STEP, animate=False)

    def action_show_value(self) -> None:
        """Show everything that the row under the cursor holds."""
        from entitlement_ledger.console.screens.value import ValueScreen

        row = self.selected
        if row is not None:
            values = [(column.label, column.text(row)) for column in self._all_columns]
            self.app.push_screen(ValueScreen(values))

    def action_copy_value(self) -> None:
        """Copy the id of the row under the cursor, or what else `copied` gives."""
        row = self.selected
        if row is not None:
            self.app.copy_to_clipboard(self._copied(row))
