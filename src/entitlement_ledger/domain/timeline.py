"""A quantity over effective time, as the step function that postings make of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from entitlement_ledger.domain.instants import Instant


class Timeline:
    """The running total of one account: `totals[i]` holds from `instants[i]` on."""

    __slots__ = ("instants", "totals")

    def __init__(self) -> None:
        self.instants: list[Instant] = []
        self.totals: list[int] = []

    def add(self, at: Instant, quantity: int) -> None:
        """Add a signed quantity from an instant on."""
        if not self.instants or at > self.instants[-1]:
            self.instants.append(at)
            self.totals.append(self.final + quantity)
            return
        place = bisect_right(self.instants, at)
        if place == 0 or self.instants[place - 1] != at:
            self.instants.insert(place, at)
            self.totals.insert(place, self.totals[place - 1] if place else 0)
            place += 1
        for later in range(place - 1, len(self.totals)):
            self.totals[later] += quantity

    def steps(self) -> Iterator[tuple[Instant, int]]:
        """Give each instant at which the total changes, and by how much."""
        before = 0
        for instant, total in zip(self.instants, self.totals, strict=True):
            yield instant, total - before
            before = total

    @property
    def final(self) -> int:
        """The total after everything known, scheduled postings included."""
        return self.totals[-1] if self.totals else 0

    def at(self, instant: Instant) -> int:
        """The total at an instant."""
        place = bisect_right(self.instants, instant)
        return self.totals[place - 1] if place else 0

    def lowest_from(self, instant: Instant) -> int:
        """The lowest total at any instant from this one on."""
        if not self.instants or instant >= self.instants[-1]:
            return self.final
        return min(self.at(instant), *self.totals[bisect_right(self.instants, instant) :])

    def lowest_within(self, after: Instant, until: Instant) -> list[tuple[Instant, int]]:
        """Give each instant of change in a span with the lowest total at any instant from it on."""
        found: list[tuple[Instant, int]] = []
        lowest = self.final
        for instant, total in zip(reversed(self.instants), reversed(self.totals), strict=True):
            if instant <= after:
                break
            lowest = min(lowest, total)
            if instant <= until:
                found.append((instant, lowest))
        return found[::-1]
