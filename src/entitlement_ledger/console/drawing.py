"""Pictures of whole numbers as lines of text, in Unicode blocks or in ASCII.

A larger number is never drawn shorter, zero is drawn as nothing and everything else as something:
below zero by a sign that points down. No floating point: lengths are whole parts of a cell.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from entitlement_ledger.domain.quantities import format_quantity

AUTO, IN_BLOCKS, IN_ASCII = "auto", "blocks", "ascii"

_PLAIN_TERMINALS = ("linux", "dumb", "vt")
_SUFFIXES = "kMGTPEZY"


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The characters that pictures are drawn with, each one cell wide.

    Attributes:
        levels: one cell of a sparkline, from the least to the highest.
        heights: one cell of a column, from the least to full.
        parts: one cell of a bar, from the least to full.
        rest: what a bar lacks of the whole.
        below: what is below zero.
    """

    levels: str
    heights: str
    parts: str
    rest: str
    below: str


BLOCKS = Alphabet("▁▂▃▄▅▆▇█", "▁▂▃▄▅▆▇█", "▏▎▍▌▋▊▉█", "░", "▼")
ASCII = Alphabet(".:-=+*%#", ".:#", "-=#", ".", "v")


def alphabet(graphics: str, *, encoding: str | None, terminal: str | None) -> Alphabet:
    """Choose the alphabet: as it is set, or, for `auto`, what the terminal can surely show.

    `encoding` is that of what is written to it, `terminal` what TERM says.
    """
    if graphics == IN_ASCII:
        return ASCII
    if graphics == IN_BLOCKS:
        return BLOCKS
    unicode = (encoding or "").lower().replace("_", "-") in ("utf-8", "utf8")
    return BLOCKS if unicode and not (terminal or "").startswith(_PLAIN_TERMINALS) else ASCII


def sparkline(values: Sequence[int], width: int, letters: Alphabet = BLOCKS) -> str:
    """Draw values in order, one cell each; where there are more than cells, the highest of some.

    Nothing is drawn for a value of zero: the cell stays empty.
    """
    shown = _fewer(values, width)
    highest = max(shown, default=0)
    return "".join(_level(value, highest, letters.levels, letters.below) for value in shown)


def _fewer(values: Sequence[int], width: int) -> list[int]:
    """Give at most so many values: of each some that lie beside each other, the highest."""
    if len(values) <= max(width, 0):
        return list(values)
    bounds = [place * len(values) // width for place in range(width + 1)] if width > 0 else []
    return [max(values[begin:end]) or min(values[begin:end]) for begin, end in pairwise(bounds)]


def _level(value: int, highest: int, levels: str, below: str) -> str:
    if value == 0:
        return " "
    return below if value < 0 else levels[_scaled(value, highest, len(levels)) - 1]


def _scaled(value: int, highest: int, parts: int) -> int:
    """Give how many of `parts` a value is of the highest, rounded up: never none of them."""
    return 0 if value <= 0 else -(-min(value, highest) * parts // highest)


def bar(part: int, whole: int, width: int, letters: Alphabet = BLOCKS) -> str:
    """Draw how much a part is of a whole, in exactly `width` cells; what is lacking is drawn too.

    It is full only where nothing is lacking.
    """
    if width <= 0:
        return ""
    if part < 0:
        return letters.below + letters.rest * (width - 1)
    steps = len(letters.parts)
    if part >= whole:
        drawn = width * steps if part > 0 else 0
    else:
        drawn = min(max(part * width * steps // whole, 1), width * steps - 1) if part else 0
    full, more = divmod(drawn, steps)
    cells = letters.parts[-1] * full + (letters.parts[more - 1] if more else "")
    return cells + letters.rest * (width - len(cells))


def columns(
    values: Sequence[int],
    height: int,
    letters: Alphabet = BLOCKS,
    *,
    highest: int | None = None,
    thick: int = 1,
    gap: int = 0,
) -> list[str]:
    """Draw values as columns beside each other; give the lines, the highest first.

    Args:
        values: one column each.
        height: how many lines; 0 draws nothing.
        letters: what to draw with.
        highest: what a full column stands for; the highest of the values by default.
        thick: how many cells a column is wide.
        gap: how many cells are left empty behind each.
    """
    top = max([*values, 0]) if highest is None else highest
    lines = []
    for line in reversed(range(height)):
        cells = (_cell(value, top, height, line, letters) for value in values)
        lines.append("".join(cell * thick + " " * gap for cell in cells))
    return lines


def _cell(value: int, top: int, height: int, line: int, letters: Alphabet) -> str:
    """Give what a column shows in one line, counted from the lowest."""
    if value < 0:
        return letters.below if line == 0 else " "
    steps = len(letters.heights)
    drawn = _scaled(value, top, height * steps) if top > 0 else 0
    here = min(max(drawn - line * steps, 0), steps)
    return letters.heights[here - 1] if here else " "


def month_grid(year: int, month: int) -> list[list[int]]:
    """Give the days of a month by weeks that begin on Monday; 0 is a day of another month."""
    return calendar.Calendar(firstweekday=calendar.MONDAY).monthdayscalendar(year, month)


def short(quantity: int, scale: int, width: int) -> str:
    """Write a quantity exactly if it fits into a width, else its first digits: 12.3k, 4M.

    What is cut off is cut towards zero, never rounded up. A number that does not fit even so ends
    in `…`, or is nothing but that.
    """
    exact = format_quantity(quantity, scale)
    if len(exact) <= width:
        return exact
    sign, whole = "-" if quantity < 0 else "", str(abs(quantity) // 10**scale)
    if len(sign) + len(whole) <= width and len(whole) <= 3:
        decimals = width - len(sign) - len(whole) - 1
        digits = exact.partition(".")[2][: max(decimals, 0)]
        return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"
    thousands = (len(whole) - 1) // 3
    if 0 < thousands <= len(_SUFFIXES):
        first, rest = whole[: -3 * thousands], whole[-3 * thousands :]
        room = width - len(sign) - len(first) - 1
        digits = rest[: max(room - 1, 0)].rstrip("0")
        told = f"{sign}{first}{f'.{digits}' if digits else ''}{_SUFFIXES[thousands - 1]}"
        if len(told) <= width:
            return told
    return "…" if width > 0 else ""
