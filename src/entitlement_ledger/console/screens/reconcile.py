"""Reconcile: the runs that matched outside files against the ledger, the newest first."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.widgets import DataTable

from entitlement_ledger.console.actions import RECONCILE, TABLE, bindings_of
from entitlement_ledger.console.differences import period, tallies
from entitlement_ledger.console.screens.feed import FeedScreen
from entitlement_ledger.console.screens.listing import ListingScreen
from entitlement_ledger.console.screens.reconciled import RunScreen
from entitlement_ledger.console.widgets.paged_table import Column, PagedTable
from entitlement_ledger.console.wording import plain, when, when_exactly
from entitlement_ledger.harmless import harmless
from entitlement_ledger.reconciliations import Run
from entitlement_ledger.reports.parameters import Parameters


def _colour(run: Run) -> str:
    return "error" if run.discrepancies else "success"


COLUMNS: tuple[Column[Run], ...] = (
    Column("run", 4, lambda row: str(row.number), right=True, order=lambda row: -row.number),
    Column("recorded", 16, lambda row: when(row.recorded_at), order=lambda row: row.recorded_at),
    Column("by", 12, lambda row: row.actor, order=lambda row: row.actor, wide_only=True),
    Column("against", 7, lambda row: row.against.value, order=lambda row: row.against.value),
    Column("lines", 8, lambda row: f"{row.lines:,}", right=True, order=lambda row: row.lines),
    Column("matched", 8, lambda row: f"{row.matched:,}", right=True, order=lambda row: row.matched),
    Column("discrepancies", 13,
           lambda row: f"✗ {row.discrepancies:,}" if row.discrepancies else "✓ none",
           right=True, style=_colour, order=lambda row: -row.discrepancies),
    Column("period", 23, period, order=lambda row: row.since or 0, wide_only=True),
    Column("file", 14, lambda row: row.file, order=lambda row: row.file),
)  # fmt: skip


class ReconcileScreen(ListingScreen[Run]):
    """The runs above; below, what came of the one under the cursor."""

    WHERE: ClassVar[tuple[str, ...]] = (RECONCILE, TABLE)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(RECONCILE)

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Reconcile",)

    def make_table(self) -> PagedTable[Run]:
        """Make the table of runs."""
        return PagedTable(COLUMNS, key=lambda row: str(row.number), id="rows")

    def told(self, row: Run) -> Content:
        """Tell what came of the run."""
        return _told(row)

    def load(self) -> None:
        """Ask for the runs."""
        self.ask("runs", lambda ledger: ledger.runs(), self._show)

    def _show(self, runs: list[Run]) -> None:
        selected = self.table.selected
        keep = str(selected.number) if selected else None
        self.table.show_rows(runs[::-1], more=False, keep=keep)
        said = f"{len(runs):,} runs, the newest first" if len(runs) != 1 else "one run"
        if not runs:
            here = "{new_run} begins one"
            if self.console.read_only:
                here = "the store is open to be read only"
            if not self.moment.is_now:
                here = "none begins as of another time"
            said = f"no file has been reconciled yet: {here}"
        self.say(self.with_keys(said), "$secondary" if runs else "$warning")
        self.show_selected()

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """Show the run with its discrepancies."""
        run = self.table.selected
        if run is not None:
            self.app.push_screen(RunScreen(run.number))

    def action_new_run(self) -> None:
        """Ask which file is to be reconciled."""
        if self.session is not None:
            self.app.push_screen(FeedScreen(), self._made)

    def _made(self, number: str | None) -> None:
        if number is not None:
            self.console.recorded()
            self.app.push_screen(RunScreen(int(number)))

    def action_export(self) -> None:
        """Write the run under the cursor to a file."""
        run = self.table.selected
        if run is None:
            self.notify("There is no run to write to a file.", markup=False, timeout=3)
            return
        self.console.open_export(
            "reconciliation", Parameters(run=run.number), self.places(), at_once=False
        )


def _told(run: Run) -> Content:
    """Tell what came of a run in a few lines."""
    found = [each for each in tallies(run) if each.count]
    lines = [
        Content.assemble((harmless(run.file), "bold"), harmless(f"  {period(run)}")),
        Content.assemble(
            *(
                part
                for each in found
                for part in ((f"{each.words} {each.count:,}", f"${each.sign[1]}"), "   ")
            )
        ),
        plain(f"recorded {when_exactly(run.recorded_at)} by {run.actor}, on {run.size:,} events"),
    ]
    if run.previous is not None:
        since = f"since run {run.previous}: {run.new:,} new, {run.ageing:,} ageing"
        lines.insert(2, plain(f"{since}, {run.resolved:,} resolved"))
    lines += [
        Content.assemble((harmless(f"{name:<8}{said}"), "$secondary"))
        for name, said in (("feed", run.feed.rpartition(":")[2]), ("root", run.root))
    ]
    return Content("\n").join(lines)
