"""Rows of a query as arrays in memory, without an object for each value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, cast, overload

import pyarrow as pa
from sqlalchemy import Connection, Select

from entitlement_ledger.store.dialect import raw


class Numbers(Protocol):
    """A column of whole numbers, without an object for each."""

    def __len__(self) -> int:
        """Give how many there are."""

    @overload
    def __getitem__(self, place: int, /) -> int: ...
    @overload
    def __getitem__(self, place: slice, /) -> Numbers: ...
    def __getitem__(self, place: int | slice, /) -> int | Numbers:
        """Give one of them, or some."""

    def __iter__(self) -> Iterator[int]:
        """Give one after another."""


class Texts:
    """A column of texts, without an object for each."""

    def __init__(self, arrow: pa.Array) -> None:
        self._arrow = arrow

    def __getitem__(self, place: int) -> str:
        """Give one of them."""
        return cast(str, self._arrow[place].as_py())


def in_arrays(connection: Connection, query: Select[*tuple[Any, ...]]) -> dict[str, Any]:
    """Give the rows of a query by column: `Numbers` of 64 bits or `Texts`, none of them NULL."""
    said = query.compile(connection, compile_kwargs={"literal_binds": True})
    rows = raw(connection).sql(str(said)).to_arrow_table()
    return {name: _column(rows.column(name).combine_chunks()) for name in rows.column_names}


def _column(arrow: pa.Array) -> Numbers | Texts:
    assert not arrow.null_count, "every row has a value"
    if pa.types.is_string(arrow.type):
        return Texts(arrow)
    raw_bytes = memoryview(arrow.buffers()[1]).cast("b")
    values = raw_bytes.cast("Q") if pa.types.is_uint64(arrow.type) else raw_bytes.cast("q")
    return values[arrow.offset : arrow.offset + len(arrow)]
