"""Measurements: a median time, beside a yardstick's, and what the ratio may be."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Work = Callable[[], object]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """One line of the table.

    Attributes:
        name: what was measured.
        seconds: the median of the runs.
        yardstick: what was run beside it, or a time that is the same on every machine.
        yardstick_seconds: the median of its runs.
        ratio_max: the ratio of the two must not be above it; None where nothing is asked.
    """

    name: str
    seconds: float
    yardstick: str
    yardstick_seconds: float
    ratio_max: float | None

    @property
    def ratio(self) -> float:
        """How many times as long as the yardstick."""
        return self.seconds / self.yardstick_seconds

    @property
    def ok(self) -> bool:
        """Whether the ratio is what it may be."""
        return self.ratio_max is None or self.ratio <= self.ratio_max


def timed(work: Work) -> float:
    """Give how many seconds a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(works: Sequence[Work], runs: int) -> list[float]:
    """Run pieces of work in turn, several times; give the median of each in seconds.

    In turn, so that what else the machine does falls on all of them.
    """
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(runs):
        for times, work in zip(taken, works, strict=True):
            times.append(timed(work))
    return [statistics.median(times) for times in taken]


def percentile(times: Sequence[float], share: float) -> float:
    """Give the time below which a share of them lies."""
    return sorted(times)[min(int(len(times) * share), len(times) - 1)]
