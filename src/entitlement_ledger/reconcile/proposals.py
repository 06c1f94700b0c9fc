"""Commands that would settle a discrepancy. They are proposed, and never posted by themselves.

What the ledger would refuse is not proposed; then it is said what stands against it. Commands have
no key yet: whoever tells the discrepancy gives it one that stays the same until the discrepancy is
settled, so that posting a proposal twice settles it once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.catalogue import CatalogueStatus, CustomerStatus, Product
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.instants import Instant, format_instant
from entitlement_ledger.domain.periods import nth, parse_period
from entitlement_ledger.domain.subscriptions import Subscription
from entitlement_ledger.domain.texts import NAME_LENGTH_MAX
from entitlement_ledger.reconcile.sides import Given, InvoiceLine, Right
from entitlement_ledger.reconciliations import INVOICE

_REVERSIBLE = (CommandType.ISSUE, CommandType.ADJUST, CommandType.PURCHASE)
_RETIRED = CatalogueStatus.RETIRED
_UTC = ZoneInfo("UTC")
Command = dict[str, Any]


class _Against(Exception):
    """What stands against a command, to be said behind the rest."""


class Proposals:
    """Makes proposals for one customer, as the catalogue is now."""

    def __init__(self, book: Book, now: Instant, subscriptions: Iterable[Subscription]) -> None:
        self._book = book
        self._now = now
        self._subscriptions = tuple(subscriptions)
        self._bought: dict[str, InvoiceLine] = {}

    def give(self, line: InvoiceLine, quantity: int) -> Command | str:
        """Give what was sold and is lacking, as it would have been given then.

        A text says what stands against it.
        """
        try:
            return self._given(line, quantity)
        except _Against as against:
            return str(against)

    def _given(self, line: InvoiceLine, quantity: int) -> Command:
        self._can_be_given(line)
        command: Command = {"customer": line.customer, "reference": f"{INVOICE}{line.name}"}
        begins, closed_until = self._now, self._book.closed_until
        if closed_until is None or line.dated_at >= closed_until:
            begins = line.dated_at
            command["effective_at"] = format_instant(begins)
        kind, code = line.right
        if kind == "product":
            if not quantity == line.sold == 1:
                raise _Against("a product is bought once, and no command gives more of it")
            self._can_be_bought(line, begins)
            self._bought[code] = line
            return {"type": "purchase", "product": code, **command}
        if quantity <= 0:
            raise _Against("what is nothing or less cannot be given")
        terms = self._terms(line, code, begins)
        return {"type": "issue", "entitlement": code, "quantity": quantity, **command, **terms}

    def _can_be_given(self, line: InvoiceLine) -> None:
        """Refuse what could not be given to anybody, or not to this customer."""
        kind, code = line.right
        if not line.customer:
            raise _Against("it names no customer")
        if line.customer_status is None:
            raise _Against("no such customer here: import it first")
        if line.customer_status == CustomerStatus.CLOSED:
            raise _Against("the customer is closed")
        if not code:
            raise _Against("it names neither entitlement nor product")
        if len(line.name) > NAME_LENGTH_MAX - len(INVOICE):
            raise _Against("its id is too long for a reference to it")
        known = self._status(line.right)
        if known is None:
            raise _Against(f"no such {kind} here: import the catalogue first")
        if known is _RETIRED:
            raise _Against(f"the {kind} is retired")

    def _status(self, right: Right) -> CatalogueStatus | None:
        kind, code = right
        if kind == "product":
            product = self._book.newest_product(code)
            return None if product is None else product.status
        entitlement = self._book.entitlements.get(code)
        return None if entitlement is None else entitlement.status

    def _can_be_bought(self, line: InvoiceLine, begins: Instant) -> None:
        """Refuse a product that gives what is retired or lasts too long, or that is had already."""
        code = line.product
        product = self._book.product_at(code, begins)
        assert product is not None, "it is in the catalogue"
        for each in product.lines:
            if self._status(("entitlement", each.entitlement)) is _RETIRED:
                raise _Against(f"the product gives {each.entitlement}, which is retired")
        for span in _spans(product):
            _end(begins, span)
        for held in self._subscriptions:
            if held.product == code and not held.over(begins):
                since = format_instant(held.anchor)
                raise _Against(f"the customer is subscribed to {code} already, since {since}")
        if (other := self._bought.get(code)) is not None:
            raise _Against(
                f"the customer is to buy {code} for {INVOICE}{other.name}, and only once"
            )

    def _terms(self, line: InvoiceLine, code: str, begins: Instant) -> Command:
        """Give validity, priority and category as the product gives them."""
        product = self._book.newest_product(line.product)
        lines = () if product is None else product.lines
        terms = next((each for each in reversed(lines) if each.entitlement == code), None)
        if product is None or terms is None:
            return {}
        said: Command = {"priority": terms.priority, "category": terms.category.value}
        valid_for = product.period if terms.valid_for == "period" else terms.valid_for
        if valid_for is not None:
            said["expires_at"] = format_instant(_end(begins, valid_for))
        return said

    @staticmethod
    def take_back(named: Sequence[Given], right: Right, quantity: int, why: str) -> Command | str:
        """Take back what was given too much, as far as it has not been spent.

        From the one of them that has most of it left, the latest of such; the next run goes on.
        A text says what stands against it.
        """

        def takes(given: Given) -> int:
            part = given.parts[right]
            return min(quantity, part.left, part.available)

        given = max(named, key=lambda each: (takes(each), each.sequence))
        part, wanted = given.parts[right], takes(given)
        if given.did not in _REVERSIBLE:
            return f"a {given.did} is not reversed: adjust or cancel what it gave"
        if given.product is not None:
            # A purchase is taken back whole or not at all, and not for one of several parts.
            whole = right == given.main or set(given.parts) == {right, given.main}
            if not whole or wanted <= 0 or wanted != part.left:
                return "a purchase is taken back whole and untouched only: cancel it"
        if wanted <= 0:
            return "nothing of it is left to take back"
        command: Command = {
            "type": "reverse",
            "customer": given.customer,
            "transaction": given.transaction,
            "reason": why,
        }
        return command if given.product is not None else {**command, "quantity": wanted}


def _spans(product: Product) -> set[str]:
    """Give the durations that count from the moment a product is bought."""
    spans = (product.period, *(each.valid_for for each in product.lines))
    return {each for each in spans if each is not None and each != "period"}


def _end(begins: Instant, span: str) -> Instant:
    try:
        return nth(begins, parse_period(span), 1, _UTC)
    except ValueError as error:
        raise _Against(str(error)) from None
