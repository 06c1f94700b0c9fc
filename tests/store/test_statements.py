"""Batches are the native shape: the number of statements does not grow with the batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event
from support import command, new_store

from entitlement_ledger.answers import HistoryFilter
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.store import dialect, written


class Noting:
    """The database's own connection, noting what it is asked."""

    def __init__(self, database: Any, statements: list[str]) -> None:
        self._database, self._statements = database, statements

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def execute(self, statement: str, *values: Any) -> Any:
        self._statements.append(statement)
        return self._database.execute(statement, *values)


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    def noting(connection: Connection, own: Any = dialect.raw) -> Noting:
        return Noting(own(connection), statements)

    event.listen(engine, "before_cursor_execute", note)
    with pytest.MonkeyPatch.context() as patch:
        for module in (dialect, written):
            patch.setattr(module, "raw", noting)
        yield statements
    event.remove(engine, "before_cursor_execute", note)


def statements_for(folder: Path, lines: int) -> int:
    store = new_store(folder)
    with Ledger.open(store) as ledger:
        ledger.post([command("issue", "first", quantity=10**6)], actor="a")
    with Ledger.open(store) as ledger, counted(ledger._engine) as statements:
        batch = [
            command(
                ("consume", "issue", "adjust")[n % 3],
                f"k{n}",
                quantity=1,
                customer=f"C{n % 2 + 1}",
                entitlement=("PTS", "CRD")[n % 4 // 2],
            )
            for n in range(lines)
        ]
        batch.append(command("reverse", "back", transaction="first", quantity=1))
        ledger.post(batch, actor="a")
        return len(statements)


def test_the_statements_of_a_batch_do_not_grow_with_it(tmp_path: Path) -> None:
    few, many = (tmp_path / name for name in ("few", "many"))
    few.mkdir()
    many.mkdir()
    assert statements_for(many, 5000) == statements_for(few, 1000)


def test_one_command_is_few_statements(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    with Ledger.open(store) as ledger:
        ledger.post([command("issue", "first", quantity=10)], actor="a")
        with counted(ledger._engine) as statements:
            ledger.post([command("consume", "second", quantity=1)], actor="a")
    assert [each.split()[0] for each in statements] == ["SELECT", "INSERT"], statements


def test_a_customer_is_read_with_two_statements(tmp_path: Path) -> None:
    with Ledger.open(new_store(tmp_path)) as ledger:
        ledger.post([command("issue", "first", quantity=10)], actor="a")
        ledger.balances("C1")
        with counted(ledger._engine) as statements:
            assert ledger.balances("C1")[0].available == 10
            assert ledger.history(HistoryFilter(customer="C1")).rows[0].unit == "pt"
    assert len(statements) == 2, statements
