"""What screens that write to the disk do alike: ask where, show progress, say what was written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Static

from entitlement_ledger.console.actions import EXPORT, bindings_of
from entitlement_ledger.console.screens.working import Work, WorkingScreen
from entitlement_ledger.console.widgets.path_input import PathInput
from entitlement_ledger.errors import LedgerError
from entitlement_ledger.harmless import harmless


class WritingScreen(WorkingScreen):
    """Gives nothing back: what was written is what comes of it."""

    WHERE: ClassVar[tuple[str, ...]] = (EXPORT,)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(EXPORT)
    path_name = "path"
    """How the place is called."""

    def heading(self) -> str:
        """Say what is to be written."""
        raise NotImplementedError

    def fields(self) -> Iterable[tuple[str, Widget]]:
        """Give the fields besides the place, with their names."""
        return ()

    def place(self) -> str:
        """Propose where to write."""
        raise NotImplementedError

    def begin_writing(self, path: Path) -> None:
        """Begin to write what was asked for."""
        raise NotImplementedError

    def far(self, work: Work) -> str:
        """Say how far the writing has come."""
        raise NotImplementedError

    def load(self) -> None:
        """Ask for nothing: it is asked when it is written."""

    def compose_body(self) -> ComposeResult:
        """Lay out the fields over what was written."""
        yield Static(Content(harmless(self.heading())), id="form-title")
        with VerticalScroll(id="form", can_focus=False):
            for name, widget in (*self.fields(), (self.path_name, self._path_input())):
                with Horizontal(classes="field"):
                    yield Label(name, classes="field-name")
                    yield widget
            yield Static(
                Content("A path without a folder is in the folder where the console was started."),
                id="path-note",
            )
            yield Static(id="problem")
            with Horizontal(id="asking", classes="buttons"):
                yield Button("Write", id="write", compact=True)
                yield Button("Cancel", id="cancel", compact=True)
            yield Static(id="effect")

    def _path_input(self) -> PathInput:
        return PathInput(id="path", value=self.place())

    def on_mount(self) -> None:
        """Begin where one Enter writes it."""
        self.query_one("#write").focus()

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
        """Write it, once it is said where."""
        path = self.query_one("#path", PathInput).path
        if self.work is not None or self.session is None:
            return
        if path is None:
            self.say(f"{self.path_name}: say where")
            self.query_one("#path").focus()
        else:
            self.query_one("#effect", Static).update(Content(""))
            self.begin_writing(path)

    def say(self, text: str, style: str = "$error") -> None:
        """Say something below the fields."""
        self.query_one("#problem", Static).update(Content.assemble((harmless(text), style)))

    def show_progress(self, work: Work) -> None:
        """Say how much has been written."""
        if work.stopped:
            self.say("stopping…", "$warning")
        else:
            far = f", {self.far(work)}" if work.total else ""
            self.say(f"writing{far}…  {self.with_keys('{back} cancels')}", "$warning")

    def stopped(self) -> None:
        """Say that nothing came of it."""
        self.say("Cancelled: nothing was left behind.", "$warning")
        self.query_one("#write").focus()

    def went_wrong(self, error: LedgerError) -> None:
        """Say why it was not written."""
        self.say(str(error))
        self.query_one("#path").focus()

    def wrote(self, path: Path, *said: Content) -> None:
        """Say what was written, and where; the path is copied."""
        shown = str(path.absolute())
        self.app.copy_to_clipboard(shown)
        self.say("")
        lines = [
            Content.assemble(("✓ Written, and its path copied:", "bold $success")),
            Content(harmless(shown)),
            *said,
        ]
        self.query_one("#effect", Static).update(Content("\n").join(lines))
        self.query_one("#cancel", Button).label = "Close"
        self.query_one("#cancel").focus()
