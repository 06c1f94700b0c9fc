"""JSON and JSON Lines: streamed, exact to the digit, each object by its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from feed_support import (
    GOOD,
    READ,
    SMALL,
    blocks_of,
    objects,
    problems_of,
    rows_of,
    write,
    write_objects,
)

from entitlement_ledger.importing import jsontext, sources

ONE: dict[str, Any] = objects([GOOD])[0]
LINE = json.dumps(ONE)


@pytest.mark.parametrize("name", ["s.json", "s.jsonl", "s.ndjson"])
def test_objects_are_read_by_their_lines(tmp_path: Path, name: str) -> None:
    rows = [ONE, {**ONE, "count": None, "note": 'q"}{\\é\n'}, dict(reversed(ONE.items()))]
    step = 7 if name == "s.json" else 1
    first = 2 if name == "s.json" else 1
    assert rows_of(write_objects(tmp_path, name, rows)) == [
        [first, *READ],
        [first + step, "A1", 'q"}{\\é\n', None, *READ[3:]],
        [first + 2 * step, *READ],
    ]


@pytest.mark.parametrize("name", ["s.json", "s.jsonl"])
def test_objects_come_whole_however_the_pieces_of_the_file_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    rows = [
        {**ONE, "id": f"R{n}", "note": ["é€😀", "}{", '\\"', "\ud83d\ude00"][n % 4], "count": n}
        for n in range(40)
    ]
    file = write_objects(tmp_path, name, rows)
    whole = rows_of(file)
    assert [row[3] for row in whole] == list(range(40))
    for size in (3, 7, 64):
        monkeypatch.setattr(sources, "_PIECE_BYTES", size)
        assert rows_of(file, rows_at_once=7) == whole


@pytest.mark.parametrize(
    "digits",
    ["1.0", "1e3", "NaN", "-Infinity", "1.5", pytest.param("9" * 5000, id="long"), "true"],
)
@pytest.mark.parametrize("frame", ["[{}]", "{}\n"])
def test_no_number_becomes_floating_point(tmp_path: Path, digits: str, frame: str) -> None:
    text = LINE.replace('"count": 3', f'"count": {digits}')
    name = "s.json" if frame.startswith("[") else "s.jsonl"
    (problem,) = problems_of(write(tmp_path, name, frame.format(text)))
    assert "line 1" in problem
    assert "must be a whole number" in problem or "is not usable JSON" in problem


def test_an_integer_keeps_all_its_digits(tmp_path: Path) -> None:
    text = LINE.replace('"count": 3', '"count": 9007199254740993')
    assert rows_of(write(tmp_path, "s.json", f"[{text}]"))[0][3] == 9_007_199_254_740_993


def test_blank_lines_are_left_out_and_bad_ones_told_together(tmp_path: Path) -> None:
    lines = [LINE, "", "  \r", "{nonsense}", "[1]", LINE[:-1], '{"id":"A","id":"B"}', LINE]
    assert problems_of(write(tmp_path, "s.jsonl", "\n".join(lines))) == [
        "line 4: is not JSON: Expecting property name enclosed in double quotes in column 2",
        "line 5: must be an object",
        f"line 6: is not JSON: Expecting ',' delimiter in column {len(LINE)}",
        "line 7: names a field twice",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "line 1, column 1: must be a list of objects"),
        ("", "line 1, column 1: must be a list of objects"),
        ("[", "line 1, column 2: ends before the list does"),
        (f"[\n{LINE},\n 5]", "line 3, column 2: must be an object"),
        (f"[{LINE}\n{LINE}]", "line 2, column 1: expected a comma or the list's end"),
        (f"[{LINE},\n", "line 2, column 1: ends before the list does"),
        (f"[{LINE}] x", f"line 1, column {len(LINE) + 4}: goes on after the list's end"),
        (
            f"[{LINE},\n\n{{\n",
            "line 3, column 2: the file ends within the object that begins in line 3",
        ),
        (f'[{LINE},\n{{"id', "line 2, column 5: the file ends within the object that begins in "
         "line 2"),
        ('[\n {"id": nonsense}]', "line 2, column 9: is not JSON: Expecting value"),
        ('[\n{"id":"A","id":"B"}]', "line 2, column 1: names a field twice"),
        pytest.param(
            '[\n{"id":' + "[" * 100_000, "line 2, column 1: is not usable JSON", id="deep"
        ),
    ],
)  # fmt: skip
def test_a_list_that_is_none_or_is_cut_off_is_said_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    file = write(tmp_path, "s.json", text)
    assert problems_of(file) == [says]
    if len(text) < 1000:
        monkeypatch.setattr(sources, "_PIECE_BYTES", 5)
        assert problems_of(file) == [says]


def test_fields_that_objects_lack_or_have_too_many_of_are_told(tmp_path: Path) -> None:
    bare = {name: value for name, value in ONE.items() if name != "state"}
    file = write_objects(tmp_path, "s.jsonl", [ONE, bare, {**ONE, "extra": 1}, {**ONE, "extra": 2}])
    assert problems_of(file) == [
        "line 2, column state: is missing",
        "line 3, column extra: is not a column of small",
    ]


def test_objects_with_ever_new_names_are_refused_before_they_fill_the_memory(
    tmp_path: Path,
) -> None:
    rows = [{**ONE, f"x{n}": 1} for n in range(jsontext.COLUMNS_MAX)]
    (problem,) = problems_of(write_objects(tmp_path, "s.jsonl", rows))
    assert "more than 256 different names" in problem


def test_an_object_without_end_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_PIECE_BYTES", 64)
    monkeypatch.setattr(jsontext, "PIECE_MAX", 500)
    file = write(tmp_path, "s.json", f'[{LINE},{{"id":"{"x" * 5000}"}}]')
    (problem,) = problems_of(file)
    assert "the object is longer than 500 characters" in problem


def test_a_list_with_nothing_in_it_has_no_rows(tmp_path: Path) -> None:
    assert rows_of(write(tmp_path, "s.json", " [ ] \n")) == []
    assert rows_of(write(tmp_path, "s.jsonl", "")) == []


def test_lists_keep_their_values(tmp_path: Path) -> None:
    (block,) = blocks_of(write(tmp_path, "s.json", '[{"id": [{"a": 1}], "note": null}]'))
    assert block.columns == {"id": [[{"a": 1}]], "note": [None]}
    assert set(block.columns) < set(SMALL.columns)
