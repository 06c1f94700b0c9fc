"""A table whose cells are text of a known width, drawn without asking how wide or high they are.

It reaches into Textual's table, whose version is pinned: measuring and wrapping every cell takes
most of what it takes to show a page.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.widgets import DataTable
from textual.widgets.data_table import RowKey


class QuickTable(DataTable[Text]):
    """Rows of one line; every column has a width, and its cells are as wide."""

    def add_below(self, rows: Iterable[tuple[Iterable[Text], str]]) -> None:
        """Add rows, cells and key, below those that are there, which stay as they were drawn."""
        drawn = self._update_count
        for cells, key in rows:
            self.add_row(*cells, key=key)
        self._update_count = drawn
        # Where each row lies is kept by that number, too.
        self._offset_cache.clear()

    def _update_dimensions(self, new_rows: Iterable[RowKey]) -> None:
        """Measure nothing: rows and columns have their sizes."""
        super()._update_dimensions(())

    def _render_cell(
        self,
        row_index: int,
        column_index: int,
        base_style: Style,
        width: int,
        cursor: bool = False,
        hover: bool = False,
    ) -> list[list[Segment]]:
        """Draw a cell; headers, and what is not plain text of one style, as Textual does."""
        cell = self._plain_cell(row_index, column_index)
        if cell is None:
            return super()._render_cell(row_index, column_index, base_style, width, cursor, hover)
        row_key = self._row_locations.get_key(row_index)
        column_key = self._column_locations.get_key(column_index)
        assert row_key is not None
        assert column_key is not None
        known = (
            row_key,
            column_key,
            base_style,
            cursor,
            hover,
            self._show_hover_cursor,
            self._update_count,
            self._pseudo_class_state,
        )
        lines = self._cell_render_cache.get(known)
        if lines is None:
            below, above = self._get_styles_to_render_cell(
                False,
                False,
                row_index < self.fixed_rows or column_index < self.fixed_columns,
                hover,
                cursor,
                self.show_cursor,
                self._show_hover_cursor,
                self.cursor_foreground_priority == "css",
                self.cursor_background_priority == "css",
            )
            place = Style.from_meta({"row": row_index, "column": column_index})
            style = base_style + place + below + self.app.console.get_style(cell.style) + above
            lines = [Segment.adjust_line_length([Segment(cell.plain, style)], width, style)]
            self._cell_render_cache[known] = lines
        return lines

    def _plain_cell(self, row_index: int, column_index: int) -> Text | None:
        if row_index < 0 or column_index < 0:
            return None
        cell = self._get_row_renderables(row_index).cells[column_index]
        return cell if isinstance(cell, Text) and not cell.spans else None
