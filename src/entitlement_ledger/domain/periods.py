"""Periods: ISO 8601 durations, counted from an anchor in a time zone."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import isodate

from entitlement_ledger.domain.instants import Instant, from_datetime, to_datetime

_DAY = 24 * 60 * 60
_FINER = re.compile(r"[.,]\d{6,}[1-9]", re.ASCII)
"""A fraction that the library rounds away."""


@dataclass(frozen=True, slots=True)
class Period:
    """A duration: calendar months and days in local time, then exact seconds (rule P14)."""

    months: int = 0
    days: int = 0
    seconds: int = 0


def parse_period(text: str) -> Period:
    """Read an ISO 8601 duration such as P1M, P1Y, P30D or PT12H.

    Raises:
        ValueError: not a duration, not longer than nothing, or with a fraction of a unit.
    """
    try:
        parsed = isodate.parse_duration(text)
        # Hours are exact and days are not: the library would make a day of 24 hours.
        _, _, clock = text.partition("T")
        # Written as a time of day there are less than that.
        hours = (
            timedelta(0) if clock == "" or ":" in clock else isodate.parse_duration("PT" + clock)
        )
    except (isodate.ISO8601Error, TypeError, ValueError, OverflowError):
        raise ValueError(f"{text!r} is not an ISO 8601 duration such as P1M") from None
    if isinstance(parsed, timedelta):
        months, exact = 0, parsed
    else:
        months_given = Decimal(parsed.years) * 12 + Decimal(parsed.months)
        months, exact = int(months_given), parsed.tdelta
        if months != months_given:
            raise ValueError(f"{text!r} has a fraction of a month")
    if exact.microseconds or _FINER.search(text):
        raise ValueError(f"{text!r} has a fraction of a second")
    rest = exact - hours
    period = Period(months, rest.days, int(exact.total_seconds()) - rest.days * _DAY)
    if months < 0 or exact < timedelta(0) or period == Period():
        raise ValueError(f"{text!r} is not longer than nothing")
    return period


_OF_A_MACHINE = ("localtime", "posixrules", "Factory")
"""Zones of the database on a machine, each of which may be another on the next."""

_NOT_OF_THE_WORLD = ("posix/", "right/")
"""Folders of that database with the same zones once more, those of `right/` with leap seconds."""


def parse_zone(name: str) -> ZoneInfo:
    """Give the IANA time zone of that name.

    Raises:
        ValueError: there is no such zone.
    """
    try:
        if name in _OF_A_MACHINE or name.startswith(_NOT_OF_THE_WORLD):
            raise ValueError
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not an IANA time zone") from None


def nth(anchor: Instant, period: Period, n: int, zone: ZoneInfo) -> Instant:
    """Give the start of the nth period after an anchor, counted in local time.

    Always counted from the anchor, never from the period before: 31 January plus one month is the
    last of February, plus two is 31 March. A local time that a clock change skips is read with the
    offset before the change; one that it repeats is the first of the two.

    Raises:
        ValueError: the result lies outside the years 0001 to 9999.
    """
    if n == 0:
        return anchor
    start = to_datetime(anchor)
    try:
        if period.months or period.days:
            local = start.astimezone(zone).replace(tzinfo=None, fold=0)
            moved = _add_months(local, period.months * n) + timedelta(days=period.days * n)
            start = moved.replace(tzinfo=zone).astimezone(UTC)
        start += timedelta(seconds=period.seconds * n)
    except (OverflowError, ValueError):
        raise ValueError("the period ends outside the years 0001 to 9999") from None
    return from_datetime(start)


def _add_months(local: datetime, months: int) -> datetime:
    """Move a local time by whole months; the day is cut to the month's last."""
    index = local.year * 12 + local.month - 1 + months
    year, month = divmod(index, 12)
    month += 1
    day = min(local.day, calendar.monthrange(year, month)[1])
    return local.replace(year=year, month=month, day=day)
