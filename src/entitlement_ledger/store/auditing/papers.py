"""What a working paper reads besides events: their hashes, and rows that are in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import BigInteger, Connection, LargeBinary, Select, String, column, select
from sqlalchemy.types import TypeEngine

from entitlement_ledger.store.dialect import among, beside
from entitlement_ledger.store.reporting.columns import Kind, ReportColumn
from entitlement_ledger.store.tables import InstantColumn, journal

_TYPES: Mapping[Kind, TypeEngine[Any]] = {
    Kind.TEXT: String(),
    Kind.DIGEST: LargeBinary(),
    Kind.INTEGER: BigInteger(),
    Kind.INSTANT: InstantColumn(),
}


def hashes_of(connection: Connection, sequences: Sequence[int]) -> dict[int, bytes]:
    """Give the hash of each of these events as a leaf."""
    with among(connection, sorted(sequences), journal.c.sequence) as listed:
        query = select(journal.c.sequence, journal.c.hash).where(listed)
        return {row.sequence: row.hash for row in connection.execute(query).all()}


@contextmanager
def in_memory(
    connection: Connection, columns: Sequence[ReportColumn], rows: Sequence[Sequence[Any]]
) -> Iterator[Select[Any]]:
    """Let the database read rows, in their order by the first column, for as long as it lasts."""
    kinds = [column(each.name, _TYPES[each.kind]) for each in columns]
    values = {each.name: [row[place] for row in rows] for place, each in enumerate(columns)}
    with beside(connection, kinds, values) as table:
        yield select(*table.c).order_by(table.c[columns[0].name])
