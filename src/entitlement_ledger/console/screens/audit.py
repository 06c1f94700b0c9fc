"""Audit: every event of the journal, with who, when, what, why, and before → after."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Static

from entitlement_ledger.answers import EventFilter, EventRow, Page
from entitlement_ledger.console.actions import AUDIT, TABLE, bindings_of
from entitlement_ledger.console.screens import describing
from entitlement_ledger.console.screens.detail import TransactionScreen
from entitlement_ledger.console.screens.paged import PAGE, PagedScreen
from entitlement_ledger.console.widgets.paged_table import Column, PagedTable
from entitlement_ledger.console.wording import STATUS_SIGNS, amount, when
from entitlement_ledger.domain.events import transaction_id

if TYPE_CHECKING:
    from entitlement_ledger.ledger import Ledger


def _what(row: EventRow) -> str:
    if row.event == "archive":
        return row.event
    return row.what if row.event == "transaction" else f"{row.event} {row.what}"


def _difference(row: EventRow) -> str:
    """Give what changed, in a few words."""
    if row.code:
        return f"✗ {row.code}"
    if row.event != "transaction":
        after = row.after or {}
        if row.event == "archive":
            return f"{after['events']:,} events archived"
        changed = [name for name in after if (row.before or {}).get(name) != after[name]]
        return ", ".join(changed) if row.before else "new"
    return ", ".join(
        f"{each.entitlement} {amount(each.available_before, each.scale)} → "
        f"{amount(each.available_after, each.scale)}"
        for each in row.balances
    )


COLUMNS: tuple[Column[EventRow], ...] = (
    Column("event", 7, lambda row: str(row.sequence), right=True, order=lambda r: r.sequence),
    Column("recorded", 16, lambda row: when(row.recorded_at), wide_only=True),
    Column("by", 14, lambda row: row.actor, order=lambda row: row.actor),
    Column("what", 12, _what, order=_what),
    Column("subject", 10, lambda row: row.subject, order=lambda row: row.subject),
    Column("change", 22, _difference,
           style=lambda row: STATUS_SIGNS["refused"][1] if row.code else ""),
)  # fmt: skip


class AuditScreen(PagedScreen[EventRow, EventFilter]):
    """The journal above, the event under the cursor below."""

    WHERE: ClassVar[tuple[str, ...]] = (AUDIT, TABLE)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(AUDIT)
    hint = "{search} filter: actor:… what:adjust event:customer since:2026-01-01 words"
    nothing_then = "nothing was recorded by then"
    empty = "the journal is empty: import customers, or go to Customers ({go_customers})"

    def __init__(self) -> None:
        super().__init__(EventFilter)

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Audit",)

    def compose_body(self) -> ComposeResult:
        """Lay out the table over the event."""
        yield from super().compose_body()
        with VerticalScroll(id="event", can_focus=False):
            yield Static(Content(""), id="event-text")

    def make_table(self) -> PagedTable[EventRow]:
        """Make the table of events."""
        return PagedTable(COLUMNS, key=lambda row: str(row.sequence), id="rows")

    def page(self, ledger: Ledger, only: EventFilter, after: int | None) -> Page[EventRow]:
        """Ask for a page of events."""
        return ledger.events(only, after=after, limit=PAGE)

    def count(self, ledger: Ledger, only: EventFilter) -> int:
        """Count the events that match."""
        return ledger.count_events(only)

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """Show the event under the cursor."""
        self._show_event()

    def _show_first(self, page: Page[EventRow]) -> None:
        super()._show_first(page)
        self._show_event()

    def _show_event(self) -> None:
        row = self.table.selected
        shown = Content("") if row is None else describing.event(row)
        self.query_one("#event-text", Static).update(shown)

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """Show the transaction, where the event is one."""
        row = self.table.selected
        if row is not None and row.event == "transaction":
            self.app.push_screen(TransactionScreen(transaction_id(row.sequence)))

    def action_open_customer(self) -> None:
        """Show the customer that the event is about."""
        row = self.table.selected
        if row is not None and row.event in ("transaction", "customer"):
            self.console.open_customer(row.subject)
