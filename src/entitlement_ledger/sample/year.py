"""The year that the sample company lives through, and its hours."""

from __future__ import annotations

from random import Random

from entitlement_ledger.domain.instants import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Instant,
    parse_instant,
    to_datetime,
)

YEAR_FROM = parse_instant("2025-11-01T00:00:00Z")
YEAR_UNTIL = parse_instant("2026-11-01T00:00:00Z")
_SATURDAY = 5


def office_hours(random: Random, *, after: Instant = YEAR_FROM) -> Instant:
    """Give a moment when staff work: a weekday between 8 and 17, soon after another moment."""
    day = (after - YEAR_FROM) // DAY
    while True:
        moment = (
            YEAR_FROM
            + day * DAY
            + 8 * HOUR
            + random.randrange(9 * 60) * MINUTE
            + random.randrange(60) * SECOND
        )
        if moment > after and to_datetime(moment).weekday() < _SATURDAY:
            return moment
        day += 1


def any_time(random: Random) -> Instant:
    """Give a moment when customers shop: more in the evening, and before Christmas."""
    day = random.randrange(365)
    if random.random() < 0.12:
        day = random.randrange(25, 54)
    hour = random.choice((7, 9, 10, 11, 12, 12, 13, 15, 17, 18, 19, 19, 20, 20, 21, 21, 22, 23))
    return YEAR_FROM + day * DAY + hour * HOUR + random.randrange(HOUR // SECOND) * SECOND


def month_starts() -> list[Instant]:
    """Give the first instant of each month of the year, and of the one after it."""
    months = [(2025, 11), (2025, 12), *((2026, month) for month in range(1, 12))]
    return [parse_instant(f"{year}-{month:02}-01T00:00:00Z") for year, month in months]
