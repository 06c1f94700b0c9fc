"""Instants: UTC, as whole microseconds since 1970-01-01T00:00:00Z. Every interval is half-open."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

Instant = int
"""Microseconds since the epoch, UTC; negative before 1970."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

AHEAD_MAX = 5 * MINUTE
"""How far ahead of the ledger's clock something that draws, returns or ends may be."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive on purpose: offsets are taken off by hand
_MICROSECOND = timedelta(microseconds=1)
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d{1,6})?)(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)
_WITHOUT_OFFSET = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?)?", re.ASCII)
_FINER = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d\.\d{7,}([Zz]|[+-]\d\d:\d\d)", re.ASCII)

INSTANT_MIN = (datetime(1, 1, 1) - _EPOCH) // _MICROSECOND  # noqa: DTZ001
INSTANT_MAX = (datetime(9999, 12, 31, 23, 59, 59, 999999) - _EPOCH) // _MICROSECOND  # noqa: DTZ001


def parse_instant(text: str) -> Instant:
    """Read an RFC 3339 time with an offset (rule S4).

    Raises:
        ValueError: without an offset, not RFC 3339, finer than microseconds, or outside the years
            0001 to 9999; the message says which.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        if _WITHOUT_OFFSET.fullmatch(text):
            raise ValueError("a time needs an offset, such as Z or +01:00")
        if _FINER.fullmatch(text):
            raise ValueError("finer than a microsecond: write at most six decimals")
        raise ValueError("not an RFC 3339 time such as 2026-03-01T09:30:00Z")
    day, clock, zulu, sign, hours, minutes = match.groups()
    try:
        local = (datetime.fromisoformat(f"{day}T{clock}") - _EPOCH) // _MICROSECOND
    except ValueError as error:
        raise ValueError(f"no such time ({error})") from None
    if zulu:
        return local
    if int(hours) > 23 or int(minutes) > 59:
        raise ValueError("no such offset")
    offset = int(hours) * HOUR + int(minutes) * MINUTE
    instant = local - offset if sign == "+" else local + offset
    if not INSTANT_MIN <= instant <= INSTANT_MAX:
        raise ValueError("outside the years 0001 to 9999")
    return instant


def to_datetime(instant: Instant) -> datetime:
    """Give the instant as an aware UTC datetime."""
    return (_EPOCH + timedelta(microseconds=instant)).replace(tzinfo=UTC)


def second_text(instant: Instant) -> str:
    """Write the instant for people, in UTC, to the second: a year has four digits, as ever."""
    return to_datetime(instant).replace(tzinfo=None).isoformat(" ", "seconds")


def from_datetime(moment: datetime) -> Instant:
    """Give an aware datetime as an instant.

    Raises:
        ValueError: the datetime is naive.
    """
    if moment.tzinfo is None:
        raise ValueError("a time needs an offset")
    return (moment.astimezone(UTC).replace(tzinfo=None) - _EPOCH) // _MICROSECOND


def format_instant(instant: Instant) -> str:
    """Write an instant as RFC 3339 in UTC with all six decimals: 2026-03-01T09:30:00.000000Z."""
    return (_EPOCH + timedelta(microseconds=instant)).isoformat(timespec="microseconds") + "Z"
