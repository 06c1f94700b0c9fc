"""One run: its classes with counts, and the discrepancies of the class under the cursor."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import DataTable, Static

from entitlement_ledger.console.actions import RUN, TABLE, bindings_of
from entitlement_ledger.console.differences import (
    MEANINGS,
    RESOLVED,
    Catalogue,
    Tally,
    age,
    period,
    tallies,
    value,
)
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.screens.discrepancy import DiscrepancyScreen
from entitlement_ledger.console.widgets.paged_table import Column, PagedTable
from entitlement_ledger.console.wording import plain
from entitlement_ledger.counted import counted
from entitlement_ledger.harmless import harmless
from entitlement_ledger.reconciliations import Discrepancy, Run
from entitlement_ledger.reports.parameters import Parameters

if TYPE_CHECKING:
    from entitlement_ledger.ledger import Ledger

_PAGE = 100

Told = tuple[list[Discrepancy], int | None]

CLASSES: tuple[Column[Tally], ...] = (
    Column("class", 15, lambda row: row.words, style=lambda row: row.sign[1]),
    Column("lines", 9, lambda row: f"{row.count:,}", right=True),
)


class RunScreen(LedgerScreen):
    """Classes on the left, discrepancies on the right."""

    WHERE: ClassVar[tuple[str, ...]] = (RUN, TABLE)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(RUN)

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number
        self._run: Run | None = None
        self._catalogue: Catalogue = {}
        self._after: int | None = None

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Reconcile", f"Run {self._number}")

    def compose_body(self) -> ComposeResult:
        """Lay out the classes beside the discrepancies."""
        yield Static(Content(""), id="run-line")
        with Horizontal(id="run-page"):
            yield PagedTable(CLASSES, key=lambda row: row.name, id="classes")
            with Vertical(id="told"):
                yield Static(Content(""), id="told-line")
                yield PagedTable(
                    self._columns(),
                    key=lambda row: row.id,
                    id="rows",
                    copied=lambda row: row.reference,
                )
                yield Static(Content(""), id="told-why")

    def _columns(self) -> tuple[Column[Discrepancy], ...]:
        return (
            Column("state", 8, self._age, style=self._age_colour, order=lambda row: row.first_run),
            Column("reference", 18, lambda row: row.reference, order=lambda row: row.reference),
            Column("customer", 9, lambda row: row.customer or "", wide_only=True,
                   order=lambda row: row.customer or ""),
            Column("ours", 10, lambda row: value(row.ours, row.our_side, self._catalogue),
                   right=True, wide_only=True),
            Column("theirs", 10, lambda row: value(row.theirs, row.their_side, self._catalogue),
                   right=True, wide_only=True),
            Column("why", 12, lambda row: row.why),
        )  # fmt: skip

    def _age(self, row: Discrepancy) -> str:
        tally = self.by_class.selected
        if tally is not None and tally.name == RESOLVED:
            return "✓ gone"
        return "" if self._run is None else age(row, self._run)

    def _age_colour(self, row: Discrepancy) -> str:
        return {"●": "accent", "✓": "success"}.get(self._age(row)[:1], "warning")

    def on_mount(self) -> None:
        """Begin with the classes."""
        self.by_class.focus()

    @property
    def by_class(self) -> PagedTable[Tally]:
        """The table of classes."""
        return self.query_one("#classes", PagedTable)

    @property
    def table(self) -> PagedTable[Discrepancy]:
        """The table of discrepancies."""
        return self.query_one("#rows", PagedTable)

    def load(self) -> None:
        """Ask for the run, which never changes, and for the units of quantities."""
        self.ask(
            "run",
            lambda ledger: (
                ledger.run(self._number),
                {each.code: each for each in ledger.entitlements()},
            ),
            self._show,
        )

    def _show(self, found: tuple[Run, Catalogue]) -> None:
        self._run, self._catalogue = found
        run, shown = self._run, tallies(self._run)
        selected = self.by_class.selected
        wrong = next((each.name for each in shown if each.sign[0] in "✗◆"), None)
        self.by_class.show_rows(shown, more=False, keep=selected.name if selected else wrong)
        words = (
            f"{run.file} against {run.against.value}, {period(run)}: {counted(run.lines, 'line')}"
        )
        if run.previous is not None:
            words += f"; since run {run.previous}: {run.new:,} new, {run.ageing:,} ageing"
        verdict = ("✗ ", "$error") if run.discrepancies else ("✓ it ties out  ", "$success")
        self.query_one("#run-line", Static).update(Content.assemble(verdict, harmless(words)))

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Show a discrepancy's reason whole; of a class, ask for its discrepancies."""
        self._show_why()
        tally = self.by_class.selected
        if event.data_table.id != "classes" or tally is None:
            return
        self.drop("more")
        self._say(tally)
        self._after = None
        if tally.count and (tally.name == RESOLVED or tally.class_ is not None):
            self.ask("told", partial(self._page, tally, -1), self._show_first)
        else:
            self.drop("told")
            self._show_first(([], None))

    def _page(self, tally: Tally, after: int, ledger: Ledger) -> Told:
        if tally.name == RESOLVED:
            return ledger.resolved(ledger.run(self._number), after=after, limit=_PAGE)
        return ledger.discrepancies(self._number, tally.class_, after=after, limit=_PAGE)

    def _show_first(self, told: Told) -> None:
        rows, self._after = told
        self.table.show_rows(rows, more=self._after is not None)
        self._show_why()

    def _show_why(self) -> None:
        found = self.table.selected
        self.query_one("#told-why", Static).update(plain("" if found is None else found.why))

    def _say(self, tally: Tally) -> None:
        words = f"{tally.count:,} {tally.name.replace('_', ' ')}: {MEANINGS[tally.name]}"
        self.query_one("#told-line", Static).update(Content.assemble((words, "$secondary")))

    def on_paged_table_more_wanted(self, _message: PagedTable.MoreWanted) -> None:
        """Ask for the next page of discrepancies: no other table here has one."""
        tally, after = self.by_class.selected, self._after
        if tally is not None and after is not None:
            self.ask("more", partial(self._page, tally, after), self._show_more)

    def _show_more(self, told: Told) -> None:
        rows, self._after = told
        self.table.add_rows_held(rows, more=self._after is not None)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Drill in: from a class to its discrepancies, from there to both sides."""
        found = self.table.selected
        if event.data_table.id == "classes":
            self.table.focus()
        elif found is not None and self._run is not None:
            self.app.push_screen(DiscrepancyScreen(found, self._run))

    def action_open_customer(self) -> None:
        """Show the customer of the discrepancy under the cursor."""
        found = self.table.selected
        if found is not None and found.customer is not None:
            self.console.open_customer(found.customer)

    def action_export(self) -> None:
        """Write the run to a file."""
        self.console.open_export(
            "reconciliation", Parameters(run=self._number), self.places(), at_once=False
        )

    def action_back(self) -> None:
        """Go back to the classes; from there to the runs."""
        if self.focused is self.table:
            self.by_class.focus()
        else:
            super().action_back()
