"""Writing a report to a file: as what, and where; then what was written."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Label, Select, Static

from entitlement_ledger.console.actions import EXPORT, bindings_of
from entitlement_ledger.console.asking import file_name, format_for
from entitlement_ledger.console.screens.confirm import ConfirmScreen
from entitlement_ledger.console.screens.working import Work, WorkingScreen
from entitlement_ledger.console.widgets.path_input import PathInput
from entitlement_ledger.errors import LedgerError
from entitlement_ledger.harmless import harmless
from entitlement_ledger.reports.parameters import FORMATS, Parameters, Written


class ExportScreen(WorkingScreen):
    """Gives nothing back: the file is what comes of it."""

    WHERE: ClassVar[tuple[str, ...]] = (EXPORT,)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(EXPORT)

    def __init__(self, report: str, asked: Parameters, below: tuple[str, ...]) -> None:
        super().__init__()
        self._report = report
        self._parameters = asked
        self._below = below

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return (*self._below, "Export")

    def load(self) -> None:
        """Ask for nothing: the report is asked when it is written."""

    def compose_body(self) -> ComposeResult:
        """Lay out the fields over what was written."""
        first = format_for(self._report)
        yield Static(Content(f"Write {self._report} to a file"), id="form-title")
        with VerticalScroll(id="form", can_focus=False):
            with Horizontal(classes="field"):
                yield Label("format", classes="field-name")
                yield Select(
                    [(each, each) for each in FORMATS],
                    value=first,
                    allow_blank=False,
                    id="format",
                    compact=True,
                )
            with Horizontal(classes="field"):
                yield Label("path", classes="field-name")
                yield PathInput(id="path", value=file_name(self._report, self._parameters, first))
            yield Static(
                Content("A path without a folder is in the folder where the console was started."),
                id="path-note",
            )
            yield Static(id="problem")
            with Horizontal(id="asking", classes="buttons"):
                yield Button("Write", id="write", compact=True)
                yield Button("Cancel", id="cancel", compact=True)
            yield Static(id="effect")

    def on_mount(self) -> None:
        """Begin where one Enter writes it."""
        super().on_mount()
        self.query_one("#write").focus()

    @property
    def _format(self) -> str:
        return str(self.query_one("#format", Select).value)

    def on_select_changed(self, _event: Select.Changed) -> None:
        """Let the file's suffix go with its format, unless somebody gave it another."""
        line = self.query_one("#path", PathInput)
        name, dot, suffix = line.value.rpartition(".")
        if dot and suffix.lower() in FORMATS:
            line.value = f"{name}.{self._format}"

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        """Write it."""
        self.action_start()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Write it, or go back."""
        event.stop()
        if event.button.id == "write":
            self.action_start()
        else:
            self.action_back()

    def action_start(self) -> None:
        """Write the file; one that is there is replaced only once somebody has agreed."""
        path = self.query_one("#path", PathInput).path
        if self.work is not None or self.session is None:
            return
        if path is None:
            self._say("path: say where")
            self.query_one("#path").focus()
        elif os.path.lexists(path) and not path.is_dir():
            question = f"{path} exists already. Replace it?"
            self.app.push_screen(ConfirmScreen(question, "Replace"), partial(self._agreed, path))
        else:
            self._write(path, force=False)

    def _agreed(self, path: Path, agreed: bool | None) -> None:
        if agreed:
            self._write(path, force=True)
        else:
            self._say("Nothing was written: name another file.", "$warning")
            self.query_one("#path").focus()

    def _write(self, path: Path, *, force: bool) -> None:
        assert self.session is not None
        actor, format = self.session.actor, self._format
        self.query_one("#effect", Static).update(Content(""))
        self.begin(
            lambda ledger, progress: ledger.write_report(
                self._report,
                self._parameters,
                path,
                format,
                force=force,
                actor=actor,
                progress=progress,
            ),
            self._written,
        )

    def _say(self, text: str, style: str = "$error") -> None:
        self.query_one("#problem", Static).update(Content.assemble((harmless(text), style)))

    def show_progress(self, work: Work) -> None:
        """Say how much has been written."""
        if work.stopped:
            self._say("stopping…", "$warning")
        else:
            share = f", {100 * work.done // work.total}%" if work.total else ""
            self._say(f"writing{share}…  {self.with_keys('{back} cancels')}", "$warning")

    def stopped(self) -> None:
        """Say that nothing came of it."""
        self._say("Cancelled: nothing was left behind.", "$warning")
        self.query_one("#write").focus()

    def went_wrong(self, error: LedgerError) -> None:
        """Say why it was not written."""
        self._say(str(error))
        self.query_one("#path").focus()

    def _written(self, written: Written) -> None:
        path = str(written.path.absolute())
        self.app.copy_to_clipboard(path)
        self._say("")
        lines = [
            Content.assemble(("✓ Written, and its path copied:", "bold $success")),
            Content(harmless(path)),
            Content(f"{written.rows:,} rows as {written.format}"),
            Content.assemble(("sha256 ", "$secondary"), written.sha256),
        ]
        if not written.ok:
            said = f"✗ {written.report} finds something wrong: look into it."
            lines.append(Content.assemble((said, "bold $error")))
        self.query_one("#effect", Static).update(Content("\n").join(lines))
        self.query_one("#cancel", Button).label = "Close"
        self.query_one("#cancel").focus()
