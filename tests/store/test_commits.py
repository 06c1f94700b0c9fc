"""What was committed and is not laid out in the journal yet: found again, and not to be altered."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from support import entl, new_store, one_line

from entitlement_ledger.errors import StoreError
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.store.commits import keep_commit, kept_commits, last_kept
from entitlement_ledger.store.dialect import make_engine
from entitlement_ledger.store.tables import metadata

_DIES = """
import os, signal, sys
from entitlement_ledger.ledger import Ledger

ledger = Ledger.open(sys.argv[1])
line = {"type": "issue", "customer": "C1", "entitlement": "PTS", "quantity": 1}
for number in range(3):
    ledger.post([{**line, "key": f"k{number}"}], actor="a")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store whose last three commits were never laid out."""
    made = new_store(tmp_path)
    done = subprocess.run([sys.executable, "-c", _DIES, made], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    with duckdb.connect(made) as connection:
        assert connection.execute("SELECT count(*) FROM commits").fetchall() == [(3,)]
    return made


def test_whoever_only_reads_sees_them_too(store: str) -> None:
    with Ledger.open(store, read_only=True) as ledger:
        assert [row.key for row in ledger.history(limit=3).rows] == ["k2", "k1", "k0"]
        assert [each.available for each in ledger.balances("C1", "PTS")] == [3]
        assert [each.name for each in ledger.verify() if not each.ok] == []
    with duckdb.connect(store) as connection:
        assert connection.execute("SELECT count(*) FROM commits").fetchall() == [(0,)]


def test_to_rebuild_lays_them_out(store: str) -> None:
    assert entl("rebuild", store=store).returncode == 0
    assert entl("verify", store=store).returncode == 0
    with Ledger.open(store) as ledger:
        assert [each.available for each in ledger.balances("C1", "PTS")] == [3]


def _other(body: bytes) -> bytes:
    packed: bytes = pa.Codec("zstd").compress(body, asbytes=True)
    return packed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE commits SET size = size + 1", "is damaged"),
        ("UPDATE commits SET sequence = sequence + 1", "its events have other sequences"),
        ("UPDATE commits SET bodies = 'cut'::BLOB", "is damaged"),
        ("UPDATE commits SET bodies = $junk, size = 4", "is damaged"),
        (
            "DELETE FROM commits WHERE sequence = (SELECT min(sequence) FROM commits)",
            "is not the history",
        ),
        ("DELETE FROM commits WHERE sequence = (SELECT max(sequence) FROM commits)", "cut off"),
    ],
)
def test_one_that_was_altered_is_not_taken_for_the_journal(
    store: str, change: str, said: str
) -> None:
    with duckdb.connect(store) as connection:
        connection.execute(change, {"junk": _other(b"junk")} if "$junk" in change else None)
    for command in ("history", "post"):
        done = entl(command, *(["-"] if command == "post" else []), store=store)
        assert done.returncode == 3
        assert said in one_line(done.stderr)


def test_one_with_another_quantity_is_noticed_by_the_witness(store: str) -> None:
    with duckdb.connect(store) as connection:
        last = "SELECT sequence, size, bodies FROM commits ORDER BY sequence DESC LIMIT 1"
        ((sequence, size, packed),) = connection.execute(last).fetchall()
        body = pa.Codec("zstd").decompress(packed, decompressed_size=size, asbytes=True)
        other = body.replace(b'"quantity":1', b'"quantity":9')
        assert len(other) == len(body) and other != body
        connection.execute(
            "UPDATE commits SET bodies = ? WHERE sequence = ?", [_other(other), sequence]
        )
    with pytest.raises(StoreError, match="witness"):
        Ledger.open(store)


def test_many_events_are_some_thousand_to_a_row(tmp_path: Path) -> None:
    engine = make_engine(str(tmp_path / "x.duckdb"), read_only=False)
    bodies = [b"%d" % number for number in range(6, 20_007)]
    with engine.begin() as connection:
        metadata.create_all(connection)
        keep_commit(connection, 5, [b"4", b"5"])
        keep_commit(connection, 20_006, bodies)
        kept = list(kept_commits(connection))
        assert [sequence for sequence, _ in kept] == [5, 10_005, 20_005, 20_006]
        assert [body for _, part in kept for body in part] == [b"4", b"5", *bodies]
        assert last_kept(connection) == (20_006, [b"20006"])
    engine.dispose()
