"""Parquet: whole numbers, text and times with a zone, read batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from entitlement_ledger.importing.blocks import BadFile, Block, NotWhole
from entitlement_ledger.importing.sources import Source, cannot_be_read

_Values = Callable[[Any], list[Any]]


def read_parquet(source: Source, rows_at_once: int, known: Collection[str]) -> Iterator[Block]:
    """Read a Parquet file; a row's line is its number, from 1.

    Of columns that are not known, the blocks say that they are there, and nothing more.

    Raises:
        BadFile: it cannot be opened, is damaged, or a column that is known holds what no feed has:
            times without a zone, floating point numbers.
    """
    path = source.path
    try:
        size = path.stat().st_size
        with pq.ParquetFile(path, pre_buffer=False) as file:
            readers = _readers(path, file.schema_arrow, known)
            others: dict[str, list[Any]] = {
                name: [] for name in file.schema_arrow.names if name not in readers
            }
            rows, first = file.metadata.num_rows, 1
            if not rows:
                yield Block([], {**others, **{name: [] for name in readers}}, header=1)
            for batch in file.iter_batches(rows_at_once, columns=list(readers), use_threads=False):
                after = first + batch.num_rows
                columns = {name: values(batch.column(name)) for name, values in readers.items()}
                yield Block(list(range(first, after)), {**others, **columns}, header=1)
                first = after
                source.progress(size * (after - 1) // rows, size)
    except pa.ArrowException as error:
        raise BadFile(f"{path}: is not a Parquet file, or is damaged: {_line(error)}") from None
    except OSError as error:
        if error.errno is None:
            raise BadFile(f"{path}: is not a Parquet file, or is damaged: {_line(error)}") from None
        raise cannot_be_read(path, error) from None


def _readers(path: Path, schema: Any, known: Collection[str]) -> dict[str, _Values]:
    """Say how each column that is known is read."""
    if len(set(schema.names)) != len(schema.names):
        raise BadFile(f"{path}: a column is named twice")
    readers: dict[str, _Values] = {}
    for field in schema:
        if field.name in known:
            try:
                readers[field.name] = _reader(field.type)
            except ValueError as error:
                raise BadFile(f"{path}, column {ascii(field.name)[1:-1]}: {error}") from None
    return readers


def _reader(kind: Any) -> _Values:
    types = pa.types
    if types.is_dictionary(kind):
        return _plain_of(_reader(kind.value_type))
    if types.is_timestamp(kind):
        if kind.tz is None:
            raise ValueError("holds times without a zone: write them with one, such as UTC")
        return _times
    if types.is_floating(kind):
        raise ValueError(f"holds floating point numbers ({kind}): whole numbers are expected")
    if types.is_decimal(kind):
        return _decimals
    plain = (
        types.is_integer, types.is_boolean, types.is_null,
        types.is_string, types.is_large_string, types.is_string_view,
    )  # fmt: skip
    if any(is_kind(kind) for is_kind in plain):
        return _as_they_are
    if types.is_list(kind) and types.is_string(kind.value_type):
        return _as_they_are
    raise ValueError(f"holds {_line(kind)}, which no feed has")


def _plain_of(values: _Values) -> _Values:
    return lambda column: values(column.dictionary_decode())


def _as_they_are(column: Any) -> list[Any]:
    return column.to_pylist()  # type: ignore[no-any-return]


def _decimals(column: Any) -> list[Any]:
    """Give decimals as whole numbers; one with a fraction stays text, for the feed to refuse."""
    return [
        None if value is None else int(value) if value == int(value) else NotWhole(f"{value:f}")
        for value in column.to_pylist()
    ]


def _times(column: Any) -> list[Any]:
    """Write times in RFC 3339 in UTC; what is finer than microseconds stays so, to be refused."""
    kind = pa.timestamp(column.type.unit, "UTC")
    texts = pc.strftime(column.cast(kind), "%Y-%m-%dT%H:%M:%SZ")
    if kind.unit == "ns":
        # Whole microseconds, as most programs write them that count in nanoseconds.
        texts = pc.replace_substring_regex(texts, "000Z$", "Z")
    return texts.to_pylist()  # type: ignore[no-any-return]


def _line(what: object) -> str:
    """Give what a library says on one line, and not too long."""
    return ascii(" ".join(str(what).split()))[1:-1][:200]
