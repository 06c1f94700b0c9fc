from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement_ledger.domain.instants import (
    INSTANT_MAX,
    INSTANT_MIN,
    format_instant,
    parse_instant,
    to_datetime,
)


@given(st.integers(INSTANT_MIN, INSTANT_MAX))
def test_an_instant_written_and_read_is_itself(instant: int) -> None:
    assert parse_instant(format_instant(instant)) == instant


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T19:00:00-05:00", 0),
        ("1970-01-01t00:00:00.000001z", 1),
        ("1970-01-01 00:00:00.5Z", 500_000),
        ("1969-12-31T23:59:59.999999Z", -1),
    ],
)
def test_offsets_and_fractions_count(text: str, means: int) -> None:
    assert parse_instant(text) == means


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("2026-03-01T09:30:00", "needs an offset"),
        ("2026-03-01", "needs an offset"),
        ("2026-03-01T09:30:00.1234567Z", "finer than a microsecond"),
        ("2026-02-30T00:00:00Z", "no such time"),
        ("2026-03-01T24:00:00Z", "no such time"),
        ("2026-03-01T00:00:00+24:00", "no such offset"),
        ("0001-01-01T00:00:00+01:00", "outside the years"),
        ("tomorrow", "not an RFC 3339 time"),
        ("\uff12026-03-01T00:00:00Z", "not an RFC 3339 time"),
    ],
)
def test_what_is_no_time_says_why(text: str, because: str) -> None:
    with pytest.raises(ValueError, match=because):
        parse_instant(text)


def test_a_datetime_is_in_utc() -> None:
    assert to_datetime(parse_instant("2026-07-01T00:30:00+02:00")).isoformat() == (
        "2026-06-30T22:30:00+00:00"
    )
