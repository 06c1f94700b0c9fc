"""What is run beside: each does as little as the same task allows, with plain means."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from entitlement_ledger.bench.building import CODES
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.store.dialect import raw

_A_COMMIT = 1000


def sqlite_filled(file: Path, transactions: int, customers: int) -> None:
    """Make a SQLite ledger that holds as much as the store that it is to stand beside.

    Written in the order of its keys and without a sync: only what comes after is measured.
    """
    database = _sqlite(file, synchronous="OFF")
    keys = sorted(f"b{number}" for number in range(transactions))
    database.execute("BEGIN")
    database.executemany(
        "INSERT INTO transactions (id, key, type, customer, entitlement, quantity, effective_at,"
        " status) VALUES (?, ?, 'issue', ?, 'POINTS', 10, NULL, 'completed')",
        ((n, key, f"C{n % customers}") for n, key in enumerate(keys, 1)),
    )
    database.executemany(
        "INSERT INTO postings VALUES (?, ?, ?)",
        (
            (n, *leg)
            for n in range(1, transactions + 1)
            for leg in (("given", -10), ("available", 10))
        ),
    )
    database.executemany(
        "INSERT INTO balances VALUES (?, ?, 1000)",
        sorted((f"C{number}", code) for number in range(customers) for code in CODES),
    )
    database.execute("COMMIT")
    database.close()


def _sqlite(file: Path, synchronous: str = "FULL") -> sqlite3.Connection:
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(f"PRAGMA synchronous = {synchronous}")
    database.execute(
        "CREATE TABLE IF NOT EXISTS balances (customer TEXT, entitlement TEXT, quantity INTEGER,"
        " PRIMARY KEY (customer, entitlement)) WITHOUT ROWID"
    )
    database.execute(
        "CREATE TABLE IF NOT EXISTS transactions (id INTEGER PRIMARY KEY, key TEXT UNIQUE,"
        " type TEXT, customer TEXT, entitlement TEXT, quantity INTEGER, effective_at TEXT,"
        " status TEXT)"
    )
    database.execute(
        "CREATE TABLE IF NOT EXISTS postings (id INTEGER, account TEXT, quantity INTEGER)"
    )
    return database


def sqlite_ledger(file: Path, lines: Iterable[Mapping[str, Any]], at_once: int = _A_COMMIT) -> None:
    """Keep a plain double-entry ledger in SQLite: WAL, full sync, keys, a balance check."""
    database = _sqlite(file)
    database.execute("BEGIN")
    for number, line in enumerate(lines, 1):
        _enter(database, line)
        if not number % at_once:
            database.execute("COMMIT")
            database.execute("BEGIN")
    database.execute("COMMIT")
    database.close()


def _enter(database: sqlite3.Connection, line: Mapping[str, Any]) -> None:
    key, who, what = line["key"], line["customer"], line["entitlement"]
    if database.execute("SELECT 1 FROM transactions WHERE key = ?", (key,)).fetchone():
        return
    held = database.execute(
        "SELECT quantity FROM balances WHERE customer = ? AND entitlement = ?", (who, what)
    ).fetchone()
    change = line["quantity"] if line["type"] == "issue" else -line["quantity"]
    after = (held[0] if held else 0) + change
    status = "completed" if after >= 0 else "refused"
    entered = database.execute(
        "INSERT INTO transactions (key, type, customer, entitlement, quantity, effective_at,"
        " status) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (key, line["type"], who, what, line["quantity"], line.get("effective_at"), status),
    )
    if status == "completed":
        legs = [(entered.lastrowid, "given", -change), (entered.lastrowid, "available", change)]
        database.executemany("INSERT INTO postings VALUES (?, ?, ?)", legs)
        database.execute("INSERT OR REPLACE INTO balances VALUES (?, ?, ?)", (who, what, after))


def sqlite_ledger_of_lines(file: Path, text: Path) -> None:
    """Keep the same from a file of JSON Lines."""
    with text.open("rb") as opened:
        sqlite_ledger(file, map(json.loads, opened))


def newest_rows(ledger: Ledger, since: int) -> dict[str, pa.Table]:
    """Give the rows that events after a sequence have in each table, as Arrow tables."""
    tables = ("live_journal", "transactions", "grants", "live_postings", "idempotency")
    with ledger._read() as connection:
        database = raw(connection)
        rows = {}
        for name in tables:
            statement = f"SELECT * FROM {name} WHERE sequence > {since}"  # noqa: S608
            rows[name] = database.sql(statement).to_arrow_table()
        return rows


def arrow_append(file: Path, tables: Mapping[str, pa.Table]) -> Callable[[], None]:
    """Give what appends Arrow tables to a new database in one transaction, without any key."""
    database = duckdb.connect(str(file))
    for name, rows in tables.items():
        database.register(f"{name}_rows", rows)
        database.execute(f"CREATE TABLE {name} AS SELECT * FROM {name}_rows LIMIT 0")  # noqa: S608

    def append() -> None:
        database.execute("BEGIN")
        for name in tables:
            database.execute(f"INSERT INTO {name} SELECT * FROM {name}_rows")  # noqa: S608
        database.execute("COMMIT")

    return append


def duckdb_commit(file: Path) -> Callable[[], None]:
    """Give what commits one row to a database that stays open."""
    database = duckdb.connect(str(file))
    database.execute("CREATE TABLE rows (id BIGINT PRIMARY KEY, body BLOB)")
    numbers = iter(range(1 << 62))

    def commit() -> None:
        database.execute("INSERT INTO rows VALUES (?, ?)", [next(numbers), b"x" * 700])

    return commit


def synced_append(file: Path) -> Callable[[], None]:
    """Give what appends one line to a file and makes it durable."""
    opened = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def append() -> None:
        os.write(opened, b"x" * 72 + b"\n")
        os.fsync(opened)

    return append


def select(ledger: Ledger, statement: str) -> Callable[[Sequence[Any]], Any]:
    """Give what runs a bare statement on a ledger's own store and fetches all of it."""

    def run(values: Sequence[Any]) -> Any:
        with ledger._read() as connection:
            return raw(connection).execute(statement, list(values)).fetchall()

    return run


def sum_of_postings(ledger: Ledger) -> Callable[[], None]:
    """Give what sums up every posting there is, once."""

    def run() -> None:
        with ledger._read() as connection:
            raw(connection).execute("SELECT sum(quantity) FROM live_postings").fetchall()

    return run


def window_over_postings(ledger: Ledger) -> Callable[[], None]:
    """Give what makes one running sum over all postings, once."""

    def run() -> None:
        with ledger._read() as connection:
            raw(connection).execute(
                "SELECT max(total) FROM (SELECT sum(quantity) OVER "
                '(PARTITION BY "grant", account ORDER BY effective_at, sequence) AS total '
                "FROM live_postings)"
            ).fetchall()

    return run
