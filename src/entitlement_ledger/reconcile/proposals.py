"""Commands that would settle a discrepancy. They are proposed, and never posted by themselves.

They have no key yet: whoever tells the discrepancy gives it one that stays the same until the
discrepancy is settled, so that posting a proposal twice settles it once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from entitlement_ledger.domain.catalogue import ProductLine
from entitlement_ledger.domain.instants import Instant, format_instant
from entitlement_ledger.domain.periods import nth, parse_period
from entitlement_ledger.reconcile.sides import Given, InvoiceLine, Right
from entitlement_ledger.reconciliations import INVOICE

Terms = Mapping[tuple[str, str], tuple[str | None, ProductLine]]
"""By product and entitlement: the product's period, and its line, as sold now."""

_UTC = ZoneInfo("UTC")
Command = dict[str, Any]


class Proposals:
    """Makes proposals by the catalogue, for a ledger of which a period may be closed."""

    def __init__(self, terms: Terms, closed_until: Instant | None) -> None:
        self._terms = terms
        self._closed_until = closed_until

    def give(self, line: InvoiceLine, quantity: int) -> Command | None:
        """Give what was sold and is lacking, as it would have been given then."""
        if quantity <= 0 or not line.customer:
            return None
        command: Command = {"customer": line.customer, "reference": f"{INVOICE}{line.name}"}
        if self._closed_until is None or line.dated_at >= self._closed_until:
            command["effective_at"] = format_instant(line.dated_at)
        kind, code = line.right
        if kind == "product":
            # A product is bought once; what else is lacking of it nobody can give by a command.
            bought = {"type": "purchase", "product": code, **command}
            return bought if quantity == line.sold == 1 else None
        terms = self._of(line, code, quantity)
        return {"type": "issue", "entitlement": code, "quantity": quantity, **command, **terms}

    def _of(self, line: InvoiceLine, code: str, quantity: int) -> Command:
        """Give validity, priority and category as the product gives them."""
        found = self._terms.get((line.product, code))
        if found is None:
            return {}
        period, terms = found
        said: Command = {"priority": terms.priority, "category": terms.category.value}
        valid_for = period if terms.valid_for == "period" else terms.valid_for
        if valid_for is not None:
            ends = nth(line.dated_at, parse_period(valid_for), 1, _UTC)
            said["expires_at"] = format_instant(ends)
        return said

    @staticmethod
    def take_back(given: Given, right: Right, quantity: int, why: str) -> Command | None:
        """Take back what was given too much, as far as it has not been spent."""
        part = given.parts[right]
        wanted = min(quantity, part.left, part.available)
        if wanted <= 0:
            return None
        command: Command = {
            "type": "reverse",
            "customer": given.customer,
            "transaction": given.transaction,
            "reason": why,
        }
        if given.product is None:
            return {**command, "quantity": wanted}
        # A purchase is taken back whole or not at all.
        return command if wanted == part.left else None
