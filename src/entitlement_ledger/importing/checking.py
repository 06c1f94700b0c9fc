"""Reading the blocks of a file as rows of a feed: names, values and what is wrong with them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from entitlement_ledger.errors import PROBLEMS_MAX, InputError
from entitlement_ledger.importing.blocks import ABSENT, BadFile, Block
from entitlement_ledger.importing.feeds import Feed
from entitlement_ledger.importing.fields import read_column
from entitlement_ledger.importing.mapping import AS_IT_IS, Mapping
from entitlement_ledger.importing.reading import read_blocks
from entitlement_ledger.importing.sources import Source


@dataclass(slots=True)
class Checked:
    """Some rows of a feed, column by column; with problems, they are not to be used.

    Attributes:
        lines: where each row begins.
        columns: the values as the feed reads them, None where one cannot be read.
        problems: what is wrong, in the order of lines and columns.
    """

    lines: list[int]
    columns: dict[str, list[Any]]
    problems: list[str]


class Checker:
    """Reads blocks of one file as rows of one feed.

    Attributes:
        quick: whole columns are read at once where that gives the same.
    """

    def __init__(
        self,
        feed: Feed,
        source: Source,
        mapping: Mapping | None = None,
        optional: Collection[str] = (),
        *,
        quick: bool = True,
    ) -> None:
        self._feed = feed
        self._source = source
        self._mapping = AS_IT_IS if mapping is None else mapping
        self._mapping.check(feed.name, feed.columns)
        self._theirs = {name: self._mapping.theirs(name) for name in feed.columns}
        self._used = frozenset(self._theirs.values())
        self._fill = self._filled(optional)
        self._told: set[str] = set()
        self.quick = quick

    def checked(self, rows_at_once: int) -> Iterator[Checked]:
        """Read the file up to its end, or until there are problems enough."""
        problems = 0
        try:
            for block in read_blocks(self._source, rows_at_once, self._used):
                checked = self._read(block)
                problems += len(checked.problems)
                yield checked
                if problems >= PROBLEMS_MAX:
                    return
        except BadFile as error:
            yield Checked([], {name: [] for name in self._feed.columns}, [str(error)])

    def where(self, line: int, column: str) -> str:
        """Say where a value of ours stands, in the words of the file."""
        return f"{self._source.path}, line {line}, column {ascii(self._theirs[column])[1:-1]}"

    def _filled(self, optional: Collection[str]) -> dict[str, Any]:
        """Read what stands for columns that the file may lack."""
        filled: dict[str, Any] = {}
        for name, reader in self._feed.columns.items():
            try:
                if name in self._mapping.defaults:
                    filled[name] = reader(self._mapping.defaults[name])
                elif name in self._feed.defaults:
                    filled[name] = reader(self._feed.defaults[name])
                elif name in optional:
                    filled[name] = None
            except ValueError as error:
                raise InputError(f"{self._mapping.path}: defaults: {name} {error}") from None
        return filled

    def _read(self, block: Block) -> Checked:
        wrong: list[tuple[int, str]] = [
            (line, f"{self._source.path}, line {line}: {what}") for line, what in block.bad
        ]
        self._find_unknown(block, wrong)
        columns: dict[str, list[Any]] = {}
        for name, reader in self._feed.columns.items():
            values = block.columns.get(self._theirs[name])
            if values is None:
                columns[name] = [self._fill.get(name)] * len(block.lines)
                self._find_missing(name, block, wrong)
                continue
            translated = self._mapping.translated(name, values)
            read = read_column(reader, translated) if self.quick else None
            if read is None:
                read = self._one_by_one(name, translated, block.lines, wrong)
            columns[name] = read
        wrong.sort(key=lambda each: each[0])
        return Checked(block.lines, columns, [message for _, message in wrong])

    def _one_by_one(
        self, name: str, values: Sequence[Any], lines: Sequence[int], wrong: list[tuple[int, str]]
    ) -> list[Any]:
        reader = self._feed.columns[name]
        read: list[Any] = []
        for line, value in zip(lines, values, strict=True):
            one = None
            try:
                if value is not ABSENT:
                    one = reader(value)
                elif name in self._fill:
                    one = self._fill[name]
                else:
                    raise ValueError("is missing")
            except ValueError as error:
                wrong.append((line, f"{self.where(line, name)}: {error}"))
            read.append(one)
        return read

    def _find_missing(self, name: str, block: Block, wrong: list[tuple[int, str]]) -> None:
        """Tell once that a whole column is missing."""
        theirs = self._theirs[name]
        line = block.header or next(iter(block.lines), None)
        if name in self._fill or theirs in self._told or line is None:
            return
        self._told.add(theirs)
        meant = "" if theirs == name else f", which the mapping names for {name}"
        wrong.append((line, f"{self.where(line, name)}: is missing{meant}"))

    def _find_unknown(self, block: Block, wrong: list[tuple[int, str]]) -> None:
        """Tell once of each column that the feed does not know and nobody ignores."""
        for theirs, values in block.columns.items():
            if theirs in self._told or theirs in self._used or self._mapping.ignores(theirs):
                continue
            self._told.add(theirs)
            line = block.header or next(
                line for line, value in zip(block.lines, values, strict=True) if value is not ABSENT
            )
            wrong.append(
                (
                    line,
                    f"{self._source.path}, line {line}, column {ascii(theirs)[1:-1]}: "
                    f"is not a column of {self._feed.name}",
                )
            )
