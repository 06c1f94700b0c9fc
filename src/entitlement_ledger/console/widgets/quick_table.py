"""A table of rows that are one line high, in columns of a known width, drawn a row at a time.

It reaches into Textual's table, whose version is pinned: there, each cell of each row is measured,
wrapped and drawn on its own, and all that are in view once more with each move of the cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias, cast

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.cache import LRUCache
from textual.strip import Strip
from textual.widgets import DataTable
from textual.widgets.data_table import ColumnKey, DuplicateKey, RowKey
from textual.widgets.data_table import Row as TableRow

Cells: TypeAlias = Callable[[], Iterable[Text]]
"""Gives the cells of a row, one for each column; each is plain text of one style."""


class _Later(dict[ColumnKey, Text]):
    """The cells of a row by column; they are made once one of them is looked at."""

    def __init__(self, columns: Iterable[ColumnKey], cells: Cells) -> None:
        super().__init__()
        self._columns, self._cells = columns, cells

    def __missing__(self, key: ColumnKey) -> Text:
        for column, cell in zip(self._columns, self._cells(), strict=True):
            self.setdefault(column, cell)
        return self[key]


class QuickTable(DataTable[Text]):
    """Rows of one line; every column has a width, and its cells are as wide."""

    def add_below(self, rows: Iterable[tuple[Cells, str]]) -> None:
        """Add rows, cells and key, below those that are there, which stay as they were drawn.

        Raises:
            DuplicateKey: two rows have one key.
        """
        columns = [column.key for column in self.ordered_columns]
        before = self.row_count
        for place, (cells, name) in enumerate(rows, before):
            key = RowKey(name)
            if key in self._row_locations:
                raise DuplicateKey(f"two rows have the key {name!r}")
            self._row_locations[key] = place
            self._data[key] = _Later(columns, cells)
            self.rows[key] = TableRow(key, 1)
        # Where each row lies is kept by how often rows changed; those that are there did not.
        self._offset_cache.clear()
        self._require_update_dimensions = True
        self.cursor_coordinate = self.cursor_coordinate
        if before == 0 < self.row_count and columns:
            self._highlight_cursor()
        self.check_idle()

    def _update_dimensions(self, new_rows: Iterable[RowKey]) -> None:
        """Measure nothing: rows and columns have their sizes."""
        super()._update_dimensions(())

    def _render_line(self, y: int, x1: int, x2: int, base_style: Style) -> Strip:
        """Draw a row; the header, and what is below the last row, as Textual does."""
        row = y - self.header_height
        if not 0 <= row < self.row_count:
            return super()._render_line(y, x1, x2, base_style)
        cursor = self.show_cursor and row == self.cursor_row
        hover = self._show_hover_cursor and row == self.hover_row
        known = (
            row,
            x1,
            x2,
            self.size.width,
            base_style,
            cursor,
            hover,
            self._update_count,
            self._pseudo_class_state,
        )
        # Textual's own cache: it is emptied where a style changes.
        strips = cast("LRUCache[object, Strip]", self._line_cache)
        strip = strips.get(known)
        if strip is None:
            strip = strips[known] = self._drawn(row, base_style, cursor, hover).crop(x1, x2)
        return strip

    def _drawn(self, row: int, base_style: Style, cursor: bool, hover: bool) -> Strip:
        """Draw a row in full width; pieces of one style are one piece."""
        below, above = self._get_styles_to_render_cell(
            False,
            False,
            False,
            hover,
            cursor,
            self.show_cursor,
            self._show_hover_cursor,
            self.cursor_foreground_priority == "css",
            self.cursor_background_priority == "css",
        )
        # A click asks the piece under it for its row; with a cursor of rows no column matters.
        ground = base_style + Style.from_meta({"row": row, "column": 0}) + below
        style_of = self.app.console.get_style
        pieces = []
        for column, cell in zip(self.ordered_columns, self.get_row_at(row), strict=True):
            style = ground + style_of(cell.style) + above
            width = column.get_render_width(self)
            pieces += Segment.adjust_line_length([Segment(cell.plain, style)], width, style)
        rest = max(self.size.width, self.virtual_size.width)
        return Strip(pieces).adjust_cell_length(rest, ground + above).simplify()
