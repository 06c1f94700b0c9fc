"""Commands that would settle a discrepancy. They are proposed, and never posted by themselves.

They have no key yet: whoever tells the discrepancy gives it one that stays the same until the
discrepancy is settled, so that posting a proposal twice settles it once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from entitlement_ledger.domain.catalogue import CustomerStatus, ProductLine
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.instants import Instant, format_instant
from entitlement_ledger.domain.periods import nth, parse_period
from entitlement_ledger.reconcile.sides import Given, InvoiceLine, Right
from entitlement_ledger.reconciliations import INVOICE

Terms = Mapping[tuple[str, str], tuple[str | None, ProductLine]]
"""By product and entitlement: the product's period, and its line, as sold now."""

_REVERSIBLE = (CommandType.ISSUE, CommandType.ADJUST, CommandType.PURCHASE)
_UTC = ZoneInfo("UTC")
Command = dict[str, Any]


class Proposals:
    """Makes proposals by the catalogue, for a ledger of which a period may be closed.

    `sold_now` says of every right that is known here whether it can be given now.
    """

    def __init__(
        self,
        terms: Terms,
        sold_now: Mapping[Right, bool],
        closed_until: Instant | None,
        now: Instant,
    ) -> None:
        self._terms = terms
        self._sold_now = sold_now
        self._closed_until = closed_until
        self._now = now

    def hindrance(self, line: InvoiceLine) -> str | None:
        """Say why nothing could be given for a line, whatever was sold; None where it can."""
        kind, code = line.right
        if not line.customer:
            return "it names no customer"
        if line.customer_status is None:
            return "no such customer here: import it first"
        if line.customer_status == CustomerStatus.CLOSED:
            return "the customer is closed"
        if not code:
            return "it names neither entitlement nor product"
        if line.right not in self._sold_now:
            return f"no such {kind} here: import the catalogue first"
        return None if self._sold_now[line.right] else f"the {kind} is retired"

    def give(self, line: InvoiceLine, quantity: int) -> Command | None:
        """Give what was sold and is lacking, as it would have been given then."""
        if quantity <= 0 or self.hindrance(line) is not None:
            return None
        command: Command = {"customer": line.customer, "reference": f"{INVOICE}{line.name}"}
        begins = self._now
        if self._closed_until is None or line.dated_at >= self._closed_until:
            begins = line.dated_at
            command["effective_at"] = format_instant(begins)
        kind, code = line.right
        if kind == "product":
            # A product is bought once; what else is lacking of it nobody can give by a command.
            bought = {"type": "purchase", "product": code, **command}
            return bought if quantity == line.sold == 1 else None
        terms = self._of(line, code, begins)
        return {"type": "issue", "entitlement": code, "quantity": quantity, **command, **terms}

    def _of(self, line: InvoiceLine, code: str, begins: Instant) -> Command:
        """Give validity, priority and category as the product gives them."""
        found = self._terms.get((line.product, code))
        if found is None:
            return {}
        period, terms = found
        said: Command = {"priority": terms.priority, "category": terms.category.value}
        valid_for = period if terms.valid_for == "period" else terms.valid_for
        if valid_for is not None:
            ends = nth(begins, parse_period(valid_for), 1, _UTC)
            said["expires_at"] = format_instant(ends)
        return said

    @staticmethod
    def take_back(named: Sequence[Given], right: Right, quantity: int, why: str) -> Command | None:
        """Take back what was given too much, as far as it has not been spent.

        From the one of them that has most of it left, the latest of such; the next run goes on.
        """

        def takes(given: Given) -> int:
            part = given.parts[right]
            return min(quantity, part.left, part.available)

        given = max(named, key=lambda each: (takes(each), each.sequence))
        part, wanted = given.parts[right], takes(given)
        if wanted <= 0 or given.did not in _REVERSIBLE:
            return None
        command: Command = {
            "type": "reverse",
            "customer": given.customer,
            "transaction": given.transaction,
            "reason": why,
        }
        if given.product is None:
            return {**command, "quantity": wanted}
        # A purchase is taken back whole or not at all, and not for one of several parts.
        whole = right == given.main or set(given.parts) == {right, given.main}
        return command if whole and wanted == part.left else None
