"""Reports: which there are, and what each answers."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Static

from entitlement_ledger.console.actions import REPORTS, TABLE, bindings_of
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.widgets.paged_table import Column, PagedTable
from entitlement_ledger.reports.parameters import ReportInfo

COLUMNS: tuple[Column[ReportInfo], ...] = (
    Column("report", 15, lambda row: row.name, order=lambda row: row.name),
    Column("answers", 40, lambda row: row.answers),
)


class ReportsScreen(LedgerScreen):
    """The reports above; below, what the one under the cursor is asked with and tells."""

    WHERE: ClassVar[tuple[str, ...]] = (REPORTS, TABLE)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(REPORTS)

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Reports",)

    def compose_body(self) -> ComposeResult:
        """Lay out the reports over what one takes."""
        yield PagedTable(COLUMNS, key=lambda row: row.name, id="rows")
        with VerticalScroll(id="about", can_focus=False):
            yield Static(Content(""), id="event-text")

    def on_mount(self) -> None:
        """Begin in the table."""
        self.query("#rows").focus()

    @property
    def table(self) -> PagedTable[ReportInfo]:
        """The table of reports."""
        return self.query_one("#rows", PagedTable)

    def load(self) -> None:
        """Ask which reports there are."""
        self.ask("reports", lambda ledger: ledger.reports(), self._show)

    def _show(self, reports: list[ReportInfo]) -> None:
        selected = self.table.selected
        self.table.show_rows(reports, more=False, keep=selected.name if selected else None)
        self._show_about()

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """Show what the report takes."""
        self._show_about()

    def _show_about(self) -> None:
        report = self.table.selected
        shown = Content("") if report is None else _about(report)
        self.query_one("#event-text", Static).update(shown)

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """Open the report."""
        report = self.table.selected
        if report is not None:
            self.console.open_report(report.name)


def _about(report: ReportInfo) -> Content:
    takes = ", ".join(
        f"{name} (needed)" if name in report.needs else name for name in report.options
    )
    columns = ", ".join(each.name.replace("_", " ") for each in report.columns)
    return Content("\n").join(
        (
            Content.assemble((report.name, "bold"), f": {report.answers}"),
            Content.assemble(("asked with  ", "$secondary"), takes or "nothing"),
            Content.assemble(("columns     ", "$secondary"), columns),
        )
    )
