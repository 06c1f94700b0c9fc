"""Columns of Python values as Arrow arrays, as which the database takes many rows at once.

Imported by whoever has many: to read a few, no Arrow is needed.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import (
    BigInteger,
    Boolean,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    TableClause,
)

from entitlement_ledger.store.tables import InstantColumn

_BINARY_BYTES_MAX = (1 << 31) - 1
_TOGETHER_LEAST = 25
"""So many texts of bytes are put together at once."""
_TYPES: dict[type, pa.DataType] = {
    BigInteger: pa.int64(),
    Integer: pa.int32(),
    SmallInteger: pa.int16(),
    String: pa.string(),
    Boolean: pa.bool_(),
    LargeBinary: pa.binary(),
    InstantColumn: pa.timestamp("us"),
}


def rows_of(into: Table | TableClause, columns: Mapping[str, list[Any]]) -> pa.Table:
    """Give rows of a table, or of some of its columns."""
    return pa.table({name: _array(into, name, values) for name, values in columns.items()})


def untyped(columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Give rows whose types follow from the values."""
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def reader_of(
    into: Table,
    names: Sequence[str],
    chunks: Iterable[Mapping[str, list[Any]]],
    wrong: list[BaseException],
) -> pa.RecordBatchReader:
    """Give rows that are made a chunk at a time, when they are read; note what goes wrong then."""
    schema = pa.schema([(name, _array(into, name, []).type) for name in names])

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for columns in chunks:
                arrays = [_array(into, name, columns[name]) for name in names]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        except BaseException as error:
            wrong.append(error)
            raise

    return pa.RecordBatchReader.from_batches(schema, batches())


def _array(into: Table | TableClause, name: str, values: list[Any]) -> pa.Array:
    kind = into.c[name].type
    if isinstance(kind, LargeBinary) and len(values) >= _TOGETHER_LEAST and None not in values:
        return _binary(values)
    if isinstance(kind, InstantColumn):
        return pa.array(values, pa.int64()).cast(pa.timestamp("us"))
    return pa.array(values, _TYPES[type(kind)])


def _binary(values: list[bytes]) -> pa.Array:
    """Give texts of bytes as an array, put together at once: they are most of what is written."""
    whole = b"".join(values)
    if len(whole) > _BINARY_BYTES_MAX:
        return pa.array(values, pa.binary())
    ends = array("i", itertools.accumulate(map(len, values), initial=0))
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(whole)]
    return pa.BinaryArray.from_buffers(pa.binary(), len(values), buffers)
