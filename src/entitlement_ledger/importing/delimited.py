"""CSV: values between commas, semicolons or tabs, under a line with the names of the columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from itertools import chain, islice
from pathlib import Path

from entitlement_ledger.importing.blocks import BLOCK_BYTES_MAX, BadFile, Block
from entitlement_ledger.importing.sources import Source

_DELIMITERS = ",;\t"
_ROWS_TURNED = 200


def read_delimited(source: Source, rows_at_once: int, known: Collection[str]) -> Iterator[Block]:
    """Read a file of separated values; which separator it is, the header tells.

    Args:
        source: the file.
        rows_at_once: how many rows a block has at most.
        known: names of columns that are expected, to know the header by.

    Raises:
        BadFile: not UTF-8, quoting that ends nowhere, or a header that cannot be one.
    """
    texts = source.lines("\r\n")
    first = next(texts, "")
    lines = chain.from_iterable(io.StringIO(text, newline="") for text in chain([first], texts))
    reader = csv.reader(lines, delimiter=_delimiter(first, known), strict=True)
    header = _header(reader, source.path)
    line = reader.line_num + 1
    block, begun, given = _empty(header), source.done, False
    failed: BadFile | None = None
    over = False
    while not over:
        # A few rows at a time are turned into columns while they are still in the cache.
        rows: list[list[str]] = []
        starts: list[int] = []
        try:
            for values in islice(reader, min(_ROWS_TURNED, rows_at_once - len(block.lines))):
                rows.append(values)
                starts.append(line)
                line = reader.line_num + 1
        except csv.Error as error:
            failed = BadFile(f"{source.path}, line {line}: is not CSV: {error}")
        except BadFile as error:
            failed = error
        over = failed is not None or not rows
        _add(block, rows, starts)
        full = len(block.lines) == rows_at_once or source.done - begun > BLOCK_BYTES_MAX
        if full or (over and (block.lines or block.bad or not given)):
            yield block
            block, begun, given = _empty(header), source.done, True
    if failed is not None:
        raise failed


def _delimiter(text: str, known: Collection[str]) -> str:
    """Choose what gives the header most names that are known, then most names at all."""

    def score(delimiter: str) -> tuple[int, int]:
        try:
            names = _names(
                csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
            )
        except csv.Error:
            return (-1, -1)
        return sum(name in known for name in names), len(names)

    return max(_DELIMITERS, key=score)


def _names(reader: Iterator[list[str]]) -> list[str]:
    return [name.strip() for name in next(reader, [])]


def _header(reader: Iterator[list[str]], path: Path) -> list[str]:
    try:
        header = _names(reader)
    except csv.Error as error:
        raise BadFile(f"{path}, line 1: is not CSV: {error}") from None
    if not header:
        raise BadFile(f"{path}, line 1: is empty, a line with the column names is expected")
    if len(set(header)) != len(header):
        raise BadFile(f"{path}, line 1: a column is named twice")
    return header


def _empty(header: list[str]) -> Block:
    return Block([], {name: [] for name in header}, header=1)


def _add(block: Block, rows: list[list[str]], starts: list[int]) -> None:
    """Put rows at the end of a block; blank lines are left out."""
    width = len(block.columns)
    if set(map(len, rows)) - {width}:
        block.bad += [
            (line, f"has {len(values)} columns, the header {width}")
            for line, values in zip(starts, rows, strict=True)
            if values and len(values) != width
        ]
        starts = [line for line, values in zip(starts, rows, strict=True) if len(values) == width]
        rows = [values for values in rows if len(values) == width]
    block.lines += starts
    for column, values in zip(block.columns.values(), zip(*rows, strict=True), strict=False):
        column.extend(values)
