"""What the tests of reading share: a small feed, and files of it written in every way."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from entitlement_ledger.importing.blocks import Block
from entitlement_ledger.importing.chunks import Problems, read_chunks
from entitlement_ledger.importing.feeds import FEEDS, Feed
from entitlement_ledger.importing.fields import OneOf, Text, Time, Whole
from entitlement_ledger.importing.reading import read_blocks
from entitlement_ledger.importing.sources import Source

BILLING = next(feed for feed in FEEDS if feed.name == "billing")

SMALL = Feed(
    "small",
    "id",
    {
        "id": Text(12, required=True),
        "note": Text(30),
        "count": Whole(-5, required=False),
        "state": OneOf(("on", "off")),
        "since": Time(required=True),
    },
    {},
)
NAMES = list(SMALL.columns)
GOOD: list[Any] = ["A1", "n", 3, "on", "2026-03-01T10:00:00+01:00"]
READ: list[Any] = ["A1", "n", 3, "on", 1_772_355_600_000_000]


def delimited(rows: Sequence[Sequence[Any]], delimiter: str = ",", end: str = "\n") -> str:
    """Write rows as CSV, the names first."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    writer.writerows([NAMES, *rows])
    return text.getvalue()


def objects(rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Give rows as objects."""
    return [dict(zip(NAMES, row, strict=True)) for row in rows]


def write(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a file as it is."""
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def write_parquet(folder: Path, columns: dict[str, Any]) -> Path:
    """Write columns as Parquet."""
    file = folder / "small.parquet"
    pq.write_table(pa.table(columns), file)
    return file


def write_objects(folder: Path, name: str, rows: Sequence[dict[str, Any]]) -> Path:
    """Write objects as a list, or one a line, as the name says."""
    if name.endswith(".json"):
        return write(folder, name, json.dumps(rows, indent=1))
    return write(folder, name, "".join(json.dumps(row) + "\n" for row in rows))


def rows_of(file: Path, **options: Any) -> list[list[Any]]:
    """Read a file of the small feed: each row's line and values."""
    return [
        [line, *values]
        for chunk in read_chunks(SMALL, file, **options)
        for line, *values in zip(chunk.lines, *chunk.columns.values(), strict=True)
    ]


def problems_of(file: Path, feed: Feed = SMALL, **options: Any) -> list[str]:
    """Read a file that has problems; give them without its name."""
    with pytest.raises(Problems) as caught:
        list(read_chunks(feed, file, **options))
    assert all(each.startswith(str(file)) for each in caught.value.problems)
    return [each.removeprefix(str(file)).lstrip(":, ") for each in caught.value.problems]


def blocks_of(file: Path, rows_at_once: int = 1000) -> list[Block]:
    """Read a file as it is."""
    return list(read_blocks(Source(file), rows_at_once, NAMES))
