"""Rows of a query as arrays in memory, without an object for each value."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select

from entitlement_ledger.store.dialect import raw

if TYPE_CHECKING:
    import pyarrow as pa

_NEAR = 64


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


class Hashes:
    """Hashes of 64 bits in order, each found by its upper bits first.

    To halve millions until one is left is to wait for memory some twenty times; among a few dozens
    that lie next to one another it is not.
    """

    def __init__(self, hashes: array[int]) -> None:
        bits = (len(hashes) // _NEAR).bit_length()
        self._hashes = hashes
        self._shift = 64 - bits
        starts = [bisect_left(hashes, upper << self._shift) for upper in range(1 << bits)]
        self._starts = array("q", [*starts, len(hashes)])

    def __len__(self) -> int:
        """Give how many there are."""
        return len(self._hashes)

    def place(self, sought: int) -> int | None:
        """Give where one stands first; None where it is not."""
        upper = sought >> self._shift
        end = self._starts[upper + 1]
        place = bisect_left(self._hashes, sought, self._starts[upper], end)
        return place if place < end and self._hashes[place] == sought else None


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
    from pyarrow import types

    assert not arrow.null_count, "every row has a value"
    if types.is_string(arrow.type):
        return Texts(arrow)
    values = array("Q" if types.is_uint64(arrow.type) else "q")
    if len(arrow):
        start, size = arrow.offset * values.itemsize, len(arrow) * values.itemsize
        values.frombytes(memoryview(arrow.buffers()[1])[start : start + size])
    return values
