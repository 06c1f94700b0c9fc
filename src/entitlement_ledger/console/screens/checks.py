"""Checks: what must always hold, each with its verdict, and some of the rows at fault."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.widgets import DataTable

from entitlement_ledger.answers import CheckResult
from entitlement_ledger.console.actions import CHECKS, TABLE, bindings_of
from entitlement_ledger.console.screens.detail import TransactionScreen
from entitlement_ledger.console.screens.listing import ListingScreen
from entitlement_ledger.console.widgets.paged_table import Column, PagedTable
from entitlement_ledger.counted import counted
from entitlement_ledger.domain.events import transaction_id
from entitlement_ledger.harmless import harmless

if TYPE_CHECKING:
    from entitlement_ledger.ledger import Ledger

_WAITING, _OK, _FAILED = "· not run", "✓ holds", "✗ fails"
_COLOURS = {_WAITING: "secondary", _OK: "success", _FAILED: "error"}


class Line:
    """One check on the screen, with its result once there is one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.result: CheckResult | None = None

    @property
    def verdict(self) -> str:
        """Say whether it holds."""
        if self.result is None:
            return _WAITING
        return _OK if self.result.ok else _FAILED


COLUMNS: tuple[Column[Line], ...] = (
    Column("check", 24, lambda row: row.name.replace("_", " "), order=lambda row: row.name),
    Column("verdict", 10, lambda row: row.verdict, style=lambda row: _COLOURS[row.verdict],
           order=lambda row: row.verdict),
    Column("at fault", 8, lambda row: f"{row.result.violations:,}" if row.result else "",
           right=True, order=lambda row: -(row.result.violations if row.result else 0)),
    Column("protects from", 20, lambda row: row.result.protects if row.result else ""),
)  # fmt: skip


class ChecksScreen(ListingScreen[Line]):
    """The checks above, some rows at fault below. They run one after another."""

    WHERE: ClassVar[tuple[str, ...]] = (CHECKS, TABLE)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(CHECKS)

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Line] = []

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Checks",)

    def make_table(self) -> PagedTable[Line]:
        """Make the table of checks."""
        return PagedTable(COLUMNS, key=lambda row: row.name, id="rows")

    def load(self) -> None:
        """Run every check again."""
        self.ask("names", lambda ledger: ledger.check_names(), self._begin)

    def _begin(self, names: list[str]) -> None:
        self._lines = [Line(name) for name in names]
        self.table.show_rows(self._lines, more=False, stay=True)
        self._run(0)

    def _run(self, place: int) -> None:
        """Run one check after another: each verdict is shown as soon as it is known."""
        if place >= len(self._lines):
            failed = sum(line.verdict == _FAILED for line in self._lines)
            held = f"all {len(self._lines)} checks hold"
            fail = f"{counted(failed, 'check')} fail{'s' if failed == 1 else ''}"
            self.say(fail if failed else held, "$error" if failed else "$success")
            return
        name = self._lines[place].name
        cancels = self.with_keys("{back} cancels")
        shown = name.replace("_", " ")
        self.say(f"{place + 1} of {len(self._lines)}: {shown}…  {cancels}", "$warning")
        self.ask("check", partial(_check, name=name), partial(self._landed_one, place))

    def _landed_one(self, place: int, result: CheckResult) -> None:
        self._lines[place].result = result
        selected = self.table.selected
        self.table.show_rows(self._lines, more=False, keep=selected.name if selected else None)
        self.show_selected()
        self._run(place + 1)

    def told(self, row: Line) -> Content:
        """Tell what the check protects from, and some of the rows at fault."""
        result = row.result
        if result is None:
            return Content("")
        parts = [Content.assemble((harmless(f"protects from {result.protects}"), "bold"))]
        for example in result.examples:
            said = ", ".join(f"{name} {value}" for name, value in example.items())
            parts.append(Content(harmless(said)))
        more = result.violations - len(result.examples)
        if more > 0:
            parts.append(Content.assemble((f"and {more:,} more", "$secondary")))
        return Content("\n").join(parts)

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """Show the transaction of the first row at fault, where it names one."""
        line = self.table.selected
        examples = line.result.examples if line is not None and line.result else ()
        for example in examples:
            sequence = example.get("sequence", example.get("target"))
            if isinstance(sequence, int):
                self.app.push_screen(TransactionScreen(transaction_id(sequence)))
                return
        if line is not None:
            said = "No row at fault names a transaction." if examples else f"{line.verdict[2:]}."
            self.notify(said.capitalize(), markup=False, timeout=3)

    def action_back(self) -> None:
        """Stop running checks."""
        running = self.asking("names") is not None or self.asking("check") is not None
        self.stop("names")
        self.stop("check")
        if running:
            self.say(self.with_keys("stopped: {reload} runs the checks again"), "$warning")


def _check(ledger: Ledger, *, name: str) -> CheckResult:
    (result,) = ledger.check([name])
    return result
