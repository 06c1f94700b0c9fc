"""Matching one customer's invoice lines with what the ledger gave them.

An exact reference goes first; then customer, right, quantity and date together; then several for
one. What is only similar is proposed, never matched. Every line ends in exactly one class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from entitlement_ledger.domain.instants import DAY
from entitlement_ledger.reconcile.combining import look_same, summands
from entitlement_ledger.reconcile.proposals import Proposals
from entitlement_ledger.reconcile.sides import (
    PAID,
    Draft,
    Given,
    InvoiceLine,
    Right,
    Settings,
    Tally,
)
from entitlement_ledger.reconcile.telling import Telling

_SIMILAR = 31 * DAY
_JOINTS = "-_/.:"


class Matching:
    """The lines of one customer, and what they were given."""

    def __init__(
        self,
        lines: Sequence[InvoiceLine],
        items: Sequence[Given],
        loose: Sequence[Given],
        settings: Settings,
        proposals: Proposals,
    ) -> None:
        self._lines = sorted(lines, key=lambda each: (each.dated_at, each.line))
        self._items = sorted(items, key=lambda each: each.sequence)
        self._named: dict[str, list[Given]] = {}
        for given in self._items:
            self._named.setdefault(given.name, []).append(given)
        self._of_right: dict[Right, list[Given]] = {}
        for given in sorted((*loose, *items), key=lambda each: each.sequence):
            for right in given.parts:
                self._of_right.setdefault(right, []).append(given)
        self._settings = settings
        self._tell = Telling(proposals)
        self._tally = Tally()

    def run(self) -> Tally:
        """Put every line into its class."""
        left = self._by_reference()
        left = self._unpaid(left)
        for step in (self._one_to_one, self._one_to_many, self._many_to_one, self._similar):
            left = step(left)
        for line in left:
            self._find(line.within, self._tell.missing_here(line))
        for given, ours in self._without_line():
            if given.within:
                self._tally.found.append(self._tell.missing_there(given, ours))
        return self._tally

    # The steps: each gives the lines that are left

    def _by_reference(self) -> list[InvoiceLine]:
        left = []
        for line_there in self._lines:
            named = self._named.get(line_there.name, [])
            line = self._as_given(line_there, named)
            of_right = [each for each in named if line.right in each.parts]
            if line.nth > 1:
                self._find(line.within, self._tell.twice_there(line, of_right))
            elif of_right:
                for each in of_right:
                    each.take(line.right)
                self._judge(line, of_right)
            else:
                left.append(line)
        return left

    def _unpaid(self, lines: list[InvoiceLine]) -> list[InvoiceLine]:
        """What is not paid, and was not given, agrees."""
        for line in lines:
            if not line.expected:
                self._agree(line, [])
        return [line for line in lines if line.expected]

    def _one_to_one(self, lines: list[InvoiceLine]) -> list[InvoiceLine]:
        left = []
        for line in lines:
            same = [
                each
                for each in self._candidates(line)
                if self._alike(each.parts[line.right].left, line.expected)
            ]
            if same:
                near = min(same, key=lambda each: (_apart(line, each), each.sequence))
                near.take(line.right)
                self._agree(line, [near])
            else:
                left.append(line)
        return left

    def _one_to_many(self, lines: list[InvoiceLine]) -> list[InvoiceLine]:
        """One line that several transactions together have served."""
        left = []
        for line in lines:
            parts = self._candidates(line)
            found, alone = summands([each.parts[line.right].left for each in parts], line.expected)
            served = [parts[place] for place in found]
            for each in served:
                each.take(line.right)
            if not served:
                left.append(line)
            elif alone:
                self._agree(line, served)
            else:
                self._find(line.within, self._tell.proposed(line, served))
        return left

    def _many_to_one(self, lines: list[InvoiceLine]) -> list[InvoiceLine]:
        """Several lines that one transaction has served together."""
        left = list(lines)
        for right in sorted({each.right for each in lines}):
            for given in self._free(right):
                near = [each for each in left if each.right == right]
                near = [each for each in near if self._may_serve(given, each)]
                found, alone = summands([each.expected for each in near], given.parts[right].left)
                if found and alone:
                    given.take(right)
                    served = [near[place] for place in found]
                    for line in served:
                        self._agree(line, [given])
                    left = [each for each in left if each not in served]
        return left

    def _similar(self, lines: list[InvoiceLine]) -> list[InvoiceLine]:
        left = []
        for line in lines:
            alike = [each for each in self._free(line.right) if self._looks_like(each, line)]
            if alike:
                near = min(alike, key=lambda each: (_apart(line, each), each.sequence))
                near.take(line.right)
                self._find(line.within or near.within, self._tell.proposed(line, [near]))
            else:
                left.append(line)
        return left

    def _without_line(self) -> list[tuple[Given, int]]:
        """Give what no line was found for, each with how much of it is left.

        What was taken off for the same line is added up with it: off what was given last.
        """
        free = [each for each in self._items if not each.taken]
        off = Counter[tuple[str, Right]]()
        for each in free:
            off[each.name, each.main] += max(0, -each.left)
        left = []
        for each in reversed(free):
            ours = max(0, each.left - off[each.name, each.main])
            off[each.name, each.main] -= max(0, each.left - ours)
            if ours:
                left.append((each, ours))
        return left[::-1]

    # What may belong together

    def _as_given(self, line: InvoiceLine, named: Sequence[Given]) -> InvoiceLine:
        """Let a line that names no entitlement be about what names it, where that is one thing.

        Of a line with a product, as much as it says must have been given: it may count products.
        """
        mains = {each.main for each in named}
        if line.entitlement or len(mains) != 1 or any(line.right in each.parts for each in named):
            return line
        ((kind, code),) = mains
        if kind == "product":
            return line if line.product else replace(line, product=code)
        given = sum(each.parts[kind, code].quantity for each in named)
        alike = line.quantity is not None and self._alike(given, line.quantity)
        return replace(line, entitlement=code) if alike or not line.product else line

    def _free(self, right: Right) -> list[Given]:
        """Give what no line has been found for yet, and drop the rest for good."""
        free = [each for each in self._of_right.get(right, ()) if each.is_free(right)]
        self._of_right[right] = free
        return free

    def _candidates(self, line: InvoiceLine) -> list[Given]:
        return [
            each
            for each in self._free(line.right)
            if each.parts[line.right].left > 0 and self._may_serve(each, line)
        ]

    def _may_serve(self, given: Given, line: InvoiceLine) -> bool:
        """Say whether a transaction that does not name a line can be for it.

        It names nothing, or the invoice that the line is of; or it is of the line's product and
        serves another line of that already.
        """
        joint = line.name[len(given.name) : len(given.name) + 1]
        of_invoice = given.name and line.name.startswith(given.name) and joint in _JOINTS
        of_product = bool(given.taken) and given.product == line.product
        near = _apart(line, given) <= self._settings.window
        return near and (not given.name or of_product or bool(joint and of_invoice))

    def _looks_like(self, given: Given, line: InvoiceLine) -> bool:
        if not self._alike(given.parts[line.right].left, line.expected):
            return False
        if not given.name:
            return _apart(line, given) <= _SIMILAR
        near = _apart(line, given) <= self._settings.window
        return near and look_same(given.name, line.name)

    def _alike(self, ours: int, theirs: int) -> bool:
        return abs(ours - theirs) <= self._settings.tolerance

    # What becomes of a line

    def _judge(self, line: InvoiceLine, named: list[Given]) -> None:
        """Put a line that transactions name into its class."""
        parts = [each.parts[line.right] for each in named]
        ours = sum(each.left if line.status == PAID else each.kept for each in parts)
        if self._alike(ours, line.expected):
            self._agree(line, named)
            return
        counts = line.within or any(each.within for each in named)
        keep = self._one_alone(line, named) if line.status == PAID else None
        if keep is None:
            self._find(counts, self._tell.amount(line, named, ours))
        elif not counts:
            self._tally.outside += 1
        else:
            self._tally.found += [
                self._tell.twice_here(line, each, keep)
                for each in named
                if each is not keep and each.parts[line.right].left
            ]

    def _one_alone(self, line: InvoiceLine, named: list[Given]) -> Given | None:
        """Give the transaction that serves a line alone, where others name it too."""
        left = [each.parts[line.right].left for each in named]
        whole = [each for each, n in zip(named, left, strict=True) if self._alike(n, line.expected)]
        return whole[0] if whole and len(named) > 1 and min(left) >= 0 else None

    def _agree(self, line: InvoiceLine, served: list[Given]) -> None:
        """Quantities agree; where they fall into different periods it is a matter of timing."""
        if line.expected and served and line.within != served[0].within:
            self._tally.found.append(self._tell.timing(line, served))
        elif line.within:
            self._tally.matched += 1
        else:
            self._tally.outside += 1

    def _find(self, counts: bool, found: Draft) -> None:
        """Tell a discrepancy, unless all of it lies outside the period."""
        if counts:
            self._tally.found.append(found)
        else:
            self._tally.outside += 1


def _apart(line: InvoiceLine, given: Given) -> int:
    return abs(line.dated_at - given.effective_at)
