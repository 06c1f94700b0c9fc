"""When the file system fails, nothing that was acknowledged is lost, and one line says why."""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from program import ENTL
from support import (
    START,
    HandClock,
    command,
    entl,
    json_lines,
    new_store,
    one_line,
    outcomes_of,
    post,
)

from entitlement_ledger.domain.instants import HOUR
from entitlement_ledger.errors import StoreError
from entitlement_ledger.ledger import Ledger


def at_most(size: int) -> Callable[[], None]:
    """Let a process write files of so many bytes at most: as a full disk does, it fails."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def verified(store: str) -> bool:
    return entl("verify", store=store).returncode == 0


def test_a_full_disk_while_posting_loses_nothing_acknowledged(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    # What is alike would be compressed to next to nothing.
    chance = random.Random(1)
    lines = [
        command("issue", f"k{n}", quantity=1, reason=chance.randbytes(450).hex())
        for n in range(12_000)
    ]
    room = Path(store).stat().st_size + 300_000
    done = subprocess.run(
        [*ENTL, "--store", store, "post", "-"],
        input=json_lines(lines).encode(),
        capture_output=True,
        preexec_fn=at_most(room),
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "no space left" in one_line(done.stderr.decode())
    acknowledged = {each["key"] for each in outcomes_of(done.stdout.decode())}
    assert len(acknowledged) < len(lines)
    with Ledger.open(store) as ledger:
        held = {row.key for row in ledger.history(limit=20_000).rows}
    assert acknowledged <= held
    assert verified(store)
    assert {each["status"] for each in post(store, lines)} == {"completed"}
    assert verified(store)


def test_a_witness_that_cannot_be_written_stops_acknowledging(tmp_path: Path) -> None:
    """The witness has a folder of its own here, so that only it is full."""
    store = new_store(tmp_path)
    with Ledger.open(store, clock=HandClock()) as ledger:
        ledger.post([command("issue", "a", quantity=1)], actor="x")
        file = ledger._witness._file
        assert file is not None
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, file)
        os.close(full)
        with pytest.raises(StoreError, match="the witness cannot be written: No space left"):
            ledger.post([command("issue", "b", quantity=1)], actor="x")
        (again,) = ledger.post([command("issue", "b", quantity=1)], actor="x")
        assert again.duplicate
        (later,) = ledger.post([command("issue", "c", quantity=1)], actor="x")
        assert later.status == "completed"
    assert verified(store)


def test_a_witness_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    away = {"ENTL_WITNESS": str(tmp_path / "nowhere")}
    line = json_lines([command("issue", "a", quantity=1)])
    done = entl("post", "-", store=store, stdin=line, environment=away)
    assert done.returncode == 3
    assert "nowhere" in one_line(done.stderr)


def test_a_clock_set_back_a_day_leaves_a_store_that_verifies(tmp_path: Path) -> None:
    clock = HandClock(START)
    store = new_store(tmp_path, clock)
    with Ledger.open(store, clock=clock) as ledger:
        ledger.post([command("issue", "a", quantity=5)], actor="x")
        clock.now -= 24 * HOUR
        ledger.post([command("consume", "b", quantity=5)], actor="x")
    with Ledger.open(store, clock=clock) as ledger:
        recorded = [row.recorded_at for row in ledger.history().rows]
        assert recorded == sorted(recorded, reverse=True)
    results = json.loads(entl("verify", "--json", store=store).stdout)
    assert all(each["ok"] for each in results)


def test_verification_says_where_the_first_bad_event_is(tmp_path: Path) -> None:
    import duckdb

    store = new_store(tmp_path)
    post(store, [command("issue", f"k{n}", quantity=1) for n in range(20)])
    with duckdb.connect(store) as connection:
        connection.execute(
            "UPDATE live_journal SET body = body || 'x'::BLOB WHERE sequence IN (25, 27)"
        )
    done = entl("verify", "--json", store=store)
    assert done.returncode == 1
    results = {each["name"]: each for each in json.loads(done.stdout)}
    assert results["journal"]["examples"][0]["sequence"] == 25
    assert entl("verify", "--since-checkpoint", store=store).returncode == 0


def test_a_line_of_the_witness_that_is_only_half_written_is_not_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_store(tmp_path)
    write = os.write
    with Ledger.open(store, clock=HandClock()) as ledger:
        ledger.post([command("issue", "a", quantity=1)], actor="x")
        with monkeypatch.context() as half:
            half.setattr(os, "write", lambda file, data: write(file, data[: len(data) // 2]))
            with pytest.raises(StoreError, match="the witness cannot be written"):
                ledger.post([command("issue", "b", quantity=1)], actor="x")
        ledger.post([command("issue", "c", quantity=1)], actor="x")
    assert verified(store)
