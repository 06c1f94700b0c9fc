"""`events`, `review-events`, `sample` as a user runs them; a working paper as it is checked."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import PROJECT, command, entl, new_store, one_line, post

from entitlement_ledger.answers import EventRow

FORMULA = '=HYPERLINK("http://x")'


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store with 23 transactions, which ann asked for."""
    store = new_store(tmp_path)
    lines = [command("issue", f"k{n}", quantity=n + 1, actor="ann") for n in range(20)]
    lines += [
        command("issue", "big", quantity=5000, actor="ann", reason=FORMULA),
        command("consume", "no", quantity=10**9, actor="ann"),
        command("consume", "c", quantity=30, actor="ann"),
    ]
    post(store, lines, "--history")
    return store


def told(store: str, *arguments: str) -> Any:
    done = entl(*arguments, "--json", store=store)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(store: str, *arguments: str) -> str:
    done = entl(*arguments, store=store)
    assert done.returncode == 2, done.stdout + done.stderr
    return one_line(done.stderr)


def number(store: str, key: str) -> str:
    return str(told(store, "show", key)["sequence"])


def test_events_are_reviewed_and_listed_by_their_review(store: str) -> None:
    total = sum(told(store, "events", "--counts").values())
    assert total == len(told(store, "events"))
    big, no = number(store, "big"), number(store, "no")
    done = entl("review-events", f"entl:{big}", no, "--mark", "reviewed", store=store)
    assert (done.returncode, one_line(done.stderr)) == (
        0, f"entl: 2 events are reviewed; recorded as event {total + 1}"
    )  # fmt: skip
    flagged = told(store, "review-events", "--actor", "eve", "--mark", "flagged", "--note",
                   "\x1b[2Jtoo much", big)  # fmt: skip
    assert flagged == {"mark": "flagged", "events": 1, "sequence": total + 2, "left_out": 0}
    assert told(store, "events", "--counts") == {
        "unreviewed": total - 2, "reviewed": 1, "flagged": 1
    }  # fmt: skip
    (event,) = told(store, "events", "--review", "flagged")
    assert (event["sequence"], event["actor"], event["what"]) == (int(big), "ann", "issue")
    assert event["review"]["note"] == "\x1b[2Jtoo much"
    assert event["review"]["actor"] == "eve"
    shown = entl("events", "--review", "flagged", store=store).stdout
    assert "flagged by eve: �[2Jtoo much" in shown and "\x1b" not in shown
    assert "reviewed   1" in entl("events", "--counts", store=store).stdout
    assert len(told(store, "events", "--by", "ann", "--limit", "4")) == 4
    after = told(store, "events", "--by", "ann", "--limit", "1", "--after", no)
    assert after[0]["sequence"] == int(no) - 1
    over = told(store, "events", "--entitlement", "PTS", "--over", "19")
    assert [each["what"] for each in over] == ["consume", "issue", "issue"]


def test_all_that_a_filter_finds_is_reviewed_at_once(store: str) -> None:
    filters = ("--entitlement", "PTS", "--over", "15")
    done = told(store, "review-events", "--mark", "reviewed", *filters)
    assert done["events"] == 7
    counts = told(store, "events", "--counts", *filters)
    assert counts == {"unreviewed": 0, "reviewed": 7, "flagged": 0}
    assert "no event matches that is not reviewed" in refused(
        store, "review-events", "--mark", "reviewed", *filters
    )


def test_of_what_filters_find_ones_own_is_left_out(store: str) -> None:
    post(store, [command("issue", "bobs", quantity=3000, actor="bob")])
    filters = ("--entitlement", "PTS", "--over", "18")
    arguments = ("review-events", "--actor", "bob", "--mark", "reviewed", *filters)
    done = entl(*arguments, store=store)
    assert done.returncode == 0, done.stderr
    first, left_out = done.stderr.splitlines()
    assert first.startswith("entl: 4 events are reviewed")
    assert left_out == "entl: 1 of your own left out: somebody else must review them"
    counts = told(store, "events", "--counts", *filters)
    assert counts == {"unreviewed": 1, "reviewed": 4, "flagged": 0}
    assert "bob asked for all 1 that match" in refused(store, *arguments)


def test_events_are_printed_as_they_come(capsys: pytest.CaptureFixture[str], store: str) -> None:
    from entitlement_ledger.cli.trail import print_events
    from entitlement_ledger.ledger import Ledger

    with Ledger.open(store, read_only=True) as ledger:
        (row,) = ledger.events(limit=1).rows
    printed = []

    def many() -> Iterator[EventRow]:
        for number in range(2500):
            if number % 1000 == 0:
                printed.append(len(capsys.readouterr().out.splitlines()))
            yield row

    print_events(many())
    assert printed == [0, 1001, 1002], "headings, and an empty line between"
    assert len(capsys.readouterr().out.splitlines()) == 502


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["9", "--mark", "flagged"], "a flag needs a note: say what is wrong"),
        (["9", "--mark", "fine"], "'fine' is no mark: there are reviewed and flagged"),
        (["--mark", "reviewed"], "give the numbers of events, or filters that find them"),
        (["9", "--by", "ann", "--mark", "reviewed"], "give the numbers of events, or filters"),
        (["9x", "--mark", "reviewed"], "'9x' is not the number of an event"),
        (["999", "--mark", "reviewed"], "event 999 is not in the journal: check the number"),
        (["--mark", "reviewed", "--over", "5"], "--over is a quantity of one entitlement"),
        (["--mark", "reviewed", "--by", "ann", "--actor", "ann"],
         "ann asked for all 23 that match: somebody else must review them"),
    ],
)  # fmt: skip
def test_what_cannot_be_reviewed_is_one_line(store: str, arguments: list[str], said: str) -> None:
    before = told(store, "events", "--counts")
    assert said in refused(store, "review-events", *arguments)
    assert told(store, "events", "--counts") == before


def test_roles_say_who_reviews(store: str, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('[roles]\nsue = "support"\naud = "auditor"\n')
    settings = {"ENTL_CONFIG": str(tmp_path)}
    for actor, code in (("sue", 2), ("aud", 0)):
        arguments = ("--actor", actor, "review-events", "9", "--mark", "reviewed")
        done = entl(*arguments, store=store, environment=settings)
        assert done.returncode == code, done.stderr


SAMPLE = ("sample", "--method", "monetary", "--size", "6", "--seed", "42", "--entitlement", "PTS")


def test_the_same_seed_draws_the_same_sample_again(store: str) -> None:
    drawn = told(store, *SAMPLE)
    assert (drawn["population"], drawn["unsized"], drawn["total"]) == (23, 1, 5240)
    assert drawn["interval"] == 5240 // 6
    certain = [each for each in drawn["events"] if each["certain"]]
    assert [(each["quantity"], each["reason"]) for each in certain] == [(5000, FORMULA)]
    assert certain[0]["hits"] >= 5
    post(store, [command("issue", f"later{n}", quantity=900) for n in range(9)])
    words = drawn["command"].removeprefix("entl ").split()
    assert told(store, *words) == drawn
    assert told(store, *SAMPLE)["events"] != drawn["events"]
    done = entl(*SAMPLE, store=store)
    assert "drawn again by: entl sample --method monetary --size 6 --seed=42" in done.stderr
    assert "interval 2,223, start" in done.stderr
    assert "name one entitlement" in refused(store, *SAMPLE[:-2])


def test_a_working_paper_is_checked_without_the_store(store: str, tmp_path: Path) -> None:
    folder = tmp_path / "paper"
    entl("review-events", number(store, "big"), "--mark", "flagged", "--note", FORMULA, store=store)
    drawn = told(store, *SAMPLE, "--output", str(folder))
    assert drawn["paper"]["unsealed"] == 0
    names = sorted(each.relative_to(folder).as_posix() for each in folder.rglob("*.*"))
    proofs = sorted(f"proofs/{each['sequence']}.tlog-proof" for each in drawn["events"])
    assert names == sorted(["README.txt", "checkpoint.txt", "key.txt", "method.json",
                            "sample.csv", "sample.xlsx", *proofs])  # fmt: skip
    Path(store).unlink()
    key = (folder / "key.txt").read_text().strip()
    for name in proofs:
        done = entl("verify-proof", str(folder / name), "--key", key, "--json")
        assert done.returncode == 0, done.stderr
        assert f"{json.loads(done.stdout)['sequence']}.tlog-proof" == Path(name).name
    page = subprocess.run(
        [sys.executable, "-I", str(PROJECT / "docs/verify.py"), str(folder / proofs[0]), key],
        check=False,
    )
    assert page.returncode == 0
    sums = (folder / "SHA256SUMS").read_text().splitlines()
    assert len(sums) == len(names)
    for line in sums:
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert (
        drawn["paper"]["sha256"] == hashlib.sha256((folder / "SHA256SUMS").read_bytes()).hexdigest()
    )
    method = json.loads((folder / "method.json").read_text())
    assert {name: method[name] for name in ("seed", "total", "interval", "start", "command")} == {
        name: drawn[name] for name in ("seed", "total", "interval", "start", "command")
    }
    assert [each["sequence"] for each in method["events"]] == [
        each["sequence"] for each in drawn["events"]
    ]
    readme = (folder / "README.txt").read_text()
    for said in (key, drawn["command"], f"{drawn['interval']:,}", "sha256sum --check"):
        assert said in readme


def test_nothing_in_a_working_paper_is_a_formula(store: str, tmp_path: Path) -> None:
    folder = tmp_path / "paper"
    entl("review-events", number(store, "big"), "--mark", "flagged", "--note", FORMULA, store=store)
    drawn = told(store, *SAMPLE, "--output", str(folder))
    rows = [*csv.DictReader(io.StringIO((folder / "sample.csv").read_text("utf-8")))]
    assert [int(row["sequence"]) for row in rows] == [each["sequence"] for each in drawn["events"]]
    (big,) = (row for row in rows if row["certain"] == "yes")
    assert (big["reason"], big["note"], big["mark"]) == (f"'{FORMULA}", f"'{FORMULA}", "flagged")
    assert json.loads(big["after"])["PTS"]["available"] == 5210
    with zipfile.ZipFile(folder / "sample.xlsx") as book:
        sheets = "".join(book.read(name).decode() for name in book.namelist()
                         if name.startswith("xl/worksheets/"))  # fmt: skip
    assert "<f>" not in sheets and f"&apos;{FORMULA[:10]}"[6:] in sheets


def test_a_working_paper_replaces_nothing_and_leaves_nothing_behind(
    store: str, tmp_path: Path
) -> None:
    before = sorted(each.name for each in tmp_path.iterdir())
    (tmp_path / "there").mkdir()
    said = refused(store, *SAMPLE, "--output", str(tmp_path / "there"))
    assert "exists already and was not touched: name a new folder" in said
    said = refused(store, *SAMPLE, "--output", str(tmp_path / "no" / "folder"))
    assert "there is no folder" in said
    after = sorted(each.name for each in tmp_path.iterdir())
    assert {*after} - {*before} <= {"there", "ledger.duckdb.witness", "ledger.duckdb.wal"}
    assert [*(tmp_path / "there").iterdir()] == []


def test_a_checkpoint_is_made_where_one_is_needed(tmp_path: Path) -> None:
    from entitlement_ledger.ledger import Ledger

    with Ledger.open(new_store(tmp_path), signing_key=tmp_path / "key") as ledger:
        drawn = ledger.sample(method="random", size=3, seed="1")
        assert ledger.write_working_paper(drawn, tmp_path / "a", actor="bob").unsealed == 0
        ledger.post([command("issue", "later", quantity=1)], actor="ann")
        newest = ledger.transaction("later").row.sequence
        assert ledger.write_working_paper(drawn, tmp_path / "b", actor="bob").unsealed == 0
        assert ledger.proof_status(newest).state == "unsealed"
        drawn = ledger.sample(method="random", size=999, seed="1")
        assert ledger.write_working_paper(drawn, tmp_path / "c", actor="bob").unsealed == 0
        assert ledger.proof_status(newest).state == "sealed"


def test_all_of_a_paper_is_durable_before_it_appears(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from entitlement_ledger.ledger import Ledger
    from entitlement_ledger.reports import placing

    folder, synced = tmp_path / "paper", []
    monkeypatch.setattr(placing, "synced", lambda path: synced.append((path, folder.exists())))
    with Ledger.open(store, signing_key=tmp_path / "key") as ledger:
        drawn = ledger.sample(method="random", size=3, seed="1")
        ledger.write_working_paper(drawn, folder, actor="bob")
    (*before, (last, there)) = synced
    assert (last, there) == (tmp_path, True)
    assert not any(appeared for _, appeared in before)
    (unfinished,) = {path for path, _ in before if path.parent == tmp_path}
    names = sorted(path.relative_to(unfinished).as_posix() for path, _ in before)
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*")]
    assert names == sorted([*found, "."]) and "proofs" in names


def test_without_a_key_the_paper_says_that_there_is_no_proof(tmp_path: Path) -> None:
    from entitlement_ledger.ledger import Ledger

    with Ledger.open(new_store(tmp_path)) as ledger:
        drawn = ledger.sample(method="random", size=3, seed="1")
        paper = ledger.write_working_paper(drawn, tmp_path / "paper", actor="bob")
    assert (paper.events, paper.unsealed) == (3, 3)
    assert "no checkpoint covers it" in (paper.folder / "sample.csv").read_text()
    assert "nobody: this ledger has no signing key" in (paper.folder / "README.txt").read_text()
    assert [*(paper.folder / "proofs").iterdir()] == []
