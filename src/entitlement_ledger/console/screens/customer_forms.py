"""The forms about a customer, one key each."""

from __future__ import annotations

from entitlement_ledger.console.screens.base import LedgerScreen


class CustomerForms(LedgerScreen):
    """A screen on which something can be asked for a customer."""

    def open_form_for(self, kind: str) -> None:
        """Open a form for the customer that is shown."""
        raise NotImplementedError

    def action_issue(self) -> None:
        """Issue a grant to the selected customer."""
        self.open_form_for("issue")

    def action_adjust(self) -> None:
        """Correct the selected customer's balance."""
        self.open_form_for("adjust")

    def action_consume(self) -> None:
        """Consume for the selected customer."""
        self.open_form_for("consume")

    def action_hold(self) -> None:
        """Hold a quantity for the selected customer."""
        self.open_form_for("hold")

    def action_purchase(self) -> None:
        """Open a subscription."""
        self.open_form_for("purchase")

    def action_renew(self) -> None:
        """Renew a subscription."""
        self.open_form_for("renew")

    def action_upgrade(self) -> None:
        """Change a subscription to a higher product."""
        self.open_form_for("upgrade")

    def action_downgrade(self) -> None:
        """Change a subscription to a lower product."""
        self.open_form_for("downgrade")

    def action_cancel(self) -> None:
        """End a subscription."""
        self.open_form_for("cancel")
