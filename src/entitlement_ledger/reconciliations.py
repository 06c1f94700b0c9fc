"""Answers of reconciliation: a run, and the discrepancies that it told.

Quantities are whole numbers in the entitlement's smallest unit, times instants (microseconds since
1970, UTC). Text is as it came from outside.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from entitlement_ledger.domain.instants import Instant

INVOICE = "invoice:"
"""How a reference to an invoice line begins."""

PRODUCT, ENTITLEMENT = "product:", "entitlement:"
"""How a reference to what is in the catalogue begins."""


class Against(StrEnum):
    """What an outside file is an extract of."""

    BILLING = "billing"
    CAM = "cam"
    CATALOG = "catalog"


class Class(StrEnum):
    """What is wrong with a line.

    `UNEXPLAINED` says of a line that was matched that the catalogue gives something else.
    """

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    AMOUNT = "amount"
    DUPLICATE = "duplicate"
    TIMING = "timing"
    PROPOSED = "proposed"
    UNEXPLAINED = "unexplained"


class Side(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one side says, so that both can be looked at beside each other.

    Attributes:
        at: when it counts there.
        line: of the file, from 1.
        transaction: id of a transaction of the ledger.
    """

    what: str
    quantity: int | None = None
    status: str | None = None
    at: Instant | None = None
    line: int | None = None
    transaction: str | None = None


class Discrepancy(msgspec.Struct, frozen=True, kw_only=True):
    """One line of one side that does not agree with the other side.

    Attributes:
        id: stays the same from run to run.
        reference: what the line is known by: `invoice:ID`, `customer:ID` or `product:CODE`.
        ours, theirs: what the two sides say: a quantity, a time or a word; None is nothing.
        our_side, their_side: what was compared, for looking at both.
        proposal: a command that would settle it; never posted by itself.
        first_run: the run that told it first, of those in a row that did.
        first_seen: when that was.
    """

    id: str
    class_: Class = msgspec.field(name="class")
    reference: str
    customer: str | None
    ours: int | str | None
    theirs: int | str | None
    why: str
    proposal: dict[str, Any] | None = None
    our_side: tuple[Side, ...] = ()
    their_side: tuple[Side, ...] = ()
    first_run: int = 0
    first_seen: Instant = 0


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of reconciliation.

    Attributes:
        file: the file's name, without its folder.
        feed: SHA-256 of the file's bytes, and of how its columns were mapped where they were.
        since, until: the period, half-open; None is without end.
        size, root: how many events the ledger held then, and the root of their hash tree.
        lines: how many the file has; `outside` lie outside the period.
        matched: how many lines agree.
        counts: discrepancies by class.
        resolved: those of the run before that were not told any more; `ageing` were told before.
        previous: the run before of the same kind and period.
        digest: SHA-256 over the discrepancies.
    """

    number: int
    against: Against
    file: str
    feed: str
    since: Instant | None
    until: Instant | None
    size: int
    root: str
    lines: int
    outside: int
    matched: int
    counts: dict[str, int]
    new: int
    ageing: int
    resolved: int
    previous: int | None
    lines_digest: str
    digest: str
    actor: str
    recorded_at: Instant

    @property
    def discrepancies(self) -> int:
        """How many lines do not agree."""
        return sum(n for name, n in self.counts.items() if name != Class.UNEXPLAINED)
