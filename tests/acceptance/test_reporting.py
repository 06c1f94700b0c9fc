"""`entl report`: files that are whole, named and vouched for; anything else is one line."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from program import ENTL
from support import command, entl, hours, new_store, one_line, post

from entitlement_ledger.ledger import Ledger
from entitlement_ledger.reports.names import REPORTS


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = new_store(tmp_path_factory.mktemp("reported"))
    post(made, [command("issue", "a", quantity=9, effective_at=hours(-1), reason="=1")])
    return made


def test_a_report_is_written_and_said_what_it_is(store: str, tmp_path: Path) -> None:
    path = tmp_path / "a b.csv"
    done = entl("report", "balances", "--output", str(path), "--json", store=store)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    with Ledger.open(store, read_only=True) as ledger:
        size = ledger.status().events
    root = told["checkpoint"].pop("root")
    assert told == {
        "report": "balances",
        "format": "csv",
        "output": str(path),
        "rows": 1,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "checkpoint": {"size": size},
    }
    assert len(root) == 64
    assert path.read_text().splitlines()[1] == "C1,plus,active,PTS,points,pt,0,9,0,"
    again = entl("report", "balances", "--output", str(path), store=store)
    assert again.returncode == 2
    assert "exists already" in one_line(again.stderr)
    forced = entl(
        "report", "audit-log", "--format", "json", "-o", str(path), "--force", store=store
    )
    assert forced.returncode == 0
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert one_line(forced.stderr) == f"entl: {path}: {size} rows, sha256 {digest}"
    assert list(tmp_path.iterdir()) == [path]


def test_reports_are_listed_with_what_they_take() -> None:
    listed = json.loads(entl("report", "--json").stdout)
    assert [each["report"] for each in listed] == list(REPORTS)
    statement = next(each for each in listed if each["report"] == "statement")
    assert statement["needs"] == ["customer"]
    assert {"name": "available", "kind": "integer"} in statement["columns"]
    shown = entl("report").stdout
    for name, report in REPORTS.items():
        assert f"{name}: {report.answers}\n" in shown
    assert "--customer (needed)" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["balances"], "--output PATH"),
        (["balances", "-o", "a.txt"], "a.txt does not say its format"),
        (["findings", "-o", "a.csv", "--known-at", hours(0)], "findings takes no --known-at"),
        (["statement", "-o", "none/a.csv", "--customer", "C1"], "there is no folder"),
    ],
)
def test_what_cannot_be_written_is_said_in_one_line(
    store: str, tmp_path: Path, arguments: list[str], said: str
) -> None:
    given = [
        str(tmp_path / each) if each.startswith(("a.", "none")) else each for each in arguments
    ]
    done = entl("report", *given, store=store)
    assert done.returncode == 2
    assert said in one_line(done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_a_rollforward_that_does_not_tie_out_ends_with_1(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    post(store, [command("issue", "a", quantity=9)])
    with Ledger.open(store) as ledger, ledger._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM live_postings WHERE account = 'issuance'")
    done = entl("report", "rollforward", "-o", str(tmp_path / "a.csv"), store=store)
    assert done.returncode == 1
    assert "rollforward finds something wrong" in done.stderr
    assert ",-9,NO" in (tmp_path / "a.csv").read_text()


def _many(folder: Path) -> str:
    store = new_store(folder)
    with Ledger.open(store) as ledger:
        lines = [command("issue", f"k{n}", quantity=1, reason="x" * 900) for n in range(8_000)]
        ledger.post(lines, actor="x")
    return store


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _many(tmp_path_factory.mktemp("many"))


def test_a_full_disk_leaves_nothing_behind(many: str, tmp_path: Path) -> None:
    for format in ("csv", "xlsx"):
        asked = ["report", "audit-log", "-o", str(tmp_path / f"a.{format}")]
        done = subprocess.run(
            [*ENTL, "--store", many, *asked],
            capture_output=True,
            preexec_fn=_at_most(60_000),
            check=False,
        )
        assert done.returncode == 3, done.stderr
        assert "cannot be written" in one_line(done.stderr.decode()), done.stderr
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_who_is_stopped_leaves_nothing_behind(
    many: str, tmp_path: Path, how: signal.Signals
) -> None:
    """Whoever writes quickly may be done before it is stopped: then all of it is there."""
    ended = 0
    for _ in range(20):
        ended, said = _stopped(many, tmp_path, how)
        assert b"Traceback" not in said
        if ended == 130:
            break
        assert ended == 0, said
        (written,) = tmp_path.iterdir()
        assert written.read_text("utf-8").rstrip().endswith("</html>")
        written.unlink()
    assert ended == 130
    assert list(tmp_path.iterdir()) == []


def _stopped(store: str, folder: Path, how: signal.Signals) -> tuple[int, bytes]:
    """Stop a report once it is being written; give the exit code, and what is said."""
    asked = ["report", "audit-log", "-o", str(folder / "a.html")]
    with subprocess.Popen(
        [*ENTL, "--store", store, *asked],
        stderr=subprocess.PIPE,
        preexec_fn=_heeds_ctrl_c,  # noqa: PLW1509 - no threads
    ) as running:
        until = time.monotonic() + 60
        while not list(folder.iterdir()) and time.monotonic() < until:
            time.sleep(0.005)
        running.send_signal(how)
        try:
            _, said = running.communicate(timeout=60)
        finally:
            running.kill()
        return running.returncode, said


def _heeds_ctrl_c() -> None:
    """Whoever runs the tests in the background has it ignored, and so would the program."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _at_most(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_rights_is_said_in_one_line(store: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    done = entl("report", "balances", "-o", str(tmp_path / "a.csv"), store=store)
    assert done.returncode == 3
    assert "cannot be written: Permission denied" in one_line(done.stderr)
