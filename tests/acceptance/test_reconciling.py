"""`entl reconcile` as finance runs it: the contract's words, exit codes, errors of one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from billing_support import sold, write
from support import command, entl, hours, json_lines, new_store, one_line, post

_FIELDS = {"class", "reference", "customer", "ours", "theirs", "why", "proposal"}


def _given(folder: Path) -> str:
    store = new_store(folder)
    lines = [
        command("issue", f"i{n}", quantity=10, effective_at=hours(n), reference=f"invoice:INV-{n}")
        for n in range(1, 6)
    ]
    assert not any(each["code"] for each in post(store, lines, "--history"))
    return store


def test_a_month_is_reconciled_settled_and_shown_again(tmp_path: Path) -> None:
    store = _given(tmp_path)
    lines = [sold("INV-1"), sold("INV-1"), sold("INV-2", 12), sold("INV-3"), sold("INV-9", 7)]
    lines += [sold("INV-4", at=2000)]
    file = write(tmp_path / "billing.csv", lines)
    period = ("--since", hours(-1), "--until", hours(1000))
    arguments = ("reconcile", str(file), "--against", "billing", *period, "--json")
    done = entl(*arguments, "--proposals", str(tmp_path / "commands.jsonl"), store=store)
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["matched"] == 2
    assert all(set(each) >= _FIELDS for each in said["discrepancies"])
    found = {each["reference"]: each for each in said["discrepancies"]}
    assert {name: each["class"] for name, each in found.items()} == {
        "invoice:INV-1": "duplicate",
        "invoice:INV-2": "amount",
        "invoice:INV-4": "timing",
        "invoice:INV-5": "missing_there",
        "invoice:INV-9": "missing_here",
    }
    assert (found["invoice:INV-2"]["ours"], found["invoice:INV-2"]["theirs"]) == (10, 12)
    assert found["invoice:INV-4"]["theirs"] == hours(2000)

    outcomes = entl("post", str(tmp_path / "commands.jsonl"), store=store)
    assert [json.loads(line)["status"] for line in outcomes.stdout.splitlines()] == [
        "completed"
    ] * 3
    again = entl(*arguments, store=store)
    assert {each["class"] for each in json.loads(again.stdout)["discrepancies"]} == {
        "duplicate",
        "timing",
    }
    assert len(json.loads(again.stdout)["resolved"]) == 3
    shown = entl("reconcile", "--run", "1", "--json", store=store)
    assert (shown.returncode, shown.stdout) == (1, done.stdout)
    assert entl("verify", store=store).returncode == 0


def test_what_ties_out_says_so(tmp_path: Path) -> None:
    store = _given(tmp_path)
    file = write(tmp_path / "billing.csv", [sold(f"INV-{n}", at=n) for n in range(1, 6)])
    done = entl("reconcile", str(file), "--against", "billing", store=store)
    assert done.returncode == 0
    assert done.stdout.endswith("it ties out\n")
    listed = entl("reconcile", "--runs", store=store)
    assert "billing.csv" in listed.stdout


def test_bad_lines_are_all_named_and_nothing_is_recorded(tmp_path: Path) -> None:
    store = _given(tmp_path)
    lines = [sold("INV-1"), sold("INV-2", "many"), sold("INV-3", status="free")]
    file = write(tmp_path / "billing.csv", lines)
    done = entl("reconcile", str(file), "--against", "billing", store=store)
    assert (done.returncode, done.stdout) == (2, "")
    first, second = done.stderr.splitlines()
    assert "billing.csv, line 3, column quantity" in first
    assert "billing.csv, line 4, column status" in second
    assert json.loads(entl("reconcile", "--runs", "--json", store=store).stdout) == []


def test_bad_usage_is_one_line(tmp_path: Path) -> None:
    store = _given(tmp_path)
    file = str(write(tmp_path / "billing.csv", [sold("INV-1")]))
    cases: list[tuple[Any, ...]] = [
        (["reconcile", file], "--against"),
        (["reconcile", "--against", "billing"], "give a FILE"),
        (["reconcile", str(tmp_path / "none.csv"), "--against", "cam"], "not a file"),
        (["reconcile", "--run", "7"], "no run 7"),
        (["reconcile", file, "--against", "cam"], "column"),
    ]
    for arguments, expected in cases:
        done = entl(*arguments, store=store)
        assert done.returncode == 2, arguments
        assert expected in (done.stderr if "cam" in arguments else one_line(done.stderr))
    settings = tmp_path / "settings"
    settings.mkdir()
    (settings / "settings.toml").write_text("[reconcile.billing]\ntolerence = 1\n", "utf-8")
    done = entl(
        "reconcile", file, "--against", "billing", store=store,
        environment={"ENTL_CONFIG": str(settings)},
    )  # fmt: skip
    assert "did you mean tolerance?" in one_line(done.stderr)
    assert done.returncode == 2


def test_commands_as_json_lines_are_what_post_reads(tmp_path: Path) -> None:
    store = _given(tmp_path)
    file = write(tmp_path / "billing.csv", [sold("INV-1"), sold("=cmd()", 3)])
    out = tmp_path / "proposals.jsonl"
    entl("reconcile", str(file), "--against", "billing", "--proposals", str(out), store=store)
    commands = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert {each["type"] for each in commands} == {"issue", "reverse"}
    again = entl(
        "reconcile", str(file), "--against", "billing", "--proposals", str(out), store=store
    )
    assert (again.returncode, "exists already" in one_line(again.stderr)) == (2, True)
    assert entl("post", "-", store=store, stdin=json_lines(commands)).returncode == 0


def test_a_run_whose_proposals_cannot_be_written_is_not_recorded(tmp_path: Path) -> None:
    store = _given(tmp_path)
    file = write(tmp_path / "billing.csv", [sold("INV-1")])
    (taken := tmp_path / "taken.jsonl").write_text("mine")
    for path in (taken, tmp_path, tmp_path / "none" / "p.jsonl", Path(store)):
        done = entl(
            "reconcile", str(file), "--against", "billing", "--proposals", str(path), store=store
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert one_line(done.stderr)
    assert json.loads(entl("reconcile", "--runs", "--json", store=store).stdout) == []
    assert taken.read_text() == "mine"
    done = entl(
        "reconcile", str(file), "--against", "billing", "--proposals", str(taken), "--force",
        store=store,
    )  # fmt: skip
    assert done.returncode == 1
    assert len(taken.read_text().splitlines()) == 4
    bad = write(tmp_path / "bad.csv", [sold("INV-1", "x")])
    done = entl(
        "reconcile", str(bad), "--against", "billing", "--proposals", str(tmp_path / "new.jsonl"),
        store=store,
    )  # fmt: skip
    assert done.returncode == 2
    assert not [each for each in tmp_path.iterdir() if each.name.startswith((".entl", "new"))]
