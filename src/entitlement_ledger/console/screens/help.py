"""The keys of the screen it was asked from: mine, searchable, and done by Enter."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from entitlement_ledger.console.actions import EVERYWHERE, TABLE, Action, key_names
from entitlement_ledger.console.widgets.text_input import TextInput
from entitlement_ledger.console.wording import plain

_KEYS_WIDTH = 14
_PADDING = 3
_NARROWEST = 24
_AROUND_LIST = 9
"""The dialog's lines that are no part of the list, with two for the note."""


class HelpScreen(ModalScreen[Action | None]):
    """What each key does here. Gives the action that is to be done, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "leave", "Close"),
        ("down", "move('cursor_down')", "Down"),
        ("up", "move('cursor_up')", "Up"),
        ("pagedown", "move('page_down')", "Page down"),
        ("pageup", "move('page_up')", "Page up"),
    ]

    def __init__(self, actions: Sequence[Action], note: str) -> None:
        super().__init__()
        self._actions = [action for action in actions if action.name != "help"]
        self._note = note

    def compose(self) -> ComposeResult:
        """Lay out a search line over the list of keys."""
        with Vertical(classes="dialog", id="help"):
            yield Static(Content.assemble(("Keys on this screen", "bold $primary")))
            yield TextInput(
                placeholder="type to search · ↑↓ choose · Enter does it · Esc closes",
                id="help-search",
            )
            keys = OptionList(id="help-keys", compact=True)
            keys.can_focus = False
            yield keys
            yield Static(plain(self._note), id="help-note")

    def on_resize(self, _event: events.Resize) -> None:
        """Break the sentences where the list ends."""
        self._list.styles.max_height = max(self.size.height * 9 // 10 - _AROUND_LIST, 3)
        self.call_after_refresh(self._show)

    def on_input_changed(self, _event: Input.Changed) -> None:
        """Show the keys that have to do with what was typed."""
        self._show()

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        """Do what is chosen."""
        chosen = self._list.highlighted_option
        if chosen is not None and chosen.id is not None:
            self.dismiss(self._actions[int(chosen.id)])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Do what was clicked."""
        self.dismiss(self._actions[int(event.option.id or 0)])

    def action_move(self, how: str) -> None:
        """Choose another key; the line goes on to have the focus."""
        getattr(self._list, f"action_{how}")()

    def action_leave(self) -> None:
        """Do nothing."""
        self.dismiss(None)

    @property
    def _list(self) -> OptionList:
        return self.query_one("#help-keys", OptionList)

    def _show(self) -> None:
        found = list(self._found(self.query_one("#help-search", Input).value))
        self._list.clear_options()
        self._list.add_options(found or [Option(self._nothing(), disabled=True)])
        self._list.action_first()

    def _nothing(self) -> Content:
        palette = [key_names(each) for each in self._actions if each.name == "command_palette"]
        said = f"No key does that: Esc and try the palette, {' '.join(palette)}"
        return Content.assemble((said, "$warning"))

    def _found(self, search: str) -> Iterator[Option]:
        """Give what a search leaves, in groups; what has just this key comes first."""
        typed = search.strip().casefold()
        words = typed.split()
        named = [
            each for each in self._actions if typed and search.strip() in key_names(each).split()
        ]
        groups = {"this key": named, "this screen": [], "tables": [], "everywhere": []}
        for action in self._actions:
            about = f"{key_names(action)} {action.label} {action.help} {action.name}".casefold()
            if action not in named and all(word in about for word in words):
                groups[_group(action)].append(action)
        for name, actions in groups.items():
            if actions:
                yield Option(Content.assemble((name, "$secondary")), disabled=True)
            for action in actions:
                yield Option(self._told(action), id=str(self._actions.index(action)))

    def _told(self, action: Action) -> Content:
        room = max(self._list.size.width - _KEYS_WIDTH - _PADDING, _NARROWEST)
        first, *rest = textwrap.wrap(action.help, room)
        lines = "\n".join([first, *(" " * _KEYS_WIDTH + line for line in rest)])
        keys = key_names(action)
        return Content.assemble((f"{keys:<{_KEYS_WIDTH - 1}} ", "bold"), lines)


def _group(action: Action) -> str:
    if EVERYWHERE in action.where:
        return "everywhere"
    return "tables" if TABLE in action.where else "this screen"
