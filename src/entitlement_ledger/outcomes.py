"""What callers are told: outcomes, made when they are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from entitlement_ledger.domain.decide import Outcome, answer, answer_plain
from entitlement_ledger.domain.events import TransactionEvent
from entitlement_ledger.domain.plain_events import PlainEvent

Told = Outcome | TransactionEvent | PlainEvent


class Outcomes(Sequence[Outcome]):
    """The outcomes of one caller in order: some of what a batch was told."""

    def __init__(self, told: Sequence[Told], places: range) -> None:
        self._told = told
        self._places = places

    def __len__(self) -> int:
        """Give how many lines were asked."""
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> Outcome: ...
    @overload
    def __getitem__(self, place: slice) -> Outcomes: ...
    def __getitem__(self, place: int | slice) -> Outcome | Outcomes:
        """Give one outcome, or some of them."""
        if isinstance(place, slice):
            return Outcomes(self._told, self._places[place])
        return _outcome(self._told[self._places[place]])

    def __iter__(self) -> Iterator[Outcome]:
        """Give each of them."""
        if self._places.step != 1:
            return (self[place] for place in range(len(self)))
        return map(_outcome, self._told[self._places.start : self._places.stop])

    def __eq__(self, other: object) -> bool:
        """Say whether these are the outcomes of another batch, or of a list."""
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def _outcome(told: Told) -> Outcome:
    if isinstance(told, PlainEvent):
        return answer_plain(told)
    return answer(told) if isinstance(told, TransactionEvent) else told
