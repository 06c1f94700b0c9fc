"""Parquet: what it has that no feed may have is refused in one line."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from feed_support import GOOD, NAMES, READ, problems_of, rows_of, write, write_parquet

MOMENT = datetime(2026, 3, 1, 9, 0, 0, 123456)  # noqa: DTZ001 - what a zone is given to, or not


def columns(**changed: Any) -> dict[str, Any]:
    """Give three rows, with some columns changed."""
    return {**{name: [value] * 3 for name, value in zip(NAMES, GOOD, strict=True)}, **changed}


@pytest.mark.parametrize(
    ("unit", "zone", "microseconds"),
    [
        ("us", "UTC", 123456),
        ("ns", "UTC", 123456),
        ("us", "Asia/Tokyo", 123456),
        ("ms", "UTC", 123000),
        ("s", "UTC", 0),
    ],
)
def test_times_with_a_zone_are_exact(
    tmp_path: Path, unit: str, zone: str, microseconds: int
) -> None:
    moment = MOMENT.replace(microsecond=microseconds)
    since = pa.array([moment] * 3, pa.timestamp(unit)).cast(pa.timestamp(unit, zone))
    rows = rows_of(write_parquet(tmp_path, columns(since=since)), rows_at_once=2)
    assert rows == [[n, *READ[:4], READ[4] + microseconds] for n in (1, 2, 3)]


@pytest.mark.parametrize(
    "count",
    [
        pa.array([3, None, -5], pa.int8()),
        pa.array([3, None, -5], pa.int64()),
        pa.array([Decimal(3), None, Decimal(-5)], pa.decimal128(38, 0)),
        pa.array([Decimal(3), None, Decimal(-5)], pa.decimal128(20, 2)),
        pa.array(["3", None, "-5"], pa.large_string()),
        pa.array(["3", None, "-5"]).dictionary_encode(),
    ],
)
def test_whole_numbers_are_read_however_they_are_kept(tmp_path: Path, count: Any) -> None:
    rows = rows_of(write_parquet(tmp_path, columns(count=count)))
    assert [row[3] for row in rows] == [3, None, -5]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"since": pa.array([MOMENT] * 3)},
         ["column since: holds times without a zone: write them with one, such as UTC"]),
        ({"count": pa.array([1.0] * 3)},
         ["column count: holds floating point numbers (double): whole numbers are expected"]),
        ({"since": pa.array([MOMENT.date()] * 3)},
         ["column since: holds date32[day], which no feed has"]),
        ({"count": pa.array([Decimal("1.50"), None, None])},
         ["line 1, column count: must be a whole number"]),
        ({"count": pa.array([1, 2**63, 3], pa.uint64())},
         ["line 2, column count: is beyond the 64-bit range"]),
        ({"count": pa.array([True, True, False])},
         [f"line {n}, column count: must be a whole number" for n in (1, 2, 3)]),
        ({"since": pa.array([0, 1, 2], pa.timestamp("ns", "UTC"))},
         [f"line {n}, column since: is no usable time: finer than a microsecond: "
          "write at most six decimals" for n in (2, 3)]),
        ({"state": pa.array(["on", "off", "up"])},
         ["line 3, column state: must be one of on, off"]),
        ({"extra": pa.array([1.5] * 3)}, ["line 1, column extra: is not a column of small"]),
    ],
)  # fmt: skip
def test_what_no_feed_has_is_refused(
    tmp_path: Path, changed: dict[str, Any], says: list[str]
) -> None:
    assert problems_of(write_parquet(tmp_path, columns(**changed))) == says


def test_a_damaged_file_is_said(tmp_path: Path) -> None:
    whole = write_parquet(tmp_path, columns()).read_bytes()
    for content in (b"", b"PAR1", whole[:-20], whole[:100], b"id,note\n"):
        (problem,) = problems_of(write(tmp_path, "cut.parquet", content))
        assert problem.startswith("is not a Parquet file, or is damaged")
        assert "\n" not in problem
    (problem,) = problems_of(tmp_path / "none.parquet")
    assert problem.startswith("cannot be read")


def test_a_page_that_was_altered_is_said(tmp_path: Path) -> None:
    file = write_parquet(tmp_path, columns(note=[f"n{n}" * 9 for n in range(3)]))
    content = bytearray(file.read_bytes())
    content[4:40] = b"\xff" * 36
    (problem,) = problems_of(write(tmp_path, "bad.parquet", bytes(content)))
    assert problem.startswith("is not a Parquet file, or is damaged")


def test_a_column_is_known_whatever_stands_in_its_name(tmp_path: Path) -> None:
    file = write_parquet(tmp_path, {"id.x": [1, 2, 3], **columns()})
    assert problems_of(file) == ["line 1, column id.x: is not a column of small"]
