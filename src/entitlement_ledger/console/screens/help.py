"""The keys of the screen it was asked from, searchable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from entitlement_ledger.console.actions import Action, key_names


class HelpScreen(ModalScreen[None]):
    """What each key does here."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "Close")]

    def __init__(self, actions: Sequence[Action], note: str) -> None:
        super().__init__()
        self._actions = actions
        self._note = note

    def compose(self) -> ComposeResult:
        """Lay out a search line over the list of keys."""
        with Vertical(classes="dialog"):
            yield Static(Content.assemble(("Keys on this screen", "bold $primary")))
            yield Input(placeholder="type to search, Esc closes", id="help-search", compact=True)
            with VerticalScroll():
                yield Static(self.keys(""), id="help-keys")
                yield Static(Content(self._note), id="help-note")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the keys that have to do with what was typed."""
        self.query_one("#help-keys", Static).update(self.keys(event.value))

    def keys(self, search: str) -> Content:
        """Give the list of keys that a search leaves."""
        found = [
            action
            for action in self._actions
            if search.casefold() in f"{key_names(action)} {action.label} {action.help}".casefold()
        ]
        if not found:
            palette = [key_names(each) for each in self._actions if each.name == "command_palette"]
            said = f"No key does that: Esc and try the palette, {' '.join(palette)}"
            return Content.assemble((said, "$warning"))
        lines = [
            Content.assemble((f"{key_names(action):<14}", "bold $accent"), action.help)
            for action in found
        ]
        return Content("\n").join(lines)
