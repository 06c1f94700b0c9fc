"""Saying why: sentences to be read out on the phone, or copied into a ticket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from entitlement_ledger.answers import TransactionRow
from entitlement_ledger.console.wording import plain
from entitlement_ledger.harmless import harmless

if TYPE_CHECKING:
    from entitlement_ledger.console.screens.base import LedgerScreen
    from entitlement_ledger.ledger import Ledger


class WhyScreen(ModalScreen[None]):
    """Sentences, one below the other."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,enter,q,w", "dismiss", "Close"),
        ("y", "copy_sentences", "Copy"),
    ]

    def __init__(self, question: str, sentences: Sequence[str]) -> None:
        super().__init__()
        self._question = question
        self._sentences = [harmless(sentence) for sentence in sentences]

    def compose(self) -> ComposeResult:
        """Lay out the question over the sentences."""
        with Vertical(classes="dialog"):
            yield Static(Content.assemble((harmless(self._question), "bold $primary")))
            with VerticalScroll(id="why-page"):
                yield Static(plain_lines(self._sentences), id="sentences")
            yield Static(
                Content.assemble(("times are UTC   y copies   Esc closes", "$secondary")),
                id="help-note",
            )

    def on_mount(self) -> None:
        """Begin where the arrow keys scroll."""
        self.query_one("#why-page").focus()

    def action_copy_sentences(self) -> None:
        """Copy the sentences, one after the other."""
        self.app.copy_to_clipboard(" ".join(self._sentences))


def plain_lines(sentences: Sequence[str]) -> Content:
    """Give sentences below each other; never markup."""
    return Content("\n").join(plain(sentence) for sentence in sentences)


def ask_why_balance(screen: LedgerScreen, customer: str, entitlement: str) -> None:
    """Ask for a balance as of the moment that is shown, and say why it is so."""
    moment = screen.moment

    def show(sentences: list[str]) -> None:
        if screen.is_current:
            screen.app.push_screen(WhyScreen(f"Why? {customer}, {entitlement}", sentences))

    def sentences(ledger: Ledger) -> list[str]:
        from entitlement_ledger.console.why import why_balance

        explained = ledger.explain(customer, entitlement, at=moment.at, known_at=moment.known_at)
        return why_balance(explained, moment)

    screen.ask("why", sentences, show)
    screen.console.keys_wait_for(screen, "why", opens=True)


def ask_why_refused(screen: LedgerScreen, row: TransactionRow) -> None:
    """Say why a transaction was refused; of one that was not, there is no such question."""
    if row.code is None:
        screen.notify("It was not refused: nothing stood in its way.", markup=False)
        return

    def show(sentences: list[str]) -> None:
        if screen.is_current:
            screen.app.push_screen(WhyScreen(f"Why? {row.transaction}, {row.code}", sentences))

    def sentences(ledger: Ledger) -> list[str]:
        from entitlement_ledger.console.why import why_refused

        return why_refused(ledger.transaction(row.transaction))

    screen.ask("why", sentences, show)
    screen.console.keys_wait_for(screen, "why", opens=True)
