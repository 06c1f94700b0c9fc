"""Reading a feed: in chunks, column by column, for millions of rows; or whole, row by row."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entitlement_ledger.errors import PROBLEMS_MAX, InputError, with_limit
from entitlement_ledger.importing.checking import Checker
from entitlement_ledger.importing.feeds import Feed
from entitlement_ledger.importing.mapping import Mapping
from entitlement_ledger.importing.sources import Progress, Source, silent

ROWS_AT_ONCE = 50_000


class Problems(InputError):
    """A file with bad lines; each of `problems` names file, line and column."""

    def __init__(self, problems: list[str]) -> None:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(problems[0] + more)
        self.problems = problems

    @property
    def lines(self) -> list[str]:
        """All that is wrong, as far as it is told."""
        return with_limit(self.problems)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a feed that follow each other in a file, column by column.

    Attributes:
        lines: where each row begins, from 1; of Parquet, the row.
        columns: the values of every column of the feed as its readers give them: instants in
            microseconds since 1970 (UTC), whole numbers, text; None where it may be empty, or is
            lacking.
    """

    lines: list[int]
    columns: dict[str, list[Any]]


class Chunks(Iterator[Chunk]):
    """The chunks of a file, each read when it is asked for."""

    def __init__(self, checker: Checker, source: Source, rows_at_once: int) -> None:
        self._source = source
        self._chunks = _chunks(checker, rows_at_once)

    def __next__(self) -> Chunk:
        """Read on."""
        return next(self._chunks)

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file in hexadecimal, to be asked for after the last chunk."""
        return self._source.sha256


def read_chunks(
    feed: Feed,
    path: Path,
    mapping: Mapping | None = None,
    rows_at_once: int = ROWS_AT_ONCE,
    optional: Collection[str] = (),
    progress: Progress = silent,
) -> Chunks:
    """Read a file of a feed in chunks; the same key may stand in it any number of times.

    Args:
        feed: what the file holds.
        path: the file; its suffix tells how it is written.
        mapping: the names and values of a file that has others.
        rows_at_once: how many rows a chunk has at most.
        optional: columns that the file may lack; they are None then, or what the feed puts there.
        progress: told how many bytes have been read, and of how many.

    Raises:
        InputError: the mapping does not fit the feed.
        Problems: while reading: lines are bad, or the file cannot be read; all that is wrong, up to
            a limit. What has been given before is not to be used either.
    """
    source = Source(path, progress)
    return Chunks(Checker(feed, source, mapping, optional), source, rows_at_once)


def _chunks(checker: Checker, rows_at_once: int) -> Iterator[Chunk]:
    problems: list[str] = []
    for checked in checker.checked(rows_at_once):
        problems += checked.problems
        if not problems and checked.lines:
            yield Chunk(checked.lines, checked.columns)
    if problems:
        raise Problems(problems[:PROBLEMS_MAX])


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its line, from 1, and its fields by name."""

    line: int
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What a file holds; with problems, its rows are not to be used."""

    rows: list[Row]
    problems: list[str]


def read_feed(feed: Feed, path: Path, mapping: Mapping | None = None) -> ReadFile:
    """Read and check a whole file; a key that stands twice is a problem.

    Raises:
        InputError: the mapping does not fit the feed.
    """
    checker = Checker(feed, Source(path), mapping)
    rows: list[Row] = []
    problems: list[str] = []
    first_rows: dict[Any, tuple[int, int]] = {}
    for checked in checker.checked(ROWS_AT_ONCE):
        problems += checked.problems
        names = list(checked.columns)
        for line, *values in zip(checked.lines, *checked.columns.values(), strict=True):
            fields = dict(zip(names, values, strict=True))
            key = fields[feed.key]
            # Several objects of JSON may stand in one line.
            place, first = first_rows.setdefault(key, (len(rows), line))
            if key is not None and place != len(rows):
                problems.append(f"{checker.where(line, feed.key)}: stands in line {first} already")
            rows.append(Row(line, fields))
        if len(problems) >= PROBLEMS_MAX:
            break
    return ReadFile(rows, problems[:PROBLEMS_MAX])
