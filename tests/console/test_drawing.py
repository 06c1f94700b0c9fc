"""Pictures keep their width, never draw a larger number shorter, and nothing only as nothing."""

from __future__ import annotations

import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement_ledger.console.drawing import (
    ASCII,
    BLOCKS,
    Alphabet,
    alphabet,
    bar,
    columns,
    month_grid,
    short,
    sparkline,
)
from entitlement_ledger.domain.quantities import QUANTITY_MAX, QUANTITY_MIN, format_quantity

_letters = st.sampled_from([BLOCKS, ASCII])
_quantity = st.one_of(
    st.integers(-3, 12), st.integers(QUANTITY_MIN, QUANTITY_MAX), st.integers(-(10**25), 10**25)
)
_quantities = st.lists(_quantity, max_size=30)
_width = st.integers(0, 12)


def height_in(letters: str, cell: str) -> int:
    return letters.index(cell) + 1 if cell in letters else 0


@given(_quantities, _width, _letters)
def test_a_sparkline_keeps_its_width_and_order(
    values: list[int], width: int, letters: Alphabet
) -> None:
    drawn = sparkline(values, width, letters)
    assert len(drawn) == min(width, len(values))
    if len(values) <= width:
        cells = sorted(zip(values, drawn, strict=True))
        for (value, cell), (more, other) in pairwise(cells):
            assert value <= more
            assert height_in(letters.levels, cell) <= height_in(letters.levels, other)
        for value, cell in cells:
            assert (cell == " ") == (value == 0)
            assert (cell == letters.below) == (value < 0)
            assert cell == letters.levels[-1] or value < max(*values, 1)


@given(st.lists(_quantity, min_size=1, max_size=30), st.integers(1, 12), _letters)
def test_a_sparkline_that_is_too_long_loses_neither_the_highest_nor_a_trace(
    values: list[int], width: int, letters: Alphabet
) -> None:
    drawn = sparkline(values, width, letters)
    if max(values) > 0:
        assert letters.levels[-1] in drawn
    assert (drawn.strip() == "") == (not any(values))


@given(st.lists(_quantity, min_size=2, max_size=2), _quantity, _width, _letters)
def test_a_bar_grows_with_its_part(
    parts: list[int], whole: int, width: int, letters: Alphabet
) -> None:
    less, more = sorted(parts)
    drawn = [bar(part, whole, width, letters) for part in (less, more)]
    assert [len(each) for each in drawn] == [width, width]
    one, other = ([height_in(letters.parts, cell) for cell in each] for each in drawn)
    assert sum(one) <= sum(other)
    for part, each, heights in zip((less, more), drawn, (one, other), strict=True):
        if width:
            assert (each == letters.rest * width) == (part == 0)
            assert each.startswith(letters.below) == (part < 0)
            full = sum(heights) == width * len(letters.parts)
            assert full == (part > 0 and part >= whole)


@given(_quantities, st.integers(0, 6), _letters, st.integers(1, 3), st.integers(0, 1))
def test_columns_keep_their_size_and_order(
    values: list[int], height: int, letters: Alphabet, thick: int, gap: int
) -> None:
    lines = columns(values, height, letters, thick=thick, gap=gap)
    assert [len(line) for line in lines] == [len(values) * (thick + gap)] * height
    drawn = []
    for place, value in enumerate(values):
        cells = [line[place * (thick + gap)] for line in lines]
        heights = [height_in(letters.heights, cell) for cell in cells]
        # No gap within a column: below what is drawn in part, all is full.
        assert heights == sorted(heights)
        assert sum(0 < each < len(letters.heights) for each in heights) <= 1
        if height:
            assert (set(cells) == {" "}) == (value == 0)
            assert (letters.below in cells) == (value < 0)
        drawn.append((value, sum(heights)))
    for (_, one), (_, other) in pairwise(sorted(drawn)):
        assert one <= other


def test_equal_values_are_drawn_alike_and_a_scale_of_their_own_is_kept() -> None:
    assert sparkline([7, 7, 7], 3) == "███"
    assert sparkline([], 5) == bar(1, 2, 0) == ""
    assert sparkline([0, -1, 3, 0], 2) == "▼█"
    assert sparkline([1, 2, 4, 8], 4) == "▁▂▄█"
    assert sparkline([1, 2, 4, 8, 0, -1], 6, ASCII) == ".:=# v"
    assert bar(650, 1000, 8) == "█████▏░░"
    assert bar(650, 1000, 8, ASCII) == "#####..."
    assert bar(0, 0, 3) == "░░░"
    assert bar(999_999, 1_000_000, 4) == "███▉"
    assert columns([1, 2, 4], 2) == ["  █", "▄██"]
    assert columns([5], 2, highest=10) == [" ", "█"]


@given(st.dates(min_value=datetime.date(1, 1, 1)))
def test_a_month_has_each_of_its_days_once_below_its_weekday(day: datetime.date) -> None:
    weeks = month_grid(day.year, day.month)
    assert all(len(week) == 7 for week in weeks)
    days = [each for week in weeks for each in week if each]
    assert days == list(range(1, len(days) + 1))
    last = datetime.date(day.year, day.month, len(days))
    assert last.month == day.month
    assert last == datetime.date.max or (last + datetime.timedelta(days=1)).day == 1
    (found,) = (week for week in weeks if day.day in week)
    assert found.index(day.day) == day.weekday()


@given(_quantity, st.integers(0, 18), st.integers(0, 12))
def test_a_short_number_fits_and_is_never_more_than_it_is(
    quantity: int, scale: int, width: int
) -> None:
    told = short(quantity, scale, width)
    exact = format_quantity(quantity, scale)
    assert len(told) <= width
    if len(exact) <= width:
        assert told == exact
    elif told not in ("…", ""):
        digits = told.lstrip("-").rstrip("kMGTPEZY")
        whole, _, fraction = digits.partition(".")
        power = "kMGTPEZY".find(told[-1]) + 1
        assert told.startswith("-") == (quantity < 0)
        least = int(whole + fraction) * 10 ** (3 * power + scale)
        assert least <= abs(quantity) * 10 ** len(fraction)
        step = 10 ** (3 * power + scale)
        assert abs(quantity) * 10 ** len(fraction) < least + step


def test_a_short_number_has_its_first_digits() -> None:
    assert [short(each, 0, 5) for each in (12_345, 123_456, 1_000_000, -1_234)] == [
        "12.3k", "123k", "1M", "-1.2k"
    ]  # fmt: skip
    assert short(123_456, 2, 7) == "1.234k"
    assert short(12_345, 2, 5) == "123.4"
    assert short(12_345, 0, 2) == "…"


@pytest.mark.parametrize(
    ("graphics", "encoding", "terminal", "expected"),
    [
        ("auto", "utf-8", "xterm-256color", BLOCKS),
        ("auto", "UTF_8", None, BLOCKS),
        ("auto", "utf8", "tmux", BLOCKS),
        ("auto", "iso8859-1", "xterm", ASCII),
        ("auto", None, "xterm", ASCII),
        ("auto", "utf-8", "linux", ASCII),
        ("auto", "utf-8", "dumb", ASCII),
        ("auto", "utf-8", "vt100", ASCII),
        ("ascii", "utf-8", "xterm", ASCII),
        ("blocks", "ascii", "linux", BLOCKS),
    ],
)
def test_the_alphabet_is_as_set_or_what_the_terminal_shows(
    graphics: str, encoding: str | None, terminal: str | None, expected: Alphabet
) -> None:
    assert alphabet(graphics, encoding=encoding, terminal=terminal) is expected


def test_ascii_is_ascii_and_every_sign_is_one_cell() -> None:
    from rich.cells import cell_len

    for letters in (ASCII, BLOCKS):
        for each in (letters.levels, letters.heights, letters.parts, letters.rest, letters.below):
            assert cell_len(each) == len(each)
            assert each.isascii() or letters is BLOCKS
            assert " " not in each
