"""Reading what a report's query gives: rows to be shown, and how many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from entitlement_ledger.store.copying import hexadecimal, integer, streamed
from entitlement_ledger.store.dialect import microseconds
from entitlement_ledger.store.reporting.columns import Kind, ReportColumn

Cells = tuple[str | int | None, ...]
How = Mapping[Kind, Callable[[ColumnElement[Any]], ColumnElement[Any]]]
"""How columns of each kind are written; those of a kind that is not named stay as they are."""

_SHOWN: How = {
    Kind.DIGEST: hexadecimal,
    Kind.INTEGER: integer,
    Kind.INSTANT: microseconds,
}


def written_as(query: Select[Any], columns: Sequence[ReportColumn], how: How) -> Select[Any]:
    """Give a query whose columns are written as their kinds ask for, in the same order of rows.

    They are written after the rows have been put in order: to sort what is longer takes longer. The
    order stays, since the database keeps that in which rows come to it.
    """
    given = query.subquery("in_order").c
    assert [each.name for each in columns] == given.keys(), "a report has the columns it declares"
    return select(
        *(
            how[each.kind](given[each.name]).label(each.name)
            if each.kind in how
            else given[each.name]
            for each in columns
        )
    )


def chunks(
    connection: Connection, query: Select[Any], columns: Sequence[ReportColumn]
) -> Iterator[Sequence[Cells]]:
    """Give rows in chunks, in order, as text and numbers; instants are microseconds."""
    return streamed(connection, written_as(query, columns, _SHOWN))


def first_rows(
    connection: Connection, query: Select[Any], columns: Sequence[ReportColumn], limit: int
) -> list[Cells]:
    """Give the first rows."""
    return [row for rows in chunks(connection, query.limit(limit), columns) for row in rows]


def count_rows(connection: Connection, query: Select[Any]) -> int:
    """Count the rows that a query gives."""
    counted = select(func.count()).select_from(query.order_by(None).subquery("all_rows"))
    return connection.execute(counted).scalar_one()
