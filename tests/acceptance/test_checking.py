"""check, access, diff and dry runs; each check fails when what it protects from has happened."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import command, entl, hours, new_store, one_line, post

from entitlement_ledger.checks.consistency import CHECKS
from entitlement_ledger.checks.recorded import PROJECTIONS


@pytest.fixture
def store(tmp_path: Path) -> str:
    store = new_store(tmp_path)
    post(
        store,
        [
            command("issue", "a", quantity=10, effective_at=hours(0)),
            command("consume", "b", quantity=4, effective_at=hours(1)),
            command("hold", "h", quantity=2, effective_at=hours(1), expires_at=hours(3)),
            command("capture", "c", transaction="h", effective_at=hours(2)),
            command("reverse", "r", transaction="b", quantity=1, effective_at=hours(2)),
            command("issue", "f", entitlement="FEA", quantity=1, effective_at=hours(0)),
            command("issue", "paid", customer="C2", quantity=30, effective_at=hours(0)),
            command(
                "issue", "gift", customer="C2", quantity=20, category="promo", effective_at=hours(0)
            ),
            command("consume", "two", customer="C2", quantity=25, effective_at=hours(1)),
        ],
    )
    return store


def failed(store: str) -> dict[str, Any]:
    done = entl("check", "--json", store=store)
    results = {each["name"]: each for each in json.loads(done.stdout)}
    bad = {name: each for name, each in results.items() if not each["ok"]}
    assert done.returncode == (1 if bad else 0)
    assert all(each["violations"] and each["examples"] for each in bad.values())
    return bad


def test_a_sound_store_passes_every_check(store: str) -> None:
    assert failed(store) == {}
    assert "zero_sum" in entl("check", "zero_sum", store=store).stdout
    wrong = entl("check", "zero", store=store)
    assert wrong.returncode == 2
    assert "no check 'zero': there are zero_sum" in one_line(wrong.stderr)


BREAKS: list[tuple[str, str, set[str]]] = [
    ("zero_sum", "UPDATE live_postings SET quantity = 9 "
     "WHERE account = 'issuance' AND quantity = -10",
     {"zero_sum"}),
    ("grant_conservation", "UPDATE grants SET quantity = 11 WHERE quantity = 10",
     {"grant_conservation"}),
    ("no_negative_account",
     "UPDATE live_postings SET effective_at = effective_at - INTERVAL 5 HOUR "
     "WHERE account = 'consumed' AND quantity = -1",
     {"no_negative_account"}),
    ("sequence_without_gaps", "DELETE FROM live_journal WHERE sequence = 3",
     {"sequence_without_gaps", "decisions", "checkpoints"}),
    ("balances",
     "UPDATE live_postings SET effective_at = effective_at + INTERVAL 5 MINUTE "
     "WHERE sequence = (SELECT sequence FROM transactions WHERE key = 'r')",
     {"balances", "grant_accounts"}),
    ("projections", "UPDATE idempotency SET command_hash = 'x'::BLOB", {"projections"}),
    ("time_never_goes_back",
     "UPDATE live_journal SET recorded_at = recorded_at + INTERVAL 1 DAY WHERE sequence = 2",
     {"time_never_goes_back"}),
    ("hold_resolved_once",
     "INSERT INTO resolutions SELECT sequence, 99, target, 'released' FROM resolutions",
     {"hold_resolved_once", "what_became"}),
    ("not_reversed_beyond", "UPDATE transactions SET quantity = 5 WHERE type = 'reverse'",
     {"not_reversed_beyond", "what_became"}),
    ("key_has_one_outcome", "DELETE FROM idempotency WHERE key = 'a'", {"key_has_one_outcome"}),
    ("every_event_is_projected", "DELETE FROM transactions WHERE key = 'c'",
     {"every_event_is_projected"}),
    ("key_has_one_outcome", "UPDATE transactions SET key = 'a' WHERE key = 'b'",
     {"key_has_one_outcome"}),
    ("every_event_is_projected",
     "INSERT INTO records SELECT sequence, 'customer', customer, 'changed', actor, "
     "recorded_at FROM transactions WHERE key = 'c'",
     {"every_event_is_projected"}),
    ("approved_by_another", "UPDATE transactions SET proposal = true WHERE key = 'h'",
     {"approved_by_another"}),
    ("references_exist", "DELETE FROM customers WHERE id = 'C1'", {"references_exist"}),
    ("grant_accounts", "UPDATE grants SET consumed = consumed + 1 WHERE quantity = 10",
     {"grant_accounts"}),
    ("what_became", "UPDATE transactions SET became = 'released' WHERE key = 'h'", {"what_became"}),
    ("orphaned_holds", "UPDATE grants SET held = 3 WHERE quantity = 10",
     {"orphaned_holds", "grant_accounts"}),
    ("due_work",
     "UPDATE grants SET expires_at = TIMESTAMP '2026-05-01'; "
     "UPDATE transactions SET recorded_at = TIMESTAMP '2026-01-01' WHERE key = 'a'",
     {"due_work"}),
    ("missed_renewals",
     "INSERT INTO subscriptions SELECT 'S9', 'C1', 'BASIC', recorded_at, NULL, "
     "TIMESTAMP '2026-01-01', '{}', sequence FROM transactions WHERE key = 'b'; "
     "UPDATE transactions SET recorded_at = TIMESTAMP '2026-01-01' WHERE key = 'b'",
     {"missed_renewals"}),
    ("hashes", "UPDATE live_journal SET hash = sha256('x')::BLOB WHERE sequence = 4",
     {"hashes", "checkpoints"}),
    ("draws_in_burn_order",
     "UPDATE live_postings SET place = 98 WHERE place = 1 AND sequence = "
     "(SELECT sequence FROM transactions WHERE key = 'two'); "
     "UPDATE live_postings SET place = 1 WHERE place = 3 AND sequence = "
     "(SELECT sequence FROM transactions WHERE key = 'two'); "
     "UPDATE live_postings SET place = 3 WHERE place = 98",
     {"draws_in_burn_order"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "sql", "fails"), BREAKS, ids=[each[0] for each in BREAKS])
def test_a_check_fails_when_what_it_protects_from_has_happened(
    store: str, name: str, sql: str, fails: set[str]
) -> None:
    with duckdb.connect(store) as connection:
        connection.execute(sql)
    assert name in fails
    follows = set() if name in ("time_never_goes_back", "hashes") else {"projections"}
    assert set(failed(store)) == fails | follows


def test_an_outside_client_reads_each_check_as_a_view(store: str) -> None:
    with duckdb.connect(store) as connection:
        views = connection.execute(
            "SELECT view_name FROM duckdb_views() WHERE NOT internal AND view_name LIKE 'check%'"
        ).fetchall()
        names = {check.name for check in (*CHECKS, PROJECTIONS)}
        assert {name for (name,) in views} == {f"check_{name}" for name in names}
        for (name,) in views:
            assert connection.execute(f"SELECT * FROM {name}").fetchall() == []
        connection.execute("UPDATE live_postings SET quantity = 9 WHERE account = 'issuance'")
        assert len(connection.execute("SELECT * FROM check_zero_sum").fetchall()) == 4


@pytest.mark.parametrize(
    ("sql", "table", "unlike"),
    [
        ("UPDATE transactions SET actor = 'eve' WHERE key = 'b'", "transactions", "actor"),
        ("UPDATE transactions SET proposal = true WHERE key = 'b'", "transactions", "proposal"),
        ("UPDATE transactions SET expires_at = NULL WHERE key = 'h'", "transactions", "expires_at"),
        ("UPDATE live_postings SET account = 'held' WHERE quantity = 1", "postings", "account"),
        ("DELETE FROM live_postings WHERE quantity = 1", "postings", "lost"),
        ("UPDATE live_postings SET place = 9 WHERE quantity = 20", "postings", "lost"),
        ("INSERT INTO live_postings SELECT sequence, 9, \"grant\", customer, entitlement, account, "
         "0, effective_at, recorded_at FROM live_postings WHERE quantity = 20",
         "postings", "not in the body"),
        ("UPDATE grants SET priority = 7 WHERE quantity = 10", "grants", "priority"),
    ],
)  # fmt: skip
def test_an_outside_client_sees_what_is_stored_otherwise_than_it_was_recorded(
    store: str, sql: str, table: str, unlike: str
) -> None:
    with duckdb.connect(store) as connection:
        connection.execute(sql)
        rows = connection.execute("SELECT * FROM check_projections").fetchall()
        assert (table, unlike) in {(row[0], row[2]) for row in rows}
        assert {row[0] for row in rows} == {table}
        # What is no JSON, and no text, is not looked into.
        connection.execute("UPDATE live_journal SET body = '\\xFF{'::BLOB")
        connection.execute("SELECT * FROM check_projections").fetchall()


def test_a_view_that_was_altered_hides_nothing(store: str) -> None:
    with duckdb.connect(store) as connection:
        connection.execute("UPDATE live_postings SET quantity = 9 WHERE account = 'issuance'")
        connection.execute("CREATE OR REPLACE VIEW check_zero_sum AS SELECT 1 WHERE false")
    assert "zero_sum" in failed(store)


def test_what_is_due_since_today_is_no_fault_yet(store: str) -> None:
    with duckdb.connect(store) as connection:
        connection.execute("UPDATE grants SET expires_at = TIMESTAMP '2026-01-01'")
    assert "due_work" not in failed(store)


def test_a_decision_that_the_rules_would_not_give_is_found(store: str) -> None:
    import hashlib

    def rewrite(change: Callable[[bytes], bytes]) -> None:
        with duckdb.connect(store) as connection:
            rows = connection.execute("SELECT sequence, body FROM journal").fetchall()
            for sequence, body in rows:
                changed = change(body)
                if changed != body:
                    leaf = hashlib.sha256(b"\x00" + changed).digest()
                    connection.execute(
                        "UPDATE live_journal SET body = ?, hash = ? WHERE sequence = ?",
                        [changed, leaf, sequence],
                    )

    rewrite(lambda body: body.replace(b'"code":null,"command"', b'"code":"x","command"', 1)
            if b'"key":"b"' in body else body)  # fmt: skip
    assert set(failed(store)) == {"decisions", "projections", "checkpoints"}


def test_access_says_yes_or_no_and_why(store: str) -> None:
    told = entl("access", "--customer", "C1", "--entitlement", "FEA", "--json", store=store)
    answer = json.loads(told.stdout)
    assert answer["allowed"] is True
    no = entl("access", "--customer", "C2", "--entitlement", "FEA", store=store)
    assert no.stdout.startswith("no: nothing of FEA is available")


def test_a_dry_run_gives_what_posting_gives_and_records_nothing(store: str, tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    lines = [command("issue", "x", quantity=5), command("consume", "y", quantity=2)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    dry = entl("post", str(file), "--dry-run", store=store)
    assert dry.returncode == 0
    assert entl("show", "x", store=store).returncode == 2

    def told(text: str) -> list[Any]:
        rows = [json.loads(line) for line in text.splitlines()]
        return [{**row, "recorded_at": None} for row in rows]

    assert told(entl("post", str(file), store=store).stdout) == told(dry.stdout)


def test_diff_shows_what_became_known_in_between(store: str) -> None:
    def recorded(key: str) -> str:
        shown = json.loads(entl("show", key, "--json", store=store).stdout)
        return str(shown["recorded_at"])

    before = recorded("a")
    post(store, [command("consume", "late", quantity=3, effective_at=hours(1.5))])
    after = recorded("late")
    asked = ["diff", "--at", hours(5), "--known-at", before, "--known-at", after, "--json"]
    (difference,) = json.loads(entl(*asked, store=store).stdout)
    assert (difference["available_before"], difference["available_after"]) == (5, 2)
    assert len(difference["transactions"]) == 1
    wrong = entl("diff", "--at", hours(5), "--known-at", before, store=store)
    assert wrong.returncode == 2
    assert "give --known-at twice" in one_line(wrong.stderr)
