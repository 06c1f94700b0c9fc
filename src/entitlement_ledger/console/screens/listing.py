"""What screens do alike that show a table over all of the row under the cursor."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Static

from entitlement_ledger.answers import Page
from entitlement_ledger.console.filters import Filter
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.screens.paged import PagedScreen, Place
from entitlement_ledger.console.widgets.paged_table import PagedTable
from entitlement_ledger.harmless import harmless

Row = TypeVar("Row")


class TellingScreen(LedgerScreen, Generic[Row]):
    """A table, and below it all of the row under the cursor."""

    def told(self, row: Row) -> Content:
        """Tell all of a row."""
        raise NotImplementedError

    def compose_told(self) -> ComposeResult:
        """Lay out what is told of a row."""
        with VerticalScroll(id="event", can_focus=False):
            yield Static(Content(""), id="event-text")

    @property
    def table(self) -> PagedTable[Row]:
        """The table."""
        return self.query_one("#rows", PagedTable)

    def show_selected(self) -> None:
        """Tell all of the row under the cursor."""
        row = self.table.selected
        shown = Content("") if row is None else self.told(row)
        self.query_one("#event-text", Static).update(shown)

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """Tell all of the row that the cursor has come to."""
        self.show_selected()


class ListingScreen(TellingScreen[Row]):
    """A line, a table, and below it all of the row under the cursor."""

    def make_table(self) -> PagedTable[Any]:
        """Make the table, with the id `rows`."""
        raise NotImplementedError

    def compose_body(self) -> ComposeResult:
        """Lay out the line, the table and what is told of a row."""
        yield Static(Content(""), id="found-line")
        yield self.make_table()
        yield from self.compose_told()

    def on_mount(self) -> None:
        """Begin in the table."""
        self.query("#rows").focus()

    def say(self, text: str, style: str = "$secondary") -> None:
        """Say something above the table."""
        line = Content.assemble((harmless(text), style))
        self.query_one("#found-line", Static).update(line)


class FilteredListing(TellingScreen[Row], PagedScreen[Row, Filter, Place]):
    """A filter, a table by pages, and below it all of the row under the cursor."""

    def compose_body(self) -> ComposeResult:
        """Lay out the filter, the table and what is told of a row."""
        yield from super().compose_body()
        yield from self.compose_told()

    def _show_first(self, page: Page[Row, Place]) -> None:
        super()._show_first(page)
        self.show_selected()
