"""The two sides of billing as they are compared: invoice lines, and what the ledger gave."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from entitlement_ledger.domain.events import transaction_id
from entitlement_ledger.domain.instants import DAY, Instant
from entitlement_ledger.reconciliations import Class, Side

Right = tuple[str, str]
"""What a line or a transaction is about: (`entitlement` or `product`, its code)."""

PAID = "paid"


@dataclass(frozen=True, slots=True)
class Settings:
    """What finance allows.

    Attributes:
        tolerance: by how much quantities may differ, in the smallest unit.
        window: how far apart dates of a sale and of its grant may be, where no reference ties them.
    """

    tolerance: int = 0
    window: int = 3 * DAY


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line of a billing extract.

    Attributes:
        within: it lies in the period.
        first_line: where its id stands first in the file; `nth` counts the lines that have it.
        given_to: another customer, to whom the ledger gave something for it.
        customer_status: the status of its customer here; None where nobody here has that id.
    """

    line: int
    name: str
    customer: str
    product: str
    entitlement: str
    quantity: int | None
    status: str
    dated_at: Instant
    within: bool
    first_line: int
    nth: int
    given_to: str | None = None
    customer_status: str | None = None

    @property
    def right(self) -> Right:
        """What was sold: an entitlement, or else a product."""
        if self.entitlement:
            return "entitlement", self.entitlement
        return "product", self.product

    @property
    def sold(self) -> int:
        """How much was sold; a product without a quantity once."""
        return 1 if self.quantity is None else self.quantity

    @property
    def expected(self) -> int:
        """How much the customer is to have been given: of what is not paid, nothing."""
        return self.sold if self.status == PAID else 0

    def side(self) -> Side:
        """Show it beside the other side."""
        return Side(self.right[1], self.quantity, self.status, self.dated_at, line=self.line)


@dataclass(slots=True)
class Part:
    """What a transaction gave of one right.

    Attributes:
        left: how much after reversals.
        kept: how much was not taken back in any way.
        available: how much of it can still be taken back.
    """

    quantity: int
    left: int
    kept: int
    available: int


@dataclass(slots=True)
class Given:
    """One transaction that gave something.

    Attributes:
        name: the invoice line that it names, empty where it names nothing.
        billed_at: when that line was invoiced, if the ledger has imported it; `billed_within` says
            whether that lies in the period.
        billed_to: the customer of that line in the file, where it is another one.
        taken: of which rights lines have been found for it.
    """

    sequence: int
    did: str
    name: str
    customer: str
    product: str | None
    effective_at: Instant
    within: bool
    billed_at: Instant | None = None
    billed_within: bool | None = None
    billed_to: str | None = None
    parts: dict[Right, Part] = field(default_factory=dict)
    taken: set[Right] = field(default_factory=set)

    @property
    def transaction(self) -> str:
        """Its id."""
        return transaction_id(self.sequence)

    @property
    def main(self) -> Right:
        """What it is told by: the product where one was bought."""
        return next(iter(self.parts))

    @property
    def left(self) -> int:
        """How much is left of what it is told by."""
        return self.parts[self.main].left

    def take(self, right: Right) -> None:
        """Note that a line of this right has been found for it."""
        self.taken.add(right)

    def is_free(self, right: Right) -> bool:
        """Say whether a line of this right may still be found for it.

        A product is all of its parts: one line sells it whole, or one line each of them.
        """
        if right in self.parts and right[0] == "product":
            return not self.taken
        return right not in self.taken and self.main not in self.taken

    def side(self, right: Right) -> Side:
        """Show it beside the other side."""
        part = self.parts[right]
        return Side(right[1], part.quantity, at=self.effective_at, transaction=self.transaction)


@dataclass(slots=True)
class Draft:
    """A discrepancy before it has a name.

    Attributes:
        subject: what tells it from others of its reference.
        proposal: a command without its key.
    """

    class_: Class
    reference: str
    customer: str | None
    ours: int | str | None
    theirs: int | str | None
    why: str
    subject: tuple[str, ...] = ()
    proposal: dict[str, Any] | None = None
    our_side: tuple[Side, ...] = ()
    their_side: tuple[Side, ...] = ()


@dataclass(slots=True)
class Tally:
    """What became of lines: how many agree, how many lie outside, what is wrong with the rest."""

    matched: int = 0
    outside: int = 0
    found: list[Draft] = field(default_factory=list)


def gather(rows: Iterable[Any], now: Instant) -> list[Given]:
    """Make transactions of rows, one for each grant of a transaction.

    Of a grant that has expired nothing can be taken back, swept or not.
    """
    given: dict[int, Given] = {}
    for row in rows:
        each = given.get(row.sequence)
        if each is None:
            each = given[row.sequence] = Given(
                row.sequence,
                row.did,
                row.name,
                row.customer,
                row.product,
                row.effective_at,
                row.within,
                getattr(row, "billed_at", None),
                getattr(row, "billed_within", None),
                getattr(row, "their_customer", None),
            )
            if row.product is not None:
                each.parts["product", row.product] = Part(1, row.left_of_it, 0, row.left_of_it)
        over = row.expires_at is not None and row.expires_at <= now
        available = 0 if over else row.available
        if row.product is not None:
            # It is kept where any of it is, and taken back only where all of it is untouched.
            whole = each.parts["product", row.product]
            whole.kept = whole.left if row.kept else whole.kept
            whole.available = whole.available if available == row.quantity else 0
        if row.entitlement is None:
            continue
        left = row.left_of_it if row.product is None else row.quantity * (row.left_of_it > 0)
        part = each.parts.setdefault(("entitlement", row.entitlement), Part(0, 0, 0, 0))
        part.quantity += row.quantity
        part.left += left
        part.kept += row.kept
        part.available += available
    return list(given.values())
