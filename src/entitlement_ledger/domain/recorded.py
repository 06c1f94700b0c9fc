"""Events that were decided together: those by the rules one by one, plain ones in columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from entitlement_ledger.domain.events import Event
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.plain_events import PlainEvents


@dataclass(slots=True)
class Recorded:
    """Events whose sequences, taken together, have no gap; each kind is in order."""

    ruled: list[Event] = field(default_factory=list)
    plain: PlainEvents = field(default_factory=PlainEvents)

    def __len__(self) -> int:
        """Give how many events there are."""
        return len(self.ruled) + len(self.plain)

    def newest(self) -> tuple[int, Instant]:
        """Give the sequence of the last event, and when it was recorded; there is one."""
        ends = [(each.sequence, each.recorded_at) for each in self.ruled[-1:]]
        if self.plain:
            ends.append((self.plain.sequence[-1], self.plain.common[-1].recorded_at))
        return max(ends)

    @property
    def last_sequence(self) -> int:
        """The sequence of the last of them."""
        return self.newest()[0]

    def sequences(self) -> list[int]:
        """Give all sequences."""
        last = self.last_sequence
        return [*range(last - len(self) + 1, last + 1)]

    def recorded_at(self) -> list[Instant]:
        """Give of each event when it was recorded."""
        plain = self.plain.of_common(lambda each: each.recorded_at)
        return self._in_order([each.recorded_at for each in self.ruled], plain)

    def bodies(self) -> list[bytes]:
        """Give the bodies of all events."""
        return self._in_order([each.body() for each in self.ruled], self.plain.bodies())

    def extend(self, later: Recorded) -> None:
        """Take in what comes right after these."""
        self.ruled += later.ruled
        self.plain.extend(later.plain)

    def _in_order(self, ruled: list[Any], plain: list[Any]) -> list[Any]:
        """Put something of each event in the order of all."""
        if not plain or not ruled:
            return plain or ruled
        first = self.last_sequence - len(self) + 1
        ordered: list[Any] = [None] * len(self)
        for each, value in zip(self.ruled, ruled, strict=True):
            ordered[each.sequence - first] = value
        for sequence, value in zip(self.plain.sequence, plain, strict=True):
            ordered[sequence - first] = value
        return ordered
