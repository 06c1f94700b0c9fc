"""A journal altered behind the ledger's back: what is at fault is named, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import command, entl, hours, new_store, one_line, post

_HASHED = (
    "UPDATE live_journal SET hash = unhex(sha256('\\x00'::BLOB || body)) WHERE sequence = {at}"
)
_OTHER = "(SELECT {0} FROM live_journal WHERE sequence = {{at}} + 1)"
ALTERED = {
    "renumbered": ["UPDATE live_journal SET sequence = 99 WHERE sequence = {at}"],
    "removed": ["DELETE FROM live_journal WHERE sequence = {at}"],
    "doubled": [
        "CREATE OR REPLACE TABLE live_journal AS SELECT * FROM live_journal",
        "INSERT INTO live_journal SELECT * FROM live_journal WHERE sequence = {at}",
    ],
    "not an event": ["UPDATE live_journal SET body = 'zzz'::BLOB WHERE sequence = {at}"],
    "another event": [
        f"UPDATE live_journal SET body = {_OTHER.format('body')}, hash = {_OTHER.format('hash')} "
        "WHERE sequence = {at}"
    ],
    "another time": [
        "UPDATE live_journal SET recorded_at = recorded_at + INTERVAL 1 DAY WHERE sequence = {at}"
    ],
    "another quantity, hashed again": [
        "UPDATE live_journal SET body = encode(replace(decode(body), '10', '99')) "
        "WHERE sequence = {at}",
        _HASHED,
    ],
    "a quantity beyond 64 bits, hashed again": [
        "UPDATE live_journal SET body = encode(replace(decode(body), '10', '1' || repeat('0', 20)))"
        " WHERE sequence = {at}",
        _HASHED,
    ],
    "a time beyond all years, hashed again": [
        "UPDATE live_journal SET body = encode(regexp_replace(decode(body), "
        "'\"effective_at\":([0-9]{{16}}),', '\"effective_at\":\\1000,')) WHERE sequence = {at}",
        _HASHED,
    ],
    "the end cut off": ["DELETE FROM live_journal WHERE sequence >= {at}"],
}


@pytest.fixture
def store(tmp_path: Path) -> str:
    store = new_store(tmp_path)
    (tmp_path / "tickets.csv").write_text(
        "id,customer,status,subject,opened_at,closed_at\n"
        "T-1,C1,open,Where are my points?,2026-01-01T00:00:00Z,\n",
        "utf-8",
    )
    assert entl("import", str(tmp_path / "tickets.csv"), store=store).returncode == 0
    lines = [command("issue", f"k{n}", quantity=10, effective_at=hours(0)) for n in range(5)]
    post(store, [*lines, command("consume", "c", quantity=12, effective_at=hours(1))])
    return store


def _sequence(store: str, key: str) -> int:
    shown = json.loads(entl("show", key, "--json", store=store).stdout)
    return int(shown["sequence"])


def _alter(store: str, statements: list[str], at: int) -> None:
    with duckdb.connect(store) as connection:
        for statement in statements:
            connection.execute(statement.format(at=at))


def _failed(store: str, what: str) -> dict[str, list[dict[str, Any]]]:
    ran = entl(what, "--json", store=store)
    assert ran.returncode == 1, ran.stderr
    return {each["name"]: each["examples"] for each in json.loads(ran.stdout) if not each["ok"]}


@pytest.mark.parametrize("how", ALTERED)
def test_the_first_event_at_fault_is_named_and_no_feed_is_accused(store: str, how: str) -> None:
    at = _sequence(store, "k2")
    _alter(store, ALTERED[how], at)
    failed = _failed(store, "verify")
    assert {"journal", "checkpoints"} & set(failed)
    assert not {"feeds", "personal_data", "archives"} & set(failed), failed
    assert f"the first event at fault is {at}" in entl("verify", store=store).stderr


@pytest.mark.parametrize("how", [name for name in ALTERED if name != "another time"])
def test_checks_give_a_verdict_of_a_journal_that_cannot_be_read(store: str, how: str) -> None:
    _alter(store, ALTERED[how], _sequence(store, "k2"))
    failed = _failed(store, "check")
    assert {"decisions", "balances", "projections", "checkpoints"} & set(failed)


def test_a_subscription_beyond_all_years_is_no_event(store: str) -> None:
    post(store, [command("purchase", "p", product="BASIC")])
    at = _sequence(store, "p")
    anchor = "regexp_replace(decode(body), '\"anchor\":([0-9]{{16}})', '\"anchor\":\\1000')"
    body = f"UPDATE live_journal SET body = encode({anchor}) WHERE sequence = {{at}}"
    _alter(store, [body, _HASHED], at)
    assert _failed(store, "verify")["journal"][0]["sequence"] == at
    assert "projections" in _failed(store, "check")


def test_what_cannot_be_read_is_one_line_and_stays_as_it_is(store: str) -> None:
    at = _sequence(store, "k2")
    _alter(store, ALTERED["not an event"], at)
    for arguments in (["show", "k2"], ["rebuild"]):
        told = entl(*arguments, store=store)
        assert told.returncode == 3
        assert f"event {at} cannot be read" in one_line(told.stderr)
    assert _failed(store, "verify")["journal"][0]["sequence"] == at
    assert json.loads(entl("history", "--limit", "1", "--json", store=store).stdout)


@pytest.mark.parametrize("change", ["DELETE FROM checkpoints", "UPDATE checkpoints SET note = 'x'"])
def test_a_checkpoint_that_does_not_verify_fails_a_check(store: str, change: str) -> None:
    assert entl("check", "checkpoints", store=store).returncode == 0
    _alter(store, [change], 0)
    assert set(_failed(store, "check")) == {"checkpoints"}


def test_who_signed_a_checkpoint_is_no_matter_of_checks(store: str, tmp_path: Path) -> None:
    """Two people who seal a store, each with a key, do not make its checks fail for each other."""
    other = {"ENTL_KEY": str(tmp_path / "other.key")}
    assert entl("checkpoint", store=store, environment=other).returncode == 0
    for environment in ({}, other):
        assert entl("check", "checkpoints", store=store, environment=environment).returncode == 0


def test_a_store_that_says_too_little_was_projected_is_verified_and_rebuilt(store: str) -> None:
    _alter(store, ["UPDATE store SET value = '2' WHERE name = 'projected'"], 0)
    assert set(_failed(store, "verify")) == {"store"}
    told = entl("history", store=store)
    assert told.returncode == 3
    assert "verify` to see what was altered" in one_line(told.stderr)
    assert entl("rebuild", store=store).returncode == 0
    assert entl("verify", store=store).returncode == 0


def test_a_table_that_is_gone_is_named(store: str) -> None:
    _alter(store, ["DROP TABLE grants"], 0)
    told = entl("verify", store=store)
    assert told.returncode == 3
    assert "grants does not exist" in one_line(told.stderr)
