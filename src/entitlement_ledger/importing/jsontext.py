"""JSON: a list of objects, or JSON Lines; no number becomes floating point."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from entitlement_ledger.importing.blocks import (
    ABSENT,
    BLOCK_BYTES_MAX,
    BadFile,
    Block,
    NotWhole,
)
from entitlement_ledger.importing.sources import PIECE_MAX, Source

COLUMNS_MAX = 256
"""The most different names that the objects of one block may have."""

_SPACE = " \t\r\n"


def read_json(source: Source, rows_at_once: int) -> Iterator[Block]:
    """Read a list of objects through a window that slides over the file.

    Raises:
        BadFile: it is not a list of objects, or ends before the list does.
    """
    window = _Window(source)
    gathered = _Gathered(source, rows_at_once)
    try:
        if window.next() != "[":
            raise window.bad("must be a list of objects")
        window.place += 1
        more = window.next() != "]"
        while more:
            if gathered.full:
                yield gathered.block()
            line = window.line()
            gathered.add(line, window.read_object())
            ahead = window.next()
            if ahead not in (",", "]"):
                raise window.bad("expected a comma or the list's end")
            more = ahead == ","
            window.place += more
            if more:
                window.next()
        window.place += 1
        if window.next():
            raise window.bad("goes on after the list's end")
    except BadFile:
        if gathered.any:
            yield gathered.block()
        raise
    if gathered.any:
        yield gathered.block()


def read_json_lines(source: Source, rows_at_once: int) -> Iterator[Block]:
    """Read one object a line; blank lines are left out, and a bad one does not end the reading.

    Raises:
        BadFile: it cannot be opened, or is not UTF-8.
    """
    gathered = _Gathered(source, rows_at_once)
    line = 0
    try:
        for text in source.lines("\n"):
            for each in text.removesuffix("\n").split("\n"):
                line += 1
                gathered.add_line(line, each)
                if gathered.full:
                    yield gathered.block()
    except BadFile:
        if gathered.any:
            yield gathered.block()
        raise
    if gathered.any:
        yield gathered.block()


class _Gathered:
    """Objects on their way into a block."""

    def __init__(self, source: Source, rows_at_once: int) -> None:
        self._source = source
        self._rows_at_once = rows_at_once
        self._clear()

    def _clear(self) -> None:
        self._begun = self._source.done
        self._lines: list[int] = []
        self._rows: list[dict[str, Any]] = []
        self._bad: list[tuple[int, str]] = []

    @property
    def any(self) -> bool:
        """Whether there is anything for a block."""
        return bool(self._rows or self._bad)

    @property
    def full(self) -> bool:
        """Whether no more should be added."""
        return (
            max(len(self._rows), len(self._bad)) >= self._rows_at_once
            or self._source.done - self._begun > BLOCK_BYTES_MAX
        )

    def add(self, line: int, fields: dict[str, Any]) -> None:
        """Take an object."""
        self._lines.append(line)
        self._rows.append(fields)

    def add_line(self, line: int, text: str) -> None:
        """Take a line: an object, nothing if it is blank, or what is wrong with it."""
        fields = _decoded_flat(text)
        if fields is not None:
            self.add(line, fields)
        elif text.strip(_SPACE):
            try:
                fields = _decoder.decode(text)
            except json.JSONDecodeError as error:
                self._bad.append((line, f"is not JSON: {error.msg} in column {error.pos + 1}"))
                return
            except (RecursionError, ValueError) as error:
                self._bad.append((line, _unusable(error)))
                return
            if isinstance(fields, dict):
                self.add(line, fields)
            else:
                self._bad.append((line, "must be an object"))

    def block(self) -> Block:
        """Give what has been gathered, and begin anew."""
        block = Block(self._lines, self._columns(), bad=self._bad)
        self._clear()
        return block

    def _columns(self) -> dict[str, list[Any]]:
        names = list(self._rows[0]) if self._rows else []
        if set(map(len, self._rows)) == {len(names)}:
            try:
                return {name: [row[name] for row in self._rows] for name in names}
            except KeyError:
                pass
        several = dict.fromkeys(names)
        for line, row in zip(self._lines, self._rows, strict=True):
            several.update(dict.fromkeys(row))
            if len(several) > COLUMNS_MAX:
                raise BadFile(
                    f"{self._source.path}, line {line}: the objects up to here have more than "
                    f"{COLUMNS_MAX} different names, which is no feed"
                )
        return {name: [row.get(name, ABSENT) for row in self._rows] for name in several}


class _Window:
    """The part of a file's text around the place that is being read.

    Attributes:
        place: where reading goes on in the text of the window.
    """

    def __init__(self, source: Source) -> None:
        self._path = source.path
        self._texts = source.texts()
        self._text = ""
        self._counted = 0
        self._line = 1
        self._before = 0
        self.place = 0

    def line(self) -> int:
        """Count up to the line of the place, from 1."""
        self._line += self._text.count("\n", self._counted, self.place)
        self._counted = self.place
        return self._line

    def next(self) -> str:
        """Go to the next character that is no space and give it; empty at the end of the file."""
        while True:
            text, place = self._text, self.place
            while place < len(text) and text[place] in _SPACE:
                place += 1
            self.place = place
            if place < len(text):
                return text[place]
            if not self._widen():
                return ""

    def read_object(self) -> dict[str, Any]:
        """Read the object that begins at the place, and go behind it.

        Raises:
            BadFile: there is none, it is not JSON, or the file ends within it.
        """
        if self.next() != "{":
            raise self.bad("must be an object" if self.next() else "ends before the list does")
        while True:
            # Up to the first brace it is all of a flat object, if it can be read at all.
            end = self._text.find("}", self.place) + 1
            fields = _decoded_flat(self._text[self.place : end]) if end else None
            if fields is not None:
                self.place = end
                return fields
            try:
                value, self.place = _decoder.raw_decode(self._text, self.place)
                return value  # type: ignore[no-any-return]
            except json.JSONDecodeError as error:
                # What is wrong may be no more than that the window ends here.
                long = len(self._text) - self.place > PIECE_MAX
                if long or not self._widen():
                    raise self._bad_json(error, long=long) from None
            except (RecursionError, ValueError) as error:
                raise self.bad(_unusable(error)) from None

    def bad(self, what: str) -> BadFile:
        """Say that something is wrong at the place."""
        newline = self._text.rfind("\n", 0, self.place)
        column = self.place - newline if newline >= 0 else self._before + self.place + 1
        return BadFile(f"{self._path}, line {self.line()}, column {column}: {what}")

    def _bad_json(self, error: json.JSONDecodeError, *, long: bool) -> BadFile:
        end = len(self._text.rstrip(_SPACE))
        if error.pos < end and not error.msg.startswith("Unterminated"):
            self.place = error.pos
            return self.bad(f"is not JSON: {error.msg}")
        if long:
            return self.bad(f"the object is longer than {PIECE_MAX} characters")
        begun = self.line()
        self.place = end
        return self.bad(f"the file ends within the object that begins in line {begun}")

    def _widen(self) -> bool:
        """Drop what has been read and take in more; False at the end of the file."""
        more = next(self._texts, None)
        if more is None:
            return False
        self.line()
        newline = self._text.rfind("\n", 0, self.place)
        self._before = self.place - newline - 1 if newline >= 0 else self._before + self.place
        self._text = self._text[self.place :] + more
        self.place = self._counted = 0
        return True


def _decoded_flat(text: str) -> dict[str, Any] | None:
    """Read an object of texts, numbers and nulls quickly; None where it may be anything else.

    A name that stands twice shows in the quotation marks: without a backslash there are two to a
    name and two to a text.
    """
    if "\\" in text:
        return None
    try:
        fields = _quick.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    if type(fields) is not dict:
        return None
    texts = list(map(type, fields.values())).count(str)
    return fields if text.count('"') == 2 * (len(fields) + texts) else None


class _Twice(ValueError):
    """An object names a field twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _Twice("names a field twice")
    return fields


def _unusable(error: Exception) -> str:
    return str(error) if isinstance(error, _Twice) else "is not usable JSON"


_quick = msgspec.json.Decoder(float_hook=NotWhole)
_decoder = json.JSONDecoder(object_pairs_hook=_once, parse_float=NotWhole, parse_constant=NotWhole)
