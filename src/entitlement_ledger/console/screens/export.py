"""Writing a report to a file: as what, and where; then what was written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Select

from entitlement_ledger.console.asking import file_name, format_for
from entitlement_ledger.console.screens.confirm import ConfirmScreen
from entitlement_ledger.console.screens.working import Work
from entitlement_ledger.console.screens.writing import WritingScreen
from entitlement_ledger.console.widgets.path_input import PathInput
from entitlement_ledger.counted import counted
from entitlement_ledger.reports.parameters import FORMATS, Parameters, Written


class ExportScreen(WritingScreen):
    """A report into a file; `at_once`, it is written as is proposed.

    A file that is there already is asked about all the same.
    """

    def __init__(
        self, report: str, asked: Parameters, below: tuple[str, ...], *, at_once: bool = False
    ) -> None:
        super().__init__()
        self._report = report
        self._parameters = asked
        self._below = below
        self._at_once = at_once

    def on_mount(self) -> None:
        """Write it, if it is not to be asked about, once all of this is on the screen."""
        if self._at_once:
            self.call_after_refresh(self.action_start)

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return (*self._below, "Export")

    def heading(self) -> str:
        """Say what is to be written."""
        return f"Write {self._report} to a file"

    def fields(self) -> Iterable[tuple[str, Widget]]:
        """Ask for the format."""
        choices = [(each, each) for each in FORMATS]
        first = format_for(self._report)
        yield (
            "format",
            Select(choices, value=first, allow_blank=False, id="format", compact=True),
        )

    def place(self) -> str:
        """Propose a name that says what it is."""
        return file_name(self._report, self._parameters, format_for(self._report))

    @property
    def _format(self) -> str:
        return str(self.query_one("#format", Select).value)

    def on_select_changed(self, _event: Select.Changed) -> None:
        """Let the file's suffix go with its format, unless somebody gave it another.

        What was wrong with the format before is wrong no more.
        """
        self.say("")
        line = self.query_one("#path", PathInput)
        name, dot, suffix = line.value.rpartition(".")
        if dot and suffix.lower() in FORMATS:
            line.value = f"{name}.{self._format}"

    def begin_writing(self, path: Path) -> None:
        """Write the file; one that is there is replaced only once somebody has agreed."""
        if os.path.lexists(path) and not path.is_dir():
            question = f"{path} exists already. Replace it?"
            self.app.push_screen(ConfirmScreen(question, "Replace"), partial(self._agreed, path))
        else:
            self._write(path, force=False)

    def _agreed(self, path: Path, agreed: bool | None) -> None:
        if agreed:
            self._write(path, force=True)
        else:
            self.say("Nothing was written: name another file.", "$warning")
            self.query_one("#path").focus()

    def _write(self, path: Path, *, force: bool) -> None:
        assert self.session is not None
        actor, format = self.session.actor, self._format
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

    def far(self, work: Work) -> str:
        """Say what share has been written."""
        return f"{100 * work.done // work.total}%"

    def _written(self, written: Written) -> None:
        said = [
            Content(f"{counted(written.rows, 'row')} as {written.format}"),
            Content.assemble(("sha256 ", "$secondary"), written.sha256),
        ]
        if not written.ok:
            wrong = f"✗ {written.report} finds something wrong: look into it."
            said.append(Content.assemble((wrong, "bold $error")))
        self.wrote(written.path, *said)
