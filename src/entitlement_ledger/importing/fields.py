"""Reading one field, from CSV text or from a JSON value; the messages complete `column NAME …`."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from entitlement_ledger.domain.instants import Instant, parse_instant
from entitlement_ledger.domain.periods import parse_period
from entitlement_ledger.domain.quantities import fits

Reader = Callable[[Any], Any]


def text(length_max: int, *, required: bool = False) -> Reader:
    """Read text up to a length; empty only where it is not required."""

    def read(value: Any) -> str:
        if value is None and not required:
            return ""
        if not isinstance(value, str):
            raise ValueError("must be text")
        if required and not value.strip():
            raise ValueError("must not be empty")
        if len(value) > length_max:
            raise ValueError(f"has {len(value)} characters, at most {length_max} are allowed")
        if "\x00" in value:
            raise ValueError("holds a NUL character")
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise ValueError("holds half of a surrogate pair") from None
        return value

    return read


def integer(low: int | None = None, high: int | None = None, *, required: bool = True) -> Reader:
    """Read a whole number within bounds, None where it is empty and not required."""

    def read(value: Any) -> int | None:
        if value in (None, "") and not required:
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
        if (low is not None and value < low) or (high is not None and value > high):
            raise ValueError(f"must be {_bounds(low, high)}")
        return value

    return read


def _bounds(low: int | None, high: int | None) -> str:
    if high is None:
        return f"{low} or more"
    return f"between {low} and {high}"


def one_of(choices: type[StrEnum] | tuple[str, ...]) -> Reader:
    """Read one of a few words."""
    words = [str(choice) for choice in choices]

    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return str(value)

    return read


def instant(*, required: bool) -> Reader:
    """Read an RFC 3339 time with an offset."""

    def read(value: Any) -> Instant | None:
        if value in (None, "") and not required:
            return None
        if not isinstance(value, str):
            raise ValueError("must be a time in text")
        try:
            return parse_instant(value)
        except ValueError as error:
            raise ValueError(f"is no usable time: {error}") from None

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
