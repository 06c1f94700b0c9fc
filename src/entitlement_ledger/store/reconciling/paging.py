"""Rows of a query that may be many: kept in a table of the database, and read page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from entitlement_ledger.store.dialect import temporary

_ROWS_AT_ONCE = 10_000


def paged(
    connection: Connection, name: str, query: Select[Any], *order: ColumnElement[Any]
) -> Iterator[Any]:
    """Give the rows of a query one by one, in an order that leaves nothing open.

    Other things may be asked on the connection in between. It is in a transaction.
    """
    number = func.row_number().over(order_by=order).label("numbered")
    with temporary(connection, name, query.add_columns(number).order_by(number)) as rows:
        at = rows.c.numbered
        count = connection.execute(select(func.count()).select_from(rows)).scalar_one()
        for done in range(0, count, _ROWS_AT_ONCE):
            page = select(rows).where(at > done, at <= done + _ROWS_AT_ONCE).order_by(at)
            yield from connection.execute(page).all()
