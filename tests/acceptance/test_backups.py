"""A backup is the store as it was; an older one that is put back is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import command, entl, new_store, one_line, post

from entitlement_ledger.errors import InputError
from entitlement_ledger.ledger import Ledger


@pytest.fixture
def store(tmp_path: Path) -> str:
    store = new_store(tmp_path)
    post(store, [command("issue", "a", quantity=10)])
    return store


def available(store: str) -> int:
    told = json.loads(entl("balance", "--customer", "C1", "--json", store=store).stdout)
    return int(told[0]["available"])


def test_a_backup_is_restored_elsewhere_and_verifies(store: str, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    folder.mkdir()
    assert entl("backup", str(folder), store=store).returncode == 0
    misread = entl("backup", str(tmp_path / "what?"), store=store)
    assert misread.returncode == 2
    assert "no database can be in a place with ?" in one_line(misread.stderr)
    again = entl("backup", str(folder), store=store)
    assert again.returncode == 2
    assert "was not touched" in one_line(again.stderr)
    other = str(tmp_path / "elsewhere" / "ledger.duckdb")
    done = entl("restore", str(folder), store=other)
    assert done.returncode == 0, done.stderr
    assert available(other) == 10
    assert entl("verify", store=other).returncode == 0
    post(other, [command("issue", "b", quantity=1)])
    assert available(other) == 11


def test_a_restored_older_copy_is_noticed(store: str, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    assert entl("backup", str(folder), store=store).returncode == 0
    post(store, [command("issue", "b", quantity=1)])
    taken = entl("restore", str(folder), store=store)
    assert taken.returncode == 2
    assert "was not touched" in one_line(taken.stderr)
    refused = entl("restore", str(folder), "--force", store=store)
    assert Path(f"{store}.replaced-1").exists()
    assert refused.returncode == 3
    assert "an older copy was put back" in one_line(refused.stderr)
    assert entl("balance", "--customer", "C1", store=store).returncode == 3
    assert entl("witness", "reset", "--reason", "the disk broke", store=store).returncode == 0
    assert available(store) == 10
    assert entl("verify", store=store).returncode == 0


def test_a_backup_is_made_by_the_process_that_has_the_store_open(
    store: str, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    with Ledger.open(store) as ledger:
        ledger.post([command("issue", "open", quantity=5)], actor="x")
        told: list[tuple[int, int]] = []
        ledger.backup(folder, lambda done, total: told.append((done, total)))
        assert told[-1][0] == told[-1][1] > 0
        locked = entl("backup", str(tmp_path / "second"), store=store)
        assert locked.returncode == 3
        assert "is in use by process" in one_line(locked.stderr)
        ledger.post([command("issue", "after", quantity=5)], actor="x")
        with pytest.raises(InputError, match="was not touched"):
            ledger.backup(folder)
    other = str(tmp_path / "other" / "ledger.duckdb")
    assert entl("restore", str(folder), store=other).returncode == 0
    assert available(other) == 15
    assert available(store) == 20


def test_a_damaged_store_gives_way_to_its_backup_and_an_open_one_does_not(
    store: str, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    assert entl("backup", str(folder), store=store).returncode == 0
    with Ledger.open(store):
        refused = entl("restore", str(folder), "--force", store=store)
        assert refused.returncode == 3
        assert "is in use by process" in one_line(refused.stderr)
    Path(store).write_bytes(b"nothing that was a database")
    assert entl("balance", "--customer", "C1", store=store).returncode == 3
    assert entl("restore", str(folder), "--force", store=store).returncode == 0
    assert available(store) == 10


def test_what_is_not_a_backup_or_is_damaged_is_said_in_one_line(store: str, tmp_path: Path) -> None:
    folder, other = tmp_path / "backup", str(tmp_path / "new.duckdb")
    assert entl("backup", str(folder), store=store).returncode == 0
    nothing = entl("restore", str(tmp_path / "none"), store=other)
    assert nothing.returncode == 2
    assert "is not a backup" in one_line(nothing.stderr)
    manifest = (folder / "manifest.json").read_text("utf-8")
    for said, why in (('{"sha256": "00"}', "by an earlier version"), ("{}", "is damaged")):
        (folder / "manifest.json").write_text(said, "utf-8")
        assert why in one_line(entl("restore", str(folder), store=other).stderr)
    (folder / "manifest.json").write_text(manifest, "utf-8")
    content = (folder / "ledger.duckdb").read_bytes()
    for damaged in (content[:-4096], content[:9000] + b"x" + content[9001:]):
        (folder / "ledger.duckdb").write_bytes(damaged)
        done = entl("restore", str(folder), store=other)
        assert done.returncode == 2
        assert "it was cut or changed" in one_line(done.stderr)
        assert not Path(other).exists()
