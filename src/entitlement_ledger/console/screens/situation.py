"""A customer's situation whole: what lapses, what was lost and why, open holds, tickets."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.screens.detail import DetailScreen
from entitlement_ledger.console.situated import lines, whole
from entitlement_ledger.situations import Situation

_LIMIT = 200


def ask_situation(screen: LedgerScreen, shown: Static, customer: str | None) -> None:
    """Show in a few lines what whoever answers a customer has to know besides balances."""
    if customer is None:
        screen.drop("situation")
        shown.update(Content(""))
        return
    moment = screen.moment

    def show(told: Situation) -> None:
        shown.update(lines(told, shown.size.width))

    screen.ask(
        "situation",
        lambda ledger: ledger.situation(customer, at=moment.at, known_at=moment.known_at),
        show,
    )


class SituationScreen(DetailScreen):
    """What was lost, lapses, is held and was asked, of one customer."""

    def __init__(self, customer: str) -> None:
        super().__init__()
        self._customer = customer

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Customers", self._customer, "Situation")

    def load(self) -> None:
        """Ask for all of it."""
        moment = self.moment
        self.ask(
            "situation",
            lambda ledger: ledger.situation(
                self._customer, limit=_LIMIT, at=moment.at, known_at=moment.known_at
            ),
            lambda told: self.show(whole(told)),
        )

    def copied(self) -> str:
        """Give the customer's id."""
        return self._customer

    def customer(self) -> str | None:
        """Give the customer."""
        return self._customer

    def action_why(self) -> None:
        """Say where reasons are told."""
        self.notify("Each line says why; a balance has more to tell.", markup=False)
