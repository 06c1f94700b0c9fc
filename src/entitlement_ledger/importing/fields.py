"""Reading one field, from CSV text or from a JSON value; the messages complete `column NAME …`.

A `Column` also reads a whole column at once. Reading value by value is the authority: `many` gives
the same values, or None as soon as it sees anything that it does not read in bulk.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

from entitlement_ledger.domain.instants import (
    DAY,
    INSTANT_MAX,
    INSTANT_MIN,
    Instant,
    parse_instant,
)
from entitlement_ledger.domain.periods import parse_period
from entitlement_ledger.domain.quantities import QUANTITY_MAX, QUANTITY_MIN, fits
from entitlement_ledger.domain.texts import clean

Reader = Callable[[Any], Any]

_INTEGER_LENGTH_MAX = 20
_TEXTS = frozenset({str, NoneType})
_INTEGERS = frozenset({int, NoneType})


class Column(ABC):
    """Reads values that can be read once for all their occurrences."""

    @abstractmethod
    def __call__(self, value: Any) -> Any:
        """Read one value.

        Raises:
            ValueError: it is not one; the message completes `column NAME …`.
        """

    def many(self, values: Sequence[Any]) -> list[Any] | None:
        """Read values that are all text, or all whole numbers, and none of them empty."""
        return None


def read_column(reader: Reader, values: Sequence[Any]) -> list[Any] | None:
    """Read a whole column; None where it has to be read value by value."""
    if not isinstance(reader, Column):
        return None
    kinds = set(map(type, values))
    # Other values may be equal and yet read differently: 1 and true are.
    if not (kinds <= _TEXTS or kinds <= _INTEGERS):
        return None
    different = set(values)
    try:
        if len(different) * 2 <= len(values):
            return list(map({value: reader(value) for value in different}.__getitem__, values))
        gaps = {gap: reader(gap) for gap in (None, "") if gap in different}
    except ValueError:
        return None
    if not gaps:
        return reader.many(values)
    read = reader.many([value for value in values if value not in gaps])
    if read is None:
        return None
    others = iter(read)
    return [gaps[value] if value in gaps else next(others) for value in values]


@dataclass(frozen=True, slots=True)
class Text(Column):
    """Reads text up to a length; empty only where it is not required."""

    length_max: int
    required: bool = False

    def __call__(self, value: Any) -> str:
        """Read one value; None is empty."""
        if value is None and not self.required:
            return ""
        if not isinstance(value, str):
            raise ValueError("must be text")
        if self.required and not value.strip():
            raise ValueError("must not be empty")
        return clean(value, self.length_max)

    def many(self, values: Sequence[Any]) -> list[Any] | None:
        """Look at all of the texts together."""
        try:
            together = "".join(values)
            together.encode("utf-8")
        except (TypeError, UnicodeEncodeError):
            return None
        if "\x00" in together or max(map(len, values), default=0) > self.length_max:
            return None
        if self.required and not all(map(str.strip, values)):
            return None
        return list(values)


@dataclass(frozen=True, slots=True)
class Whole(Column):
    """Reads a whole number within bounds, None where it is empty and not required."""

    low: int | None = None
    high: int | None = None
    required: bool = True

    def __call__(self, value: Any) -> int | None:
        """Read one value, a JSON integer or digits."""
        if value in (None, "") and not self.required:
            return None
        if isinstance(value, str):
            digits = value.strip().removeprefix("-")
            if not digits.isascii() or not digits.isdigit() or len(digits) > 30:
                raise ValueError("must be a whole number")
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError("must be a whole number")
        if not fits(value):
            raise ValueError("is beyond the 64-bit range")
        low, high = self.low, self.high
        if (low is not None and value < low) or (high is not None and value > high):
            raise ValueError(f"must be {_bounds(low, high)}")
        return value

    def many(self, values: Sequence[Any]) -> list[Any] | None:
        """Read plain digits and signs, and look at the lowest and the highest only."""
        if not values:
            return []
        if isinstance(values[0], str):
            signs = "".join(values).replace("-", "")
            if not (signs.isascii() and signs.isdigit()):
                return None
            if max(map(len, values)) > _INTEGER_LENGTH_MAX:
                return None
            try:
                values = list(map(int, values))
            except ValueError:
                return None
        low = QUANTITY_MIN if self.low is None else self.low
        high = QUANTITY_MAX if self.high is None else self.high
        within = max(low, QUANTITY_MIN) <= min(values) and max(values) <= min(high, QUANTITY_MAX)
        return list(values) if within else None


def _bounds(low: int | None, high: int | None) -> str:
    if high is None:
        return f"{low} or more"
    return f"between {low} and {high}"


class OneOf(Column):
    """Reads one of a few words."""

    def __init__(self, choices: Iterable[str]) -> None:
        self._words = [str(choice) for choice in choices]

    def __call__(self, value: Any) -> str:
        """Read one value."""
        if value not in self._words:
            raise ValueError(f"must be one of {', '.join(self._words)}")
        return str(value)


@dataclass(frozen=True, slots=True)
class Time(Column):
    """Reads an RFC 3339 time with an offset."""

    required: bool

    def __call__(self, value: Any) -> Instant | None:
        """Read one value into microseconds since 1970, UTC."""
        if value in (None, "") and not self.required:
            return None
        if not isinstance(value, str):
            raise ValueError("must be a time in text")
        try:
            return parse_instant(value)
        except ValueError as error:
            raise ValueError(f"is no usable time: {error}") from None

    def many(self, values: Sequence[Any]) -> list[Any] | None:
        """Read each day, minute, second and rest once: a time is their sum."""
        days = _Parts("{}T00:00:00Z")
        minutes = _Parts("1970-01-01{}:00Z")
        seconds = _Parts("1970-01-01T00:00{}Z")
        rests = _Parts("1970-01-01T00:00:00{}")
        try:
            read = [
                days[value[:10]] + minutes[value[10:16]] + seconds[value[16:19]] + rests[value[19:]]
                for value in values
            ]
        except (TypeError, ValueError):
            return None
        # Whether an offset reaches beyond the first or last day is not looked at here.
        within = not read or (min(read) >= INSTANT_MIN + DAY and max(read) <= INSTANT_MAX - DAY)
        return read if within else None


class _Parts(dict[str, Instant]):
    """What parts of times come to, each read once in the frame of a whole time."""

    def __init__(self, frame: str) -> None:
        super().__init__()
        self._frame = frame

    def __missing__(self, part: str) -> Instant:
        self[part] = read = parse_instant(self._frame.format(part))
        return read


def duration(*words: str) -> Reader:
    """Read an ISO 8601 duration, one of some words, or nothing."""

    def read(value: Any) -> str | None:
        if value in (None, ""):
            return None
        if value in words:
            return str(value)
        if not isinstance(value, str):
            raise ValueError("must be an ISO 8601 duration in text, or null")
        parse_period(value)
        return value

    return read


def listed(value: Any) -> list[str]:
    """Read names separated by `;`, or a JSON list of names."""
    parts = value.split(";") if isinstance(value, str) else value if value is not None else []
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise ValueError("must be names separated by ;")
    names = [part.strip() for part in parts if part.strip()]
    if any(";" in name or "\x00" in name for name in names):
        raise ValueError("holds a name with ; or NUL in it")
    return names
