"""The grants that lapse on one day, the earliest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import DataTable, Static

from entitlement_ledger.console.actions import DAY_OF_LAPSES, TABLE, bindings_of
from entitlement_ledger.console.charts import day_of
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.widgets.paged_table import Column, PagedTable
from entitlement_ledger.console.wording import amount, when
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.harmless import harmless
from entitlement_ledger.overviews import LapsingGrant, LapsingGrants

if TYPE_CHECKING:
    from entitlement_ledger.ledger import Ledger

_PAGE = 100

COLUMNS: tuple[Column[LapsingGrant], ...] = (
    Column("at", 5, lambda row: when(row.expires_at)[11:], order=lambda row: row.expires_at),
    Column("customer", 12, lambda row: row.customer, order=lambda row: row.customer),
    Column("entitlement", 16, lambda row: row.entitlement, order=lambda row: row.entitlement),
    Column("lapses", 12, lambda row: amount(row.quantity, row.scale), right=True,
           order=lambda row: row.quantity),
    Column("held", 9, lambda row: amount(row.held, row.scale), right=True,
           order=lambda row: row.held),
    Column("grant", 10, lambda row: row.grant, order=lambda row: row.sequence),
)  # fmt: skip


class LapsingScreen(LedgerScreen):
    """Grants with what lapses of each; Enter shows how one was used up."""

    WHERE: ClassVar[tuple[str, ...]] = (DAY_OF_LAPSES, TABLE)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(DAY_OF_LAPSES)

    def __init__(self, day: Instant, customer: str | None, below: tuple[str, ...]) -> None:
        super().__init__()
        self._day, self._customer, self._below = day, customer, below

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return (*self._below, day_of(self._day))

    def compose_body(self) -> ComposeResult:
        """Lay out a line over the table."""
        yield Static(id="month-title")
        yield PagedTable(COLUMNS, key=lambda row: row.grant, id="rows")

    def on_mount(self) -> None:
        """Begin in the table."""
        self.query("#rows").focus()

    @property
    def table(self) -> PagedTable[LapsingGrant]:
        """The table."""
        return self.query_one("#rows", PagedTable)

    def load(self) -> None:
        """Ask for the first page."""
        self.drop("more")
        self._ask("page", None)

    def on_paged_table_more_wanted(self, _message: PagedTable.MoreWanted) -> None:
        """Ask for the next page."""
        self._ask("more", self.table.rows_held[-1])

    def _ask(self, slot: str, after: LapsingGrant | None) -> None:
        moment, day, customer = self.moment, self._day, self._customer

        def question(ledger: Ledger) -> LapsingGrants:
            return ledger.lapsing_grants(
                day, customer, after=after, limit=_PAGE, at=moment.at, known_at=moment.known_at
            )

        self.ask(slot, question, self._show if after is None else self._show_more)

    def _show(self, page: LapsingGrants) -> None:
        selected = self.table.selected
        keep = selected.grant if selected else None
        self.table.show_rows(page.rows, more=page.more, keep=keep)
        self._say()

    def _show_more(self, page: LapsingGrants) -> None:
        self.table.add_rows_held(page.rows, more=page.more)
        self._say()

    def _say(self) -> None:
        rows = self.table.rows_held
        line = f"what lapses on {day_of(self._day)} UTC, "
        if len(rows) == 1:
            line += "one grant"
        else:
            line += f"{'the first' if self.table.more else 'all'} {len(rows):,} grants, "
            line += "the earliest first"
        if not rows:
            line = f"nothing lapses on {day_of(self._day)}"
        self.query_one("#month-title", Static).update(Content(harmless(line)))

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """Show how the grant under the cursor was used up."""
        row = self.table.selected
        if row is not None:
            from entitlement_ledger.console.screens.graph_grant import BurnDownScreen

            self.app.push_screen(BurnDownScreen(row.grant, self.places()))

    def action_open_customer(self) -> None:
        """Show the customer of the row under the cursor."""
        row = self.table.selected
        if row is not None:
            self.console.open_customer(row.customer)
