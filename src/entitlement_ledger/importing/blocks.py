"""What comes out of a file before its meaning is looked at: blocks of rows, column by column."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from entitlement_ledger.errors import InputError

BLOCK_BYTES_MAX = 32 << 20
"""A block ends after about so many bytes of file, however few rows they are."""


class BadFile(InputError):
    """A file that cannot be read as rows; the message names file, line and column."""


class NotWhole(str):
    """A number with a fraction or exponent, kept as text: no floating point on the way in."""

    __slots__ = ()


class Absent:
    """The value of a column that a row does not have, which only JSON can say."""

    __slots__ = ()


ABSENT: Final = Absent()


@dataclass(slots=True)
class Block:
    """Some rows that follow each other in a file.

    Attributes:
        lines: where each begins, from 1; a Parquet file has no lines, so there it is the row.
        columns: the values by the name that the file gives, one for each row. Those of a
            Parquet file that are not known have none.
        header: the line that names the columns; None where each row names its own.
        bad: lines that are no rows and have been left out, each with what is wrong about it.
    """

    lines: list[int]
    columns: dict[str, list[Any]]
    header: int | None = None
    bad: list[tuple[int, str]] = field(default_factory=list)
