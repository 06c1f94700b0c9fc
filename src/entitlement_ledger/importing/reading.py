"""Reading files into rows that know where they came from."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entitlement_ledger.errors import InputError


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its line, from 1, and its fields by name."""

    line: int
    fields: dict[str, Any]


class BadFile(InputError):
    """A file that cannot be read as rows; the message names file, line and column."""


def read_rows(path: Path) -> list[Row]:
    """Read a CSV or JSON file.

    Raises:
        BadFile: it cannot be opened, is not UTF-8, or is not well formed.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadFile(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadFile(f"{path}, line {line}: is not UTF-8 text") from None
    reader = _csv_rows if path.suffix.lower() == ".csv" else _json_rows
    return list(reader(path, text))


def _csv_rows(path: Path, text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        header = [name.strip() for name in next(reader, [])]
        if not header:
            raise BadFile(f"{path}, line 1: is empty, a line with the column names is expected")
        if len(set(header)) != len(header):
            raise BadFile(f"{path}, line 1: a column is named twice")
        line = reader.line_num + 1
        for values in reader:
            if values and len(values) != len(header):
                raise BadFile(
                    f"{path}, line {line}: has {len(values)} columns, the header {len(header)}"
                )
            if values:
                yield Row(line, dict(zip(header, values, strict=True)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadFile(f"{path}, line {line}: is not CSV: {error}") from None


def _json_rows(path: Path, text: str) -> Iterator[Row]:
    """Read a list of objects one by one, so that each knows its line."""
    decoder = json.JSONDecoder(parse_float=_NotWhole, parse_constant=_NotWhole)
    place = _skip(text, 0)
    if text[place : place + 1] != "[":
        raise BadFile(f"{path}, {_where(text, place)}: must be a list of objects")
    place = _skip(text, place + 1)
    while text[place : place + 1] != "]":
        try:
            value, end = decoder.raw_decode(text, place)
        except json.JSONDecodeError as error:
            raise BadFile(f"{path}, {_where(text, error.pos)}: is not JSON: {error.msg}") from None
        except (RecursionError, ValueError):
            raise BadFile(f"{path}, {_where(text, place)}: is not usable JSON") from None
        if not isinstance(value, dict):
            raise BadFile(f"{path}, {_where(text, place)}: must be an object")
        yield Row(text.count("\n", 0, place) + 1, value)
        place = _skip(text, end)
        if text[place : place + 1] == ",":
            place = _skip(text, place + 1)
        elif text[place : place + 1] != "]":
            raise BadFile(f"{path}, {_where(text, place)}: expected a comma or the list's end")
    if _skip(text, place + 1) != len(text):
        raise BadFile(f"{path}, {_where(text, place + 1)}: goes on after the list's end")


class _NotWhole(str):
    """A number with a fraction or exponent, kept as text: no floating point on the way in."""


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place


def _where(text: str, place: int) -> str:
    line = text.count("\n", 0, place) + 1
    return f"line {line}, column {place - (text.rfind(chr(10), 0, place) + 1) + 1}"
