"""Queries that are written out once.

What is asked with every command and every read is a look-up of a few rows: SQLAlchemy's own part in
one takes as long as the database's. Such a query is compiled when it is first asked, and then goes
to the database as text, with its values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, select
from sqlalchemy.sql.compiler import SQLCompiler

from entitlement_ledger.store.dialect import raw

Rows = list[tuple[Any, ...]]


def ensure_transaction(connection: Connection) -> None:
    """Begin a transaction, unless there is one."""
    if not connection.in_transaction():
        connection.begin()


class WrittenQuery:
    """A query whose values are given when it is asked.

    Rows come as the database has them: instants are to be asked for as numbers (`microseconds`).
    """

    def __init__(self, query: Select[Any]) -> None:
        self._query = query
        self._text = ""
        self._values: list[tuple[str, Any, Callable[[Any], Any] | None]] = []

    def rows(
        self, connection: Connection, values: Mapping[str, Any], *, alone: bool = False
    ) -> Rows:
        """Give all rows, in the transaction of the connection, as `Connection.execute` would.

        `alone` begins none: to begin and to end one takes as long as a third of a look-up, and is
        of no use where nothing else is asked.
        """
        if not self._text:
            self._write(connection)
        if not alone:
            ensure_transaction(connection)
        given = []
        for name, value, stored in self._values:
            each = values.get(name, value)
            given.append(each if stored is None else stored(each))
        return raw(connection).execute(self._text, given).fetchall()

    def _write(self, connection: Connection) -> None:
        dialect = connection.dialect
        compiled = self._query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        assert isinstance(compiled, SQLCompiler), "a query has values"
        self._values = [
            (name, compiled.params[name], compiled.binds[name].type.bind_processor(dialect))
            for name in compiled.positiontup or ()
        ]
        self._text = str(compiled)


class LookUp:
    """Rows of which one column is one of a few values: written out for each number of values."""

    def __init__(self, by: ColumnElement[Any], *columns: ColumnElement[Any]) -> None:
        self._by, self._columns = by, columns
        self._written: dict[int, WrittenQuery] = {}

    def rows(self, connection: Connection, values: Sequence[Any], *, alone: bool = False) -> Rows:
        """Give the rows of these values, of which there is at least one; `alone` as above."""
        query = self._written.get(len(values))
        if query is None:
            names = [bindparam(f"value_{n}", type_=self._by.type) for n in range(len(values))]
            wanted = self._by == names[0] if len(names) == 1 else self._by.in_(names)
            query = WrittenQuery(select(*self._columns).where(wanted))
            self._written[len(values)] = query
        given = {f"value_{n}": value for n, value in enumerate(values)}
        return query.rows(connection, given, alone=alone)
