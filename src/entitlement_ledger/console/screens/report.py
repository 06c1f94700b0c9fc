"""One report: what it is asked with, and its first rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.widgets import Input, Label, Static

from entitlement_ledger.console.actions import REPORT, TABLE, bindings_of
from entitlement_ledger.console.asking import HINTS, parameters_of
from entitlement_ledger.console.moment import NOW
from entitlement_ledger.console.requests import FieldError
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.travel import prefilled
from entitlement_ledger.console.widgets.report_table import ReportTable
from entitlement_ledger.console.widgets.text_input import TextInput
from entitlement_ledger.harmless import harmless
from entitlement_ledger.reports.parameters import Parameters, ReportInfo, ReportRows

_ROWS = 100


class ReportScreen(LedgerScreen):
    """Filters above, the first rows below. Enter in a filter asks again.

    `given` is what filters are filled in with, by name.
    """

    WHERE: ClassVar[tuple[str, ...]] = (REPORT, TABLE)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(REPORT)

    def __init__(self, report: ReportInfo, given: Mapping[str, str]) -> None:
        super().__init__()
        self._report = report
        self._given = given
        self._filled_for = NOW
        self._waiting = False

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Reports", self._report.name)

    def compose_body(self) -> ComposeResult:
        """Lay out the filters over the rows."""
        yield Static(Content.assemble((self._report.answers, "bold")), id="answers")
        with Container(id="filters"):
            for name in self._report.options:
                with Horizontal(classes="filter"):
                    yield Label(self._label(name), classes="field-name", markup=False)
                    yield TextInput(
                        self._given.get(name, ""),
                        placeholder="needed" if self._needs(name) else HINTS.get(name, "all"),
                        id=f"by-{name}",
                    )
        yield Static(Content(""), id="found-line")
        yield ReportTable(id="rows")

    def _needs(self, name: str) -> bool:
        return name in self._report.needs

    def _label(self, name: str) -> str:
        return f"{name.replace('-', ' ')}{' *' if self._needs(name) else ''}"

    def on_mount(self) -> None:
        """Begin in the rows, or in what has to be filled in first."""
        empty = [name for name in self._report.needs if not self._given.get(name)]
        self.query_one(f"#by-{empty[0]}" if empty else "#rows").focus()

    @property
    def table(self) -> ReportTable:
        """The table of rows."""
        return self.query_one("#rows", ReportTable)

    def asked(self) -> Parameters | None:
        """Read the filters; where one cannot be used, say so and give None."""
        typed = {
            (each.id or "").removeprefix("by-"): each.value
            for each in self.query("#filters Input").results(Input)
        }
        try:
            return parameters_of(self._report, typed)
        except FieldError as error:
            self._say(f"{error.name}: {error}", "$error")
            self.query_one(f"#by-{error.name}").focus()
            return None

    @property
    def of_now(self) -> bool:
        """Whether the report takes no time at all."""
        return not {"at", "until", "known-at"}.intersection(self._report.options)

    def load(self) -> None:
        """Ask for the first rows."""
        self._go_along()
        asked = self.asked()
        if asked is None:
            return
        self._waiting = True
        self._say(self.with_keys("asking…  {back} cancels"), "$warning")
        self.ask(
            "rows",
            lambda ledger: ledger.report_rows(self._report.name, asked, limit=_ROWS),
            self._show,
        )

    def _go_along(self) -> None:
        """Fill in the times of the moment that is shown, once it is another."""
        moment = self.moment
        if moment == self._filled_for:
            return
        options = self._report.options
        before, self._filled_for = prefilled(self._filled_for, options), moment
        for name, text in {**dict.fromkeys(before, ""), **prefilled(moment, options)}.items():
            if not self._given.get(name):
                self.query_one(f"#by-{name}", Input).value = text

    def _show(self, told: ReportRows) -> None:
        self._waiting = False
        self.table.show_report(told)
        count = len(told.rows)
        if told.more:
            words = self.with_keys(f"the first {count} rows of more; {{export}} writes all of them")
        elif count:
            words = f"all {count} rows" if count > 1 else "one row"
        else:
            words = "no rows: nothing of that kind"
        self._say(f"{words}   (UTC; ← → for columns)", "$secondary")

    def _say(self, text: str, style: str) -> None:
        self.query_one("#found-line", Static).update(Content.assemble((harmless(text), style)))

    def failed(self, message: str) -> None:
        """Say above the rows why there are none."""
        self._waiting = False
        self.table.show_rows([], more=False)
        self._say(message, "$error")

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        """Ask again, and go to the rows."""
        self.table.focus()
        self.load()

    def action_search(self) -> None:
        """Go to the first filter."""
        first = self.query("#filters Input")
        if first:
            self.set_focus(first.first())

    def action_export(self) -> None:
        """Write the report, as it is asked, to a file."""
        self._export(at_once=False)

    def action_export_now(self) -> None:
        """Write it without being asked as what and where to."""
        self._export(at_once=True)

    def _export(self, *, at_once: bool) -> None:
        asked = self.asked()
        if asked is not None:
            self.console.open_export(self._report.name, asked, self.places(), at_once=at_once)

    def action_back(self) -> None:
        """Stop asking; leave the filters; then go back."""
        if self._waiting:
            self._waiting = False
            self.stop("rows")
            self._say(self.with_keys("stopped: {reload} asks again"), "$warning")
        elif isinstance(self.focused, Input) and self.table.rows_held:
            self.table.focus()
        else:
            super().action_back()
