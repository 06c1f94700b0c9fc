"""What is brought up beside posting: never seen half, never lost, never twice."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import START, HandClock, command, new_store

from entitlement_ledger import posting, projecting
from entitlement_ledger.domain.instants import HOUR, format_instant
from entitlement_ledger.errors import StoreError
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.store import loading
from entitlement_ledger.store.rebuilding import project_new


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A ledger that brings up whatever is lacking in a thread of its own."""
    monkeypatch.setattr(projecting, "BESIDE_LEAST", 1)
    clock = HandClock()
    with Ledger.open(new_store(tmp_path, clock), clock=clock) as opened:
        yield opened


class Held:
    """Holds back whoever projects, until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        monkeypatch.setattr(projecting, "project_new", self._project)

    def _project(self, *given: Any) -> None:
        self.begun.set()
        assert self.go_on.wait(30)
        project_new(*given)


@pytest.mark.parametrize(
    "given", [command("issue", "a", quantity=5), command("adjust", "a", quantity=5, reason="x")]
)
def test_posting_goes_on_meanwhile_and_knows_what_is_not_there_yet(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]
) -> None:
    held = Held(monkeypatch)
    ledger.post([given], actor="x")
    assert held.begun.wait(30)
    (drawn, too_much) = ledger.post(
        [command("consume", "b", quantity=3), command("consume", "c", quantity=3)], actor="x"
    )
    assert (drawn.status, too_much.code) == ("completed", "insufficient_balance")
    held.go_on.set()
    assert [each.available for each in ledger.balances("C1", "PTS")] == [2]


@pytest.mark.parametrize(
    "asked",
    [
        command("issue", "a", quantity=5),
        command("reverse", "r", transaction="a", reason="x"),
        command("adjust", "j", quantity=-5, reason="x"),
    ],
)
def test_what_needs_the_projections_waits_for_them(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]
) -> None:
    held = Held(monkeypatch)
    (first,) = ledger.post([command("issue", "a", quantity=5)], actor="x")
    assert held.begun.wait(30)
    threading.Timer(0.2, held.go_on.set).start()
    (told,) = ledger.post([asked], actor="x")
    assert told.status == "completed"
    assert told.transaction == first.transaction or ledger.balances("C1", "PTS")[0].available == 0


def test_what_waits_in_the_middle_of_a_batch_sees_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Customers are looked up before it turns out that one command is not plain."""
    monkeypatch.setattr(loading, "CUSTOMERS_AT_ONCE_MAX", 0)
    clock = HandClock()
    with Ledger.open(new_store(tmp_path, clock), clock=clock) as ledger:
        monkeypatch.setattr(projecting, "BESIDE_LEAST", 1)
        held = Held(monkeypatch)
        early, late = (format_instant(START - hours * HOUR) for hours in (3, 1))
        ledger.post(
            [
                command("issue", "a", quantity=5, effective_at=early),
                command("consume", "b", quantity=1, effective_at=late),
            ],
            actor="x",
        )
        assert held.begun.wait(30)
        threading.Timer(0.2, held.go_on.set).start()
        lines = [
            command("issue", "of whom nothing is known", quantity=1, customer="C2"),
            command("consume", "c", quantity=2, effective_at=format_instant(START - 2 * HOUR)),
        ]
        (_, told) = ledger.post(lines, actor="x")
        assert told.status == "completed"
        assert [each.available for each in ledger.balances("C1", "PTS")] == [2]


def test_what_fails_beside_is_done_again_and_nothing_is_doubled(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = threading.Event()

    def fails(*given: Any) -> None:
        project_new(*given)
        failing.set()
        raise OSError("the disk is gone")

    monkeypatch.setattr(projecting, "project_new", fails)
    ledger.post([command("issue", "a", quantity=5)], actor="x")
    assert failing.wait(30)
    monkeypatch.setattr(projecting, "project_new", project_new)
    (told,) = ledger.post([command("consume", "b", quantity=3)], actor="x")
    assert told.status == "completed"
    assert [each.available for each in ledger.balances("C1", "PTS")] == [2]
    assert [each.name for each in ledger.verify() if not each.ok] == []


def test_what_goes_on_failing_refuses_to_post_and_loses_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise StoreError("no space left")

    monkeypatch.setattr(projecting, "project_new", fails)
    monkeypatch.setattr(projecting, "catch_up", fails)
    ledger.post([command("issue", "a", quantity=5)], actor="x")
    in_hand = ledger._writer._behind._in_hand
    assert in_hand is not None
    in_hand.wait()
    with pytest.raises(StoreError, match="no space left"):
        ledger.post([command("consume", "b", quantity=3)], actor="x")
    monkeypatch.undo()
    (told,) = ledger.post([command("consume", "b", quantity=3)], actor="x")
    assert (told.status, told.duplicate) == ("completed", False)


def test_an_import_is_seen_at_once_by_whoever_reads(tmp_path: Path, ledger: Ledger) -> None:
    assert [each.name for each in ledger.entitlements() if each.code == "PTS"] == ["Pts"]
    feed = tmp_path / "entitlements.csv"
    feed.write_text(
        "code,name,description,kind,unit,scale,resources,status\nPTS,Stars,,points,star,0,,active\n"
    )
    assert not any(each.problems for each in ledger.import_files([feed], actor="x"))
    assert [each.name for each in ledger.entitlements() if each.code == "PTS"] == ["Stars"]


@pytest.mark.parametrize("limit", ["_BEHIND_MAX", "_NOT_FORGOTTEN_MAX"])
def test_posting_waits_where_too_much_is_lacking(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(projecting, "BESIDE_LEAST", 1 << 30)
    monkeypatch.setattr(posting, limit, 4)
    most = 0
    for number in range(12):
        ledger.post([command("issue", f"k{number}", quantity=1)], actor="x")
        most = max(most, len(ledger._writer._behind))
    assert most == 4


def test_the_next_is_brought_up_as_soon_as_nobody_is_at_the_last(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, writer = Held(monkeypatch), ledger._writer
    ledger.post([command("issue", "a", quantity=5)], actor="x")
    decide = writer._decide

    def decides_later(*given: Any) -> Any:
        held.go_on.set()
        assert writer._behind._in_hand is not None
        writer._behind._in_hand.wait()
        return decide(*given)

    monkeypatch.setattr(writer, "_decide", decides_later)
    ledger.post([command("issue", "b", quantity=5)], actor="x")
    assert len(writer._behind) == 1, "a is there, and b is being brought up"
    assert writer._behind.busy
    assert [each.available for each in ledger.balances("C1", "PTS")] == [10]


_DIES_BESIDE = """
import os, signal, sys, threading
from entitlement_ledger import projecting
from entitlement_ledger.ledger import Ledger

projecting.BESIDE_LEAST = 1
done = projecting.project_new

def dies(connection, entries):
    done(connection, entries)
    os.kill(os.getpid(), signal.SIGKILL)

projecting.project_new = dies
line = {"type": "issue", "customer": "C1", "entitlement": "PTS", "quantity": 1}
ledger = Ledger.open(sys.argv[1])
ledger.post([{**line, "key": "a"}, {**line, "key": "b"}], actor="a")
print("answered", flush=True)
threading.Event().wait(30)
"""


def test_killed_in_the_middle_of_it_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", _DIES_BESIDE, store], capture_output=True, check=False
    )
    assert done.returncode == -9, done.stderr
    with Ledger.open(store) as ledger:
        assert [each.available for each in ledger.balances("C1", "PTS")] == [2]
        assert [each.name for each in ledger.verify() if not each.ok] == []
