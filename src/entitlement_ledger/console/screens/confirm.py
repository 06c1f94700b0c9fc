"""Asking whether something is really meant, with what it would do."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from entitlement_ledger.console.wording import plain


class ConfirmScreen(ModalScreen[bool]):
    """Gives whether it is meant. Cancel has the focus: one Enter too many does nothing.

    `effect` is shown below the question and can be scrolled; `word` is on the button that agrees.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Cancel")]

    def __init__(self, question: str, word: str, effect: Content | None = None) -> None:
        super().__init__()
        self._question = question
        self._word = word
        self._effect = effect

    def compose(self) -> ComposeResult:
        """Lay out the question over what would be done."""
        with Vertical(classes="dialog"):
            yield Static(plain(self._question), id="question")
            if self._effect is not None:
                with VerticalScroll():
                    yield Static(self._effect, id="effect")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(self._word, id="agree", compact=True)

    def on_mount(self) -> None:
        """Begin where Enter does nothing."""
        self.query_one("#cancel").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Give what the button says."""
        self.dismiss(event.button.id == "agree")

    def action_leave(self) -> None:
        """Do nothing."""
        self.dismiss(False)
