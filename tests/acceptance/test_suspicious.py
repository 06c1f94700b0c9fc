"""`suspicious`, `findings` and `review` as a user runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import HandClock, command, entl, hours, new_store, one_line, post

from entitlement_ledger.domain.instants import HOUR, MINUTE
from entitlement_ledger.domain.policy import ApprovalRule
from entitlement_ledger.errors import InputError
from entitlement_ledger.ledger import Ledger

MANY = [f"D{number}" for number in range(14)]


@pytest.fixture
def store(tmp_path: Path) -> str:
    store = new_store(tmp_path)
    rows = "".join(f"{name},Name,,s,active,\n" for name in MANY)
    (tmp_path / "more").mkdir()
    header = "id,name,email,segment,status,created_at\n"
    (tmp_path / "more" / "customers.csv").write_text(header + rows)
    assert entl("import", str(tmp_path / "more"), store=store).returncode == 0
    return store


def gift(number: int, **more: Any) -> dict[str, Any]:
    return command(
        "adjust",
        f"g{number}",
        customer=MANY[number % len(MANY)],
        quantity=500,
        reason=f"goodwill {number}",
        actor="eve",
        reference=f"order:{number}",
        effective_at=hours(number / 40),
        **more,
    )


def told(store: str, *arguments: str) -> list[dict[str, Any]]:
    done = entl(*arguments, "--json", store=store)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_one_pattern_is_one_finding_with_the_numbers(store: str) -> None:
    post(store, [gift(number) for number in range(14)], "--history")
    (found,) = told(store, "suspicious", "same_amount")
    assert found["why"] == (
        "14 customers were given exactly 500 PTS within 20 minutes; this actor's usual is 0"
    )
    assert (found["rule"], found["severity"], found["actor"]) == ("same_amount", "high", "eve")
    assert found["customer"] is None
    assert len(found["transactions"]) == 14
    assert found["state"] == "open"
    shown = entl("suspicious", "same_amount", store=store).stdout
    assert found["finding"] in shown and "14 customers" in shown


def test_a_finding_keeps_its_name_and_grows(store: str) -> None:
    post(store, [gift(number) for number in range(8)], "--history")
    (before,) = told(store, "suspicious", "same_amount")
    post(store, [gift(number) for number in range(8, 12)], "--history")
    (after,) = told(store, "suspicious", "same_amount")
    assert after["finding"] == before["finding"]
    assert set(after["transactions"]) > set(before["transactions"])


def test_what_was_dismissed_comes_back_with_new_evidence_only(store: str) -> None:
    post(store, [gift(number) for number in range(8)], "--history")
    (found,) = told(store, "suspicious", "same_amount")
    name = found["finding"]
    done = entl("review", name, "--decision", "dismissed", "--reason", "a campaign", store=store)
    assert done.returncode == 0, done.stderr
    assert told(store, "suspicious", "same_amount") == []
    assert told(store, "findings") == []
    (kept,) = told(store, "findings", "--dismissed")
    assert kept["state"] == "dismissed"
    post(store, [gift(8)], "--history")
    (again,) = told(store, "suspicious", "same_amount")
    assert (again["finding"], again["state"]) == (name, "open")


def test_each_step_of_a_review_is_an_event(store: str) -> None:
    post(store, [gift(number) for number in range(8)], "--history")
    (found,) = told(store, "suspicious", "same_amount")
    name = found["finding"]
    for decision, more in (("investigating", ["--assign", "ann"]), ("confirmed", [])):
        arguments = ["--decision", decision, "--reason", "looked at it", *more]
        assert entl("--actor", "bob", "review", name, *arguments, store=store).returncode == 0
    shown = json.loads(entl("findings", name, "--json", store=store).stdout)
    assert [(each["decision"], each["actor"]) for each in shown["review"]] == [
        ("investigating", "bob"),
        ("confirmed", "bob"),
    ]
    assert (shown["state"], shown["assigned_to"]) == ("confirmed", "ann")
    assert entl("rebuild", store=store).returncode == 0
    assert json.loads(entl("findings", name, "--json", store=store).stdout) == shown
    for check in ("verify", "check"):
        assert entl(check, store=store).returncode == 0, entl(check, store=store).stdout


@pytest.mark.parametrize(
    ("actor", "arguments", "says"),
    [
        ("eve", ["--decision", "dismissed", "--reason", "fine"], "is about eve: somebody else"),
        ("bob", ["--decision", "ignored", "--reason", "fine"], "ignored is no decision"),
        ("bob", ["--decision", "dismissed", "--reason", " "], "say why"),
    ],
)
def test_a_review_that_is_none_records_nothing(
    store: str, actor: str, arguments: list[str], says: str
) -> None:
    post(store, [gift(number) for number in range(8)], "--history")
    (found,) = told(store, "suspicious", "same_amount")
    refused = entl("--actor", actor, "review", found["finding"], *arguments, store=store)
    assert refused.returncode == 2
    assert says in one_line(refused.stderr)
    assert told(store, "findings")[0]["state"] == "open"


def test_a_finding_that_is_none_is_said_in_one_line(store: str) -> None:
    done = entl("review", "F1", "--decision", "dismissed", "--reason", "x", store=store)
    assert (done.returncode, "no finding 'F1'" in one_line(done.stderr)) == (2, True)


def test_rules_are_set_in_the_settings_and_a_wrong_name_suggests_the_nearest(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(store, [gift(number) for number in range(5)], "--history")
    assert told(store, "suspicious", "same_amount") == []
    settings = tmp_path / "settings"
    settings.mkdir()
    monkeypatch.setenv("ENTL_CONFIG", str(settings))

    def said(text: str) -> Any:
        (settings / "settings.toml").write_text(text)
        return entl("suspicious", "--json", store=store)

    assert len(json.loads(said("[suspicious.same_amount]\nleast = 5\n").stdout)) == 1
    for text, says in (
        ("[suspicious.same_amout]\n", "suspicious.same_amout is not a rule: do you mean same_am"),
        ("[suspicious.same_amount]\nlest = 5\n", "is not a parameter: do you mean least?"),
        ("[suspicious.same_amount]\nleast = 'x'\n", "must be a whole number"),
        ("suspicious = 5\n", "suspicious must be tables"),
        ("[suspicious.outflow]\nabove_percent_of_all = 101\n", "whole number from 0 to 100"),
        ("[suspicious.outflow]\ntimes = 1000001\n", "whole number from 0 to 1000000"),
    ):
        wrong = said(text)
        assert (wrong.returncode, says in one_line(wrong.stderr)) == (2, True), wrong.stderr
    unknown = entl("suspicious", "burts", store=store)
    assert unknown.returncode == 2


def test_a_rule_that_is_none_suggests_the_nearest(store: str) -> None:
    done = entl("suspicious", "burts", store=store)
    assert (done.returncode, "no rule 'burts': do you mean burst?" in one_line(done.stderr)) == (
        2,
        True,
    )
    listed = entl("suspicious", "--rules", store=store).stdout
    assert "same_amount (high)" in listed and "least 6" in listed


def test_only_what_happened_since_is_told(store: str) -> None:
    post(store, [gift(number) for number in range(8)], "--history")
    # Migrated history happened when it took effect, and not when it was recorded.
    for since, found in ((hours(-1), 1), (hours(7 / 40), 1), (hours(1), 0)):
        assert len(told(store, "suspicious", "same_amount", "--since", since)) == found
    post(store, [{**gift(number), "key": f"now{number}", "actor": "mal"} for number in range(8)])
    assert len(told(store, "suspicious", "same_amount", "--since", hours(1))) == 1
    assert told(store, "suspicious", "same_amount", "--since", "2999-01-01T00:00:00Z") == []


def test_an_outside_client_reads_each_rule_as_a_view(store: str) -> None:
    post(store, [gift(number) for number in range(8)], "--history")
    with duckdb.connect(store) as connection:
        rows = connection.execute("SELECT actor FROM suspicious_same_amount").fetchall()
        assert rows == [("eve",)]


def test_the_views_are_set_as_the_rules_were_when_all_of_them_ran(store: str) -> None:
    post(store, [gift(number) for number in range(5)], "--history")

    def seen() -> list[tuple[str]]:
        with duckdb.connect(store) as connection:
            return connection.execute("SELECT actor FROM suspicious_same_amount").fetchall()

    assert seen() == []
    with Ledger.open(store, suspicious={"same_amount": {"least": 5}}) as ledger:
        ledger.suspicious(["same_amount"])
        assert [each.rule for each in ledger.suspicious()] == ["same_amount"]
    assert seen() == [("eve",)]
    with Ledger.open(store, suspicious={"same_amount": {"least": 5}}) as ledger:
        ledger.rebuild()
    assert seen() == [("eve",)]
    with Ledger.open(store) as ledger:
        ledger.suspicious()
    assert seen() == []


def test_attempts_to_post_into_a_closed_period_are_noticed(tmp_path: Path) -> None:
    clock = HandClock()
    with Ledger.open(new_store(tmp_path, clock), clock=clock) as ledger:
        ledger.post([command("issue", "a", quantity=5)], actor="a")
        clock.now += 48 * HOUR
        ledger.post([command("issue", "b", quantity=5)], actor="a")
        ledger.archive(clock.now - HOUR, actor="a")
        early = command("consume", "c", quantity=1, effective_at=hours(1), actor="eve")
        (told_,) = ledger.post([early], actor="eve")
        assert told_.code == "period_closed"
        (found,) = ledger.suspicious(["after_close"])
        assert (found.actor, found.transactions) == ("eve", (told_.transaction,))


def test_whoever_has_no_role_for_it_reviews_nothing(tmp_path: Path) -> None:
    clock = HandClock()
    roles = {"eve": "support", "ann": "auditor", "sam": "support", "sys": "system"}
    store = new_store(tmp_path, clock)
    with Ledger.open(store, clock=clock, roles=roles) as ledger:
        for number in range(6):
            clock.now += MINUTE
            line = command("consume", f"c{number}", quantity=99, customer="C1")
            ledger.post([line], actor="eve")
        ledger.post([command("issue", "i", quantity=99)], actor="eve")
        ledger.post([command("consume", "c", quantity=1)], actor="eve")
        (found,) = ledger.suspicious(["refusals_then_success"])

        def review(actor: str) -> Callable[[], object]:
            return lambda: ledger.review(
                found.id, decision="investigating", reason="why", actor=actor
            )

        for actor in ("sam", "nobody"):
            with pytest.raises(InputError, match="may not review"):
                review(actor)()
        review("ann")()
        assert ledger.finding(found.id)[0].state == "investigating"


def test_neither_of_two_who_approve_each_other_reviews_it(tmp_path: Path) -> None:
    clock = HandClock()
    store = new_store(tmp_path, clock)
    approvals = [ApprovalRule(frozenset({"adjust"}), above=100)]
    with Ledger.open(store, clock=clock, approvals=approvals) as ledger:
        for number in range(4):
            clock.now += HOUR
            pair = ("ann", "zoe") if number % 2 else ("zoe", "ann")
            line = command("adjust", f"a{number}", quantity=200, reason=f"r{number}")
            ledger.post([line], actor=pair[0])
            clock.now += HOUR
            yes = command("approve", f"y{number}", transaction=f"a{number}", reason="fine")
            ledger.post([yes], actor=pair[1])
        (found,) = ledger.suspicious(["mutual_approval"])
        assert {found.actor, *found.others} == {"ann", "zoe"}
        for actor in ("ann", "zoe"):
            with pytest.raises(InputError, match=f"is about {actor}"):
                ledger.review(found.id, decision="dismissed", reason="fine", actor=actor)
        assert ledger.finding(found.id)[0] == found
        ledger.review(found.id, decision="confirmed", reason="seen", actor="bob")
    (shown,) = told(store, "findings")
    assert (shown["state"], shown["others"]) == ("confirmed", ["zoe"])
