"""What is wrong with a store is said in one line, with exit code 3; nothing is lost."""

from __future__ import annotations

import ctypes
import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from program import ENTL
from support import command, entl, json_lines, new_store, one_line, post


@contextmanager
def writer_at(store: str) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a process with the store open until the block ends."""
    with subprocess.Popen(
        [*ENTL, "--store", store, "post", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write((json.dumps(command("issue", "open", quantity=1)) + "\n").encode())
        running.stdin.flush()
        assert running.stdout.readline()
        yield running
        running.stdin.close()
        running.wait(timeout=30)


@pytest.mark.parametrize("name", ["what?.duckdb", "back\\slash.duckdb", "d?/ledger.duckdb"])
def test_a_place_that_the_database_takes_for_another_is_refused(tmp_path: Path, name: str) -> None:
    for command_ in (["init"], ["balance", "--customer", "C1"], ["restore", str(tmp_path)]):
        done = entl(*command_, store=str(tmp_path / name))
        assert done.returncode == 2
        assert "no database can be in a place with" in one_line(done.stderr)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.skipif(not Path("/proc").exists(), reason="no folder that takes no files")
def test_where_no_store_can_be_made_none_is_called_damaged() -> None:
    done = entl("init", store="/proc/store.duckdb")
    assert done.returncode == 3
    said = one_line(done.stderr)
    assert "cannot make a store at /proc/store.duckdb" in said
    assert "damaged" not in said


@pytest.mark.parametrize("name", [":memory:", "ab:store.duckdb"])
def test_a_name_that_could_be_a_scheme_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shutil.move(new_store(tmp_path / "made"), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    post(name, [command("issue", "a", quantity=5)])
    for told in (["forget", "C2", "--reason", "x"], ["backup", "md:backup"]):
        done = entl(*told, store=name)
        assert done.returncode == 0, done.stderr
    assert entl("restore", "md:backup", store="again").returncode == 0
    for store in (name, "again"):
        told = json.loads(entl("balance", "--customer", "C1", "--json", store=store).stdout)
        assert [each["available"] for each in told] == [5]


def test_a_store_in_use_names_the_process(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    with writer_at(store) as running:
        for arguments in (["history"], ["post", "-"]):
            done = entl(*arguments, store=store)
            assert done.returncode == 3
            assert f"in use by process {running.pid}" in one_line(done.stderr)
    assert entl("history", store=store).returncode == 0


def test_two_processes_take_turns_and_lose_nothing(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    both = [
        subprocess.Popen(
            [*ENTL, "--store", store, "post", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    acknowledged = 0
    for number, running in enumerate(both):
        lines = json_lines(command("issue", f"p{number}:{n}", quantity=1) for n in range(20))
        out, err = running.communicate(lines.encode(), timeout=60)
        assert running.returncode in (0, 3)
        if running.returncode == 3:
            assert "in use by process" in one_line(err.decode())
        acknowledged += len(out.splitlines())
    assert acknowledged in (20, 40)
    assert len(json.loads(entl("history", "--json", store=store).stdout)) == acknowledged


def test_a_missing_store_says_how_to_make_one(tmp_path: Path) -> None:
    done = entl("history", store=tmp_path / "none.duckdb")
    assert done.returncode == 3
    assert "no store at" in one_line(done.stderr)
    assert "init" in done.stderr


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"hello, I am a text file\n" * 400, id="text"),
        pytest.param(b"", id="empty"),
        pytest.param(random.Random(5).randbytes(9000), id="noise"),
    ],
)
def test_a_file_that_is_no_store(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file.duckdb"
    file.write_bytes(content)
    done = entl("history", store=file)
    assert done.returncode == 3
    assert "not a" in one_line(done.stderr)
    assert file.read_bytes()[:100] == content[:100] or not content


def test_a_database_of_something_else(tmp_path: Path) -> None:
    file = tmp_path / "other.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE TABLE t (x INTEGER)")
    done = entl("history", store=file)
    assert done.returncode == 3
    assert "not a ledger's store" in one_line(done.stderr)


def test_a_store_of_a_newer_program(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    with duckdb.connect(store) as connection:
        connection.execute("UPDATE store SET value = '999' WHERE name = 'schema_version'")
    done = entl("history", store=store)
    assert done.returncode == 3
    assert "newer program" in one_line(done.stderr)


def test_a_store_of_an_older_program(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    with duckdb.connect(store) as connection:
        connection.execute("UPDATE store SET value = '1' WHERE name = 'schema_version'")
    done = entl("history", store=store)
    assert done.returncode == 3
    assert "make a new store" in one_line(done.stderr)


def test_a_damaged_store(tmp_path: Path) -> None:
    store = Path(new_store(tmp_path))
    post(store, [command("issue", f"k{n}", quantity=1) for n in range(500)])
    content = bytearray(store.read_bytes())
    for place in range(4096 * 3, len(content), 7):
        content[place] ^= 0xFF
    store.write_bytes(content)
    done = entl("history", store=store)
    assert done.returncode == 3
    assert "damaged" in one_line(done.stderr)


def test_init_touches_nothing_that_exists(tmp_path: Path) -> None:
    file = tmp_path / "store.duckdb"
    file.write_text("mine")
    done = entl("init", store=file)
    assert done.returncode == 2
    assert "exists already" in one_line(done.stderr)
    assert file.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["store.duckdb"]


_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE = 24, 1


def _bound_by_permissions() -> None:
    """Take from root what would let it write anywhere; from others there is nothing to take."""
    ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0)


def _bound(store: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*ENTL, "--store", str(store), *arguments],
        input=json_lines([command("issue", "a", quantity=1)]).encode(),
        capture_output=True,
        preexec_fn=_bound_by_permissions,
        check=False,
    )


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir(mode=0o555)
    done = _bound(folder / "store.duckdb", "init")
    assert done.returncode == 3
    assert "permission denied" in one_line(done.stderr.decode())
    assert not list(folder.iterdir())


def test_a_store_that_may_only_be_read_is_read(tmp_path: Path) -> None:
    store = Path(new_store(tmp_path))
    store.chmod(0o444)
    tmp_path.chmod(0o555)
    assert _bound(store, "history").returncode == 0
    done = _bound(store, "post", "-")
    tmp_path.chmod(0o755)
    assert done.returncode == 3
    assert "permission denied" in one_line(done.stderr.decode())
