"""One transaction, or one balance, with everything that explains it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from entitlement_ledger.answers import Explanation, TransactionDetail
from entitlement_ledger.console.actions import DETAIL, TRANSACTION, bindings_of
from entitlement_ledger.console.screens import describing
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.screens.why import ask_why_balance, ask_why_refused
from entitlement_ledger.harmless import harmless


class DetailScreen(LedgerScreen):
    """A page of text that can be scrolled."""

    WHERE: ClassVar[tuple[str, ...]] = (DETAIL,)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(DETAIL)

    def compose_body(self) -> ComposeResult:
        """Lay out the page."""
        with VerticalScroll(id="page"):
            yield Static(Content("…"), id="detail")

    def show(self, content: Content) -> None:
        """Show the page."""
        self.query_one("#detail", Static).update(content)

    def failed(self, message: str) -> None:
        """Say on the page why there is nothing on it."""
        self.show(Content.assemble((harmless(message), "$error")))

    def action_scroll_down(self) -> None:
        """Scroll down by a line."""
        self._page.scroll_down(animate=False)

    def action_scroll_up(self) -> None:
        """Scroll up by a line."""
        self._page.scroll_up(animate=False)

    def action_scroll_home(self) -> None:
        """Scroll to the top."""
        self._page.scroll_home(animate=False)

    def action_scroll_end(self) -> None:
        """Scroll to the end."""
        self._page.scroll_end(animate=False)

    @property
    def _page(self) -> VerticalScroll:
        return self.query_one("#page", VerticalScroll)

    def copied(self) -> str:
        """Give what `y` copies."""
        raise NotImplementedError

    def customer(self) -> str | None:
        """Give the customer that this is about."""
        raise NotImplementedError

    def action_why(self) -> None:
        """Say why it is so, in sentences."""
        raise NotImplementedError

    def action_copy_value(self) -> None:
        """Copy the id."""
        self.app.copy_to_clipboard(self.copied())

    def action_open_customer(self) -> None:
        """Show the customer."""
        customer = self.customer()
        if customer is not None:
            self.console.open_customer(customer)


class TransactionScreen(DetailScreen):
    """What happened, who asked, what it changed, and the event that proves it."""

    WHERE: ClassVar[tuple[str, ...]] = (DETAIL, TRANSACTION)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(TRANSACTION)

    def __init__(self, transaction: str) -> None:
        super().__init__()
        self._transaction = transaction
        self._detail: TransactionDetail | None = None

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Ledger", self._transaction)

    def load(self) -> None:
        """Ask for the transaction."""
        self.ask("detail", lambda ledger: ledger.transaction(self._transaction), self._show)

    def _show(self, detail: TransactionDetail) -> None:
        self._detail = detail
        self.show(describing.transaction(detail))
        self.refresh_bindings()

    def action_why(self) -> None:
        """Say why this transaction was refused."""
        if self._detail is not None:
            ask_why_refused(self, self._detail.row)

    def copied(self) -> str:
        """Give the transaction's id."""
        return self._transaction

    def _open_form(self, kind: str) -> None:
        """Open a form about this transaction, which has to have been read."""
        if self._detail is not None:
            row = self._detail.row
            given = {"transaction": row.transaction, "entitlement": row.entitlement or ""}
            self.open_form(kind, row.customer, given)

    def action_reverse(self) -> None:
        """Undo this transaction."""
        self._open_form("reverse")

    def action_capture(self) -> None:
        """Consume what this hold keeps."""
        self._open_form("capture")

    def action_release(self) -> None:
        """Give back what this hold keeps."""
        self._open_form("release")

    def action_approve(self) -> None:
        """Carry out this proposal."""
        self._open_form("approve")

    def action_reject(self) -> None:
        """Turn this proposal down."""
        self._open_form("reject")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done with this transaction."""
        about_it = ("capture", "release", "reverse", "approve", "reject")
        if action in about_it and action not in _possible(self._detail):
            return False
        return super().check_action(action, parameters)

    def customer(self) -> str | None:
        """Give whose transaction it is."""
        return self._detail.row.customer if self._detail else None


def _possible(detail: TransactionDetail | None) -> tuple[str, ...]:
    """Say what can be asked for about a transaction; the ledger decides whether it may be."""
    from entitlement_ledger.domain.commands import REVERSIBLE

    if detail is None or detail.row.code is not None:
        return ()
    if detail.proposal:
        return ("approve", "reject") if detail.row.status == "pending" else ()
    if detail.does == "hold":
        # Of one that has lapsed a capture may be heard of late.
        return ("capture", "release") if detail.row.status in ("pending", "expired") else ()
    undone = detail.row.status == "reversed"
    return ("reverse",) if detail.does in REVERSIBLE and not undone else ()


class ExplanationScreen(DetailScreen):
    """A balance grant by grant, and what the next draw would take."""

    def __init__(self, customer: str, entitlement: str) -> None:
        super().__init__()
        self._customer = customer
        self._entitlement = entitlement

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Customers", self._customer, self._entitlement)

    def load(self) -> None:
        """Ask for the explanation."""
        moment = self.moment
        self.ask(
            "detail",
            lambda ledger: ledger.explain(
                self._customer, self._entitlement, at=moment.at, known_at=moment.known_at
            ),
            self._show,
        )

    def _show(self, explained: Explanation) -> None:
        self.show(describing.explanation(explained, self.console.letters))

    def action_why(self) -> None:
        """Say why this balance is what it is."""
        ask_why_balance(self, self._customer, self._entitlement)

    def copied(self) -> str:
        """Give the customer's id."""
        return self._customer

    def customer(self) -> str | None:
        """Give whose balance it is."""
        return self._customer
