"""balance, history, show and explain, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support import command, entl, hours, new_store, one_line, post

from entitlement_ledger.answers import HistoryFilter
from entitlement_ledger.ledger import Ledger


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    store = new_store(tmp_path_factory.mktemp("reading"))
    post(
        store,
        [
            command("issue", "paid", quantity=100, effective_at=hours(0), expires_at=hours(90)),
            command("issue", "promo", quantity=10, effective_at=hours(1), category="promo"),
            command("consume", "use", quantity=30, effective_at=hours(2), reference="order:7"),
            command("adjust", "fix", quantity=-5, effective_at=hours(3), reason="[b]why\x1b[31m"),
            command("reverse", "back", transaction="use", quantity=20, effective_at=hours(4)),
            command("consume", "too much", quantity=10**6, effective_at=hours(5), actor="robot"),
            command("issue", "money", entitlement="CRD", quantity=1234, effective_at=hours(0)),
        ],
    )
    return store


def told(store: str, *arguments: str) -> Any:
    done = entl(*arguments, "--json", store=store)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_each_posting_has_the_decimal_point_of_its_own_entitlement(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    post(store, [command("purchase", "p", product="BASIC")])
    legs = [line.split() for line in entl("show", "p", store=store).stdout.splitlines()]
    shown = {leg[1]: leg[3] for leg in legs if len(leg) > 3 and leg[2:3] == ["available"]}
    assert shown == {"PTS": "5", "CRD": "0.03"}


def test_a_balance_is_what_is_left_and_when_it_lapses(store: str) -> None:
    (balance,) = told(
        store, "balance", "--customer", "C1", "--entitlement", "PTS", "--at", hours(6)
    )
    assert balance == {
        "customer": "C1",
        "entitlement": "PTS",
        "kind": "points",
        "available": 95,
        "held": 0,
        "expires_next": hours(90),
    }


@pytest.mark.parametrize(
    ("at", "available"), [(0, 100), (1, 110), (2, 80), (3, 75), (4, 95), (89.9, 95), (90, 10)]
)
def test_a_balance_at_an_instant_is_half_open(store: str, at: float, available: int) -> None:
    (balance,) = told(
        store, "balance", "--customer", "C1", "--entitlement", "PTS", "--at", hours(at)
    )
    assert balance["available"] == available


def test_what_was_known_before_anything_was_posted_is_nothing(store: str) -> None:
    first = told(store, "history", "--limit", "1")[0]["recorded_at"]
    known = told(store, "balance", "--customer", "C1", "--at", hours(6), "--known-at", first)
    assert {each["entitlement"]: each["available"] for each in known} == {"CRD": 1234, "PTS": 95}
    before = hours(-999)
    assert told(store, "balance", "--customer", "C1", "--known-at", before) == []


def test_a_time_before_history_is_an_error_not_a_zero(store: str) -> None:
    done = entl("balance", "--customer", "C1", "--at", hours(-1), store=store)
    assert done.returncode == 2
    assert f"history begins at {hours(0)}" in one_line(done.stderr)


def test_the_text_for_people_has_the_decimal_point_and_nothing_harmful(store: str) -> None:
    assert "12.34" in entl("balance", "--customer", "C1", store=store).stdout
    assert "\x1b" not in entl("history", store=store).stdout
    assert "\x1b" not in entl("show", "fix", store=store).stdout


def test_history_is_newest_first_and_pages_by_sequence(store: str) -> None:
    everything = told(store, "history")
    assert [row["key"] for row in everything][:2] == ["money", "too much"]
    assert set(everything[0]) == {
        "transaction", "sequence", "type", "status", "code", "customer", "entitlement", "product",
        "quantity", "effective_at", "recorded_at", "actor", "role", "reason", "reference", "key",
    }  # fmt: skip
    page = told(store, "history", "--limit", "2", "--after", str(everything[1]["sequence"]))
    assert page == everything[2:4]


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (["--type", "consume"], ["too much", "use"]),
        (["--entitlement", "CRD"], ["money"]),
        (["--actor", "robot"], ["too much"]),
        (["--customer", "C2"], []),
        (["--since", hours(3), "--until", hours(5)], ["back", "fix"]),
    ],
)
def test_history_is_narrowed(store: str, options: list[str], keys: list[str]) -> None:
    assert [row["key"] for row in told(store, "history", *options)] == keys


def test_json_holds_nothing_that_acts_on_a_terminal_and_means_the_same(tmp_path: Path) -> None:
    store, reason = new_store(tmp_path), "why\x7f \x9b31m \u202eflip\u2066 \u2028\u00e9"
    line = command("adjust", "a", quantity=1, reason=reason)
    posted = entl("post", "-", store=store, stdin=json.dumps({**line, "key": reason}) + "\n")
    listed = entl("history", "--json", store=store)
    shown = entl("show", reason, "--json", store=store)
    for said in (posted, listed, shown):
        assert set("\x7f\x9b\u202e\u2066\u2028").isdisjoint(said.stdout)
        assert "\u00e9" in said.stdout
    assert json.loads(posted.stdout)["key"] == reason
    assert json.loads(listed.stdout)[0]["reason"] == reason
    assert json.loads(shown.stdout)["reason"] == reason


def test_nothing_is_found_of_whom_nobody_knows_and_that_is_said(store: str) -> None:
    for options, said in (
        (["--customer", "C\x1b9"], "entl: no customer 'C\\x1b9': check the id\n"),
        (["--entitlement", "PST"], "entl: no entitlement 'PST': check the code\n"),
        (["--customer", "C2"], ""),
    ):
        done = entl("history", *options, "--json", store=store)
        assert (json.loads(done.stdout), done.stderr, done.returncode) == ([], said, 0)


def test_a_status_tells_what_was_reversed_since(store: str) -> None:
    status = {row["key"]: row["status"] for row in told(store, "history")}
    assert status["use"] == "partly_reversed"
    assert status["too much"] == "refused"
    assert status["back"] == "completed"
    with Ledger.open(store, read_only=True) as ledger:
        for wanted, keys in (
            ("refused", ["too much"]),
            ("insufficient_balance", ["too much"]),
            ("customer_closed", []),
        ):
            rows = ledger.history(HistoryFilter(status=wanted)).rows
            assert [row.key for row in rows] == keys


def test_the_end_of_a_grant_that_had_nothing_left_has_not_been_reversed(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    (issued, _) = post(
        store,
        [command("issue", "i", quantity=5), command("consume", "c", quantity=5)],
    )
    post(store, [command("cancel", "x", grant=issued["grants"][0])])
    assert {each["key"]: each["status"] for each in told(store, "history")}["x"] == "completed"
    assert told(store, "show", "x")["status"] == "completed"


def test_show_gives_postings_event_before_and_after(store: str) -> None:
    shown = told(store, "show", "use")
    assert shown["key"] == "use"
    assert sum(leg["quantity"] for leg in shown["postings"]) == 0
    assert shown == told(store, "show", shown["transaction"])
    text = entl("show", "use", store=store).stdout
    assert "110" in text
    assert "80" in text


def test_explain_accounts_for_every_unit_and_names_the_next_draw(store: str) -> None:
    done = entl("explain", "--customer", "C1", "--entitlement", "PTS", "--at", hours(6), "--json",
                store=store)  # fmt: skip
    explained = json.loads(done.stdout)
    for part in explained["grants"]:
        accounts = ("available", "held", "consumed", "expired", "revoked")
        assert sum(part[account] for account in accounts) == part["quantity"]
    first = [part for part in explained["grants"] if part["next_draw"] == 1]
    assert [part["expires_at"] for part in first] == [hours(90)]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["balance", "--customer", "NOBODY"], "no customer 'NOBODY'"),
        (["balance", "--customer", "C1", "--entitlement", "X"], "no entitlement 'X'"),
        (["balance", "--customer", "C1", "--at", "2026-03-01"], "a time needs an offset"),
        (["show", "entl:999"], "no transaction 'entl:999'"),
        (["history", "--type", "gift"], "'gift' is not one of"),
        (["frobnicate"], "No such command"),
    ],
)
def test_a_wrong_question_gets_one_line(store: str, arguments: list[str], says: str) -> None:
    done = entl(*arguments, store=store)
    assert done.returncode == 2
    assert says in one_line(done.stderr)
    assert done.stdout == ""


def test_a_new_store_verifies(tmp_path: Path) -> None:
    store = str(tmp_path / "new.duckdb")
    assert entl("init", store=store).returncode == 0
    for arguments in (["verify"], ["verify", "--since-checkpoint"], ["rebuild"], ["verify"]):
        done = entl(*arguments, store=store)
        assert (done.returncode, arguments) == (0, arguments), done.stdout


def test_an_empty_store_answers_empty(tmp_path: Path) -> None:
    store = tmp_path / "empty.duckdb"
    assert entl("init", store=store).returncode == 0
    assert told(str(store), "balance", "--customer", "C1") == []
    assert told(str(store), "history") == []
