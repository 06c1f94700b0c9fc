"""Many at once: threads share one open ledger, processes take turns."""

from __future__ import annotations

import gc
import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from program import ENTL
from support import command, new_store, one_line

from entitlement_ledger.ledger import Ledger
from entitlement_ledger.store.journal import Entries, entries_of

_THREADS = 16


def test_threads_neither_spend_twice_nor_lose_an_outcome(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    with Ledger.open(store) as ledger:
        ledger.post([command("issue", "stock", quantity=100)], actor="x")

        def spend(thread: int) -> list[str]:
            told = []
            for number in range(20):
                # Each key is asked for by two threads.
                key = f"k{thread // 2}-{number}"
                line = command("consume", key, quantity=1)
                (outcome,) = ledger.post([line], actor=f"t{thread}")
                told.append(f"{outcome.key} {outcome.status} {outcome.transaction}")
            return told

        with ThreadPoolExecutor(_THREADS) as pool:
            told = [line for lines in pool.map(spend, range(_THREADS)) for line in lines]
        assert len(told) == _THREADS * 20
        assert len(set(told)) == len(told) / 2
        completed = {line for line in told if " completed " in line}
        assert len(completed) == 100
        assert [each.available for each in ledger.balances("C1", "PTS")] == [0]
        assert [each.name for each in ledger.check() if not each.ok] == []


def test_garbage_is_looked_for_again_after_a_large_batch_and_after_one_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    lines = [command("issue", f"k{n}", quantity=1) for n in range(1000)]

    def watched(*given: Any) -> Entries:
        seen.append(gc.isenabled())
        if len(seen) == 2:
            raise OSError("the disk is gone")
        return entries_of(*given)

    with Ledger.open(new_store(tmp_path)) as ledger:
        monkeypatch.setattr("entitlement_ledger.posting.entries_of", watched)
        ledger.post(lines, actor="x")
        assert gc.isenabled()
        with pytest.raises(OSError, match="gone"):
            ledger.post([{**line, "key": f"{line['key']}b"} for line in lines], actor="x")
        assert gc.isenabled()
    assert seen == [False, False]


def test_of_four_processes_one_has_the_store_and_the_others_say_whose_it_is(
    tmp_path: Path,
) -> None:
    store = new_store(tmp_path)
    line = (json.dumps(command("issue", "a", quantity=1)) + "\n").encode()
    running = [
        subprocess.Popen(
            [*ENTL, "--store", store, "post", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    deadline = time.monotonic() + 60
    while sum(each.poll() is not None for each in running) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    (holder,) = [each for each in running if each.poll() is None]
    for each in running:
        if each is not holder:
            assert each.returncode == 3
            _, said = each.communicate(timeout=10)
            assert f"in use by process {holder.pid}" in one_line(said.decode())
    out, _ = holder.communicate(line, timeout=60)
    assert holder.returncode == 0
    assert json.loads(out)["status"] == "completed"
