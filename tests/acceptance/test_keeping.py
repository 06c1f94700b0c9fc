"""run-due and rebuild: safe to run at any time, any number of times."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from support import HandClock, command, entl, hours, new_store, one_line, post

from entitlement_ledger.answers import HistoryFilter
from entitlement_ledger.domain.instants import DAY
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.store import loading
from entitlement_ledger.store.tables import FEEDS, PROJECTIONS


def _content(store: str) -> dict[str, list[tuple[object, ...]]]:
    tables = [table.name for table in (*PROJECTIONS, *FEEDS)] + ["journal"]
    with duckdb.connect(store, read_only=True) as connection:
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
            for name in tables
        }


def test_the_sweep_is_recorded_once_and_changes_no_balance(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    post(
        store,
        [
            command("issue", "a", quantity=10, effective_at=hours(0), expires_at=hours(9)),
            command("consume", "b", quantity=4, effective_at=hours(1)),
            command("issue", "c", quantity=5, effective_at=hours(0)),
        ],
    )
    balance = ["balance", "--customer", "C1", "--json"]
    before = entl(*balance, store=store).stdout
    done = [
        json.loads(entl("run-due", "--json", *options, store=store).stdout)["expired"]
        for options in (["--now", hours(5)], [], [])
    ]
    assert done == [0, 1, 0]
    assert entl(*balance, store=store).stdout == before
    (swept,) = json.loads(entl("history", "--type", "expire", "--json", store=store).stdout)
    assert (swept["quantity"], swept["effective_at"], swept["actor"]) == (6, hours(9), "system")
    (late,) = post(store, [command("consume", "late", quantity=8, effective_at=hours(8))])
    assert late["status"] == "completed"
    assert [draw["quantity"] for draw in late["draws"]] == [6, 2]


def test_a_rebuild_gives_the_same_content(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    sample = Path(__file__).parents[2] / "sample_data"
    assert entl("import", str(sample), store=store).returncode == 0
    lines = (sample / "commands.jsonl").read_text("utf-8").splitlines(keepends=True)[:1500]
    entl("post", "-", "--history", store=store, stdin="".join(lines))
    entl("run-due", store=store)
    before = _content(store)
    assert len(before["transactions"]) > 1400
    with duckdb.connect(store) as connection:
        connection.execute("UPDATE live_postings SET quantity = quantity + 1 WHERE place = 1")
        connection.execute("DELETE FROM grants WHERE quantity > 100")
        connection.execute("DELETE FROM transactions WHERE sequence > 1000")
        connection.execute("DROP TABLE resolutions")
    assert entl("rebuild", store=store).returncode == 0
    assert _content(store) == before


def test_a_store_whose_tables_do_not_fit_its_journal_says_so_and_is_rebuilt(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    post(store, [command("issue", "a", quantity=10)])
    before = _content(store)
    with duckdb.connect(store) as connection:
        connection.execute("UPDATE store SET value = '3' WHERE name = 'projected'")
    done = entl("balance", "--customer", "C1", store=store)
    assert done.returncode == 3
    assert "do not fit its journal" in one_line(done.stderr)
    assert entl("rebuild", store=store).returncode == 0
    assert _content(store) == before


@pytest.mark.parametrize("at_once", [0, 1, 20_000])
def test_what_is_due_is_done_however_many_customers_there_are(
    tmp_path: Path, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many customers the writer knows beforehand only some, or none."""
    monkeypatch.setattr(loading, "CUSTOMERS_AT_ONCE_MAX", at_once)
    store, clock = new_store(tmp_path, HandClock()), HandClock()
    with Ledger.open(store, clock=clock) as ledger:
        bought = command("purchase", "p", product="BASIC")
        assert ledger.post([bought], actor="shop")[0].status == "completed"
    clock.now += 3 * DAY
    with Ledger.open(store, clock=clock) as ledger:
        done = ledger.run_due()
        assert done.renewed > 0
        assert ledger.run_due().renewed == 0
        (renewed,) = {each.customer for each in ledger.history(HistoryFilter(type="renew")).rows}
        assert renewed == "C1"
