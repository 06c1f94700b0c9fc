"""The form: ask for a change, see what it would do, confirm it, see what it did."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Label, Select, Static

from entitlement_ledger.answers import CustomerRow, EntitlementRow
from entitlement_ledger.console.actions import FORM, bindings_of
from entitlement_ledger.console.requests import FieldError, Typed, command_of
from entitlement_ledger.console.screens import describing
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.wording import plain
from entitlement_ledger.harmless import harmless

if TYPE_CHECKING:
    from entitlement_ledger.domain.decide import Outcome

TITLES = {"issue": "Issue", "adjust": "Adjust"}
_HINTS = {"issue": "how much, above zero", "adjust": "+ gives, - takes away"}


class FormScreen(LedgerScreen):
    """One command for one customer. Gives the id of the transaction, or None if none was made.

    A key stands for one intention: it is kept until the ledger has answered, so that asking again
    after a failure cannot record the same thing twice.
    """

    WHERE: ClassVar[tuple[str, ...]] = (FORM,)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(FORM)

    def __init__(
        self,
        kind: str,
        who: CustomerRow,
        catalogue: Sequence[EntitlementRow],
        chosen: str | None,
    ) -> None:
        super().__init__()
        self._kind = kind
        self._who = who
        self._catalogue = {each.code: each for each in catalogue}
        self._chosen = chosen if chosen in self._catalogue else None
        self._key = self._new_key()
        self._previewed: Mapping[str, Any] | None = None
        self._posting = False
        self._made: str | None = None

    @staticmethod
    def _new_key() -> str:
        return f"console:{uuid.uuid4()}"

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Customers", self._who.id, TITLES[self._kind])

    def load(self) -> None:
        """Ask for nothing: a form begins empty."""

    def compose_body(self) -> ComposeResult:
        """Lay out the fields over what they would do."""
        who = self._who
        yield Static(plain(f"{TITLES[self._kind]} for {who.name or who.id}"), id="form-title")
        with VerticalScroll(id="form", can_focus=False):
            yield from self._fields()
            yield Static(id="problem")
            with Horizontal(id="asking", classes="buttons"):
                yield Button("Preview", id="preview", compact=True)
                yield Button("Cancel", id="cancel", compact=True)
            yield Static(id="effect")
            with Horizontal(id="deciding", classes="buttons"):
                yield Button("Cancel", id="withdraw", compact=True)
                yield Button("Confirm", id="confirm", compact=True)
            with Horizontal(id="done", classes="buttons"):
                yield Button("Close", id="close", compact=True)

    def _fields(self) -> ComposeResult:
        options = [
            (plain(f"{each.name or each.code}, {each.code}"), each.code)
            for each in self._catalogue.values()
            if each.status == "active" or self._kind == "adjust"
        ]
        codes = [code for _, code in options]
        chosen = self._chosen if self._chosen in codes else None
        yield from self._field(
            "entitlement",
            Select(options, value=chosen or Select.NULL, id="entitlement", compact=True),
        )
        yield from self._field("quantity", self._input("quantity", _HINTS[self._kind]))
        if self._kind == "issue":
            yield from self._field("expires", self._input("expires_at", "a day, or empty: never"))
            yield from self._field(
                "category",
                Select(
                    [("paid", "paid"), ("promo", "promo")],
                    value="paid",
                    allow_blank=False,
                    id="category",
                    compact=True,
                ),
            )
        yield from self._field("reason", self._input("reason", "why: an auditor will ask"))
        yield from self._field(
            "reference", self._input("reference", "ticket:T-1, invoice:INV-1, order:…")
        )

    def _field(self, name: str, widget: Input | Select[str]) -> ComposeResult:
        with Horizontal(classes="field"):
            yield Label(f"{name:<12}", classes="field-name")
            yield widget

    def _input(self, name: str, hint: str) -> Input:
        return Input(placeholder=hint, id=name, compact=True)

    def on_mount(self) -> None:
        """Begin with the first field that is still to be filled."""
        super().on_mount()
        self._show_stage("asking")
        self.query_one("#quantity" if self._chosen else "#entitlement").focus()

    def _show_stage(self, stage: str) -> None:
        for name in ("asking", "deciding", "done"):
            self.query_one(f"#{name}").display = name == stage

    def _say(self, text: str, style: str = "$error") -> None:
        self.query_one("#problem", Static).update(Content.assemble((harmless(text), style)))

    def _effect(self, content: Content) -> None:
        effect = self.query_one("#effect", Static)
        effect.update(content)
        effect.scroll_visible(animate=False)

    @property
    def _entitlement(self) -> EntitlementRow | None:
        value = self.query_one("#entitlement", Select).value
        return self._catalogue.get(value) if isinstance(value, str) else None

    def _typed(self) -> Typed:
        def text(name: str) -> str:
            return self.query_one(f"#{name}", Input).value

        if self._kind != "issue":
            return Typed(text("quantity"), text("reason"), text("reference"))
        category = self.query_one("#category", Select).value
        return Typed(
            text("quantity"), text("reason"), text("reference"), text("expires_at"), str(category)
        )

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        """Go to the next field; from the last one, to the preview."""
        fields = [each for each in self.query(Input) if each.id is not None]
        if self.focused is fields[-1]:
            self.action_preview()
        else:
            self.focus_next()

    def on_input_changed(self, _event: Input.Changed) -> None:
        """Withdraw the preview of what is no longer asked for."""
        self._withdraw()

    def on_select_changed(self, _event: Select.Changed) -> None:
        """Withdraw the preview of what is no longer asked for."""
        self._withdraw()

    def _withdraw(self) -> None:
        if self._posting or self._made is not None:
            return
        self.drop("preview")
        self._previewed = None
        self._say("")
        self.query_one("#effect", Static).update(Content(""))
        self._show_stage("asking")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Do what the button says."""
        event.stop()
        if event.button.id == "preview":
            self.action_preview()
        elif event.button.id == "confirm":
            self._confirm()
        elif event.button.id == "withdraw":
            self._back_to_fields()
        else:
            self.action_back()

    def _back_to_fields(self) -> None:
        self._withdraw()
        self.query_one("#quantity").focus()

    def action_preview(self) -> None:
        """Ask what the command would do."""
        if self._posting or self._made is not None or self.session is None:
            return
        try:
            command = command_of(
                self._kind, self._who.id, self._entitlement, self._typed(), self._key
            )
        except FieldError as error:
            self._say(f"{error.name.replace('_at', '')}: {error}")
            self.query_one(f"#{error.name}").focus()
            return
        actor = self.session.actor
        self._say("asking what this would do…", "$secondary")
        self.ask(
            "preview",
            lambda ledger: ledger.preview([command], actor=actor)[0],
            lambda outcome: self._show_preview(command, outcome),
        )

    def _show_preview(self, command: Mapping[str, Any], outcome: Outcome) -> None:
        self._say("")
        entitlement = self._catalogue[command["entitlement"]]
        self._effect(describing.outcome(outcome, entitlement, happened=False))
        if outcome.code is not None:
            self._say("It would be refused: change the form, or Esc.")
            return
        self._previewed = command
        self._show_stage("deciding")
        self.query_one("#withdraw").focus()
        self.query_one("#confirm").scroll_visible(animate=False)

    def _confirm(self) -> None:
        command = self._previewed
        if command is None or self._posting or self.session is None:
            return
        actor = self.session.actor
        self._posting = True
        self._say("posting…", "$secondary")
        self.ask(
            "post",
            lambda ledger: ledger.post([command], actor=actor)[0],
            lambda outcome: self._show_result(command, outcome),
        )

    def _show_result(self, command: Mapping[str, Any], outcome: Outcome) -> None:
        self._posting = False
        self._say("")
        entitlement = self._catalogue[command["entitlement"]]
        self._effect(describing.outcome(outcome, entitlement, happened=True))
        self.console.recorded()
        if outcome.code is not None:
            # The refusal is recorded under this key: another try is another intention.
            self._key, self._previewed = self._new_key(), None
            self._show_stage("asking")
            self._say("It was refused, and the refusal is recorded: change the form, or Esc.")
            self.query_one("#quantity").focus()
            return
        self._made = outcome.transaction
        self._show_stage("done")
        for field in self.query(".field"):
            field.disabled = True
        self.query_one("#close").focus()

    def failed(self, message: str) -> None:
        """Keep what was typed, and the key: asking again records it once at most."""
        self._posting = False
        self._say(f"{message}. What you typed is kept: try again.")

    def action_back(self) -> None:
        """Leave; but not while the ledger is recording."""
        if self._posting:
            self._say("posting: one moment", "$warning")
        elif self._made is None and self._previewed is not None:
            self._back_to_fields()
        else:
            self.dismiss(self._made)
