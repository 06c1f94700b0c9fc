"""CSV in every dress: delimiters, marks, ends of lines, quoting; what is wrong, and where."""

from __future__ import annotations

from pathlib import Path

import pytest
from feed_support import GOOD, NAMES, READ, blocks_of, delimited, problems_of, rows_of, write

from entitlement_ledger.importing import sources


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_dress_reads_the_same(tmp_path: Path, delimiter: str, end: str, mark: str) -> None:
    text = mark + delimited([GOOD, ["B2", "x, y; z\tü", "", *GOOD[3:]]], delimiter, end)
    rows = [[2, *READ], [3, "B2", "x, y; z\tü", None, *READ[3:]]]
    assert rows_of(write(tmp_path, "small.csv", text)) == rows


@pytest.mark.parametrize("name", ["s.tsv", "s.txt", "s.CSV"])
def test_the_delimiter_is_told_from_the_header_whatever_the_suffix(
    tmp_path: Path, name: str
) -> None:
    assert rows_of(write(tmp_path, name, delimited([GOOD], ";"))) == [[2, *READ]]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ('"a,b,c,d";id', ["a,b,c,d", "id"]),
        ('"a;b;c"\t"d,e"\tid', ["a;b;c", "d,e", "id"]),
        ("what,ever;else;more", ["what,ever", "else", "more"]),
        ("id;a,b,c", ["id", "a,b,c"]),
        ("id", ["id"]),
        ('"two\nlines",id', ["two\nlines", "id"]),
        (" id , note ", ["id", "note"]),
    ],
)
def test_the_header_is_split_where_it_gives_most_known_names(
    tmp_path: Path, header: str, names: list[str]
) -> None:
    (block,) = blocks_of(write(tmp_path, "s.csv", f"{header}\n"))
    assert list(block.columns) == names


def test_a_row_is_in_the_line_where_it_begins(tmp_path: Path) -> None:
    rows = [["A1", "one\ntwo\r\nthree", *GOOD[2:]], GOOD, ["B", "\n", *GOOD[2:]], GOOD]
    text = delimited(rows) + "\n\n" + delimited([GOOD]).split("\n", 1)[1]
    read = rows_of(write(tmp_path, "s.csv", text))
    assert [row[0] for row in read] == [2, 5, 6, 8, 11]
    assert read[0][2] == "one\ntwo\r\nthree"


def test_rows_come_whole_however_the_pieces_of_the_file_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [[f"R{n}", "é€😀\r\n," * (n % 3), n, "off", GOOD[4]] for n in range(40)]
    file = write(tmp_path, "s.csv", "\ufeff" + delimited(rows, end="\r\n"))
    whole = rows_of(file)
    for size in (3, 7, 64):
        monkeypatch.setattr(sources, "_PIECE_BYTES", size)
        assert rows_of(file, rows_at_once=7) == whole
    assert [row[3] for row in whole] == list(range(40))


def test_all_bad_lines_are_told_in_one_go(tmp_path: Path) -> None:
    text = delimited([["", "n", 1, "on", GOOD[4]], GOOD, ["A", "n", "1.5", "up", "2026-03-01"]])
    file = write(tmp_path, "s.csv", text + "only,two\nA,n,1,on,2026-03-01T00:00:00\n")
    assert problems_of(file) == [
        "line 2, column id: must not be empty",
        "line 4, column count: must be a whole number",
        "line 4, column state: must be one of on, off",
        "line 4, column since: is no usable time: a time needs an offset, such as Z or +01:00",
        "line 5: has 2 columns, the header 5",
        "line 6, column since: is no usable time: a time needs an offset, such as Z or +01:00",
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", ["line 1: is empty, a line with the column names is expected"]),
        (b"id,note,id\n", ["line 1: a column is named twice"]),
        (b'id,note,count,state,since\nA,"n', ["line 2: is not CSV: unexpected end of data"]),
        (b'id,note,count,state,since\nA,"n"x,1', ["line 2: is not CSV: ',' expected after '\"'"]),
        (b"id,note,count,state,since\nA,\xff,1", ["line 2: is not UTF-8 text"]),
        (b"id,note,count,state,since\r\n\xc3", ["line 2: is not UTF-8 text"]),
        ("id,note".encode("utf-16"), ["line 1: is UTF-16 text: save it as UTF-8 and try again"]),
        (b"\xfe\xff\0i", ["line 1: is UTF-16 text: save it as UTF-8 and try again"]),
        (
            b"id,note,count,state,holidays\n" + b"A,n,1,on,x\n" * 300,
            [
                "line 1, column holidays: is not a column of small",
                "line 1, column since: is missing",
            ],
        ),
        (b"id,note,count,state\n", ["line 1, column since: is missing"]),
    ],
)
def test_what_is_no_feed_is_said_in_one_line(
    tmp_path: Path, content: bytes, says: list[str]
) -> None:
    assert problems_of(write(tmp_path, "s.csv", content), rows_at_once=50) == says


def test_what_is_wrong_before_a_file_breaks_off_is_told_too(tmp_path: Path) -> None:
    file = write(tmp_path, "s.csv", delimited([["", *GOOD[1:]]]).encode() + b"\xff")
    assert problems_of(file) == [
        "line 2, column id: must not be empty",
        "line 3: is not UTF-8 text",
    ]


def test_a_line_without_end_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_PIECE_BYTES", 64)
    monkeypatch.setattr(sources, "PIECE_MAX", 500)
    file = write(tmp_path, "s.csv", delimited([GOOD, GOOD]) + "x" * 1000)
    assert problems_of(file) == [
        "line 4: is longer than 500 characters, which is no line of a feed"
    ]


def test_a_file_that_is_not_there_or_not_known_is_said(tmp_path: Path) -> None:
    assert problems_of(tmp_path / "none.csv") == ["cannot be read: No such file or directory"]
    assert problems_of(write(tmp_path, "s.xlsx", b"PK"))[0].startswith("is none of .csv, .tsv")


def test_blocks_end_by_bytes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from entitlement_ledger.importing import delimited as module

    monkeypatch.setattr(sources, "_PIECE_BYTES", 1000)
    monkeypatch.setattr(module, "BLOCK_BYTES_MAX", 10_000)
    file = write(tmp_path, "s.csv", delimited([GOOD] * 5000))
    blocks = blocks_of(file, 1_000_000)
    assert max(len(block.lines) for block in blocks) < 700
    assert [line for block in blocks for line in block.lines] == list(range(2, 5002))
    assert list(blocks[0].columns) == NAMES
