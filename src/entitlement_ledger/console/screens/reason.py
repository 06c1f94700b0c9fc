"""Asking for a reason, in a line: nothing is decided without one."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from entitlement_ledger.console.widgets.text_input import TextInput
from entitlement_ledger.console.wording import plain


class ReasonScreen(ModalScreen[str | None]):
    """Gives the reason, or None where somebody thought better of it.

    Where recording it has failed, `typed` is what was said, and `problem` why it is asked again.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Cancel")]

    def __init__(self, question: str, typed: str = "", problem: str = "") -> None:
        super().__init__()
        self._question = question
        self._typed = typed
        self._problem = problem

    def compose(self) -> ComposeResult:
        """Lay out the question over the line."""
        with Vertical(classes="dialog"):
            yield Static(plain(self._question), id="question")
            yield TextInput(self._typed, placeholder="why: an auditor will ask", id="reason")
            yield Static(plain(self._problem), id="problem")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Record", id="record", compact=True)

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        """Record it on Enter."""
        self._record()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Record it, or leave."""
        if event.button.id == "record":
            self._record()
        else:
            self.dismiss(None)

    def _record(self) -> None:
        reason = self.query_one("#reason", Input).value.strip()
        if reason:
            self.dismiss(reason)
        else:
            self.query_one("#problem", Static).update(plain("Say why, or Esc."))
            self.query_one("#reason", Input).focus()

    def action_leave(self) -> None:
        """Decide nothing."""
        self.dismiss(None)
