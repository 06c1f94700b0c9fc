"""Rows of a query as arrays in memory, without an object for each value."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Select

from entitlement_ledger.store.dialect import raw


class Rows:
    """Rows of whole numbers, one after another in one array.

    To take a few of millions out of an array is to wait for memory: once a row, not once a number.
    """

    def __init__(self, columns: Sequence[array[int]]) -> None:
        self._width = width = len(columns)
        self._numbers = array("q", bytes(8 * width * len(columns[0])))
        for place, column in enumerate(columns):
            self._numbers[place::width] = column

    def __getitem__(self, place: int) -> array[int]:
        """Give the numbers of one row."""
        start = place * self._width
        return self._numbers[start : start + self._width]


class Texts:
    """A column of texts, without an object for each."""

    def __init__(self, arrow: pa.Array) -> None:
        # Out of Arrow's own bytes: to ask it for one value takes twice as long.
        _, ends, texts = arrow.buffers()
        self._ends = memoryview(ends).cast("i")[arrow.offset :]
        self._texts = memoryview(texts or b"")

    def __getitem__(self, place: int) -> str:
        """Give one of them."""
        return str(self._texts[self._ends[place] : self._ends[place + 1]], "utf-8")


def in_arrays(connection: Connection, query: Select[*tuple[Any, ...]]) -> dict[str, Any]:
    """Give the rows of a query by column: numbers of 64 bits or `Texts`, none of them NULL."""
    said = query.compile(connection, compile_kwargs={"literal_binds": True})
    rows = raw(connection).sql(str(said)).to_arrow_table()
    return {name: _column(rows.column(name).combine_chunks()) for name in rows.column_names}


def _column(arrow: pa.Array) -> array[int] | Texts:
    assert not arrow.null_count, "every row has a value"
    if pa.types.is_string(arrow.type):
        return Texts(arrow)
    values = array("Q" if pa.types.is_uint64(arrow.type) else "q")
    if len(arrow):
        start, size = arrow.offset * values.itemsize, len(arrow) * values.itemsize
        values.frombytes(memoryview(arrow.buffers()[1])[start : start + size])
    return values
