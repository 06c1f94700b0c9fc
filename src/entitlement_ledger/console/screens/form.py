"""The form: ask for a change, see what it would do, confirm it, see what it did."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Select, Static

from entitlement_ledger.answers import EntitlementRow, ProductRow
from entitlement_ledger.console.actions import FORM, bindings_of
from entitlement_ledger.console.requests import (
    CHOICES,
    FORMS,
    PRODUCT_FIELDS,
    Catalogue,
    FieldError,
    at_fault,
    called,
    command_of,
)
from entitlement_ledger.console.screens import describing
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.widgets.text_input import TextInput
from entitlement_ledger.console.wording import plain
from entitlement_ledger.harmless import harmless

if TYPE_CHECKING:
    from entitlement_ledger.domain.decide import Outcome

_HINTS = {
    "expires_at": "a day, or empty: never",
    "timezone": "such as Europe/Berlin, or empty: UTC",
    "reason": "why: an auditor will ask",
    "reference": "ticket:T-1, invoice:INV-1, order:…",
}


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
        customer: str,
        catalogue: Catalogue,
        given: Mapping[str, str],
        below: tuple[str, ...],
    ) -> None:
        super().__init__()
        self._below = below
        self._kind = kind
        self._customer = customer
        self._catalogue = catalogue
        self._given = given
        self._key = self._new_key()
        self._previewed: Mapping[str, Any] | None = None
        self._posting = False
        self._made: str | None = None

    @staticmethod
    def _new_key() -> str:
        return f"console:{uuid.uuid4()}"

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return (*self._below, FORMS[self._kind].title)

    def load(self) -> None:
        """Ask for nothing: a form begins empty."""

    @property
    def unrecorded(self) -> bool:
        """Whether something was typed into a field, and nothing came of it yet."""
        typed = any(each.value for each in self.query(".field Input").results(Input))
        return typed and self._made is None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave out the preview of what is recorded already."""
        if action == "preview" and self._made is not None:
            return False
        return super().check_action(action, parameters)

    def compose_body(self) -> ComposeResult:
        """Lay out the fields over what they would do."""
        yield Static(plain(self._headline()), id="form-title")
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

    def _headline(self) -> str:
        about = self._given.get("transaction")
        return f"{FORMS[self._kind].title} {about or ''} for {self._customer}".replace("  ", " ")

    def _fields(self) -> ComposeResult:
        form = FORMS[self._kind]
        for name in (*form.fields, "reason", "reference"):
            with Horizontal(classes="field"):
                yield Label(f"{called(name):<12}", classes="field-name")
                yield self._widget(name)

    def _widget(self, name: str) -> Input | Select[str]:
        """Make the widget that a field is filled in with."""
        if name in CHOICES:
            choices = [(choice.replace("_", " "), choice) for choice in CHOICES[name]]
            first = CHOICES[name][0]
            return Select(choices, value=first, allow_blank=False, id=name, compact=True)
        if name == "entitlement" or name in PRODUCT_FIELDS:
            options = self._options(name)
            chosen = self._given.get(name)
            known = chosen if chosen in [code for _, code in options] else None
            return Select(options, value=known or Select.NULL, id=name, compact=True)
        hint = FORMS[self._kind].quantity if name == "quantity" else _HINTS[name]
        return TextInput(placeholder=hint, id=name)

    def _options(self, name: str) -> list[tuple[Content, str]]:
        """Give what can be chosen; what a customer has first where that is what is meant."""
        rows: Iterable[EntitlementRow | ProductRow]
        if name == "entitlement":
            rows = self._catalogue.entitlements.values()
        elif name == "to" or self._kind == "purchase":
            rows = self._catalogue.products.values()
        else:
            held = self._catalogue.subscribed
            rows = [each for code, each in self._catalogue.products.items() if code in held]
        giving = self._kind in ("issue", "purchase") or name == "to"
        return [
            (plain(f"{each.name or each.code}, {each.code}"), each.code)
            for each in rows
            if each.status == "active" or not giving
        ]

    def on_mount(self) -> None:
        """Begin with the first field that is still to be filled."""
        self._show_stage("asking")
        self._first_empty().focus()

    def _first_empty(self) -> Widget:
        for each in self.query(".field Select, .field Input"):
            if isinstance(each, Select) and each.value == Select.NULL:
                return each
            if isinstance(each, Input) and not each.value:
                return each
        return self.query_one("#reason")

    def _show_stage(self, stage: str) -> None:
        for name in ("asking", "deciding", "done"):
            self.query_one(f"#{name}").display = name == stage

    def _say(self, text: str, style: str = "$error") -> None:
        self.query_one("#problem", Static).update(Content.assemble((harmless(text), style)))

    def _effect(self, content: Content) -> None:
        effect = self.query_one("#effect", Static)
        effect.update(content)
        effect.scroll_visible(animate=False, top=True)

    def _typed(self) -> dict[str, str]:
        typed = {each.id or "": each.value for each in self.query(".field Input").results(Input)}
        for each in self.query(".field Select").results(Select):
            typed[each.id or ""] = each.value if isinstance(each.value, str) else ""
        return typed

    def _scale(self, typed: Mapping[str, str]) -> int | None:
        code = typed.get("entitlement") or self._given.get("entitlement", "")
        known = self._catalogue.entitlements.get(code)
        return None if known is None else known.scale

    def _command(self) -> Mapping[str, Any]:
        """Make the command that is asked for.

        Raises:
            FieldError: the first field that cannot be used.
        """
        typed = self._typed()
        given: dict[str, Any] = {"key": self._key, "customer": self._customer}
        if "transaction" in self._given:
            given["transaction"] = self._given["transaction"]
        return command_of(self._kind, given, typed, self._scale(typed))

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
        self.query_one(".field Input").focus()

    def action_preview(self) -> None:
        """Ask what the command would do."""
        if self._posting or self._made is not None or self.session is None:
            return
        try:
            command = self._command()
        except FieldError as error:
            self._say(f"{called(error.name)}: {error}")
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
        self._effect(describing.outcome(outcome, self._catalogue.entitlements, happened=False))
        if outcome.code is not None:
            self._refused(outcome, "it would be refused: change {field}, or {back}.")
            return
        self._previewed = command
        self._show_stage("deciding")
        self.query_one("#withdraw").focus()
        self.query_one("#confirm").scroll_visible(animate=False)

    def _refused(self, outcome: Outcome, said: str) -> None:
        """Go to the field that a refusal is about, and name it; what was typed stays."""
        name = at_fault(self._kind, outcome.code or "", outcome.message)
        text = self.with_keys(said.replace("{field}", "it" if name else "the form"))
        if name is None:
            self._say(text[0].upper() + text[1:])
            self.query_one(".field Input").focus()
        else:
            self._say(f"{called(name)}: {text}")
            self.query_one(f"#{name}").focus()

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
            self._show_result,
        )

    def _show_result(self, outcome: Outcome) -> None:
        self._posting = False
        self._say("")
        self._effect(describing.outcome(outcome, self._catalogue.entitlements, happened=True))
        self.console.recorded()
        if outcome.code is not None:
            # The refusal is recorded under this key: another try is another intention.
            self._key, self._previewed = self._new_key(), None
            self._show_stage("asking")
            self._refused(
                outcome, "it was refused, and the refusal is recorded: change {field}, or {back}."
            )
            return
        self._made = outcome.transaction
        self._show_stage("done")
        self.refresh_bindings()
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
