"""Files: whole or not at all, the same bytes for the same question, and harmless to open."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import threading
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support import START, HandClock, command, hours, new_store, write_feeds

from entitlement_ledger.domain.instants import HOUR, format_instant
from entitlement_ledger.errors import Cancelled, InputError, StoreError
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.reports import html, xlsx
from entitlement_ledger.reports.names import REPORTS
from entitlement_ledger.reports.parameters import FORMATS, Parameters, Written

FORMULA = '=HYPERLINK("http://evil.example","a, b")\nc'
LARGE = 2**53 + 1
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger to be read only: who changes it takes a copy."""
    clock = HandClock(START - 1000 * HOUR)
    store = new_store(tmp_path_factory.mktemp("writing"), clock)
    with Ledger.open(store, clock=clock) as opened:
        clock.now = START
        lines = [
            command(
                "issue", "large", quantity=LARGE, reason=FORMULA, reference="\t<b>&'\x01\ufffe"
            ),
            command("adjust", "less", quantity=-5, reason="-"),
            command("issue", "soon", quantity=7, expires_at=hours(3), entitlement="CRD"),
        ]
        opened.post(lines, actor="tester")
        yield opened


@pytest.fixture
def clock() -> HandClock:
    return HandClock(START)


@pytest.fixture
def copied(ledger: Ledger, clock: HandClock, tmp_path: Path) -> Iterator[Ledger]:
    ledger.backup(tmp_path / "backup")
    store = str(tmp_path / "ledger.duckdb")
    Ledger.restore(store, tmp_path / "backup")
    with Ledger.open(store, clock=clock) as opened:
        yield opened


def written(ledger: Ledger, report: str, path: Path, **asked: Any) -> Written:
    done = ledger.write_report(report, Parameters(**asked), path, actor="finance")
    assert done.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    return done


def test_csv_is_plain_and_harmless(ledger: Ledger, tmp_path: Path) -> None:
    done = written(ledger, "audit-log", tmp_path / "a.csv", customer="C1")
    text = (tmp_path / "a.csv").read_bytes().decode()
    assert "\r" not in text
    assert '"\'=HYPERLINK(""http://evil.example"",""a, b"")\nc"' in text
    found = list(csv.DictReader(io.StringIO(text)))
    assert len(found) == done.rows == 4
    large, less = found[1:3]
    assert large["reason"] == "'" + FORMULA
    assert large["quantity"] == str(LARGE)
    assert large["effective_at"] == format_instant(START)
    assert (less["quantity"], less["reason"], less["reference"]) == ("-5", "'-", "")


def test_json_keeps_every_integer_and_every_text(ledger: Ledger, tmp_path: Path) -> None:
    written(ledger, "audit-log", tmp_path / "a.json", customer="C1")
    found = json.loads((tmp_path / "a.json").read_bytes())
    assert found[1]["quantity"] == LARGE
    assert found[1]["reason"] == FORMULA
    assert found[1]["reference"] == "\t<b>&'\x01\ufffe"
    assert found[2]["reference"] is None
    assert list(found[0]) == [each.name for each in REPORTS["audit-log"].columns]
    written(ledger, "liability", tmp_path / "b.json")
    (crd, _) = json.loads((tmp_path / "b.json").read_bytes(), parse_float=pytest.fail)
    assert (crd["outstanding"], crd["expiry_month"]) == (7, "2026-03")


def test_parquet_is_typed_and_says_what_it_is(ledger: Ledger, tmp_path: Path) -> None:
    done = written(ledger, "liability", tmp_path / "a.parquet", known_at=START)
    found = pq.read_table(tmp_path / "a.parquet")
    assert found.schema.field("outstanding").type == pa.decimal128(38, 0)
    assert found.schema.field("grants").type == pa.int64()
    assert [int(each.as_py()) for each in found.column("outstanding")] == [7, LARGE - 5]
    said = {name.decode(): text.decode() for name, text in found.schema.metadata.items()}
    assert said["Report"] == "liability"
    assert said["Asked by"] == "finance"
    assert (said["Checkpoint size"], said["Checkpoint root"]) == (str(done.size), done.root)
    assert said["As known at"] == said["At"] == format_instant(START)
    written(ledger, "audit-log", tmp_path / "b.parquet")
    log = pq.read_table(tmp_path / "b.parquet")
    assert log.schema.field("recorded_at").type == pa.timestamp("us", "UTC")
    at = datetime.fromtimestamp(START // 10**6, UTC)
    assert log.column("recorded_at")[-1].as_py() == at


def sheet(path: Path, number: int) -> dict[str, tuple[str, str]]:
    """Give the cells of a sheet: each with its type and what is in it."""
    with zipfile.ZipFile(path) as book:
        tree = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
    cells = {}
    for cell in tree.iter(f"{MAIN}c"):
        told = "".join(part.text or "" for part in cell.iter() if part.tag != f"{MAIN}c")
        cells[cell.attrib["r"]] = (cell.attrib.get("t", "n"), told)
    return cells


def test_a_workbook_has_types_and_no_formula_nor_link(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    done = written(ledger, "audit-log", path, customer="C1")
    about = {cell: said for cell, (_, said) in sheet(path, 1).items()}
    assert about["A1"] == "Audit log"
    assert {"ledger.duckdb", "finance", done.root, str(done.size), "C1"} <= set(about.values())
    cells = sheet(path, 2)
    columns = [each.name for each in REPORTS["audit-log"].columns]

    def cell(name: str, row: int) -> tuple[str, str]:
        return cells[f"{chr(ord('A') + columns.index(name))}{row}"]

    assert cell("reason", 1) == ("inlineStr", "reason")
    assert cell("reason", 3) == ("inlineStr", "'" + FORMULA)
    assert cell("quantity", 3) == ("inlineStr", str(LARGE))
    assert cell("quantity", 4) == ("n", "-5")
    kind, days = cell("effective_at", 3)
    assert kind == "n"
    assert float(days) == 46082.5
    with zipfile.ZipFile(path) as book:
        whole = b"".join(book.read(name) for name in book.namelist())
        rows = book.read("xl/worksheets/sheet2.xml").decode()
    assert b"<f>" not in whole
    assert b"<hyperlink" not in whole.lower().replace(b"<hyperlinkschanged", b"")
    assert 'state="frozen"' in rows
    assert "<autoFilter" in rows


def test_the_last_instant_is_no_date_of_a_sheet(ledger: Ledger, tmp_path: Path) -> None:
    last = "9999-12-31T23:59:59.999999Z"
    ledger.post([command("issue", "far", quantity=1, effective_at=last)], actor="x")
    path = tmp_path / "a.xlsx"
    written(ledger, "audit-log", path, customer="C1")
    assert ("inlineStr", last) in sheet(path, 2).values()


def test_a_sheet_has_an_end(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx, "ROWS_MAX", 2)
    monkeypatch.setattr(html, "ROWS_MAX", 2)
    for format in ("xlsx", "html"):
        with pytest.raises(InputError, match=r"rows are more than the 2 of a \w+: take csv"):
            written(ledger, "audit-log", tmp_path / f"a.{format}")
    assert sorted(tmp_path.glob("[.a]*")) == []


def test_a_long_text_is_cut_in_a_sheet(ledger: Ledger, tmp_path: Path) -> None:
    assert xlsx._text("x" * 40_000) == "x" * 32_766 + "…"
    assert len(xlsx._text("=" + "x" * 32_766)) == 32_767


def test_a_page_shows_text_as_text_and_needs_nothing_else(copied: Ledger, tmp_path: Path) -> None:
    feeds = write_feeds(tmp_path / "named")
    file = feeds / "customers.csv"
    file.write_text(file.read_text("utf-8").replace("C1 Name", "<script>alert(1)</script>"))
    copied.import_files([feeds], actor="x")
    written(copied, "statement", tmp_path / "a.html", customer="C1")
    page = (tmp_path / "a.html").read_text("utf-8")
    assert "<h1>Statement: &lt;script&gt;alert(1)&lt;/script&gt;</h1>" in page
    assert "<script" not in page
    assert "<b>" not in page
    assert "\x01" not in page
    assert re.findall(r"(?:src|href)=|url\(|@import", page) == []
    assert page.count("<tr>") == 4
    assert f'<td class="number">{LARGE}</td>' in page
    for other in ("csv", "json", "parquet", "xlsx"):
        written(copied, "statement", tmp_path / f"a.{other}", customer="C1")
        assert b"alert" not in (tmp_path / f"a.{other}").read_bytes()


def test_the_same_question_gives_the_same_bytes_later(
    copied: Ledger, clock: HandClock, tmp_path: Path
) -> None:
    ledger = copied
    names = [name for name in REPORTS if "known-at" in REPORTS[name].options]
    before = _all(ledger, names, tmp_path / "before")
    clock.now = START + 5 * HOUR
    feeds = write_feeds(tmp_path / "changed")
    file = feeds / "customers.csv"
    file.write_text(file.read_text("utf-8").replace("plus", "gold"), "utf-8")
    ledger.import_files([feeds], actor="x")
    soon = ledger.transaction("soon").grants[0].id
    lines = [
        command("consume", "late", quantity=4, effective_at=hours(-1), entitlement="CRD"),
        command("reverse", "undo", transaction="less", reason="why"),
        command("issue", "earlier", quantity=4, effective_at=hours(-9)),
        command("consume", "draws", quantity=4, effective_at=hours(-2)),
        command("consume", "more", quantity=3, effective_at=hours(0)),
        command("cancel", "ends", grant=soon, effective_at=hours(2)),
    ]
    assert [each.code for each in ledger.post(lines, actor="x")][1:] == [None] * 5
    ledger.run_due()
    assert _all(ledger, names, tmp_path / "after") == before


def _all(ledger: Ledger, names: list[str], folder: Path) -> dict[str, str]:
    folder.mkdir()
    return {
        f"{name}.{format}": written(
            ledger,
            name,
            folder / f"{name}.{format}",
            known_at=START,
            **dict.fromkeys(REPORTS[name].needs, "C1"),
        ).sha256
        for name in names
        for format in (FORMATS if name in ("audit-log", "liability") else ["csv"])
    }


@pytest.mark.parametrize("report", ["audit-log", "approvals", "statement"])
def test_what_lacks_something_later_changes_no_bytes_of_before(
    copied: Ledger, clock: HandClock, tmp_path: Path, report: str
) -> None:
    """Which columns can be null is said in a Parquet file: not by what the store holds now."""
    clock.now += HOUR
    whole = command("issue", "w", quantity=1, reason="r", reference="order:1", expires_at=hours(9))
    copied.post([whole], actor="tester")
    asked = Parameters(
        known_at=clock.now,
        since=clock.now if report != "statement" else None,
        customer="C1" if report == "statement" else None,
    )
    clock.now += HOUR
    copied.write_report(report, asked, tmp_path / "before.parquet", actor="fin")
    copied.post([command("consume", "y", quantity=1)], actor="other")
    copied.write_report(report, asked, tmp_path / "after.parquet", actor="fin")
    before = tmp_path / "before.parquet"
    assert before.read_bytes() == (tmp_path / "after.parquet").read_bytes()
    schema = pq.ParquetFile(before).schema
    levels = {schema.column(place).max_definition_level for place in range(len(schema))}
    assert levels == {1}, "every column may be null"


def test_a_file_is_replaced_only_when_somebody_says_so(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("mine")
    with pytest.raises(InputError, match="exists already and was not touched: --force"):
        ledger.write_report("balances", None, path)
    assert path.read_text() == "mine"
    ledger.write_report("balances", None, path, force=True)
    assert path.read_text().startswith("customer,")
    dangling = tmp_path / "link.csv"
    dangling.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="exists already"):
        ledger.write_report("balances", None, dangling)
    ledger.write_report("balances", None, dangling, force=True)
    assert not dangling.is_symlink()
    assert not (tmp_path / "elsewhere").exists()
    os.mkfifo(pipe := tmp_path / "pipe.csv")
    with pytest.raises(InputError, match="is a device or a pipe"):
        ledger.write_report("balances", None, pipe, force=True)
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["ledger.duckdb", "ledger.duckdb.wal", "ledger.duckdb.witness"])
def test_the_stores_own_files_are_never_written_to(
    ledger: Ledger, tmp_path: Path, name: str
) -> None:
    links, home = tmp_path / "links", ledger.path.parent
    links.symlink_to(home)
    for path in (home / name, links / name):
        with pytest.raises(InputError, match="a part of the store itself"):
            ledger.write_report("balances", None, path, "csv", force=True)
    with pytest.raises(InputError, match="a part of the store itself"):
        inside = home / "ledger.duckdb.archive" / "a.csv"
        ledger.write_report("balances", None, inside, force=True)
    hard = tmp_path / "hard.csv"
    hard.hardlink_to(home / "ledger.duckdb")
    with pytest.raises(InputError, match="a part of the store itself"):
        ledger.write_report("balances", None, hard, force=True)
    assert ledger.balances("C1")


def test_a_place_where_nothing_can_be_put_is_said_in_one_line(
    ledger: Ledger, tmp_path: Path
) -> None:
    (tmp_path / "folder.csv").mkdir()
    for path, said in (
        (tmp_path / "none" / "a.csv", "there is no folder"),
        (tmp_path / "folder.csv", "is a folder"),
    ):
        with pytest.raises(InputError, match=said):
            ledger.write_report("balances", None, path)


@pytest.mark.parametrize("format", FORMATS)
def test_what_fails_leaves_nothing_behind(ledger: Ledger, tmp_path: Path, format: str) -> None:
    folder = tmp_path / "out"
    folder.mkdir()

    def fails(_done: int, _total: int) -> None:
        raise Cancelled("enough")

    if format in ("xlsx", "html"):
        with pytest.raises(Cancelled):
            ledger.write_report("audit-log", None, folder / f"a.{format}", progress=fails)
    with pytest.raises(InputError):
        ledger.write_report("audit-log", Parameters(at=START), folder / f"a.{format}")
    assert list(folder.iterdir()) == []


def test_an_interrupted_export_leaves_nothing_behind(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    over = threading.Event()

    def interrupt() -> None:
        while not over.wait(0.001):
            ledger.interrupt(reader)

    reader = threading.get_ident()
    other = threading.Thread(target=interrupt)
    other.start()
    try:
        with pytest.raises(Cancelled):
            for number in range(1000):
                ledger.write_report("audit-log", None, folder / f"{number}.csv")
    finally:
        over.set()
        other.join()
    assert [each.name for each in folder.iterdir() if each.suffix != ".csv"] == []


@pytest.mark.parametrize("format", FORMATS)
def test_progress_comes_to_its_end(ledger: Ledger, tmp_path: Path, format: str) -> None:
    told: list[tuple[int, int]] = []

    def tell(done: int, total: int) -> None:
        told.append((done, total))

    ledger.write_report("audit-log", None, tmp_path / f"a.{format}", progress=tell)
    assert told[-1][0] == told[-1][1] > 0


def test_a_rollforward_that_does_not_tie_out_says_so(copied: Ledger, tmp_path: Path) -> None:
    assert copied.write_report("rollforward", None, tmp_path / "a.csv").ok
    with copied._engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE live_postings SET quantity = quantity + 1 "
            "WHERE account = 'available' AND entitlement = 'CRD'"
        )
    assert not copied.write_report("rollforward", None, tmp_path / "b.csv").ok
    found = list(csv.DictReader(io.StringIO((tmp_path / "b.csv").read_text())))
    assert [(row["entitlement"], row["difference"], row["ties_out"]) for row in found] == [
        ("CRD", "-1", "NO"),
        ("PTS", "0", "yes"),
    ]


def test_a_journal_that_lacks_hashes_vouches_for_nothing(copied: Ledger, tmp_path: Path) -> None:
    with copied._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM live_journal WHERE sequence = 2")
    with pytest.raises(StoreError, match="run `entl verify`"):
        copied.write_report("balances", None, tmp_path / "a.csv")
