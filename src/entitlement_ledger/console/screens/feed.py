"""The form of a run: which file is matched against what, and for which period."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Label, Select, Static

from entitlement_ledger.console.actions import FEED, bindings_of
from entitlement_ledger.console.filters import time_of
from entitlement_ledger.console.requests import FieldError
from entitlement_ledger.console.screens.working import Work, WorkingScreen
from entitlement_ledger.console.widgets.path_input import PathInput
from entitlement_ledger.console.widgets.text_input import TextInput
from entitlement_ledger.console.wording import plain
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.errors import LedgerError
from entitlement_ledger.harmless import harmless
from entitlement_ledger.reconciliations import Against, Run

_AGAINST = {
    Against.BILLING: "billing: invoice lines",
    Against.CAM: "cam: customers",
    Against.CATALOG: "catalog: products, or entitlements",
}


class FeedScreen(WorkingScreen):
    """Gives the number of the run, or None if none was made. What was typed stays until then."""

    WHERE: ClassVar[tuple[str, ...]] = (FEED,)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(FEED)

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Reconcile", "New run")

    def load(self) -> None:
        """Ask for nothing: a form begins empty."""

    def compose_body(self) -> ComposeResult:
        """Lay out the fields over what is wrong with the file."""
        yield Static(Content("Match a file against the ledger, line by line"), id="form-title")
        with VerticalScroll(id="feed", can_focus=False):
            for name, widget in self._fields():
                with Horizontal(classes="field"):
                    yield Label(f"{name:<12}", classes="field-name")
                    yield widget
            with Horizontal(classes="buttons"):
                yield Button("Run", id="run", compact=True)
                yield Button("Cancel", id="cancel", compact=True)
            yield Static(id="problem")
        with VerticalScroll(id="problems"):
            yield Static(id="problems-text")

    @staticmethod
    def _fields() -> list[tuple[str, Input | Select[str]]]:
        choices = [(words, each.value) for each, words in _AGAINST.items()]
        return [
            ("file", PathInput(id="file", placeholder="a path; → takes what is offered")),
            ("against", Select(choices, value=Against.BILLING.value, allow_blank=False,
                               id="against", compact=True)),
            ("since", TextInput(placeholder="a day, or empty: all", id="since")),
            ("until", TextInput(placeholder="a day, which is out", id="until")),
            ("mapping", PathInput(id="mapping", placeholder="a TOML file, where columns differ")),
        ]  # fmt: skip

    def on_mount(self) -> None:
        """Begin with the file."""
        self._show_problems([])
        self.query_one("#file").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the next field; from the last one, run."""
        if event.input.id == "mapping":
            self.action_start()
        else:
            self.focus_next()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Run, or go back."""
        event.stop()
        if event.button.id == "run":
            self.action_start()
        else:
            self.action_back()

    def action_start(self) -> None:
        """Match the file in a worker."""
        if self.work is not None or self.session is None:
            return
        self._show_problems([])
        try:
            path = self.query_one("#file", PathInput).path
            if path is None:
                raise FieldError("file", "say which")
            since, until = self._instant("since"), self._instant("until")
        except FieldError as error:
            self._say(f"{error.name}: {error}")
            self.query_one(f"#{error.name}").focus()
            return
        against = Against(str(self.query_one("#against", Select).value))
        mapping = self.query_one("#mapping", PathInput).path
        actor = self.session.actor
        self.begin(
            lambda ledger, progress: ledger.reconcile(
                path,
                against,
                actor=actor,
                since=since,
                until=until,
                mapping=mapping,
                progress=progress,
            ),
            self._done,
        )

    def _instant(self, name: str) -> Instant | None:
        """Read a time as typed.

        Raises:
            FieldError: it is none.
        """
        typed = self.query_one(f"#{name}", Input).value.strip()
        try:
            return time_of(name, typed) if typed else None
        except ValueError as error:
            raise FieldError(name, str(error).removeprefix(f"{name}: ")) from None

    def _say(self, text: str, style: str = "$error") -> None:
        self.query_one("#problem", Static).update(Content.assemble((harmless(text), style)))

    def show_progress(self, work: Work) -> None:
        """Say how much of the file has been read, which is the first half; then it is matched."""
        cancels = self.with_keys("{back} cancels")
        if work.stopped:
            self._say("stopping…", "$warning")
        elif 2 * work.done < work.total:
            self._say(f"reading, {200 * work.done // work.total}%…  {cancels}", "$warning")
        else:
            share = 200 * work.done // max(work.total, 1) - 100
            self._say(f"matching, {max(share, 0)}%…  {cancels}", "$warning")

    def stopped(self) -> None:
        """Say that nothing came of it."""
        self._say("Cancelled: nothing was kept. What you typed is still here.", "$warning")
        self.query_one("#file").focus()

    def went_wrong(self, error: LedgerError) -> None:
        """Say what is wrong; of bad lines, all of them."""
        problems = getattr(error, "problems", None) or []
        if len(problems) > 1:
            self._say(f"{len(problems)} problems, and nothing was kept:")
            self._show_problems(problems)
            self.query_one("#problems").focus()
        else:
            self._say(str(error))
            self.query_one("#file").focus()

    def _show_problems(self, problems: list[str]) -> None:
        """Show all that is wrong with a file below the form; without any, the form alone."""
        # The folder stands in the form already; a line is short enough without it.
        path = self.query_one("#file", PathInput).path or Path()
        lines = [plain(each.replace(f"{path}", path.name, 1)) for each in problems]
        self.query_one("#problems-text", Static).update(Content("\n").join(lines))
        self.query_one("#problems").scroll_home(animate=False)
        self.set_class(bool(problems), "problems")

    def _done(self, run: Run) -> None:
        self.dismiss(str(run.number))
