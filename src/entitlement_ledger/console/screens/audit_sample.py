"""The form of a sample: drawn how, how large, by which seed, of which entitlement."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import ClassVar

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Label, Select, Static

from entitlement_ledger.answers import EventFilter
from entitlement_ledger.console.actions import EXPORT, bindings_of
from entitlement_ledger.console.screens.working import Work, WorkingScreen
from entitlement_ledger.console.widgets.text_input import TextInput
from entitlement_ledger.console.wording import plain
from entitlement_ledger.errors import LedgerError
from entitlement_ledger.harmless import harmless
from entitlement_ledger.reviews import MONETARY, RANDOM, Sample

_METHODS = {
    RANDOM: "random: each event as likely as any other",
    MONETARY: "monetary: the more it moved, the more likely",
}
_SEED_BELOW = 10**8
_ORDER = ("size", "seed", "entitlement")


class SampleScreen(WorkingScreen):
    """Gives the sample to whoever opened it. What was typed stays until one is drawn."""

    WHERE: ClassVar[tuple[str, ...]] = (EXPORT,)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(EXPORT)

    def __init__(self, only: EventFilter, drawn: Callable[[Sample], None]) -> None:
        super().__init__()
        self._only = only
        self._drawn_for = drawn

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Audit", "Sample")

    def load(self) -> None:
        """Ask for nothing: a form begins with what stands in it."""

    def compose_body(self) -> ComposeResult:
        """Lay out the fields over what is wrong with them."""
        yield Static(Content("Draw a sample of what the filter lists"), id="form-title")
        with VerticalScroll(id="form", can_focus=False):
            for name, widget in self._fields():
                with Horizontal(classes="field"):
                    yield Label(f"{name:<12}", classes="field-name")
                    yield widget
            yield Static(
                Content("The same seed draws the same sample. Reviews are not drawn."),
                id="path-note",
            )
            with Horizontal(classes="buttons"):
                yield Button("Draw", id="draw", compact=True)
                yield Button("Cancel", id="cancel", compact=True)
            yield Static(id="problem")

    def _fields(self) -> list[tuple[str, Input | Select[str]]]:
        seed = f"{secrets.randbelow(_SEED_BELOW):08}"
        method = MONETARY if self._only.entitlement else RANDOM
        hint = "a code; needed where the size of what was moved counts"
        return [
            ("method", Select([(words, each) for each, words in _METHODS.items()], value=method,
                              allow_blank=False, id="method", compact=True)),
            ("size", TextInput("25", placeholder="how many to draw", id="size")),
            ("seed", TextInput(seed, placeholder="any text", id="seed")),
            ("entitlement", TextInput(self._only.entitlement or "", placeholder=hint,
                                      id="entitlement")),
        ]  # fmt: skip

    def on_mount(self) -> None:
        """Begin with how many."""
        self.query_one("#size").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the next field; from the last one, draw."""
        if event.input.id == _ORDER[-1]:
            self.action_start()
        else:
            self.focus_next()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Draw, or go back."""
        event.stop()
        if event.button.id == "draw":
            self.action_start()
        else:
            self.action_back()

    def _typed(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def action_start(self) -> None:
        """Draw it in a worker."""
        if self.work is not None or self.session is None:
            return
        size, seed = self._typed("size"), self._typed("seed")
        method = str(self.query_one("#method", Select).value)
        only = replace(self._only, entitlement=self._typed("entitlement") or None)
        if not (size.isascii() and size.isdigit() and len(size) < 10):
            self._refuse("size", "takes a number such as 25")
        elif not seed:
            self._refuse("seed", "any text: the same draws the same sample")
        elif method == MONETARY and only.entitlement is None:
            self._refuse("entitlement", "name one: quantities of several cannot be added")
        else:
            self.begin(
                lambda ledger, _: ledger.sample(only, method=method, size=int(size), seed=seed),
                self._drawn,
            )

    def _refuse(self, name: str, why: str) -> None:
        self._say(f"{name}: {why}")
        self.query_one(f"#{name}").focus()

    def _say(self, text: str, style: str = "$error") -> None:
        self.query_one("#problem", Static).update(Content.assemble((harmless(text), style)))

    def show_progress(self, work: Work) -> None:
        """Say that it is being drawn; how far it has come, nobody tells."""
        said = "stopping…" if work.stopped else f"drawing…  {self.with_keys('{back} cancels')}"
        self._say(said, "$warning")

    def stopped(self) -> None:
        """Say that nothing was drawn."""
        self._say("Cancelled: nothing was drawn.", "$warning")

    def went_wrong(self, error: LedgerError) -> None:
        """Say why nothing can be drawn."""
        self.query_one("#problem", Static).update(plain(str(error)).stylize("$error"))

    def _drawn(self, sample: Sample) -> None:
        self.dismiss(None)
        self._drawn_for(sample)
