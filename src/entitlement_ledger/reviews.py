"""What the façade tells of the review of events: counts, proof, samples and working papers."""

from __future__ import annotations

from pathlib import Path

import msgspec

from entitlement_ledger.answers import EventFilter
from entitlement_ledger.domain.instants import Instant

REVIEWED, FLAGGED = "reviewed", "flagged"
MARKS = (REVIEWED, FLAGGED)
"""What an event can be marked as; the newest mark counts."""

TOGETHER_MAX = 10_000
"""How many events one act reviews, and for how many one sample is asked, at most.

A monetary sample may hold more, but fewer than twice the size: its interval is rounded down.
"""

RANDOM, MONETARY = "random", "monetary"
METHODS = (RANDOM, MONETARY)


class ReviewCounts(msgspec.Struct, frozen=True):
    """How many events are still to be reviewed, and how many are marked."""

    unreviewed: int
    reviewed: int
    flagged: int

    @property
    def events(self) -> int:
        """How many events there are, marked or not."""
        return self.unreviewed + self.reviewed + self.flagged


class ProofStatus(msgspec.Struct, frozen=True):
    """Whether an event is proved by a signed checkpoint.

    Attributes:
        state: `sealed`, `unsealed` where no checkpoint covers it yet, or `fails`.
        size: how many events the first checkpoint that covers it is over.
        sealed_at: when the last of these was recorded; a checkpoint itself does not tell the time.
        why: in a few words, what does not hold.
    """

    state: str
    size: int | None = None
    sealed_at: Instant | None = None
    why: str = ""


class Sampled(msgspec.Struct, frozen=True):
    """One event of a sample.

    Attributes:
        quantity: how much it moved, in the smallest unit; None in a random sample.
        hits: how many of the units that were drawn are in it.
        certain: it is not smaller than the interval: it could not but be drawn.
    """

    sequence: int
    quantity: int | None = None
    hits: int = 1
    certain: bool = False


class Sample(msgspec.Struct, frozen=True):
    """A sample of events, with what is needed to draw it again.

    Attributes:
        method: `random`, without replacement, or `monetary`: of every unit that was moved, those at
            fixed intervals.
        size: how many were asked for.
        only: what the population was narrowed to; its `known_at` and `known_sequence` are until
            when, and until which event, it was known.
        known: how many events the journal had then, which is that sequence.
        population: how many events matched, of which `unsized` moved nothing and could not be
            drawn by their size.
        total: what they moved, in the smallest unit; `interval` and `start` in the same.
        chosen: by sequence.
    """

    method: str
    seed: str
    size: int
    only: EventFilter
    known: int
    population: int
    chosen: tuple[Sampled, ...]
    unsized: int | None = None
    total: int | None = None
    interval: int | None = None
    start: int | None = None

    @property
    def sequences(self) -> list[int]:
        """The events, the newest first, as they are listed."""
        return [each.sequence for each in reversed(self.chosen)]


class WorkingPaper(msgspec.Struct, frozen=True):
    """A working paper that was written.

    Attributes:
        folder: where it is.
        events: how many are in it, of which `unsealed` have no proof: no checkpoint covers them.
        sha256: of `SHA256SUMS`, which names every other file, in hexadecimal.
    """

    folder: Path
    events: int
    unsealed: int
    sha256: str
