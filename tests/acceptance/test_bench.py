"""`entl bench` measures; whether a machine is quick enough is not a test's to say."""

from __future__ import annotations

import json
from pathlib import Path

from support import entl, one_line

from entitlement_ledger.bench import building
from entitlement_ledger.bench.measuring import Measured, medians
from entitlement_ledger.console import measuring
from entitlement_ledger.ledger import Ledger


def test_a_small_run_gives_ratios_and_verdicts() -> None:
    done = entl("bench", "--events", "400", "--runs", "1", "--json")
    told = json.loads(done.stdout)["measured"]
    assert told[0]["name"] == "verify, 400 events"
    names = " ".join(each["name"] for each in told)
    for part in ("a page by customer", "balances and history", "one command", "64 callers", "FILE"):
        assert part in names
    for line in told:
        assert line["ratio"] == line["seconds"] / line["yardstick_seconds"] > 0
        assert line["ok"] == (line["ratio_max"] is None or line["ratio"] <= line["ratio_max"])
    assert done.returncode == (0 if all(line["ok"] for line in told) else 1), done.stderr


def test_only_what_is_named_is_measured() -> None:
    told = json.loads(entl("bench", "--events", "200", "--runs", "1", "--json", "reading").stdout)
    assert {each["name"].split()[0] for each in told["measured"]} == {"a", "one", "the", "opening,"}


def test_a_store_too_small_for_the_pages_of_the_console_is_refused_first() -> None:
    done = entl("bench", "--console", "--events", "1044")
    assert done.returncode == 2
    assert "say --events 1045 or more" in one_line(done.stderr)


def test_a_store_of_so_many_events_has_the_transactions(tmp_path: Path) -> None:
    size = building.events_for(measuring.TRANSACTIONS_MIN)
    store = building.build(tmp_path, size, 1, lambda done, of: None)
    with Ledger.open(store, read_only=True) as ledger:
        assert ledger.count_history() == measuring.TRANSACTIONS_MIN == 1001


def test_a_ratio_above_what_it_may_be_is_missed() -> None:
    assert Measured("a", 4.0, "b", 1.0, 4.0).ok
    assert not Measured("a", 4.1, "b", 1.0, 4.0).ok


def test_works_are_run_in_turn() -> None:
    order: list[str] = []
    taken = medians((lambda: order.append("a"), lambda: order.append("b")), runs=3)
    assert order == ["a", "b"] * 3
    assert len(taken) == 2
