"""Filters as they are typed: `type:consume since:2026-01-01 late parcel`."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from entitlement_ledger.answers import (
    CatalogueFilter,
    EventFilter,
    FindingFilter,
    HistoryFilter,
)
from entitlement_ledger.domain.instants import Instant, parse_instant

Filter = TypeVar("Filter", HistoryFilter, EventFilter, FindingFilter, CatalogueFilter)
_TIMES = ("since", "until", "known_at")
_NUMBERS = {
    "over": "a quantity in the smallest unit",
    "known_sequence": "the number of an event",
}
_CHOICES: dict[type, dict[str, tuple[str, ...]]] = {
    EventFilter: {
        "review": ("unreviewed", "reviewed", "flagged"),
        "status": ("completed", "pending", "refused"),
    },
    FindingFilter: {
        "severity": ("high", "medium", "low"),
        "state": ("open", "investigating", "confirmed", "dismissed"),
    },
    CatalogueFilter: {
        "kind": ("product", "points", "credits", "quota", "feature", "offer"),
        "status": ("active", "retired"),
    },
}
_AS_SHOWN = {("state", "taken"): "investigating"}
"""What the screens call by another word."""
_REFERRED_TO = ("order", "invoice", "ticket", "entl")
"""What stands before a colon in a reference, or in a transaction's id."""


def parse_filter(kind: type[Filter], typed: str) -> Filter:
    """Read a filter: `name:value` words narrow by a field, the other words are looked for.

    Raises:
        ValueError: a name that is no field, or a time that is none; the message says what to type.
    """
    names = [field.name for field in msgspec.structs.fields(kind) if field.name != "text"]
    said: dict[str, str | int] = {}
    words: list[str] = []
    for word in typed.split():
        name, colon, value = word.partition(":")
        if not colon or name not in names:
            if colon and value and name.isalpha() and name not in _REFERRED_TO:
                raise ValueError(f"{name}: is no field; these are: {', '.join(names)}")
            words.append(word)
        elif not value:
            raise ValueError(f"{name}: lacks a value")
        else:
            said[name] = _value(kind, name, value)
    if "over" in said and "entitlement" not in said:
        raise ValueError("over: is a quantity of one entitlement: name it with entitlement:CODE")
    if words:
        said["text"] = " ".join(words)
    return kind(**said)  # type: ignore[arg-type]


def _value(kind: type, name: str, value: str) -> str | int:
    if name in _TIMES:
        return time_of(name, value)
    value = _AS_SHOWN.get((name, value), value)
    choices, codes = _choices(kind, name)
    if choices and value not in (*choices, *codes):
        also = ", or the code of a refusal" if codes else ""
        raise ValueError(f"{name}: is one of {', '.join(choices)}{also}")
    if name not in _NUMBERS:
        return value
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise ValueError(f"{name}: takes {_NUMBERS[name]}, such as 500")
    return int(value)


def _choices(kind: type, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the words that a field can be, if they are known, and the codes that it can be too."""
    if kind is HistoryFilter and name in ("type", "status"):
        # Not before they are asked for: the first screen waits for no rules.
        from entitlement_ledger.domain.commands import CommandType
        from entitlement_ledger.domain.events import Status
        from entitlement_ledger.domain.refusals import Code

        return (tuple(CommandType), ()) if name == "type" else (tuple(Status), tuple(Code))
    return _CHOICES.get(kind, {}).get(name, ()), ()


def time_of(name: str, value: str) -> Instant:
    """Read a day, which begins at midnight UTC, or a whole time.

    Raises:
        ValueError: it is neither; the message says what to type for `name`.
    """
    try:
        return parse_instant(value if "T" in value.upper() else f"{value}T00:00:00Z")
    except ValueError:
        raise ValueError(f"{name}: takes a day such as 2026-03-01, or a time") from None
