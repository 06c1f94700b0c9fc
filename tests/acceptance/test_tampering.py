"""Whatever is changed behind the ledger's back is found, by verification or at opening."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import START, HandClock, command, hours, new_store, write_feeds

from entitlement_ledger.domain.instants import HOUR
from entitlement_ledger.domain.policy import ApprovalRule
from entitlement_ledger.errors import StoreError
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.store.tables import PROJECTIONS, VIEWS, metadata

# What the rules found last is no evidence: whoever runs them again finds it again.
# Of reconciliation tests/reconcile asks the same, of commits tests/store/test_commits.py.
TABLES = sorted(set(metadata.tables) - {"findings", "feed_lines", "discrepancies", "commits"})
MADE_AGAIN = sorted(each.name for each in PROJECTIONS)
COLUMNS = [
    (name, column.name)
    for name in TABLES
    if name not in MADE_AGAIN
    for column in metadata.tables[name].columns
]
RULES = (ApprovalRule(frozenset({"adjust"})),)


def _feeds(folder: Path) -> Path:
    write_feeds(folder)
    (folder / "tickets.csv").write_text(
        "id,customer,status,subject,opened_at,closed_at\n"
        "T-1,C1,open,Where are my points?,2026-01-01T00:00:00Z,\n"
        "T-2,C2,closed,Thanks,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z\n",
        "utf-8",
    )
    (folder / "billing.csv").write_text(
        "invoice_line,customer,product,entitlement,quantity,amount,currency,status,invoiced_at\n"
        "INV-1,C1,BASIC,,1,500,EUR,paid,2026-01-01T00:00:00Z\n"
        "INV-2,C2,,PTS,7,900,EUR,void,2026-01-01T00:00:00Z\n",
        "utf-8",
    )
    return folder


def _lines() -> Iterable[dict[str, Any]]:
    yield command("issue", "a", quantity=10, effective_at=hours(0), reference="ticket:T-1")
    yield command("issue", "b", quantity=10, customer="C2", reason="why", expires_at=hours(9))
    yield command("consume", "c", quantity=4, effective_at=hours(1))
    yield command("hold", "h", quantity=2, effective_at=hours(1), expires_at=hours(3))
    yield command("capture", "h1", transaction="h", effective_at=hours(2))
    yield command("hold", "l", quantity=2, effective_at=hours(1), expires_at=hours(3))
    yield command("hold", "m", quantity=1, customer="C2", expires_at=hours(5))
    yield command("reverse", "r", transaction="c", quantity=1, effective_at=hours(2), reason="x")
    yield command("purchase", "p", product="BASIC")
    yield command("upgrade", "u", **{"from": "BASIC", "to": "PLUS"}, carry_over="remaining")
    yield command("purchase", "p2", customer="C2", product="BASIC")
    yield command("cancel", "x", customer="C2", product="BASIC", timing="period_end")
    yield command("consume", "no", quantity=4000)
    yield command("adjust", "big", quantity=4, actor="ann")
    yield command("approve", "yes", transaction="big", reason="right", actor="bob")
    for key in ("i1", "i2"):
        yield command("issue", key, customer="C2", quantity=7, reference="invoice:INV-2")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which every table has rows, some commits, an archive and two checkpoints."""
    folder = tmp_path_factory.mktemp("made")
    store, clock = str(folder / "ledger.duckdb"), HandClock(START - 1000 * HOUR)
    Ledger.create(store)
    with _open(folder, clock=clock) as ledger:
        assert not any(
            each.problems for each in ledger.import_files([_feeds(folder / "f")], actor="setup")
        )
    clock.now = START + 4 * HOUR
    with _open(folder, clock=clock) as ledger:
        outcomes = ledger.post(list(_lines()), actor="x", history=False)
        assert [each.key for each in outcomes if each.code] == ["no"], outcomes
        (twice,) = ledger.suspicious(["invoice_twice"])
        for decision in ("investigating", "confirmed"):
            ledger.review(twice.id, decision=decision, reason="both were granted", actor="ann")
        granted = [ledger.transaction(key).row.sequence for key in ("i1", "i2")]
        for mark, note in (("reviewed", None), ("flagged", "both were granted")):
            ledger.review_events(granted, mark=mark, note=note, actor="ann")
        ledger.checkpoint()
        clock.now = START + 60 * HOUR
        ledger.run_due()
        ledger.archive(START + HOUR, actor="x", reason="closed")
        many = [command("issue", f"n{n}", quantity=1, effective_at=hours(1)) for n in range(560)]
        ledger.post(many, actor="x")
    with duckdb.connect(store) as connection:
        for name in TABLES:
            found = connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()
            assert found is not None
            assert found[0] > 0, name
    return folder


def _open(folder: Path, **options: Any) -> Ledger:
    options.setdefault("clock", HandClock(START + 70 * HOUR))
    return Ledger.open(
        str(folder / "ledger.duckdb"), approvals=RULES, signing_key=folder / "key", **options
    )


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    shutil.copytree(made, folder)
    return folder


def found(folder: Path) -> set[str]:
    """Give what verification finds, or that opening refuses."""
    try:
        with _open(folder, read_only=True, unwitnessed=True) as ledger:
            return {each.name for each in ledger.verify() if not each.ok}
    except StoreError:
        return {"opening"}


def change(folder: Path, *statements: str) -> None:
    with duckdb.connect(str(folder / "ledger.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)


def test_an_untouched_store_is_not_accused(copy: Path) -> None:
    assert found(copy) == set()
    with _open(copy) as ledger:
        assert {each.name for each in ledger.verify(since_checkpoint=True) if not each.ok} == set()
        ledger.post([command("issue", "more", quantity=1)], actor="x")
    assert found(copy) == set()


_OTHER = {
    "BIGINT": "coalesce({c}, 0) + 1000",
    "INTEGER": "coalesce({c}, 0) + 1000",
    "SMALLINT": "coalesce({c}, 0) + 1000",
    "BOOLEAN": "NOT {c}",
    "TIMESTAMP": "coalesce({c}, TIMESTAMP '2026-01-01') + INTERVAL 1 MICROSECOND",
    "VARCHAR": "coalesce({c}, '') || 'x'",
    "BLOB": "'\\x00'::BLOB || coalesce({c}, ''::BLOB)",
}


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=[".".join(each) for each in COLUMNS])
def test_a_changed_value_is_found(copy: Path, table: str, column: str) -> None:
    other = _others(copy, table)[column]
    change(
        copy,
        _without_key(table),
        f'UPDATE "{table}" SET "{column}" = {other} '
        f'WHERE rowid = (SELECT max(rowid) FROM "{table}")',
    )
    assert found(copy)


@pytest.mark.parametrize("table", MADE_AGAIN)
def test_each_changed_value_of_what_is_made_again_is_told(copy: Path, table: str) -> None:
    """Of as many rows as there are one value is changed, of each another column's."""
    others = list(_others(copy, table).items())
    with duckdb.connect(str(copy / "ledger.duckdb")) as connection:
        rows = [row for (row,) in connection.execute(f'SELECT rowid FROM "{table}"').fetchall()]
    for start in range(0, len(others), len(rows)):
        altered = copy.with_name(f"altered from {start}")
        shutil.copytree(copy, altered)
        some = list(zip(rows, others[start : start + len(rows)], strict=False))
        updates = [
            f'UPDATE "{table}" SET "{column}" = {other} WHERE rowid = {row}'
            for row, (column, other) in some
        ]
        change(altered, _without_key(table), *updates)
        told = _told_of(altered, table, "stored")
        assert len(told) == len(some), told


def _told_of(folder: Path, table: str, side: str) -> list[Any]:
    """Give the rows of a table that verification tells to be on one side only."""
    shown = {live.name: view.name for view, live in VIEWS.items()}.get(table, table)
    with _open(folder, read_only=True, unwitnessed=True) as ledger:
        faults = [fault for each in ledger.verify() for fault in each.examples]
    return [each[side] for each in faults if each.get("table") == shown and side in each]


def _others(folder: Path, table: str) -> dict[str, str]:
    """Give for each column of a table what gives another value than the one that is there."""
    with duckdb.connect(str(folder / "ledger.duckdb")) as connection:
        kinds = connection.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ?", [table]
        ).fetchall()
    assert {name for name, _ in kinds} == set(metadata.tables[table].columns.keys())
    return {name: _OTHER[kind].format(c=f'"{name}"') for name, kind in kinds}


def _without_key(table: str) -> str:
    """Make a table again without its key, as somebody would who wants to double a row."""
    return f'CREATE OR REPLACE TABLE "{table}" AS SELECT * FROM "{table}"'


@pytest.mark.parametrize("table", [each for each in TABLES if each not in MADE_AGAIN])
@pytest.mark.parametrize("which", ["min", "max"])
def test_a_row_that_is_taken_out_or_doubled_is_found(copy: Path, table: str, which: str) -> None:
    again = copy.with_name("again")
    shutil.copytree(copy, again)
    _take_out(copy, table, which)
    assert found(copy)
    _double(again, table, which)
    assert found(again)


@pytest.mark.parametrize("table", MADE_AGAIN)
def test_each_row_of_what_is_made_again_that_is_taken_out_or_doubled_is_told(
    copy: Path, table: str
) -> None:
    again = copy.with_name("again")
    shutil.copytree(copy, again)
    ends = _ends(copy, table)
    _take_out(copy, table, *ends)
    assert len(_told_of(copy, table, "lacking")) == len(ends)
    _double(again, table, *ends)
    assert len(_told_of(again, table, "stored")) == len(ends)


def _ends(folder: Path, table: str) -> list[str]:
    """Name the first row and the last, where those are two."""
    with duckdb.connect(str(folder / "ledger.duckdb")) as connection:
        found = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()
    return ["min", "max"] if found is not None and found[0] > 1 else ["min"]


def _take_out(folder: Path, table: str, *ends: str) -> None:
    rows = ", ".join(f"{each}(rowid)" for each in ends)
    change(
        folder,
        f'DELETE FROM "{table}" WHERE rowid IN (SELECT unnest([{rows}]) FROM "{table}")',
    )


def _double(folder: Path, table: str, *ends: str) -> None:
    rows = ", ".join(f"{each}(rowid)" for each in ends)
    change(
        folder,
        _without_key(table),
        f'INSERT INTO "{table}" SELECT * FROM "{table}" WHERE rowid IN '
        f'(SELECT unnest([{rows}]) FROM "{table}")',
    )


@pytest.mark.parametrize("table", [name for name in TABLES if name not in ("store", "checkpoints")])
def test_two_rows_that_change_places_are_found(copy: Path, table: str) -> None:
    """Each keeps its key, and has the other's values."""
    keys = [column.name for column in metadata.tables[table].primary_key.columns]
    rest = [c.name for c in metadata.tables[table].columns if c.name not in keys]
    sets = ", ".join(f'"{c}" = other."{c}"' for c in rest)
    ends = f'SELECT min(rowid) AS a, max(rowid) AS b FROM "{table}"'
    change(
        copy,
        _without_key(table),
        f'UPDATE "{table}" SET {sets} FROM (SELECT t.*, CASE t.rowid WHEN e.a THEN e.b ELSE e.a END'
        f' AS goes_to FROM "{table}" t, ({ends}) e WHERE t.rowid IN (e.a, e.b)) AS other'
        f' WHERE "{table}".rowid = other.goes_to',
    )
    assert found(copy)


def _cut_tail(folder: Path) -> None:
    tables = [
        name for name in TABLES if "sequence" in metadata.tables[name].columns and name != "people"
    ]
    change(
        folder,
        *(f'DELETE FROM "{name}" WHERE sequence > 300' for name in tables),
        "UPDATE store SET value = '300' WHERE name = 'projected'",
        "DELETE FROM checkpoints WHERE size > 300",
        "DELETE FROM tree WHERE (place + 1) * 256 > 300",
    )


def test_a_tail_that_is_cut_off_is_found_and_the_store_is_not_opened(copy: Path) -> None:
    _cut_tail(copy)
    assert "witness" in found(copy)
    with pytest.raises(StoreError, match=r"holds 300 events, and its witness .* has seen"):
        _open(copy)


def test_an_older_copy_is_refused_until_a_person_accepts_it(copy: Path) -> None:
    older = (copy / "ledger.duckdb").read_bytes()
    with _open(copy) as ledger:
        ledger.post([command("issue", "lost", quantity=1)], actor="x")
    (copy / "ledger.duckdb").write_bytes(older)
    with pytest.raises(StoreError, match="an older copy was put back"):
        _open(copy)
    assert "witness" in found(copy)
    with _open(copy, unwitnessed=True) as ledger:
        ledger.accept_history(actor="x", reason="the disk is gone")
    assert found(copy) == set()
    with _open(copy) as ledger:
        ledger.post([command("issue", "new", quantity=1)], actor="x")
    assert found(copy) == set()


def test_two_histories_from_one_store_are_told_apart(copy: Path) -> None:
    other = copy.with_name("other")
    shutil.copytree(copy, other)
    for folder, key in ((copy, "here"), (other, "there")):
        with _open(folder) as ledger:
            ledger.post([command("issue", key, quantity=1)], actor="x")
    shutil.copy(other / "ledger.duckdb", copy / "ledger.duckdb")
    with pytest.raises(StoreError, match="is not the history that its witness"):
        _open(copy)
    assert {"witness", "checkpoints"} & found(copy)


def test_another_store_in_the_place_of_this_one_is_refused(copy: Path) -> None:
    store = copy / "ledger.duckdb"
    fresh = copy / "fresh.duckdb"
    Ledger.create(str(fresh))
    shutil.move(fresh, store)
    with pytest.raises(StoreError, match="the witness of another store"):
        _open(copy)


_POSTS_AND_DIES = """
import os, signal, sys
from entitlement_ledger.ledger import Ledger

ledger = Ledger.open(sys.argv[1])
for number in range(40):
    line = {"type": "issue", "key": f"d{number}", "customer": "C1", "entitlement": "PTS"}
    ledger.post([{**line, "quantity": 1}], actor="x")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_log_that_is_cut_anywhere_or_deleted_is_noticed_at_opening(tmp_path: Path) -> None:
    folder = tmp_path / "died"
    folder.mkdir()
    store = Path(new_store(folder))
    dying = subprocess.run(
        [sys.executable, "-c", _POSTS_AND_DIES, str(store)], capture_output=True, check=False
    )
    assert dying.returncode == -9, dying.stderr
    wal = Path(f"{store}.wal").read_bytes()
    cuts = [*range(0, len(wal), len(wal) // 24), len(wal) - 1, None]
    for number, cut in enumerate(cuts):
        copied = tmp_path / f"cut{number}"
        shutil.copytree(folder, copied)
        if cut is None:
            (copied / "ledger.duckdb.wal").unlink()
        else:
            (copied / "ledger.duckdb.wal").write_bytes(wal[:cut])
        with pytest.raises(StoreError):
            Ledger.open(str(copied / store.name), clock=HandClock())
    with Ledger.open(str(store), clock=HandClock()) as ledger:
        assert ledger.balances("C1", "PTS", at=2 * START)[0].available == 40
        assert {each.name for each in ledger.verify() if not each.ok} == set()


def _recomputed(folder: Path, change_body: Callable[[bytes], bytes]) -> None:
    """Change a body, then make everything in the store fit again, as an insider would."""
    with duckdb.connect(str(folder / "ledger.duckdb")) as connection:
        rows = connection.execute("SELECT sequence, body FROM journal").fetchall()
        for sequence, body in rows:
            changed = change_body(body)
            if changed != body:
                leaf = hashlib.sha256(b"\x00" + changed).digest()
                connection.execute(
                    "UPDATE live_journal SET body = ?, hash = ? WHERE sequence = ?",
                    [changed, leaf, sequence],
                )
    (folder / "ledger.duckdb.witness").unlink()
    with _open(folder, unwitnessed=True) as ledger:
        ledger.rebuild()


def test_an_insider_who_computes_everything_again_is_found_by_the_checkpoint(copy: Path) -> None:
    def richer(body: bytes) -> bytes:
        return body.replace(b"10", b"90") if b'"key":"b"' in body else body

    _recomputed(copy, richer)
    assert found(copy) == {"checkpoints", "archives"}, "both have the root there was before"


def test_a_checkpoint_nobody_vouches_for_is_told_apart(copy: Path) -> None:
    (copy / "key").unlink()
    assert found(copy) == set(), "without a key nobody says whose it should be"
    with _open(copy) as ledger:
        ledger.post([command("issue", "more", quantity=1)], actor="x")
    assert found(copy) == {"checkpoints"}, "the older ones are signed by somebody else"
    with _open(copy, read_only=True) as ledger:
        results = {each.name: each for each in ledger.verify()}
    assert "and not by" in str(results["checkpoints"].examples)
    change(copy, "UPDATE checkpoints SET note = replace(note, '— ', '')")
    assert "checkpoints" in found(copy)


@pytest.mark.parametrize("cut", [1, 7, 40, 4096])
def test_a_witness_that_was_being_written_when_the_machine_stopped_is_read(
    copy: Path, cut: int
) -> None:
    witness = copy / "ledger.duckdb.witness"
    whole = witness.read_bytes()
    torn = whole + b"999 0123456789abcdef"[:cut]
    witness.write_bytes(torn)
    assert found(copy) == set()
    with _open(copy) as ledger:
        ledger.post([command("issue", "more", quantity=1)], actor="x")
    assert found(copy) == set()
    assert witness.read_bytes().startswith(whole)


def test_a_damaged_witness_is_named_in_one_line(copy: Path) -> None:
    witness = copy / "ledger.duckdb.witness"
    witness.write_bytes(witness.read_bytes() + b"not a line\n")
    with pytest.raises(StoreError, match=r"is damaged: b'not a line' is not a line of a witness"):
        _open(copy)
    witness.write_bytes(b"something else\n")
    with pytest.raises(StoreError, match="is not a witness"):
        _open(copy)
