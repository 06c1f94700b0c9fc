"""What only DuckDB does when rows are written to a file, or read as a program shows them."""

from __future__ import annotations

import errno
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Numeric,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
)

from entitlement_ledger.formulas import DANGEROUS, MARK, PLAIN_RANGES
from entitlement_ledger.store.dialect import InterruptError, raw

Progress = Callable[[int, int], None]

_PERCENT = 100
_LOOK_SECONDS = 0.2
_ROW_GROUP = 100_000
_ERRNO = re.compile(r'"errno":"(\d+)"')
_OPTIONS = {
    "csv": "FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULLSTR ''",
    "json": "FORMAT json, ARRAY true",
    "parquet": f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP}",
}


def without_formula(text: ColumnElement[str]) -> ColumnElement[str]:
    """Give a text column in which nothing is a formula to a spreadsheet."""
    plain = or_(*(and_(text >= first, text < end) for first, end in PLAIN_RANGES))
    dangerous = func.regexp_matches(text, DANGEROUS)
    return case((plain, text), (dangerous, literal(MARK).concat(text)), else_=text)


def instant_text(instant: ColumnElement[Any]) -> ColumnElement[str]:
    """Write a column of instants as RFC 3339 in UTC with six decimals, as the program does."""
    return func.strftime(instant, "%Y-%m-%dT%H:%M:%S.%fZ", type_=String())


def instant_in_utc(instant: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give a column of instants as such of UTC, so that whoever reads the file need not know."""
    return func.timezone("UTC", instant)


def month_of(instant: ColumnElement[Any]) -> ColumnElement[str]:
    """Give the month of a column of instants, in UTC: 2026-03."""
    return func.strftime(instant, "%Y-%m", type_=String())


def hexadecimal(digest: ColumnElement[bytes]) -> ColumnElement[str]:
    """Write a column of bytes in hexadecimal, in small letters."""
    return func.lower(func.hex(digest), type_=String())


def json_field(body: ColumnElement[bytes], name: str) -> ColumnElement[str]:
    """Give a text in a column of JSON objects that are stored as UTF-8 bytes."""
    return func.json_extract_string(func.decode(body), f"$.{name}", type_=String())


def json_member(said: ColumnElement[str], name: str) -> ColumnElement[str]:
    """Give what a column of JSON objects in text says under a name; null where that is null."""
    return func.json_extract_string(said, f"$.{name}", type_=String())


def json_kind(said: ColumnElement[str], name: str) -> ColumnElement[str]:
    """Give what kind of value a column of JSON objects in text has under a name, in capitals."""
    return func.json_type(said, f"$.{name}", type_=String())


def joined_text(texts: ColumnElement[Any], separator: str) -> ColumnElement[str]:
    """Join a list column to one text."""
    return func.array_to_string(texts, separator, type_=String())


def integer(number: ColumnElement[Any]) -> ColumnElement[int]:
    """Give a number as one of 64 bits: a sum of such has 128 otherwise.

    Evaluating it raises `DatabaseError` where it does not fit.
    """
    return cast(number, BigInteger)


def divided(whole: ColumnElement[Any], by: ColumnElement[Any]) -> ColumnElement[int]:
    """Divide whole numbers and leave out the rest: the usual sign gives floating point here."""
    return whole.op("//", precedence=8)(by)


def decimal(number: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give a whole number of 128 bits in a way that files can hold exactly."""
    return cast(number, Numeric(38, 0))


def copy_out(
    connection: Connection,
    query: Select[Any],
    file: Path,
    format: str,
    said: Mapping[str, str],
    progress: Progress,
) -> int:
    """Write the rows of a query, in its order, into a file; give how many there were.

    `said` goes into a Parquet file beside them. Progress is told in percent, as far as the database
    knows.

    Raises:
        OSError: the file cannot be written.
        InterruptError: the query was interrupted.
        KeyboardInterrupt: somebody pressed Ctrl-C.
    """
    options = _OPTIONS[format]
    if format == "parquet" and said:
        pairs = ", ".join(f"{_quoted(name)}: {_quoted(text)}" for name, text in said.items())
        options += f", KV_METADATA {{{pairs}}}"
    rows = _with_nulls(query) if format == "parquet" else query
    statement = f"COPY ({_sql(connection, rows)}) TO {_quoted(str(file))} ({options})"
    with _watched(raw(connection), progress), _written():
        return int(raw(connection).execute(statement).fetchall()[0][0])


def streamed(
    connection: Connection, query: Select[Any], *, at_once: int = 1000
) -> Iterator[Sequence[tuple[Any, ...]]]:
    """Give the rows of a query in chunks, with bounded memory.

    Nothing else may be asked on the connection until the last one is taken.
    """
    with _interruptible():
        database = raw(connection).execute(_sql(connection, query))
        while rows := database.fetchmany(at_once):
            yield rows


def _with_nulls(query: Select[Any]) -> Select[Any]:
    """Let every column of rows be one that may be null, whether or not any is.

    The database says in a Parquet file which columns cannot be, and goes by all that the store
    holds then: what is recorded later would change the bytes of what was known before.
    """
    rows = query.subquery("rows").c
    return select(*(case((each.is_(None), null()), else_=each).label(each.name) for each in rows))


def _sql(connection: Connection, query: Select[Any]) -> str:
    return str(query.compile(connection, compile_kwargs={"literal_binds": True}))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def _watched(database: duckdb.DuckDBPyConnection, progress: Progress) -> Iterator[None]:
    """Tell how far the query on a connection has come, for as long as it runs.

    Whoever is told may end it by raising an error, which is raised here then.
    """
    database.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
    over, raised = threading.Event(), list[BaseException]()

    def look() -> None:
        while not over.wait(_LOOK_SECONDS):
            done = int(database.query_progress())
            try:
                if 0 < done < _PERCENT:
                    progress(done, _PERCENT)
            except BaseException as error:
                raised.append(error)
                database.interrupt()
                return

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    except InterruptError:
        if raised:
            raise raised[0] from None
        raise
    finally:
        over.set()
        watcher.join()
    progress(_PERCENT, _PERCENT)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C be what it is everywhere: within a query, DuckDB makes another error of it."""
    try:
        yield
    except RuntimeError as error:
        if "interrupted" in str(error).lower():
            raise KeyboardInterrupt from None
        raise


@contextmanager
def _written() -> Iterator[None]:
    """Let a file that cannot be written be what it is everywhere."""
    try:
        with _interruptible():
            yield
    except InterruptError:
        raise
    except duckdb.IOException as error:
        said = str(error)
        found = _ERRNO.search(said)
        why = os.strerror(int(found[1])) if found else said.splitlines()[0]
        raise OSError(int(found[1]) if found else errno.EIO, why) from None
