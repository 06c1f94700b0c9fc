"""Standard input and output that are closed, full, or read by nobody; text they cannot carry."""

from __future__ import annotations

import csv
import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest
from program import ENTL
from support import command, entl, json_lines, new_store, one_line, outcomes_of, post


@pytest.fixture
def store(tmp_path: Path) -> str:
    store = new_store(tmp_path)
    post(store, [command("issue", f"k{n}", quantity=10) for n in range(600)])
    return store


def _in_shell(
    store: str, arguments: str, around: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the program in a shell, which says what its streams are."""
    run = f"{shlex.join([*ENTL, '--store', store])} {arguments}"
    return subprocess.run(
        ["bash", "-c", around.format(run)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=120,
    )


def test_nothing_is_posted_from_an_input_that_is_closed(store: str, tmp_path: Path) -> None:
    """The store's file would get its number, and a name in it that reads like a line be posted."""
    line = json.dumps(command("issue", "never", quantity=7))
    people = tmp_path / "customers.csv"
    with people.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "name", "email", "segment", "status", "created_at"])
        rows.writerow(["EV", f"hello\n{line}\nbye", "e", "s", "active", "2026-01-01T00:00:00Z"])
    assert entl("import", str(people), store=store).returncode == 0
    done = _in_shell(store, "post -", "{} <&-")
    assert done.returncode == 2
    assert "standard input is closed" in one_line(done.stderr)
    assert done.stdout == ""
    assert entl("show", "never", store=store).returncode == 2


@pytest.mark.parametrize("streams", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_with_an_output_that_is_closed_the_verdict_is_the_same(store: str, streams: str) -> None:
    done = _in_shell(store, "check hashes", "{} " + streams)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_goes_is_no_failed_check(store: str) -> None:
    done = _in_shell(store, "history --json", "({}; echo $? >&2) | head -1")
    assert done.stdout == "[\n"
    assert done.stderr == "141\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_an_output_that_is_full_is_not_the_store(store: str) -> None:
    done = _in_shell(store, "history", "{} > /dev/full")
    assert done.returncode == 2
    assert "the answer cannot be written: No space left" in one_line(done.stderr)


@pytest.mark.parametrize(
    "arguments", [r"balance --customer $'\xff'", r"--actor $'\xff' post -", r"import $'\xff.csv'"]
)
def test_an_argument_that_is_no_text_is_one_line(store: str, arguments: str) -> None:
    done = _in_shell(store, arguments, "{} </dev/null")
    assert done.returncode == 2
    assert "is not UTF-8" in one_line(done.stderr)


def test_an_actor_with_a_name_too_long_is_refused(store: str) -> None:
    done = entl("--actor", "x" * 513, "post", "-", store=store)
    assert done.returncode == 2
    assert "--actor has 513 characters, at most 512" in one_line(done.stderr)


def test_what_an_encoding_lacks_is_spelled_out(store: str) -> None:
    post(store, [command("issue", "odd", quantity=1, reason="für Łódź")])
    done = _in_shell(store, "history --limit 1", "{}", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert r"f\xfcr \u0141\xf3d\u017a" in done.stdout


def test_the_mark_at_the_beginning_of_a_file_is_not_part_of_a_line(store: str) -> None:
    given = "\ufeff" + json_lines([command("issue", "marked", quantity=1)])
    for stdin in (given, given.rstrip()):
        (outcome,) = outcomes_of(entl("post", "-", store=store, stdin=stdin).stdout)
        assert outcome["status"] == "completed"
