"""Chunks: the same values however they are read, nothing half used, little in memory."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from feed_support import (
    BILLING,
    GOOD,
    NAMES,
    READ,
    SMALL,
    blocks_of,
    delimited,
    objects,
    problems_of,
    rows_of,
    write,
    write_objects,
    write_parquet,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from support import SOAK

from entitlement_ledger.errors import PROBLEMS_MAX
from entitlement_ledger.importing import fields, sources
from entitlement_ledger.importing.checking import Checked, Checker
from entitlement_ledger.importing.chunks import Problems, read_chunks, read_feed
from entitlement_ledger.importing.feeds import FEEDS, find_files
from entitlement_ledger.importing.fields import Reader, Text, Time, Whole, read_column
from entitlement_ledger.importing.sources import Source

_OFFSETS = ["Z", "z", "+00:00", "-05:30", "+23:59", "-23:59", "+24:00", "", "Zz", ".5Z", ".123456Z",
            ".1234567Z", ".000001+01:00"]  # fmt: skip
_TIMES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(
        ["2026-03-01", "0001-01-01", "9999-12-31", "2025-02-29", "2024-02-29", "\uff11\uff19"]
    ),
    st.sampled_from(["T", "t", " ", "  ", ""]),
    st.sampled_from(["00:00:00", "23:59:59", "24:00:00", "09:30:60", "09:3:00", "09:30"]),
    st.sampled_from(_OFFSETS),
)
_NUMBERS = st.one_of(
    st.integers(-20, 20).map(str),
    st.integers(-(2**63) - 2, 2**63 + 2).map(str),
    st.sampled_from(
        ["", " 7 ", "+7", "1_0", "--1", "-", "1-2", "٣", "007", "1.0", "9" * 31, "0" * 31]
    ),
)
_TEXTS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["", " ", "x" * 12, "x" * 13, "a\x00", "\ud800", "ü", "on", "off", "ON"]),
)
_VALUES: st.SearchStrategy[Any] = st.one_of(
    _TIMES,
    _NUMBERS,
    _TEXTS,
    st.none(),
    st.booleans(),
    st.integers(-(2**64), 2**64),
    st.integers(-6, 6),
    st.lists(st.integers(), max_size=1),
)
_READERS: list[Reader] = [reader for feed in (SMALL, *FEEDS) for reader in feed.columns.values()]
_COLUMNS = st.one_of(
    *(st.lists(each, max_size=8) for each in (_VALUES, _TIMES, _NUMBERS, _TEXTS)),
    st.lists(st.one_of(st.integers(-6, 6), st.none(), st.booleans()), max_size=8),
    st.lists(st.one_of(_TIMES, st.none(), st.just("")), max_size=8),
    st.lists(st.sampled_from(["2026-03-01T09:30:00Z", "0001-01-01T00:00:00+01:00"]), max_size=8),
)


def _each(reader: Reader, values: list[Any]) -> list[Any] | None:
    try:
        return [reader(value) for value in values]
    except ValueError:
        return None


@settings(max_examples=600 * SOAK, deadline=None)
@given(reader=st.sampled_from(_READERS), values=_COLUMNS)
def test_a_column_at_once_is_read_as_value_by_value(reader: Reader, values: list[Any]) -> None:
    quick = read_column(reader, values)
    if quick is not None:
        slow = _each(reader, values)
        assert quick == slow
        assert [type(value) for value in quick] == [type(value) for value in slow or []]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("invoice_line", ["I1", "I2", "I3"]),
        ("customer", ["C1", "", "C2"]),
        ("quantity", ["5", "", "-7"]),
        ("quantity", [5, None, 7]),
        ("amount", ["5", "6", "-7"]),
        ("status", ["paid", "void", "paid", "paid"]),
        ("invoiced_at", ["2026-03-01T09:30:00Z", "2026-03-02T09:31:01.5+01:00"]),
    ],
)
def test_what_is_usual_is_read_at_once(name: str, values: list[Any]) -> None:
    assert read_column(BILLING.columns[name], values) is not None


@pytest.mark.parametrize(
    ("reader", "values"),
    [
        (Text(3), ["a", "b", "long"]),
        (Text(3), ["a", "b", "c\x00"]),
        (Text(3), ["a", "b", "\ud800"]),
        (Text(3, required=True), ["a", "b", " "]),
        (Whole(), ["1", "2", "1_0"]),
        (Whole(), ["1", "2", "0" * 31]),
        (Whole(0), [1, 2, -1]),
        (Whole(), [1, 2, 2**63]),
        (Whole(), [1, 2, True]),
        (Time(required=True), ["2026-03-01T00:00:00Z", "0001-01-01T00:00:00+01:00"]),
    ],
)
def test_what_is_unusual_is_left_to_the_reading_of_each_value(
    reader: Reader, values: list[Any]
) -> None:
    assert read_column(reader, values) is None


def _checked(file: Path, *, quick: bool) -> list[Checked]:
    return list(Checker(SMALL, Source(file), optional=["note"], quick=quick).checked(3))


@settings(max_examples=60 * SOAK, deadline=None)
@given(
    rows=st.lists(
        st.tuples(_TEXTS, _TEXTS, _NUMBERS, st.sampled_from(["on", "off", "?"]), _TIMES), max_size=8
    ),
    name=st.sampled_from(["s.csv", "s.jsonl", "s.json"]),
)
def test_a_file_at_once_is_read_as_value_by_value(rows: list[tuple[str, ...]], name: str) -> None:
    whole = [[text.replace("\ud800", "") for text in row] for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        if name == "s.csv":
            file = write(Path(folder), name, delimited(whole))
        else:
            file = write_objects(Path(folder), name, objects(whole))
        assert _checked(file, quick=True) == _checked(file, quick=False)


def test_every_kind_of_file_gives_the_same_chunks(tmp_path: Path) -> None:
    rows = [[f"A{n}", "n", n, "on", GOOD[4]] for n in range(25)]
    columns = {name: [row[at] for row in rows] for at, name in enumerate(NAMES)}
    files = [
        write(tmp_path, "s.csv", delimited(rows)),
        write_objects(tmp_path, "s.json", objects(rows)),
        write_objects(tmp_path, "s.jsonl", objects(rows)),
        write_parquet(tmp_path, columns),
    ]
    for file in files:
        chunks = list(read_chunks(SMALL, file, rows_at_once=10))
        assert [len(chunk.lines) for chunk in chunks] == [10, 10, 5]
        assert [row[1:] for row in rows_of(file)] == [[*row[:4], READ[4]] for row in rows]


def test_columns_that_are_optional_are_none_where_the_file_lacks_them(tmp_path: Path) -> None:
    file = write(tmp_path, "s.csv", "id,state\nA1,on\n")
    assert rows_of(file, optional=["note", "count", "since"]) == [[2, "A1", None, None, "on", None]]
    some = write_objects(tmp_path, "s.jsonl", [{"id": "A", "state": "on"}, objects([GOOD])[0]])
    assert rows_of(some, optional=["note", "count", "since"])[0] == [1, "A", None, None, "on", None]
    assert problems_of(file, optional=["note", "count"]) == ["line 1, column since: is missing"]


def test_a_default_of_the_feed_stands_for_an_optional_column(tmp_path: Path) -> None:
    products = next(feed for feed in FEEDS if feed.name == "products")
    file = write(tmp_path, "p.csv", "code\nP\n")
    (chunk,) = read_chunks(products, file, optional=["name", "tier", "lines"])
    assert chunk.columns["status"] == ["active"]
    assert chunk.columns["tier"] == [None]


def test_a_key_that_stands_twice_is_a_problem_for_imports_only(tmp_path: Path) -> None:
    file = write(tmp_path, "s.csv", delimited([GOOD, GOOD]))
    assert [row[0] for row in rows_of(file)] == [2, 3]
    assert read_feed(SMALL, file).problems == [
        f"{file}, line 3, column id: stands in line 2 already"
    ]


def test_a_key_that_stands_twice_in_one_line_is_told(tmp_path: Path) -> None:
    file = tmp_path / "products.json"
    one = {"code": "A", "name": "A", "tier": 1, "period": None, "lines": []}
    file.write_text(json.dumps([one, {**one, "tier": 2}]), "utf-8")
    (products,) = [each for each in FEEDS if each.name == "products"]
    assert read_feed(products, file).problems == [
        f"{file}, line 1, column code: stands in line 1 already"
    ]


def test_problems_are_told_up_to_a_limit_and_nothing_follows_them(tmp_path: Path) -> None:
    rows = [GOOD] * 4 + [["", *GOOD[1:]]] + [GOOD] * 6
    chunks = read_chunks(SMALL, write(tmp_path, "s.csv", delimited(rows)), rows_at_once=2)
    assert [next(chunks).lines, next(chunks).lines] == [[2, 3], [4, 5]]
    with pytest.raises(Problems, match=r"line 6, column id: must not be empty$"):
        next(chunks)
    many = write(tmp_path, "s.csv", delimited([["", *GOOD[1:]]] * 1000))
    found = problems_of(many, rows_at_once=50)
    assert found == [f"line {n}, column id: must not be empty" for n in range(2, PROBLEMS_MAX + 2)]
    assert len(read_feed(SMALL, many).problems) == PROBLEMS_MAX
    with pytest.raises(Problems, match=r"\(and 99 more\)$") as told:
        list(read_chunks(SMALL, many))
    assert len(told.value.lines) == PROBLEMS_MAX + 1
    assert told.value.lines[-1] == "… and perhaps more: no more than 100 are told at once"
    few = write(tmp_path, "s.csv", delimited([["", *GOOD[1:]]] * 99))
    with pytest.raises(Problems) as told:
        list(read_chunks(SMALL, few))
    assert told.value.lines == told.value.problems


def test_reading_ends_with_the_problem_that_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_PIECE_BYTES", 1000)
    file = write(tmp_path, "s.csv", delimited([["", *GOOD[1:]]] * 2000))
    told: list[int] = []
    problems_of(file, rows_at_once=50, progress=lambda done, _: told.append(done))
    assert 0 < told[-1] < file.stat().st_size // 2


@pytest.mark.parametrize("name", ["s.csv", "s.jsonl", "s.json", "small.parquet"])
def test_progress_and_hash_are_of_the_whole_file(tmp_path: Path, name: str) -> None:
    rows = [[f"A{n}", *GOOD[1:]] for n in range(100)]
    if name == "small.parquet":
        file = write_parquet(
            tmp_path, {each: [row[at] for row in rows] for at, each in enumerate(NAMES)}
        )
    elif name == "s.csv":
        file = write(tmp_path, name, "\ufeff" + delimited(rows))
    else:
        file = write_objects(tmp_path, name, objects(rows))
    told: list[tuple[int, int]] = []
    chunks = read_chunks(SMALL, file, rows_at_once=30, progress=lambda *done: told.append(done))
    assert sum(len(chunk.lines) for chunk in chunks) == 100
    size = file.stat().st_size
    assert told[-1] == (size, size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert chunks.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_file_with_nothing_but_a_header_gives_no_chunk(tmp_path: Path) -> None:
    assert list(read_chunks(SMALL, write(tmp_path, "s.csv", delimited([])))) == []
    assert list(read_chunks(SMALL, write_parquet(tmp_path, {each: [] for each in NAMES}))) == []
    assert len(blocks_of(write(tmp_path, "s.csv", delimited([])))) == 1


def test_files_are_found_by_their_names_in_every_format(tmp_path: Path) -> None:
    suffixes = ("csv", "tsv", "txt", "json", "jsonl", "ndjson", "parquet", "xlsx", "csv.gz")
    for feed in FEEDS:
        for suffix in suffixes:
            write(tmp_path, f"{feed.name}.{suffix}", "")
    found = find_files([tmp_path])
    by_feed = {feed.name: [path.suffix for each, path in found if each is feed] for feed in FEEDS}
    assert by_feed.pop("products") == [".json", ".jsonl", ".ndjson"]
    # Notes beside feeds are called .txt: such a file is read if somebody names it.
    want = sorted(f".{suffix}" for suffix in suffixes[:7] if suffix != "txt")
    assert all(sorted(each) == want for each in by_feed.values())
    ((feed, _),) = find_files([tmp_path / "billing.txt"])
    assert feed.name == "billing"
    assert [feed for feed, _ in found] == sorted((f for f, _ in found), key=FEEDS.index)


def test_a_reader_that_is_no_column_is_asked_value_by_value() -> None:
    assert read_column(fields.listed, ["a;b", "a;b", "a;b"]) is None
