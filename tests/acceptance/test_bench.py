"""`entl bench` measures; whether a machine is quick enough is not a test's to say."""

from __future__ import annotations

import json

from support import entl

from entitlement_ledger.bench.measuring import Measured, medians


def test_a_small_run_gives_a_ratio_and_a_verdict() -> None:
    done = entl("bench", "--events", "400", "--runs", "1", "--json")
    told = json.loads(done.stdout)
    (line,) = told["measured"]
    assert line["name"] == "verify, 400 events"
    assert line["ratio"] == line["seconds"] / line["yardstick_seconds"]
    assert line["ok"] == (line["ratio"] <= line["ratio_max"])
    assert done.returncode == (0 if line["ok"] else 1)


def test_a_ratio_above_what_it_may_be_is_missed() -> None:
    assert Measured("a", 4.0, "b", 1.0, 4.0).ok
    assert not Measured("a", 4.1, "b", 1.0, 4.0).ok


def test_works_are_run_in_turn() -> None:
    order: list[str] = []
    taken = medians((lambda: order.append("a"), lambda: order.append("b")), runs=3)
    assert order == ["a", "b"] * 3
    assert len(taken) == 2
