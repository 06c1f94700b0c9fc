"""Going to another moment with the whole console, and comparing a customer's balances with one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Input, Label, Static

from entitlement_ledger.console.actions import FEED, FORM
from entitlement_ledger.console.moment import NOW, Moment, typed
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.travel import Compared, compared, in_order, read_moment
from entitlement_ledger.console.widgets.text_input import TextInput
from entitlement_ledger.console.wording import amount, filled, signed
from entitlement_ledger.harmless import harmless

if TYPE_CHECKING:
    from entitlement_ledger.answers import Balance
    from entitlement_ledger.ledger import Ledger

_HINTS = {
    "at": "2026-06-30, a time with an offset, -30d; empty: now",
    "known-at": "the same; empty: all that is known",
}
_NAME, _ACCOUNT, _NUMBER = 18, 9, 11


def unfinished(screens: Iterable[Screen[Any]]) -> bool:
    """Say whether something is being filled in that would be recorded."""
    return any(isinstance(each, LedgerScreen) and {FORM, FEED} & {*each.WHERE} for each in screens)


def _read(ledger: Ledger, *, at: str, known_at: str) -> Moment:
    """Read what was typed, and see whether the ledger can tell of it.

    Raises:
        InputError: it is no time, or one before history or knowledge begins.
    """
    moment = read_moment(at, known_at, ledger.now())
    ledger.check_moment(at=moment.at, known_at=moment.known_at)
    return moment


class _MomentScreen(ModalScreen[None]):
    """Asks for a moment. The screen that it was opened from asks the ledger."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Cancel")]

    def __init__(self, asker: LedgerScreen, moment: Moment) -> None:
        super().__init__()
        self._asker = asker
        self._given = moment

    def compose_fields(self, question: str) -> ComposeResult:
        """Lay out both times."""
        given = {"at": self._given.at, "known-at": self._given.known_at}
        yield Static(Content.assemble((harmless(question), "bold $primary")), id="question")
        for name, hint in _HINTS.items():
            with Horizontal(classes="field"):
                yield Label(name.replace("-", " "), classes="field-name", markup=False)
                yield TextInput(typed(given[name]), placeholder=hint, id=name)
        yield Static(id="problem")

    def typed_in(self) -> dict[str, str]:
        """Give what was typed, by the names that reading it takes."""
        return {name.replace("-", "_"): self.query_one(f"#{name}", Input).value for name in _HINTS}

    def say(self, text: str, style: str = "$error") -> None:
        """Say something below the fields; what was typed stays."""
        if self.is_attached:
            shown = Content.assemble((harmless(text), style))
            self.query_one("#problem", Static).update(shown)

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        """Go, from either field."""
        self.go(**self.typed_in())

    def go(self, *, at: str, known_at: str) -> None:
        """Do what the dialog is for with two times as they were typed."""
        raise NotImplementedError

    def action_leave(self) -> None:
        """Leave everything as it is."""
        self._asker.drop("moment")
        self.dismiss()


class TravelScreen(_MomentScreen):
    """Sets the moment for the whole console; both times left empty, it is now again."""

    def __init__(self, asker: LedgerScreen) -> None:
        super().__init__(asker, asker.moment)

    def compose(self) -> ComposeResult:
        """Lay out the times over what to do with them."""
        with Vertical(classes="dialog"):
            yield from self.compose_fields("Show everything as of another time")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Now", id="now", compact=True)
                yield Button("Go there", id="go", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Go there, go back to now, or leave."""
        if event.button.id == "go":
            self.go(**self.typed_in())
        elif event.button.id == "now":
            self.go(at="", known_at="")
        else:
            self.action_leave()

    def go(self, *, at: str, known_at: str) -> None:
        """Go there, if the ledger can tell of it."""
        self.say("asking…", "$secondary")
        read = partial(_read, at=at, known_at=known_at)
        self._asker.ask("moment", read, self._went, self.say)

    def _went(self, moment: Moment) -> None:
        if self.is_attached:
            self.dismiss()
            self._asker.console.travel(moment)


class CompareScreen(_MomentScreen):
    """A customer's balances at another moment beside those that the console shows."""

    def __init__(self, asker: LedgerScreen, customer: str) -> None:
        super().__init__(asker, NOW)
        self._customer = customer

    def compose(self) -> ComposeResult:
        """Lay out the times over the table."""
        with Vertical(classes="dialog", id="comparing"):
            question = f"{self._customer}: compare {self._asker.moment.words} with another time"
            yield from self.compose_fields(question)
            with VerticalScroll():
                yield Static(id="compared")
            yield Static(
                Content.assemble(("Enter compares   Esc closes", "$secondary")), id="help-note"
            )

    def go(self, *, at: str, known_at: str) -> None:
        """Ask for both, and show the difference."""
        here, customer = self._asker.moment, self._customer
        if here.is_now and not at.strip() and not known_at.strip():
            self.say("Say which other time, such as -30d.")
            return
        self.say("asking…", "$secondary")

        def question(ledger: Ledger) -> tuple[Moment, Moment, list[Compared]]:
            other = _read(ledger, at=at, known_at=known_at)
            before, after = in_order(other, here, ledger.now())
            told = (_balances(ledger, customer, each) for each in (before, after))
            return before, after, compared(*told)

        self._asker.ask("moment", question, self._show, self.say)

    def _show(self, found: tuple[Moment, Moment, list[Compared]]) -> None:
        if not self.is_attached:
            return
        before, after, rows = found
        self.say(f"before: {before.words}   after: {after.words}", "$secondary")
        # Beside the scroll bar, whether it is there yet or not.
        room = self.query_one("#comparing").content_size.width - 2
        self.query_one("#compared", Static).update(_table(rows, room))


def _balances(ledger: Ledger, customer: str, moment: Moment) -> list[Balance]:
    return ledger.balances(customer, at=moment.at, known_at=moment.known_at)


def _table(rows: list[Compared], room: int) -> Content:
    """Show accounts below each other, a sign and a colour beside each difference.

    Where the room, in cells, is too little for a line, the numbers stand below the names.
    """
    if not rows:
        return Content.assemble(("nothing before, and nothing after", "$warning"))
    numbers = [
        (
            amount(row.before, row.scale),
            amount(row.after, row.scale),
            signed(row.difference, row.scale),
        )
        for row in rows
    ]
    # A number is never cut: one that is very long makes the line longer.
    width = max(_NUMBER, *(len(number) for line in numbers for number in line))
    between = " " if _NAME + 1 + _ACCOUNT + 3 * (1 + width) + 2 <= room else "\n   "
    header = _line(width, between, "entitlement", "", "before", "after", "difference")
    lines = [Content.assemble((header, "bold $secondary"))]
    for row, line in zip(rows, numbers, strict=True):
        sign, colour = row.sign
        shown = _line(width, between, row.entitlement, row.account, *line)
        lines.append(Content.assemble(shown, (f" {sign}", f"${colour}")))
    return Content("\n").join(lines)


def _line(width: int, between: str, name: str, account: str, *numbers: str) -> str:
    named = f"{filled(name, _NAME)} {account:<{_ACCOUNT}}"
    return named + between + " ".join(f"{number:>{width}}" for number in numbers)
