"""Ledger: every transaction, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.widgets import DataTable, Input

from entitlement_ledger.answers import HistoryFilter, Page, TransactionRow
from entitlement_ledger.console.actions import LEDGER, TABLE, bindings_of
from entitlement_ledger.console.screens.detail import TransactionScreen
from entitlement_ledger.console.screens.paged import PagedScreen
from entitlement_ledger.console.screens.why import ask_why_refused
from entitlement_ledger.console.widgets.paged_table import Column, PagedTable
from entitlement_ledger.console.wording import STATUS_SIGNS, amount, signed_status, when

if TYPE_CHECKING:
    from entitlement_ledger.ledger import Ledger

COLUMNS: tuple[Column[TransactionRow], ...] = (
    Column("effective", 16, lambda row: when(row.effective_at), order=lambda r: r.effective_at,
           least=10, brief=lambda row: when(row.effective_at)[:10]),
    Column("type", 9, lambda row: row.type, order=lambda row: row.type, least=8),
    Column("customer", 10, lambda row: row.customer, order=lambda row: row.customer, least=8),
    Column("quantity", 10, lambda row: amount(row.quantity, row.scale), right=True,
           order=lambda row: row.quantity or 0, least=7),
    Column("of", 16, lambda row: row.entitlement or row.product or "",
           order=lambda row: row.entitlement or "", least=9),
    Column("by", 14, lambda row: row.actor, wide_only=True, order=lambda row: row.actor),
    Column("status", 11, lambda row: signed_status(row.code or row.status)
           if row.code is None else f"✗ {row.code}",
           style=lambda row: STATUS_SIGNS.get(row.status, ("", ""))[1],
           order=lambda row: row.status),
    Column("why", 8, lambda row: " ".join(t for t in (row.reason, row.reference) if t),
           wide_only=True),
)  # fmt: skip


class LedgerHistoryScreen(PagedScreen[TransactionRow, HistoryFilter, int]):
    """The whole history, filtered in the store and paged by sequence."""

    WHERE: ClassVar[tuple[str, ...]] = (LEDGER, TABLE)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(LEDGER)
    hint = "{search} filter: type:consume actor:… customer:… status:refused since:2026-01-01 words"
    empty = "nothing yet: go to Customers ({go_customers}) and issue something ({customers.issue})"

    def __init__(self) -> None:
        super().__init__(HistoryFilter)

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Ledger",)

    def make_table(self) -> PagedTable[TransactionRow]:
        """Make the table of transactions."""
        return PagedTable(COLUMNS, key=lambda row: row.transaction, id="rows")

    def page(
        self, ledger: Ledger, only: HistoryFilter, after: int | None
    ) -> Page[TransactionRow, int]:
        """Ask for a page of transactions."""
        return ledger.history(only, after=after, limit=self.rows_wanted(after))

    def count(self, ledger: Ledger, only: HistoryFilter) -> int:
        """Count the transactions that match."""
        return ledger.count_history(only)

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """Show the transaction."""
        row = self.table.selected
        if row is not None:
            self.app.push_screen(TransactionScreen(row.transaction))

    def action_why(self) -> None:
        """Say why the transaction under the cursor was refused."""
        row = self.table.selected
        if row is not None:
            ask_why_refused(self, row)

    def action_view(self) -> None:
        """Show how many of each type there were over time, under the filter that is in force."""
        from entitlement_ledger.console.screens.graph_counts import CountsScreen

        typed = self.query_one("#filter", Input).value.strip()
        self.app.push_screen(CountsScreen(self._only, typed))

    def action_open_customer(self) -> None:
        """Show the customer of the row under the cursor."""
        row = self.table.selected
        if row is not None:
            self.console.open_customer(row.customer)
