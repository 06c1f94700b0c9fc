from __future__ import annotations

import pytest

from entitlement_ledger.domain.instants import format_instant, parse_instant
from entitlement_ledger.domain.periods import nth, parse_period, parse_zone


def start(anchor: str, period: str, number: int, zone: str = "UTC") -> str:
    begins = nth(parse_instant(anchor), parse_period(period), number, parse_zone(zone))
    return format_instant(begins)[:16]


@pytest.mark.parametrize(
    ("number", "day"), [(0, "2026-01-31"), (1, "2026-02-28"), (2, "2026-03-31"), (13, "2027-02-28")]
)
def test_months_are_counted_from_the_anchor(number: int, day: str) -> None:
    assert start("2026-01-31T10:00:00Z", "P1M", number) == f"{day}T10:00"


def test_a_leap_day_comes_back_every_fourth_year() -> None:
    assert start("2024-02-29T00:00:00Z", "P1Y", 1) == "2025-02-28T00:00"
    assert start("2024-02-29T00:00:00Z", "P1Y", 4) == "2028-02-29T00:00"


def test_a_period_keeps_its_local_hour_over_a_change_of_the_clock() -> None:
    anchor = "2026-03-01T08:00:00+01:00"
    assert start(anchor, "P1M", 1, "Europe/Berlin") == "2026-04-01T06:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "1M",
        "P-1M",
        "P0D",
        "P1.5M",
        "-P1M",
        "one month",
        "PT0.5S",
        "PT1.0000001S",
        "P1,0000000000001D",
    ],
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|nothing|fraction"):
        parse_period(text)


def test_the_first_period_starts_at_the_anchor_even_in_a_repeated_hour() -> None:
    assert start("2026-10-25T01:30:00Z", "P1M", 0, "Europe/Berlin") == "2026-10-25T01:30"


@pytest.mark.parametrize(
    ("anchor", "period", "begins"),
    [
        ("2026-03-28T12:00:00Z", "PT24H", "2026-03-29T12:00:00Z"),
        ("2026-03-28T12:00:00Z", "P1D", "2026-03-29T11:00:00Z"),
        ("2026-03-28T12:00:00Z", "P1DT24H", "2026-03-30T11:00:00Z"),
        ("2026-10-25T01:30:00Z", "PT1H", "2026-10-25T02:30:00Z"),
        ("2026-10-25T01:30:00Z", "PT30M", "2026-10-25T02:00:00Z"),
        ("2026-10-25T00:30:00Z", "PT1H", "2026-10-25T01:30:00Z"),
        ("2026-10-25T01:30:00Z", "P1D", "2026-10-26T01:30:00Z"),
        ("2026-01-01T00:00:00Z", "P1.5W", "2026-01-11T12:00:00Z"),
    ],
)
def test_hours_are_exact_and_days_are_of_the_calendar(
    anchor: str, period: str, begins: str
) -> None:
    assert start(anchor, period, 1, "Europe/Berlin") == begins[:16]


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "localtime", "Factory", "right/Europe/Berlin", "posix/UTC", "", "/etc"]
)
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not an IANA time zone"):
        parse_zone(name)
