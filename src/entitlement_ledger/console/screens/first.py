"""The first screen where no store could be opened: what is wrong, and what can be done."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Label, Static

from entitlement_ledger.console.actions import FIRST, bindings_of
from entitlement_ledger.console.opening import Opening
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.widgets.path_input import PathInput
from entitlement_ledger.errors import LedgerError
from entitlement_ledger.harmless import harmless

_OFFERS = {
    "retry": "try again",
    "demo": "the demo: a sample company, in a store that is thrown away",
    "new_store": "a new store, empty",
    "open_other": "open another store",
}
_ASKS = {"new_store": "new store", "open_other": "open"}
_HINTS = {
    "new_store": "Enter makes it there and opens it, {first.back} goes back.",
    "open_other": "→ takes what is offered, Enter opens it, {first.back} goes back.",
}


class FirstScreen(LedgerScreen):
    """Offers the demo, a new store or another one, until one has been opened.

    What was typed is kept, for each of the two questions, until then.
    """

    WHERE: ClassVar[tuple[str, ...]] = (FIRST,)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(FIRST)
    AUTO_FOCUS = ""

    def __init__(self, opening: Opening, error: LedgerError) -> None:
        """Begin with what was to be opened, and why it could not be."""
        super().__init__()
        self._first = opening
        self._error = error
        self._trying = False
        self._asked_for = ""
        self._typed = {"new_store": str(opening.file), "open_other": ""}

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("No store",)

    def compose_body(self) -> ComposeResult:
        """Lay out what is wrong over what can be done."""
        with VerticalScroll(id="first", can_focus=False):
            yield Static(id="first-title")
            yield Static(id="offers")
            with Horizontal(id="first-path", classes="field"):
                yield Label(id="first-asks", classes="field-name")
                yield PathInput(id="path", placeholder="a path")
            yield Static(id="path-note")
            yield Static(id="problem")

    def on_mount(self) -> None:
        """Begin with the keys; a path is asked for when it is wanted."""
        self._ask_for("")
        self._show()

    def load(self) -> None:
        """Give way: a store is open."""
        if self.is_current:
            self.dismiss()

    def on_screen_resume(self) -> None:
        """Give way also where a store was opened behind another screen."""
        if self.session is not None:
            self.load()

    def _offered(self) -> list[str]:
        """Give what can be done; where there is a store, none is to be made."""
        left_out = "retry" if self._first.missing else "new_store"
        return [name for name in _OFFERS if name != left_out and self.check_action(name, ())]

    def _show(self) -> None:
        missing = self._first.missing
        title = "There is no store yet" if missing else "The store cannot be opened"
        why = f"None is at {self._first.file}." if missing else f"{self._error}."
        self.query_one("#first-title", Static).update(
            Content.assemble((title, "bold $primary"), "\n\n", harmless(why))
        )
        lines = [
            Content.assemble((f"{self.with_keys(f'{{first.{name}}}'):>6}", "bold $accent"),
                             f"  {_OFFERS[name]}")
            for name in self._offered()
        ]  # fmt: skip
        lines.append(
            Content.assemble((f"{self.with_keys('{leave}'):>6}", "bold $accent"), "  leave")
        )
        self.query_one("#offers", Static).update(Content("\n").join(lines))
        self.refresh_bindings()

    def _say(self, text: str, style: str = "$error") -> None:
        self.query_one("#problem", Static).update(Content.assemble((harmless(text), style)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer no new store where there is one; and nothing while a store is being opened."""
        if action == "new_store" and not self._first.missing:
            return False
        if action in _OFFERS and self._trying:
            return None
        return super().check_action(action, parameters)

    def _try(self, opening: Opening) -> None:
        if self._trying:
            return
        self._trying = True
        self._say("one moment…", "$secondary")
        self.refresh_bindings()
        self.console.open_otherwise(opening)

    def not_opened(self, opening: Opening, error: LedgerError) -> None:
        """Say why this could not be opened either; what was typed is still there."""
        self._trying = False
        if opening is self._first:
            again = str(error) == str(self._error)
            self._error = self.console.problem = error
            self._say("Tried again: it is as before." if again else "", "$warning")
        elif opening.missing:
            self._say(f"There is no store at {opening.file}: name another file.")
        else:
            self._say(f"{error}.")
        self._show()

    def action_demo(self) -> None:
        """Look at the sample company."""
        self._ask_for("")
        self._try(self._first.otherwise(demo=True))

    def action_retry(self) -> None:
        """Try again what was to be opened first."""
        self._try(self._first)

    def action_new_store(self) -> None:
        """Ask where the new store is to be."""
        self._ask_for("new_store")

    def action_open_other(self) -> None:
        """Ask which store is to be opened."""
        self._ask_for("open_other")

    def _ask_for(self, name: str) -> None:
        """Ask for a path, or for none."""
        self._asked_for = name
        path = self.query_one("#path", PathInput)
        self.query_one("#first-path").display = bool(name)
        self.query_one("#path-note", Static).update(
            Content(harmless(self.with_keys(_HINTS[name]))) if name else Content("")
        )
        self._say("")
        if name:
            self.query_one("#first-asks", Label).update(Content(f"{_ASKS[name]:<12}"))
            path.value = self._typed[name]
            path.focus()
        else:
            self.set_focus(None)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Keep what is typed."""
        if self._asked_for:
            self._typed[self._asked_for] = event.value

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Make or open the store at the path."""
        event.stop()
        path = self.query_one("#path", PathInput).path
        if path is None:
            self._say("Say where: a path.")
            return
        making = self._asked_for == "new_store"
        self._try(self._first.otherwise(store=str(path.absolute()), new=making))

    def action_back(self) -> None:
        """Go from the path back to the keys; from there, leave."""
        if self._asked_for:
            self._ask_for("")
        else:
            self.console.action_leave()
