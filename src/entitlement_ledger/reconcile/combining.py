"""Small puzzles of matching: which of some numbers add up, and whether a name was mistyped."""

from __future__ import annotations

import re
from collections.abc import Sequence

_VALUES_MAX = 12
_DIGITS_FOR = str.maketrans("oilsbz", "011582")


def summands(values: Sequence[int], wanted: int) -> tuple[list[int], bool]:
    """Give the places of two or more positive numbers that add up, and whether only they do.

    Where several choices do, the one that comes first is given. Of more than a dozen numbers
    nothing is said: nearly every sum can be made of them.
    """
    if len(values) > _VALUES_MAX:
        return [], False
    made: dict[int, tuple[int, tuple[int, ...]]] = {0: (1, ())}
    for place, value in enumerate(values):
        for total, (ways, places) in list(made.items()):
            if 0 < value <= wanted - total and (value < wanted or total):
                known, first = made.get(total + value, (0, (*places, place)))
                made[total + value] = (known + ways, first)
    ways, places = made.get(wanted, (0, ()))
    return list(places), ways == 1


def look_same(left: str, right: str) -> bool:
    """Say whether two names differ, but only in what is easily mistyped.

    Capitals, separators between a letter and a number, leading zeros, and letters that look like
    digits. Not digits: the number of the next invoice differs by no more than one from this one's.
    """
    return left != right and _bare(left) == _bare(right)


def _bare(name: str) -> str:
    parts = re.findall(r"\d+|[^\W\d_]+", name.casefold().translate(_DIGITS_FOR))
    return "-".join(filter(None, (part.lstrip("0") for part in parts)))
