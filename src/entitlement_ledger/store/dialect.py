"""What only DuckDB does: connecting, appending Arrow tables, folding text, interrupting."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import duckdb
import duckdb_engine
from sqlalchemy import (
    URL,
    BigInteger,
    Column,
    ColumnClause,
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    Select,
    String,
    Table,
    TableClause,
    column,
    create_engine,
    exists,
    func,
    literal,
    literal_column,
    table,
    tuple_,
)
from sqlalchemy import cast as cast_in_sql
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql.visitors import replacement_traverse

from entitlement_ledger.domain.instants import to_datetime
from entitlement_ledger.files import synced
from entitlement_ledger.store import compression as _compression  # noqa: F401 - spells columns
from entitlement_ledger.store import functions
from entitlement_ledger.store.tables import InstantColumn

if TYPE_CHECKING:
    import pyarrow as pa

Columns = dict[str, list[Any]]
"""Rows by column; all lists of one length. Instants are microseconds."""

Database = duckdb.DuckDBPyConnection
"""A connection as DuckDB knows it."""

DatabaseError = duckdb.Error
ConstraintError = duckdb.ConstraintException
InterruptError = duckdb.InterruptException


class BusyError(Exception):
    """Connections of this process are in use."""


_VALUES_ROWS_MAX = 24
_ROW_GROUP = 20_000
_IN_LIST_MAX = 128
_CONFIG = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # A checkpoint in the middle of posting stalls it: let the log grow, and checkpoint on closing.
    "wal_autocheckpoint": "1GB",
}
_names = itertools.count(1)
_AS_WRITTEN = "hive_partitioning = false"
"""No folder named like `customer=C1` says what a column of a file in it holds."""
_PATTERN = re.compile(r"[\[*?]")


class LedgerDialect(duckdb_engine.Dialect):
    """DuckDB's dialect, with compiled statements kept: the ledger asks the same ones all day."""

    supports_statement_cache = True


registry.register("duckdb.ledger", __name__, "LedgerDialect")


def make_engine(path: str, *, read_only: bool) -> Engine:
    """Make an engine on a DuckDB file. One connection to a thread; the pool keeps them open."""
    return create_engine(
        URL.create("duckdb+ledger", database=path),
        poolclass=QueuePool,
        # Every block ends its own transaction; a second rollback would only cost time.
        pool_reset_on_return=None,
        pool_size=4,
        max_overflow=60,
        connect_args={"read_only": read_only, "config": dict(_CONFIG)},
    )


def raw(connection: Connection) -> duckdb.DuckDBPyConnection:
    """Give DuckDB's own connection."""
    return cast(duckdb.DuckDBPyConnection, connection.connection.driver_connection)


def append(connection: Connection, into: Table, columns: Columns) -> None:
    """Append rows in one statement, however many there are.

    Up to some two dozen rows a VALUES list is quicker than an Arrow table.
    """
    _insert(connection, "INSERT", into, columns)


def append_all(connection: Connection, into: Table, chunks: Iterable[Columns]) -> None:
    """Append rows that come in chunks, in one statement: what is full is written as it comes.

    Appended in many statements of one transaction, all of it would be kept in memory. Every chunk
    has all columns of the table. What goes wrong in making a chunk is raised as it is.
    """
    from entitlement_ledger.store.arrow import reader_of

    names = [each.name for each in into.columns]
    wrong: list[BaseException] = []
    source = f"batch_{next(_names)}"
    raw(connection).register(source, reader_of(into, names, chunks, wrong))
    try:
        raw(connection).execute(
            f"INSERT INTO {into.name} ({_listed(names)}) SELECT {_listed(names)} FROM {source}"
        )
    except DatabaseError:
        if not wrong:
            raise
    finally:
        # In a transaction that has failed it cannot be, and goes when that is rolled back.
        with suppress(DatabaseError):
            raw(connection).unregister(source)
    if wrong:
        raise wrong[0]


def upsert(connection: Connection, into: Table, columns: Columns) -> None:
    """Insert rows, or replace those whose primary key is there already. No key twice."""
    _insert(connection, "INSERT OR REPLACE", into, columns)


def _insert(connection: Connection, verb: str, into: Table, columns: Columns) -> None:
    rows = len(next(iter(columns.values())))
    if rows > _VALUES_ROWS_MAX:
        _insert_arrow(connection, verb, into, columns)
    elif rows:
        stored = [_stored(into, name, values) for name, values in columns.items()]
        row = f"({', '.join('?' * len(columns))})"
        raw(connection).execute(
            f"{verb} INTO {into.name} ({_listed(columns)}) VALUES {', '.join([row] * rows)}",
            [value for values in zip(*stored, strict=True) for value in values],
        )


def _insert_arrow(connection: Connection, verb: str, into: Table, columns: Columns) -> None:
    from entitlement_ledger.store.arrow import rows_of

    with _registered(connection, rows_of(into, columns)) as source:
        listed = _listed(columns)
        raw(connection).execute(f"{verb} INTO {into.name} ({listed}) SELECT {listed} FROM {source}")


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _stored(into: Table, name: str, values: list[Any]) -> list[Any]:
    if not isinstance(into.c[name].type, InstantColumn):
        return values
    return [None if v is None else to_datetime(v).replace(tzinfo=None) for v in values]


@contextmanager
def _registered(connection: Connection, arrow: pa.Table) -> Iterator[str]:
    """Let statements on this connection read an Arrow table by name, for as long as it lasts."""
    name = f"batch_{next(_names)}"
    raw(connection).register(name, arrow)
    try:
        yield name
    finally:
        raw(connection).unregister(name)


@contextmanager
def among(
    connection: Connection, values: Sequence[Any], *columns: ColumnElement[Any]
) -> Iterator[ColumnElement[bool]]:
    """Give a condition that one column is among values, or several among tuples.

    A short list goes into the statement, where an index can be used; a long one is joined.
    """
    if len(values) <= _IN_LIST_MAX:
        target = columns[0] if len(columns) == 1 else tuple_(*columns)
        yield target.in_(values)
        return
    keys = [value if len(columns) > 1 else (value,) for value in values]
    from entitlement_ledger.store.arrow import untyped

    parts = {f"part_{i}": part for i, part in enumerate(zip(*keys, strict=True))}
    with _registered(connection, untyped(parts)) as name:
        wanted = table(name, *(column(part) for part in parts))
        yield exists().where(*(wanted.c[p] == c for p, c in zip(parts, columns, strict=True)))


@contextmanager
def beside(
    connection: Connection, columns: Sequence[ColumnClause[Any]], values: Columns
) -> Iterator[TableClause]:
    """Let statements read rows that are in memory as a table, for as long as it lasts."""
    unique = table(f"batch_{next(_names)}", *(column(each.name, each.type) for each in columns))
    with standing_by(connection, unique, values):
        yield unique


@contextmanager
def standing_by(connection: Connection, known: TableClause, values: Columns) -> Iterator[None]:
    """Let statements that are written beforehand read such rows, by the name they know."""
    from entitlement_ledger.store.arrow import rows_of

    raw(connection).register(known.name, rows_of(known, values))
    try:
        yield
    finally:
        # In a transaction that has failed it cannot be, and goes when that is rolled back.
        with suppress(DatabaseError):
            raw(connection).unregister(known.name)


@contextmanager
def beside_values(
    connection: Connection, name: str, values: Sequence[str]
) -> Iterator[TableClause]:
    """Let statements read texts that are in memory as a table of one column."""
    texts: ColumnClause[Any] = column(name, String())
    with beside(connection, [texts], {name: list(values)}) as rows:
        yield rows


@contextmanager
def temporary(connection: Connection, name: str, query: Select[Any]) -> Iterator[FromClause]:
    """Keep the rows of a query in a table of this connection, for as long as it lasts.

    Within a transaction: where that is rolled back, the table goes with it.
    """
    said = query.compile(connection, compile_kwargs={"literal_binds": True})
    unique = f"{name}_{next(_names)}"
    raw(connection).execute(f"CREATE TEMP TABLE {unique} AS {said}")
    columns = query.selected_columns
    yield table(unique, *(column(str(each.name), each.type) for each in columns))
    raw(connection).execute(f"DROP TABLE {unique}")


def asking(query: Select[Any], instead: Mapping[FromClause, FromClause]) -> Select[Any]:
    """Let a query ask other tables in place of those it names; they have the same columns."""
    if not instead:
        return query
    others: dict[Any, Any] = dict(instead)
    for asked, other in instead.items():
        others |= {each: other.c[str(each.name)] for each in asked.c}

    def other_of(element: Any, **_more: Any) -> Any:
        return others.get(element)

    return cast("Select[Any]", replacement_traverse(query, {}, other_of))


def keep(connection: Connection, name: str, query: Select[Any]) -> TableClause:
    """Keep the rows of a query in a table of the store, in place of what it had."""
    said = query.compile(connection, compile_kwargs={"literal_binds": True})
    raw(connection).execute(f"CREATE OR REPLACE TABLE {name} AS {said}")
    return kept(name, query)


def kept(name: str, query: Select[Any]) -> TableClause:
    """Give the table in which rows like those of a query were kept."""
    columns = query.selected_columns
    return table(name, *(column(str(each.name), each.type) for each in columns))


def add_to(connection: Connection, name: str, query: Select[Any]) -> None:
    """Add rows to those that were kept."""
    said = query.compile(connection, compile_kwargs={"literal_binds": True})
    raw(connection).execute(f"INSERT INTO {name} {said}")


def take_out(connection: Connection, name: str, of: str, least: int) -> None:
    """Take out those of the rows that were kept of which a number is so high or higher."""
    raw(connection).execute(f"DELETE FROM {name} WHERE {of} >= ?", [least])


@contextmanager
def within_memory(engine: Engine, most: str) -> Iterator[None]:
    """Let DuckDB take no more memory, on any connection; what does not fit goes to disk."""
    with engine.connect() as connection:
        raw(connection).execute(f"SET memory_limit = '{most}'")
    try:
        yield
    finally:
        with engine.connect() as connection:
            raw(connection).execute("RESET memory_limit")


@contextmanager
def attached(connection: Connection, path: Path) -> Iterator[str]:
    """Let statements on this connection, which only reads, read another database file too."""
    name = f"beside_{next(_names)}"
    raw(connection).execute(f"ATTACH {_literal(path)} AS {name} (READ_ONLY)")
    try:
        yield name
    except BaseException:
        # What went wrong is told, and not that the other file cannot be let go of because of it.
        connection.rollback()
        with suppress(DatabaseError):
            raw(connection).execute(f"DETACH {name}")
        raise
    # Not while a transaction has read from it.
    connection.commit()
    raw(connection).execute(f"DETACH {name}")


def export(connection: Connection, query: Select[Any], file: Path) -> None:
    """Write the rows of a query, in its order, into a Parquet file."""
    said = query.compile(connection, compile_kwargs={"literal_binds": True})
    raw(connection).execute(
        f"COPY ({said}) TO {_literal(file)} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"
    )
    synced(file)


def exported(file: Path, *columns: ColumnClause[Any]) -> FromClause:
    """Give the rows of a Parquet file as a table to select from."""
    return func.read_parquet(_alone(file), literal_column(_AS_WRITTEN)).table_valued(*columns)


def make_view(
    database: Database,
    view: Table,
    live: Table,
    files: Sequence[Path] = (),
    *,
    temporary: bool = False,
) -> None:
    """Make a view of what is live and of what lies in Parquet files, in place of an earlier one.

    A temporary one counts on this connection alone, and stands before the one that is stored.
    """
    parts = [live.name]
    if files:
        listed = ", ".join(_literal(_alone(file)) for file in files)
        parts.append(f"read_parquet([{listed}], {_AS_WRITTEN})")
    columns = _listed(view.c.keys())
    selects = " UNION ALL ".join(f"SELECT {columns} FROM {part}" for part in parts)
    kind = "TEMP VIEW" if temporary else "VIEW"
    database.execute(f"CREATE OR REPLACE {kind} {view.name} AS {selects}")


def make_query_view(connection: Connection, name: str, query: Select[Any]) -> None:
    """Make a view of a query, in place of an earlier one."""
    said = query.compile(connection, compile_kwargs={"literal_binds": True})
    raw(connection).execute(f"CREATE OR REPLACE VIEW {name} AS {said}")


def make_indexes(connection: Connection, columns: Iterable[Column[Any]]) -> None:
    """Index columns of tables that have no such index."""
    for each in columns:
        name = each.table.name
        raw(connection).execute(f'CREATE INDEX {name}_by_{each.name} ON {name} ("{each.name}")')


def microseconds(instant: ColumnElement[Any]) -> ColumnElement[int]:
    """Give a column of instants as numbers, which costs less where there are many."""
    return functions.microseconds(instant)


def text_hash(text: ColumnElement[Any]) -> ColumnElement[int]:
    """Give the lower half of a text's MD5 as a number without a sign, the first byte the lowest."""
    return func.md5_number_lower(text, type_=BigInteger())


def listed(sequences: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give the values of a group as a list, the lowest first."""
    return func.array_agg(aggregate_order_by(sequences, sequences))


def sha256_of_text(prefix: str, number: ColumnElement[int]) -> ColumnElement[str]:
    """Give SHA-256, in hexadecimal, over a text in UTF-8 and a column of numbers in decimal."""
    return func.sha256(literal(prefix).concat(cast_in_sql(number, String)), type_=String())


def copy_to(engine: Engine, target: Path) -> None:
    """Copy everything that is committed into a new database file.

    Not by reading the file: closing it would end the lock that keeps other processes out.
    """
    with engine.connect() as connection:
        database = raw(connection)
        ((source,),) = database.execute("SELECT current_database()").fetchall()
        database.execute(f"ATTACH {_literal(target)} AS copied_to")
        try:
            database.execute(f'COPY FROM DATABASE "{source}" TO copied_to')
        finally:
            database.execute("DETACH copied_to")


def _alone(file: Path) -> str:
    """Write a path so that it means this one file where a pattern is expected, and no other."""
    return _PATTERN.sub(r"[\g<0>]", str(file))


def _literal(path: Path | str) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def in_use(engine: Engine) -> int:
    """Give how many connections are given out."""
    return cast(QueuePool, engine.pool).checkedout()


def rewrite(engine: Engine, path: Path) -> None:
    """Write a database file anew, so that it does not hold what was deleted from it any more.

    DuckDB frees blocks without clearing them, and keeps the ends of a column's values as
    statistics: only what is copied into another file is surely all there is.

    Nobody in this process may use a connection meanwhile.
    """
    assert not in_use(engine), "a connection would go on with a file that is replaced"
    engine.dispose()
    anew = path.with_name(f".{path.name}.{os.getpid()}.anew")
    try:
        with duckdb.connect(config=dict(_CONFIG)) as database:
            # Attached to be written, so that no other process opens it until it is replaced.
            database.execute(f"ATTACH {_literal(path)} AS old_file")
            database.execute(f"ATTACH {_literal(anew)} AS new_file")
            database.execute("COPY FROM DATABASE old_file TO new_file")
            database.execute("DETACH new_file")
            synced(anew)
            anew.replace(path)
            synced(path.parent)
    finally:
        anew.unlink(missing_ok=True)


def interrupt(connection: Connection) -> None:
    """Interrupt what runs on a connection; there it raises `InterruptError`."""
    raw(connection).interrupt()
