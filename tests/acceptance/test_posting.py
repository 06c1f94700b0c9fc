"""post, as a user or a program runs it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from program import ENTL
from support import command, entl, hours, json_lines, new_store, outcomes_of, post

from entitlement_ledger.ledger import Ledger


@pytest.fixture
def store(tmp_path: Path) -> str:
    return new_store(tmp_path)


def test_an_outcome_has_the_fields_of_the_contract(store: str) -> None:
    issued, used = post(
        store,
        [
            command("issue", "a", quantity=10, effective_at=hours(0)),
            command("consume", "b", quantity=4, effective_at=hours(1)),
        ],
    )
    assert set(issued) == {
        "line", "key", "transaction", "sequence", "status", "code", "message", "recorded_at",
        "duplicate", "grants", "draws", "balance",
    }  # fmt: skip
    assert (issued["line"], used["line"]) == (1, 2)
    assert used["sequence"] == issued["sequence"] + 1
    assert used["draws"] == [{"grant": issued["grants"][0], "quantity": 4}]
    assert used["balance"] == {"available": 6, "held": 0}
    assert (used["status"], used["code"], used["duplicate"]) == ("completed", None, False)


def test_the_same_line_again_is_the_first_outcome_and_records_nothing(store: str) -> None:
    line = command("issue", "a", quantity=10, effective_at=hours(0))
    (first,) = post(store, [line])
    (again,) = post(store, [dict(reversed(line.items()))])
    assert again == {**first, "duplicate": True}
    (conflict,) = post(store, [{**line, "quantity": 11}])
    assert (conflict["code"], conflict["transaction"]) == ("key_conflict", None)
    assert entl("balance", "--customer", "C1", "--json", store=store).stdout.count("10") >= 1


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("not json", "invalid_field", "not JSON"),
        ("[]", "invalid_field", "must be an object"),
        ('{"type":"issue"}', "missing_field", "customer is missing"),
        ('{"type":"gift","key":"k","customer":"C1"}', "invalid_field", "type must be one of"),
        (json.dumps(command("issue", "k", quantity=1.0)), "invalid_field", "quantity"),
        (json.dumps(command("issue", "k", quantity="1")), "invalid_field", "quantity"),
        (json.dumps(command("issue", "k", quantity=True)), "invalid_field", "quantity"),
        (json.dumps(command("issue", "k", quantity=1, colour="red")), "invalid_field", "colour"),
        (json.dumps(command("issue", "entl:k", quantity=1)), "invalid_field", "entl:"),
        (json.dumps(command("issue", "k", quantity=1, effective_at="2026-01-01T00:00:00")),
         "invalid_field", "offset"),
        ('{"type":"issue","type":"issue"}', "invalid_field", "named twice"),
        ('{"quantity":NaN}', "invalid_field", "NaN"),
    ],
)  # fmt: skip
def test_a_line_of_wrong_shape_is_answered_and_the_next_goes_on(
    store: str, line: str, code: str, says: str
) -> None:
    good = json.dumps(command("issue", "good", quantity=1))
    done = entl("post", "-", store=store, stdin=f"{line}\n{good}\n")
    refused, accepted = outcomes_of(done.stdout)
    assert (refused["status"], refused["code"]) == ("refused", code)
    assert says in refused["message"]
    assert refused["transaction"] is refused["sequence"] is refused["recorded_at"] is None
    assert accepted["status"] == "completed"
    assert done.returncode == 0


def test_a_refusal_is_recorded_with_its_numbers(store: str) -> None:
    (refused,) = post(store, [command("consume", "a", quantity=5, entitlement="CRD")])
    assert refused["code"] == "insufficient_balance"
    assert "0.05 pt asked for, 0.00" in refused["message"]
    assert refused["transaction"] is not None
    assert refused["balance"] is None


def test_an_integer_beyond_64_bits_is_an_invalid_quantity(store: str) -> None:
    line = json.dumps(command("issue", "big", quantity=0)).replace(" 0,", f" {10**30},")
    done = entl("post", "-", store=store, stdin=line + "\n")
    (refused,) = outcomes_of(done.stdout)
    assert refused["code"] == "invalid_quantity"
    assert refused["transaction"] is not None


def test_all_or_nothing(store: str) -> None:
    lines = [command("issue", "a", quantity=5), command("consume", "b", quantity=50)]
    done = entl("post", "-", "--atomic", store=store, stdin=json_lines(lines))
    assert done.returncode == 1
    first, second = outcomes_of(done.stdout)
    assert (first["status"], first["code"]) == ("refused", None)
    assert "line 2" in first["message"]
    assert second["code"] == "insufficient_balance"
    assert json.loads(entl("history", "--json", store=store).stdout) == []
    lines[1] = command("consume", "b", quantity=5)
    assert entl("post", "-", "--atomic", store=store, stdin=json_lines(lines)).returncode == 0


def test_all_or_nothing_answers_what_was_known_before_as_it_was(store: str) -> None:
    post(store, [command("issue", "a", quantity=5), command("consume", "much", quantity=50)])
    again = [command("issue", "a", quantity=5), command("issue", "new", quantity=5)]
    for last, code in (
        (command("issue", "a", quantity=6), "key_conflict"),
        (command("consume", "much", quantity=50), "insufficient_balance"),
    ):
        lines = [*again, again[1], last]
        for options in (["--atomic"], ["--atomic", "--dry-run"]):
            done = entl("post", "-", *options, store=store, stdin=json_lines(lines))
            assert done.returncode == 1
            known, new, twice, fault = outcomes_of(done.stdout)
            assert (known["status"], known["duplicate"]) == ("completed", True)
            assert known["grants"]
            for each in (new, twice):
                assert (each["status"], each["code"], each["duplicate"]) == ("refused", None, False)
            assert fault["code"] == code
            assert fault["duplicate"] == (code != "key_conflict")
    assert entl("show", "new", store=store).returncode == 2


def test_history_is_not_refused_for_a_status_of_today(store: str) -> None:
    lines = [command("issue", "a", quantity=5, customer="SHUT", effective_at=hours(0))]
    (refused,) = post(store, lines)
    assert refused["code"] == "customer_closed"
    lines[0]["key"] = "b"
    (accepted,) = post(store, lines, "--history")
    assert accepted["status"] == "completed"
    shown = json.loads(entl("show", "b", "--json", store=store).stdout)
    assert shown["history"] is True


def test_each_line_is_answered_before_the_next_is_asked(store: str) -> None:
    with subprocess.Popen(
        [*ENTL, "--store", store, "post", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        for number in range(1, 4):
            line = json.dumps(command("issue", f"k{number}", quantity=1)) + "\n"
            running.stdin.write(line[:7].encode())
            running.stdin.flush()
            running.stdin.write(line[7:].encode())
            running.stdin.flush()
            assert json.loads(running.stdout.readline())["line"] == number
        running.stdin.close()
        assert running.wait(timeout=30) == 0


def test_a_key_that_is_no_text_is_not_told_and_the_lines_around_it_are(store: str) -> None:
    good = json.dumps(command("issue", "a", quantity=1))
    bad = good.replace('"a"', '"\\ud800"')
    done = entl("post", "-", store=store, stdin=f"{good}\n{bad}\n{good}")
    assert (done.returncode, done.stderr) == (0, "")
    first, refused, again = outcomes_of(done.stdout)
    assert (first["status"], again["duplicate"]) == ("completed", True)
    assert (refused["key"], refused["code"]) == (None, "invalid_field")
    assert refused["message"] == "key holds half of a surrogate pair"


def test_blank_lines_count_as_lines_and_are_not_answered(store: str) -> None:
    line = json.dumps(command("issue", "a", quantity=1))
    (outcome,) = outcomes_of(entl("post", "-", store=store, stdin=f"\n\r\n{line}").stdout)
    assert outcome["line"] == 3


def test_a_file_is_posted_in_order_and_posted_again_records_nothing(
    store: str, tmp_path: Path
) -> None:
    lines = [command("issue", "first", quantity=20_000)]
    for number in range(1, 3000):
        kind = ("consume", "adjust", "issue")[number % 3]
        quantity = -1 if kind == "adjust" else 1
        lines.append(command(kind, f"k{number}", quantity=quantity, customer="C1"))
    file = tmp_path / "lines.jsonl"
    file.write_text(json_lines(lines), "utf-8")
    first = outcomes_of(entl("post", str(file), store=store).stdout)
    assert [each["line"] for each in first] == list(range(1, 3001))
    assert {each["status"] for each in first} == {"completed"}
    expected = 20_000 + sum(
        line["quantity"] if line["type"] == "issue" else -abs(line["quantity"])
        for line in lines[1:]
    )
    assert first[-1]["balance"]["available"] == expected
    with Ledger.open(store) as ledger:
        events = ledger.status().events
    again = outcomes_of(entl("post", str(file), store=store).stdout)
    assert [{**each, "duplicate": False} for each in again] == first
    with Ledger.open(store) as ledger:
        assert ledger.status().events == events
        (balance,) = ledger.balances("C1", "PTS")
        assert balance.available == expected


def test_a_file_that_is_missing_is_one_line(store: str) -> None:
    done = entl("post", "nowhere.jsonl", store=store)
    assert done.returncode == 2
    assert "nowhere.jsonl is not a file" in done.stderr


@pytest.mark.parametrize(
    ("first", "once", "again", "code"),
    [
        ("consume", "reverse", "reverse", "already_resolved"),
        ("hold", "capture", "capture", "already_resolved"),
        ("hold", "release", "capture", "already_resolved"),
    ],
)
def test_what_is_answered_again_is_known_with_all_that_became_of_it(
    tmp_path: Path, first: str, once: str, again: str, code: str
) -> None:
    """Its key is posted again beside something new, and then it is undone once more."""
    store = new_store(tmp_path)
    line = command(first, "a", quantity=10)
    more = {"reason": "x"} if once == "reverse" else {}
    with Ledger.open(store) as ledger:
        lines = [command("issue", "i", quantity=20), line]
        lines.append(command(once, "b", transaction="a", **more))
        assert [each.code for each in ledger.post(lines, actor="x")] == [None] * 3
    with Ledger.open(store) as ledger:
        repeated, _ = ledger.post([line, command("issue", "new", quantity=1)], actor="x")
        assert repeated.duplicate
        (twice,) = ledger.post([command(again, "c", transaction="a", **more)], actor="x")
        assert twice.code == code
        assert [each.name for each in ledger.check() if not each.ok] == []
