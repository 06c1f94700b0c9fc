"""Killed at any point, the program loses nothing that it has acknowledged, and doubles nothing."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

from program import ENTL
from support import (
    START,
    HandClock,
    command,
    entl,
    hours,
    json_lines,
    new_store,
    outcomes_of,
)

from entitlement_ledger.domain.instants import HOUR
from entitlement_ledger.ledger import Ledger

_KILLS = 20


def test_killed_twenty_times_in_the_middle_of_posting(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    lines = [command("issue", f"k{n}", quantity=1, customer=f"C{n % 2 + 1}") for n in range(4000)]
    chance = random.Random(7)
    acknowledged: set[str] = set()
    for attempt in range(_KILLS):
        with subprocess.Popen(
            [*ENTL, "--store", store, "post", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as running:
            assert running.stdin is not None
            assert running.stdout is not None
            mine = [line for line in lines if line["key"] not in acknowledged]
            # Either line by line, as a program feeds it, or all at once.
            if attempt % 2:
                for line in mine[: chance.randint(1, 60)]:
                    running.stdin.write((json.dumps(line) + "\n").encode())
                    running.stdin.flush()
                    acknowledged.add(json.loads(running.stdout.readline())["key"])
                running.stdin.write(json_lines(mine[60:80]).encode())
                running.stdin.flush()
            else:
                running.stdin.write(json_lines(mine[:600]).encode())
                running.stdin.flush()
                time.sleep(chance.uniform(0.25, 0.6))
            running.kill()
            rest = running.stdout.read()
            whole = rest[: rest.rfind(b"\n") + 1]
            acknowledged |= {each["key"] for each in outcomes_of(whole.decode())}
            running.wait(timeout=30)
        with Ledger.open(store) as ledger:
            held = [row.key for row in ledger.history(limit=10_000).rows]
            assert len(held) == len(set(held))
            assert acknowledged <= set(held)
            granted = sum(b.available for c in ("C1", "C2") for b in ledger.balances(c, "PTS"))
            assert granted == len(held)
    assert len(acknowledged) > 100


_DIES_BETWEEN = """
import os, signal, sys
from entitlement_ledger import projecting
from entitlement_ledger.ledger import Ledger

def die(connection, events):
    os.kill(os.getpid(), signal.SIGKILL)

ledger = Ledger.open(sys.argv[1])
line = {"type": "issue", "customer": "C1", "entitlement": "PTS", "quantity": 1}
for number in range(3):
    ledger.post([{**line, "key": f"k{number}"}], actor="a")
    print(number, flush=True)
projecting.project_new = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
ledger.balances("C1")
"""


def test_killed_between_journal_and_projections(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", _DIES_BETWEEN, store], capture_output=True, check=False
    )
    assert done.returncode == -9, done.stderr
    assert done.stdout.split() == [b"0", b"1", b"2"]
    for _ in range(2):
        (balance,) = json.loads(entl("balance", "--customer", "C1", "--json", store=store).stdout)
        assert balance["available"] == 3
        assert len(json.loads(entl("history", "--json", store=store).stdout)) == 3


def test_a_clock_that_goes_back_does_not_take_the_ledger_with_it(tmp_path: Path) -> None:
    clock = HandClock(START)
    store = new_store(tmp_path, clock)
    with Ledger.open(store, clock=clock) as ledger:
        (first,) = ledger.post([command("issue", "a", quantity=5)], actor="x")
        clock.now -= 48 * HOUR
        (second,) = ledger.post([command("consume", "b", quantity=5)], actor="x")
        assert ledger.now() == START
        assert second.recorded_at == first.recorded_at == START
        assert second.status == "completed"
    with Ledger.open(store, clock=clock) as ledger:
        (third,) = ledger.post([command("issue", "c", quantity=5)], actor="x")
        assert third.recorded_at == START


_DIES_AFTER_A_COMMIT = """
import os, signal, sys
from entitlement_ledger import sweeping
from entitlement_ledger.domain.instants import parse_instant
from entitlement_ledger.ledger import Ledger

commits = int(sys.argv[3])

def progress(done, total):
    global commits
    print(done, total, flush=True)
    commits -= 1
    if not commits:
        os.kill(os.getpid(), signal.SIGKILL)

sweeping._CUSTOMERS_A_BATCH = sweeping._HOLDINGS_A_BATCH = 1
Ledger.open(sys.argv[1]).run_due(now=parse_instant(sys.argv[2]), progress=progress)
"""


def _run_due_killed_after(store: str, until: str, commits: int) -> list[bytes]:
    """Run due work a holding at a time, killed after so many commits; give the progress told."""
    arguments = [sys.executable, "-c", _DIES_AFTER_A_COMMIT, store, until, str(commits)]
    done = subprocess.run(arguments, capture_output=True, check=False)
    told = done.stdout.splitlines()
    assert done.returncode == (-9 if len(told) == commits else 0), done.stderr
    return told


def _due_grants(store: str) -> list[tuple[object, ...]]:
    """Give each grant and what became of it, ids aside."""
    with Ledger.open(store) as ledger:
        assert [each.name for each in ledger.check() if not each.ok] == []
        return sorted(
            (*pair, part.grant.effective_from, part.grant.quantity, part.expired, part.revoked)
            for pair in itertools.product(("C1", "C2"), ("PTS", "CRD"))
            for part in ledger.explain(*pair, at=START + 24 * 9 * HOUR).parts
        )


def test_due_work_killed_between_any_two_of_its_commits_is_done_once(tmp_path: Path) -> None:
    clock = HandClock(START)
    store = new_store(tmp_path, clock)
    with Ledger.open(store, clock=clock) as ledger:
        for customer in ("C1", "C2"):
            ledger.post(
                [
                    command("purchase", f"p{customer}", customer=customer, product="BASIC"),
                    command("issue", f"i{customer}", customer=customer, quantity=9,
                            expires_at=hours(5)),
                    command("hold", f"h{customer}", customer=customer, quantity=2,
                            expires_at=hours(9)),
                ],
                actor="x",
            )  # fmt: skip
    whole = str(tmp_path / "whole.duckdb")
    shutil.copy(store, whole)
    until = hours(24 * 3)
    commits = len(_run_due_killed_after(whole, until, commits=0))
    assert commits == 4, "two customers to renew, two holdings to sweep"
    expected = _due_grants(whole)
    for killed_after in range(1, commits):
        copy = str(tmp_path / f"killed{killed_after}.duckdb")
        shutil.copy(store, copy)
        assert len(_run_due_killed_after(copy, until, killed_after)) == killed_after
        assert len(_run_due_killed_after(copy, until, 0)) == commits - killed_after
        assert _due_grants(copy) == expected


def test_due_work_killed_in_the_middle_is_done_once(tmp_path: Path) -> None:
    clock = HandClock(START)
    store = new_store(tmp_path, clock)
    with Ledger.open(store, clock=clock) as ledger:
        for number in range(150):
            line = command("issue", f"i{number}", quantity=9, expires_at=hours(number % 40 + 1))
            ledger.post([line], actor="x")
        ledger.post(
            [
                command("purchase", f"p{customer}", customer=customer, product="BASIC")
                for customer in ("C1", "C2")
            ],
            actor="x",
        )
    until = hours(24 * 200)
    chance = random.Random(3)
    for _ in range(6):
        with subprocess.Popen(
            [*ENTL, "--store", store, "run-due", "--now", until], stderr=subprocess.PIPE
        ) as running:
            time.sleep(chance.uniform(0.2, 1.2))
            running.kill()
            running.wait(timeout=30)
    assert entl("run-due", "--now", until, store=store).returncode == 0
    with Ledger.open(store) as ledger:
        rows = ledger.history(limit=10_000).rows
        grants = [
            (grant.parent, row.customer, grant.effective_from, grant.entitlement)
            for row in rows
            if row.type == "renew"
            for grant in ledger.transaction(row.transaction).grants
        ]
        assert len(grants) == len(set(grants))
        assert sum(1 for parent, *_ in grants if parent is None) == 2 * 2 * 200
        expired = [row for row in rows if row.type == "expire" and row.customer == "C1"]
        assert sum(row.quantity or 0 for row in expired if row.entitlement == "PTS") >= 150 * 9
        assert [each.name for each in ledger.check() if not each.ok] == []
