"""The columns of a report: a name each, and what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is in a column.

    A `digest` is given as bytes, and told in hexadecimal. An `integer` fits 64 bits; a `total` is a
    sum over customers, which needs not. An `instant` is given as microseconds since 1970, UTC.
    """

    TEXT = "text"
    DIGEST = "digest"
    INTEGER = "integer"
    TOTAL = "total"
    INSTANT = "instant"


@dataclass(frozen=True, slots=True)
class ReportColumn:
    """One column of a report."""

    name: str
    kind: Kind

    @property
    def is_number(self) -> bool:
        """Whether it holds quantities or counts."""
        return self.kind in (Kind.INTEGER, Kind.TOTAL)


def columns(said: str) -> tuple[ReportColumn, ...]:
    """Read columns as they are declared: names, each with `:` and its kind unless it is text."""
    parts = (each.partition(":") for each in said.split())
    return tuple(ReportColumn(name, Kind(kind or Kind.TEXT)) for name, _, kind in parts)
