"""Shapes: JSON texts that differ in a few places only, written for many at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

_PLACE = re.compile(r"%\((\w+)\)s")


class Shape(NamedTuple):
    """A text with places, and what stands in each of them; a name may stand in several."""

    text: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, named: str) -> Shape:
        """Read a text whose places have names, like `%(this)s`."""
        return cls(_PLACE.sub("%s", named), tuple(_PLACE.findall(named)))

    def write(self, columns: Mapping[str, Sequence[object]], rows: Sequence[int]) -> Iterable[str]:
        """Write some rows of columns. What they hold is written as it is."""
        picked: dict[str, Sequence[object]] = {}
        for name in dict.fromkeys(self.names):
            column = columns[name]
            picked[name] = column if len(rows) == len(column) else [column[row] for row in rows]
        # In one call a row: a statement in Python for each would take three times as long.
        return map(self.text.__mod__, zip(*(picked[name] for name in self.names), strict=True))
