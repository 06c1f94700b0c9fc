"""A closed period lies in files: every question is answered as before, or the file is named."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from program import ENTL
from support import (
    START,
    HandClock,
    command,
    entl,
    hours,
    new_store,
    one_line,
    post,
)
from test_faults import at_most

from entitlement_ledger.domain.instants import HOUR, parse_instant
from entitlement_ledger.errors import StoreError
from entitlement_ledger.ledger import Ledger

FILES = ("journal.parquet", "postings.parquet", "balances.parquet", "manifest.json")
T = hours(24)
STORE = "ledger.duckdb"


def _lines() -> list[dict[str, Any]]:
    lines = [
        command("issue", f"i{n}", quantity=10, customer=f"C{n % 2 + 1}", effective_at=hours(n / 10))
        for n in range(400)
    ]
    lines += [
        command("consume", f"c{n}", quantity=3, customer=f"C{n % 2 + 1}", effective_at=hours(n + 1))
        for n in range(40)
    ]
    lines.append(command("hold", "open", quantity=5, effective_at=hours(2)))
    lines.append(command("hold", "lapses", quantity=5, effective_at=hours(2), expires_at=hours(9)))
    lines.append(command("purchase", "p", product="BASIC", effective_at=hours(3)))
    lines.append(command("renew", "early", product="BASIC", effective_at=hours(4)))
    return lines


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store with a history that is over."""
    folder = tmp_path_factory.mktemp("made")
    with Ledger.open(new_store(folder)) as ledger:
        assert {each.code for each in ledger.post(_lines(), actor="x")} == {None}
        ledger.run_due()
    return folder


@pytest.fixture(scope="module")
def closed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, of which the first day is archived."""
    folder = tmp_path_factory.mktemp("closed") / "store"
    shutil.copytree(made, folder)
    with Ledger.open(str(folder / STORE)) as ledger:
        ledger.archive(parse_instant(T), actor="x", reason="the day is over")
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path) -> str:
    """A copy of the store that has no archive."""
    shutil.copytree(made, tmp_path / "store")
    return str(tmp_path / "store" / STORE)


@pytest.fixture
def archive(closed: Path, tmp_path: Path) -> Path:
    """The archive of a copy of the store that has one."""
    shutil.copytree(closed, tmp_path / "store")
    (folder,) = (tmp_path / "store" / f"{STORE}.archive").iterdir()
    return folder


def store_of(archive: Path) -> str:
    """Give the store that an archive is of."""
    return str(archive.parent).removesuffix(".archive")


MOMENTS = [START + round(hour * HOUR) for hour in (0, 2.5, 10, 23.9, 24, 30, 60)]


def answers(store: str) -> list[Any]:
    """Give what is told of every transaction, and of balances at moments before and after."""
    with Ledger.open(store) as ledger:
        rows = ledger.history(limit=10_000).rows
        told: list[Any] = [ledger.transaction(row.transaction) for row in rows[::40]]
        told.append(rows)
        told += [ledger.balances(who, at=at) for who in ("C1", "C2") for at in MOMENTS]
        told += [ledger.explain(who, "PTS", at=MOMENTS[-2]) for who in ("C1", "C2")]
        return told


def verified(store: str) -> bool:
    with Ledger.open(store, unwitnessed=True) as ledger:
        return all(each.ok for each in ledger.verify())


def test_everything_is_answered_as_before_and_the_tables_are_smaller(store: str) -> None:
    before = answers(store)
    asked = (
        ["history", "--json", "--limit", "1000"],
        ["balance", "--customer", "C1", "--at", hours(10), "--json"],
        ["check", "--json"],
    )
    said = [entl(*question, store=store).stdout for question in asked]
    with duckdb.connect(store, read_only=True) as connection:
        rows = connection.execute("SELECT count(*) FROM live_journal").fetchall()
    done = entl("archive", "--before", T, "--reason", "the day is over", store=store)
    assert done.returncode == 0, done.stderr
    assert "archived " in one_line(done.stderr)
    (folder,) = Path(f"{store}.archive").iterdir()
    assert answers(store) == before
    assert [entl(*question, store=store).stdout for question in asked] == said
    assert verified(store)
    assert sorted(each.name for each in folder.iterdir()) == sorted(FILES)
    with duckdb.connect(store, read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM live_journal").fetchall() < rows
        assert connection.execute("SELECT count(*) FROM journal").fetchall() > rows
        held = "SELECT sequence FROM live_journal JOIN transactions USING (sequence) WHERE key = ?"
        for key, stays in (("open", 1), ("early", 1), ("lapses", 0), ("p", 0)):
            assert len(connection.execute(held, [key]).fetchall()) == stays, key
    assert entl("rebuild", store=store).returncode == 0
    assert answers(store) == before
    assert verified(store)


def test_what_is_archived_is_proved_and_reversed_later(archive: Path, tmp_path: Path) -> None:
    store = store_of(archive)
    entl("checkpoint", store=store)
    proof = tmp_path / "c1.proof"
    assert entl("proof", "c1", "-o", str(proof), store=store).returncode == 0
    assert entl("verify-proof", str(proof)).returncode == 0
    line = command("reverse", "r", transaction="c1", customer="C2")
    (undone,) = post(store, [line])
    assert (undone["status"], undone["draws"][0]["quantity"]) == ("completed", 3)
    (refused,) = post(store, [command("issue", "late", quantity=1, effective_at=hours(5))])
    assert refused["code"] == "period_closed"
    assert post(store, [_lines()[0]])[0]["duplicate"], "a key is known for ever"
    assert verified(store)


def test_what_is_due_in_it_is_recorded_first(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    with Ledger.open(store) as ledger:
        ends = {"effective_at": hours(0), "expires_at": hours(9)}
        ledger.post([command("issue", "short", quantity=4, **ends)], actor="x")
        ledger.post([command("purchase", "p", product="BASIC", effective_at=hours(0))], actor="x")
        ledger.archive(START + 30 * HOUR, actor="x")
        due = [
            (row.type, row.effective_at) for row in ledger.history().rows if row.actor == "system"
        ]
        assert ("expire", START + 9 * HOUR) in due
        assert ("renew", START + 24 * HOUR) in due
        assert max(at for _, at in due) < START + 30 * HOUR, "and nothing of later"
        ledger.run_due()
        assert all(row.code is None for row in ledger.history().rows)
        assert [each.name for each in ledger.verify() if not each.ok] == []


def test_it_is_recorded_who_closed_it_and_why(archive: Path) -> None:
    store, folder = store_of(archive), archive
    with Ledger.open(store) as ledger:
        newest = ledger.events(limit=1).rows[0]
    assert (newest.event, newest.what, newest.reason) == (
        "archive",
        "closed",
        "the day is over",
    )
    assert newest.after is not None
    assert newest.after == json.loads((folder / "manifest.json").read_text("utf-8"))
    assert newest.after["size"] == newest.sequence - 1


def test_what_cannot_be_archived_is_said_in_one_line_and_changes_nothing(store: str) -> None:
    before = answers(store)
    for until, why in (
        ("2999-01-01T00:00:00Z", "is still to come"),
        (hours(-5000), "nothing to archive lies wholly before"),
        ("0001-01-01T00:00:00Z", "nothing to archive lies wholly before"),
        ("yesterday", "yesterday"),
    ):
        done = entl("archive", "--before", until, store=store)
        assert done.returncode == 2
        assert why in one_line(done.stderr)
    assert not Path(f"{store}.archive").exists()
    assert answers(store) == before


def test_what_is_archived_is_not_archived_again(archive: Path) -> None:
    for until in (T, hours(2)):
        again = entl("archive", "--before", until, store=store_of(archive))
        assert again.returncode == 2
        assert "is archived already" in one_line(again.stderr)
    assert list(archive.parent.iterdir()) == [archive]


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def _empty(file: Path) -> None:
    file.write_bytes(b"")


DAMAGE: list[Callable[[Path], None]] = [Path.unlink, _cut, _flip, _empty]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGE, ids=["missing", "cut", "flipped", "empty"])
def test_a_file_that_is_missing_or_altered_is_named_and_nothing_is_told(
    archive: Path, name: str, damage: Callable[[Path], None]
) -> None:
    store, folder = store_of(archive), archive
    whole = (folder / name).read_bytes()
    damage(folder / name)
    for question in (["balance", "--customer", "C1"], ["verify"], ["rebuild"]):
        done = entl(*question, store=store)
        assert (done.returncode, done.stdout) == (3, ""), question
        assert str(folder / name) in one_line(done.stderr)
        assert "put it back from a backup" in done.stderr
    (folder / name).write_bytes(whole)
    assert verified(store)


def test_a_file_altered_anywhere_is_noticed(archive: Path) -> None:
    store, folder = store_of(archive), archive
    chance = random.Random(5)
    for _ in range(60):
        file = folder / chance.choice(FILES)
        whole = file.read_bytes()
        at = chance.randrange(len(whole))
        changed = whole[:at] + bytes([whole[at] ^ chance.randrange(1, 256)]) + whole[at + 1 :]
        file.write_bytes(changed)
        with pytest.raises(StoreError, match="is not what was archived"):
            Ledger.open(store)
        file.write_bytes(whole)
    with Ledger.open(store) as ledger:
        assert [each.name for each in ledger.verify() if not each.ok] == []


def test_a_file_altered_while_the_store_is_open_is_noticed(archive: Path) -> None:
    store, folder = store_of(archive), archive
    with Ledger.open(store) as ledger:
        whole = (folder / "postings.parquet").read_bytes()
        ledger.balances("C1")
        _flip(folder / "postings.parquet")
        with pytest.raises(StoreError, match="is not what was archived"):
            ledger.balances("C1")
        with pytest.raises(StoreError, match="is not what was archived"):
            ledger.post([command("issue", "x", quantity=1)], actor="x")
        (folder / "postings.parquet").write_bytes(whole)
        ledger.balances("C1")


def test_a_store_that_does_not_say_what_it_has_archived_is_not_believed(archive: Path) -> None:
    store = store_of(archive)
    with duckdb.connect(store) as connection:
        connection.execute("DELETE FROM store WHERE name = 'archives'")
    done = entl("verify", store=store)
    assert done.returncode == 1
    assert "journal                    FAILED" in done.stdout
    with duckdb.connect(store) as connection:
        connection.execute("INSERT INTO store VALUES ('archives', '7')")
    done = entl("balance", "--customer", "C1", store=store)
    assert done.returncode == 3
    one_line(done.stderr)


def test_closing_balances_that_an_insider_seals_anew_are_found(archive: Path) -> None:
    """Hashes and manifest fit again; what the postings sum to does not."""
    store, folder = store_of(archive), archive
    sequence = int(folder.name)
    balances = folder / "balances.parquet"
    Path(f"{store}.witness").unlink()
    with duckdb.connect(store) as connection:
        connection.execute(
            f"COPY (SELECT * REPLACE (quantity + 1 AS quantity) FROM read_parquet('{balances}')) "
            f"TO '{balances}' (FORMAT parquet)"
        )
        _seal_anew(connection, folder, sequence)
        connection.execute("DELETE FROM checkpoints")
    assert entl("rebuild", store=store).returncode == 0
    done = entl("verify", "--json", store=store)
    assert [each["name"] for each in json.loads(done.stdout) if not each["ok"]] == ["archives"]


def _seal_anew(connection: duckdb.DuckDBPyConnection, folder: Path, sequence: int) -> None:
    from entitlement_ledger.domain.events import RecordEvent, decode_event, encode_event, leaf_hash
    from entitlement_ledger.files import sha256_of

    rows = connection.execute("SELECT body FROM live_journal WHERE sequence = ?", [sequence])
    ((body,),) = rows.fetchall()
    event = decode_event(body)
    assert isinstance(event, RecordEvent)
    file = event.after["files"]["balances.parquet"]
    path = folder / "balances.parquet"
    file["bytes"], file["sha256"] = path.stat().st_size, sha256_of(path)
    manifest = json.dumps(event.after, separators=(",", ":"), sort_keys=True) + "\n"
    (folder / "manifest.json").write_text(manifest, "utf-8")
    body = encode_event(event)
    connection.execute(
        "UPDATE live_journal SET body = ?, hash = ? WHERE sequence = ?",
        [body, leaf_hash(body), sequence],
    )


_DIES = """
import os, signal, sys
from entitlement_ledger import archiving, keeping
from entitlement_ledger.domain.instants import parse_instant
from entitlement_ledger.ledger import Ledger

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

where = sys.argv[3]
if where == "files written":
    archiving.take_out = die
elif where == "files unfinished":
    archiving._clear = die
else:
    keeping.rewrite = die
Ledger.open(sys.argv[1]).archive(parse_instant(sys.argv[2]), actor="x")
"""


@pytest.mark.parametrize("where", ["files unfinished", "files written", "recorded"])
def test_killed_while_archiving_nothing_is_lost_and_it_can_be_done_again(
    store: str, where: str
) -> None:
    before = answers(store)
    done = subprocess.run(
        [sys.executable, "-c", _DIES, store, T, where], capture_output=True, check=False
    )
    assert done.returncode == -9, done.stderr
    assert answers(store) == before
    assert verified(store)
    again = entl("archive", "--before", T, store=store)
    assert again.returncode == (2 if where == "recorded" else 0), again.stderr
    assert [*Path(f"{store}.archive").glob(".*")] == []
    assert answers(store) == before
    assert verified(store)


def test_a_full_disk_while_archiving_changes_nothing(store: str) -> None:
    before = answers(store)
    for size in (2_000, 9_000):
        done = subprocess.run(
            [*ENTL, "--store", store, "archive", "--before", T],
            capture_output=True,
            preexec_fn=at_most(size),
            check=False,
        )
        assert done.returncode == 3
        assert "Traceback" not in done.stderr.decode()
        one_line(done.stderr.decode())
        assert not list(Path(f"{store}.archive").glob("[0-9]*"))
    assert answers(store) == before
    assert verified(store)


def test_archives_go_with_a_backup_and_come_back_with_it(archive: Path, tmp_path: Path) -> None:
    store, folder, backup = store_of(archive), archive, tmp_path / "backup"
    before = answers(store)
    (archive / ".DS_Store").write_bytes(b"of somebody else")
    assert entl("backup", str(backup), store=store).returncode == 0
    elsewhere = str(tmp_path / "elsewhere" / "other.duckdb")
    assert entl("restore", str(backup), store=elsewhere).returncode == 0
    assert answers(elsewhere) == before
    assert verified(elsewhere)
    shutil.rmtree(folder)
    assert entl("restore", str(backup), "--force", store=store).returncode == 0
    assert answers(store) == before
    assert Path(f"{store}.replaced-1.archive").is_dir()
    kept = backup / "ledger.duckdb.archive" / folder.name / "postings.parquet"
    whole = kept.read_bytes()
    for left, why in ((whole[:-9], "it was cut or changed"), (None, "is missing")):
        kept.unlink()
        if left is not None:
            kept.write_bytes(left)
        for place in (store, str(tmp_path / "third" / "x.duckdb")):
            done = entl("restore", str(backup), "--force", store=place)
            assert done.returncode == 2
            assert f"{kept} " in one_line(done.stderr)
            assert why in done.stderr
    assert answers(store) == before
    assert not Path(f"{store}.replaced-2").exists()
    assert [*(tmp_path / "third").iterdir()] == []


def test_a_store_is_moved_with_its_archive(archive: Path, tmp_path: Path) -> None:
    store = store_of(archive)
    before = answers(store)
    moved = tmp_path / "customer=ZZ" / "a[1], 'b' {c}*" / "led[*]ger.duckdb"
    moved.parent.mkdir(parents=True)
    for ending in ("", ".archive", ".witness"):
        shutil.move(f"{store}{ending}", f"{moved}{ending}")
    assert answers(str(moved)) == before
    assert verified(str(moved))
    assert entl("archive", "--before", hours(30), store=moved).returncode == 0
    assert answers(str(moved)) == before


@pytest.mark.parametrize(
    ("named", "like_it"),
    [("ledger[1].duckdb", "ledger1.duckdb"), ("l*/ledger.duckdb", "lx/ledger.duckdb")],
)
def test_a_name_that_could_be_a_pattern_means_no_other_store(
    tmp_path: Path, named: str, like_it: str
) -> None:
    """Of both the archive has the same number, and other quantities in it."""
    told = {}
    for name, quantity in ((like_it, 1000), (named, 10)):
        store = tmp_path / name
        store.parent.mkdir(exist_ok=True)
        shutil.move(new_store(tmp_path / str(quantity)), store)
        with Ledger.open(str(store)) as ledger:
            lines = [
                command("issue", f"k{n}", quantity=quantity, effective_at=hours(n))
                for n in range(8)
            ]
            ledger.post([*lines, command("issue", "now", quantity=1)], actor="x")
        told[name] = answers(str(store))
        assert entl("archive", "--before", T, store=store).returncode == 0
    assert answers(str(tmp_path / named)) == told[named]
    assert verified(str(tmp_path / named))
    shutil.rmtree(tmp_path / f"{like_it}.archive")
    assert answers(str(tmp_path / named)) == told[named]


def test_somebody_who_is_forgotten_stays_so_and_it_verifies(archive: Path) -> None:
    store = store_of(archive)
    assert entl("forget", "C1", "--reason", "asked to", store=store).returncode == 0
    assert verified(store)


def test_whoever_reads_meanwhile_reads_the_same(tmp_path: Path) -> None:
    store, clock = new_store(tmp_path), HandClock(START + 60 * HOUR)
    with Ledger.open(store, clock=clock) as ledger:
        ledger.post(_lines(), actor="x")
        ledger.run_due()
        moments = [START + n * HOUR for n in (1, 12, 30, 59)]
        expected = [ledger.balances("C1", at=at) for at in moments]
        wrong: list[Any] = []
        over = threading.Event()

        def read() -> None:
            while not over.is_set():
                told = [ledger.balances("C1", at=at) for at in moments]
                if told != expected:
                    wrong.append(told)

        readers = [threading.Thread(target=read) for _ in range(3)]
        for each in readers:
            each.start()
        for until in range(6, 48, 6):
            ledger.archive(START + until * HOUR, actor="x")
        over.set()
        for each in readers:
            each.join()
        assert wrong == []
        assert [each.name for each in ledger.verify() if not each.ok] == []


def test_not_everybody_may_archive(store: str, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "settings.toml").write_text('[roles]\nann = "auditor"\nbob = "finance"\n', "utf-8")
    says = {"ENTL_CONFIG": str(config)}
    done = entl("--actor", "ann", "archive", "--before", T, store=store, environment=says)
    assert done.returncode == 2
    assert "ann may not archive a period" in one_line(done.stderr)
    done = entl("--actor", "bob", "archive", "--before", T, store=store, environment=says)
    assert done.returncode == 0, done.stderr


def test_a_period_that_is_closed_later_goes_into_an_archive_of_its_own(archive: Path) -> None:
    store, first = store_of(archive), archive
    before = answers(store)
    assert entl("archive", "--before", hours(36), store=store).returncode == 0
    assert answers(store) == before
    folders = [each for each in Path(f"{store}.archive").iterdir() if each != first]
    assert len(folders) == 1
    assert verified(store)
