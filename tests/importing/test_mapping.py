"""A mapping: other people's names and values; errors are in the words of their file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from feed_support import (
    BILLING,
    GOOD,
    READ,
    SMALL,
    problems_of,
    rows_of,
    write,
    write_objects,
    write_parquet,
)

from entitlement_ledger.errors import InputError
from entitlement_ledger.importing.chunks import read_chunks, read_feed
from entitlement_ledger.importing.mapping import Mapping, read_mapping

THEIRS = """
ignore = ["Comment"]
[columns]
id = "Item No"
count = "Qty"
since = "Item No 2"
[values.state]
"YES" = "on"
"true" = "on"
"1" = "off"
"" = "off"
[defaults]
note = "theirs"
"""


def mapped(folder: Path, text: str = THEIRS) -> Mapping:
    """Read a mapping from a file with this text."""
    return read_mapping(write(folder, "mapping.toml", text))


def their_row(**changed: Any) -> dict[str, Any]:
    """Give a row as they would write it."""
    row = {"Item No": "A1", "Comment": "?", "Qty": 3, "state": "YES", "Item No 2": GOOD[4]}
    return {**row, **changed}


def their_csv(folder: Path, *rows: dict[str, Any]) -> Path:
    """Write rows of theirs as CSV."""
    lines = [rows[0], *(row.values() for row in rows)]
    return write(folder, "s.csv", "".join(";".join(map(str, line)) + "\n" for line in lines))


def test_names_values_and_defaults_are_theirs_to_ours(tmp_path: Path) -> None:
    rows = [their_row(), their_row(state="")]
    want = [["A1", "theirs", *READ[2:]], ["A1", "theirs", 3, "off", READ[4]]]
    read = rows_of(their_csv(tmp_path, *rows), mapping=mapped(tmp_path))
    assert read == [[2, *want[0]], [3, *want[1]]]


def test_json_values_are_translated_as_they_are_written(tmp_path: Path) -> None:
    rows = [their_row(state=state) for state in (True, 1, None, "YES", "off")]
    file = write_objects(tmp_path, "s.jsonl", [*rows, their_row(note="own")])
    read = rows_of(file, mapping=mapped(tmp_path))
    assert [row[4] for row in read] == ["on", "off", "off", "on", "off", "on"]
    assert [row[2] for row in read] == ["theirs"] * 5 + ["own"]


def test_errors_name_their_columns(tmp_path: Path) -> None:
    rows = [their_row(Qty="x"), their_row(state="NO"), {**their_row(), "Item No": ""}]
    assert problems_of(their_csv(tmp_path, *rows), mapping=mapped(tmp_path)) == [
        "line 2, column Qty: must be a whole number",
        "line 3, column state: must be one of on, off",
        "line 4, column Item No: must not be empty",
    ]
    twice = read_feed(SMALL, their_csv(tmp_path, their_row(), their_row()), mapped(tmp_path))
    assert twice.problems == [
        f"{tmp_path / 's.csv'}, line 3, column Item No: stands in line 2 already"
    ]


def test_a_mapped_column_that_the_file_lacks_is_one_problem(tmp_path: Path) -> None:
    row = their_row()
    del row["Qty"]
    for file in (their_csv(tmp_path, *[row] * 300), write_objects(tmp_path, "s.json", [row] * 300)):
        line = 1 if file.suffix == ".csv" else 2
        assert problems_of(file, mapping=mapped(tmp_path), rows_at_once=50) == [
            f"line {line}, column Qty: is missing, which the mapping names for count"
        ]


def test_columns_that_nobody_named_are_refused_unless_ignored(tmp_path: Path) -> None:
    file = their_csv(tmp_path, their_row(count=9, Other="o", Com="c"))
    assert problems_of(file, mapping=mapped(tmp_path)) == [
        f"line 1, column {name}: is not a column of small" for name in ("count", "Other", "Com")
    ]
    everything = THEIRS.replace('["Comment"]', '"*"')
    assert rows_of(file, mapping=mapped(tmp_path, everything)) == [[2, "A1", "theirs", *READ[2:]]]


def test_what_is_ignored_in_parquet_may_hold_anything(tmp_path: Path) -> None:
    row = their_row()
    columns = {name: [value] for name, value in row.items()}
    file = write_parquet(tmp_path, {**columns, "Comment": pa.array([1.5])})
    assert rows_of(file, mapping=mapped(tmp_path)) == [[1, "A1", "theirs", *READ[2:]]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[colums]\n", "colums is nothing that a mapping says (did you mean columns?): "),
        ("[columns", "is not TOML: "),
        ('columns = "x"', "columns must be a table, [columns]"),
        ("[columns]\nid = 5", "columns: id must be text, in quotes"),
        ("[values]\nstate = 5", "values must be tables, one for each column: [values.COLUMN]"),
        ("[values.state]\nPAID = 5", "values.state: PAID must be text, in quotes"),
        ("[defaults]\ncount = 1.5", "defaults: count must be text or a whole number"),
        ("[defaults]\ncount = true", "defaults: count must be text or a whole number"),
        ("[defaults]\nignore = []", "defaults: ignore belongs at the top of the file"),
        ("ignore = [1]", 'ignore must be a list of columns of their file, or "*"'),
        ('ignore = "x"', 'ignore must be a list of columns of their file, or "*"'),
        ('[columns]\nid = "a"\n[defaults]\nid = "b"', "defaults: id is in columns too"),
    ],
)
def test_a_mapping_that_is_none_is_said_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        mapped(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'mapping.toml'}: {says}")
    assert "\n" not in message


def test_a_mapping_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_mapping(tmp_path / "none.toml")
    with pytest.raises(InputError, match="is not UTF-8"):
        read_mapping(write(tmp_path, "mapping.toml", b"\xff"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[columns]\nstat = "S"', "columns: stat is not a column of small (did you mean state?)"),
        ('[values.sinc]\na = "b"', "values: sinc is not a column of small (did you mean since?)"),
        ('[defaults]\n"x\\u001b" = "b"', "defaults: x\\x1b is not a column of small"),
        ('[defaults]\nstate = "up"', "defaults: state must be one of on, off"),
    ],
)
def test_a_mapping_that_does_not_fit_the_feed_is_said(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read_chunks(SMALL, tmp_path / "s.csv", mapped(tmp_path, text))
    assert str(caught.value) == f"{tmp_path / 'mapping.toml'}: {says}"


def test_a_mapping_can_name_all_of_a_feed(tmp_path: Path) -> None:
    columns = "".join(f'{name} = "Their {name}"\n' for name in BILLING.columns)
    mapping = mapped(tmp_path, f"[columns]\n{columns}")
    header = ",".join(f"Their {name}" for name in BILLING.columns)
    file = write(tmp_path, "x.csv", f"{header}\nI1,C1,,PTS,5,100,EUR,paid,2026-03-01T09:00:00Z\n")
    (chunk,) = read_chunks(BILLING, file, mapping)
    assert chunk.columns["quantity"] == [5]
    assert list(chunk.columns) == list(BILLING.columns)
