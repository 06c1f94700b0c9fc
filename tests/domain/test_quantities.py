from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement_ledger.domain.quantities import (
    QUANTITY_MAX,
    QUANTITY_MIN,
    fits,
    format_quantity,
    parse_quantity,
)


@given(st.integers(QUANTITY_MIN, QUANTITY_MAX), st.integers(0, 18))
def test_a_quantity_written_and_read_is_itself(quantity: int, scale: int) -> None:
    assert parse_quantity(format_quantity(quantity, scale), scale) == quantity


@pytest.mark.parametrize(
    ("quantity", "scale", "text"),
    [(0, 2, "0.00"), (5, 2, "0.05"), (-5, 2, "-0.05"), (123456, 2, "1,234.56"), (1000, 0, "1,000")],
)
def test_the_point_is_where_the_scale_says(quantity: int, scale: int, text: str) -> None:
    assert format_quantity(quantity, scale) == text


@pytest.mark.parametrize("text", ["", "-", ".", "1.2.3", "--1", "1e3", "٣", "0x1", "nan"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        parse_quantity(text, 3)


def test_more_decimals_than_the_scale_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 2 decimals"):
        parse_quantity("1.005", 2)
    with pytest.raises(ValueError, match="whole numbers"):
        parse_quantity("1.0", 0)


def test_beyond_64_bits_is_refused() -> None:
    assert fits(2**63 - 1)
    assert not fits(2**63)
    with pytest.raises(ValueError, match="64-bit"):
        parse_quantity(str(2**63))


@pytest.mark.parametrize(
    "text", ["10,00", "1,5", "1,2,3", "1_0", ",100", "1,000,", "1,0000", "1.5,000"]
)
def test_a_comma_is_no_decimal_point(text: str) -> None:
    with pytest.raises(ValueError, match="comma stands between groups of three"):
        parse_quantity(text, 2)


def test_groups_of_three_are_read() -> None:
    assert parse_quantity("1,250.50", 2) == 125_050
    assert parse_quantity("-12,345,678") == -12_345_678
    assert parse_quantity("1_000") == 1000
