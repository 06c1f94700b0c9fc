"""Charts over time: columns with what they stand for above, labels and numbers below."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from entitlement_ledger.console.drawing import Alphabet, columns, short
from entitlement_ledger.console.wording import when
from entitlement_ledger.domain.instants import Instant, to_datetime
from entitlement_ledger.overviews import Span, Step

GUTTER = 9
"""How wide the names and numbers on the left are, with the gap behind them."""

TOTAL = 9
"""How wide the totals on the right are."""

_LABEL = 6
_WIDE = 9
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def pieces_that_fit(width: int) -> int:
    """Say how many columns with a number of their own fit into a width."""
    return max(1, min(12, (width - GUTTER - TOTAL) // _LABEL))


def label(step: Step, begin: Instant) -> str:
    """Name a piece of time in five characters at most: 03-02, Mar."""
    return _MONTHS[to_datetime(begin).month - 1] if step is Step.MONTH else day_of(begin)[5:]


def day_of(instant: Instant) -> str:
    """Write the day in UTC: 2026-03-01."""
    return when(instant)[:10]


def named(step: Step, begin: Instant) -> str:
    """Name a piece of time in a sentence."""
    if step is Step.MONTH:
        return day_of(begin)[:7]
    return f"the week of {day_of(begin)}" if step is Step.WEEK else day_of(begin)


def told_span(span: Span) -> str:
    """Say into how many pieces time is cut, from when, and until when."""
    return f"{pieces_of(span)}, {day_of(span.begins[0])} to {when(span.at)} UTC"


def pieces_of(span: Span) -> str:
    """Say how many days, weeks or months there are."""
    return f"{len(span.begins)} {span.step.value}{'s' if len(span.begins) != 1 else ''}"


def chart(
    values: Sequence[int],
    scale: int,
    room: int,
    height: int,
    letters: Alphabet,
    highest: int | None = None,
) -> tuple[list[Content], int]:
    """Draw columns beside a scale; give the lines, and how wide a column is with its gap.

    `room` is how many cells there are for the columns, the gutter aside. `highest` is what a full
    column stands for, the highest of the values by default.
    """
    column = max(1, min(_WIDE, room // max(len(values), 1)))
    gap = 0 if column == 1 else 1
    top = max([*values, 0]) if highest is None else highest
    lines = columns(values, height, letters, highest=top, thick=column - gap, gap=gap)
    sides = [short(top, scale, GUTTER - 1), *[""] * (height - 2), "0"][:height]
    return [
        Content.assemble((f"{side:>{GUTTER - 1}} ", "$secondary"), (line, "$accent"))
        for side, line in zip(sides, lines, strict=True)
    ], column


def labels(span: Span, column: int) -> Content:
    """Write when the columns begin, below as many of them as there is room for."""
    every = max(1, -(-_LABEL // column))
    shown = [label(span.step, begin) for begin in span.begins[::every]]
    text = "".join(f"{each:<{column * every}}" for each in shown)
    width = column * len(span.begins)
    if len(text.rstrip()) > width:
        # The last one is left out rather than cut.
        text = text[: column * every * (len(shown) - 1)]
    first = "week of" if span.step is Step.WEEK else span.step.value
    return Content.assemble((f"{first:>{GUTTER - 1}} {text[:width]:<{width}}", "$secondary"))


def numbers(name: str, values: Sequence[int], scale: int, column: int, style: str = "") -> Content:
    """Write a number below each column, and what they come to on the right."""
    told = "".join(f"{short(value, scale, column - 1):<{column}}" for value in values)
    total = short(sum(values), scale, TOTAL)
    return Content.assemble(
        (f"{name:>{GUTTER - 1}} ", "$secondary"), (told, style), (f"{total:>{TOTAL}}", "bold")
    )
