"""A table's rows are drawn without being measured, and look as Textual would have drawn them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.text import Text
from textual.app import App, ComposeResult
from textual.coordinate import Coordinate
from textual.widgets import DataTable
from textual.widgets.data_table import DuplicateKey

from entitlement_ledger.console.widgets.quick_table import Cells, QuickTable
from entitlement_ledger.console.wording import cell

WIDTH = 12
_texts = st.lists(st.tuples(st.text(max_size=20), st.booleans(), st.sampled_from(["", "red"])),
                  min_size=1, max_size=8)  # fmt: skip


class Two(App[None]):
    """The same rows in both tables."""

    def compose(self) -> ComposeResult:
        yield QuickTable(id="quick", cursor_type="row", cell_padding=0)
        yield DataTable[Text](id="slow", cursor_type="row", cell_padding=0)


def seen(table: DataTable[Text], line: int) -> list[tuple[object, ...]]:
    """Give what can be seen of a line, by character: a space has no colour but its ground's."""
    width = table.size.width
    pieces = table._render_line(line, 0, width, table.rich_style)
    return [
        (shown, style and style.bgcolor, style and shown.strip() and (style.color, style.bold))
        for shown, style in ((shown, piece.style) for piece in pieces for shown in piece.text)
    ]


def look_alike(quick: DataTable[Text], slow: DataTable[Text]) -> None:
    """Hold each line of one table against the other's, header and what is below the last row."""
    for line in range(quick.row_count + 2):
        assert seen(quick, line) == seen(slow, line)


async def _alike(rows: list[tuple[str, bool, str]], cursor: int) -> None:
    app = Two()
    async with app.run_test(size=(60, 30)) as pilot:
        quick = app.query_one("#quick", QuickTable)
        slow = app.query_one("#slow", DataTable)
        cells = [cell(text, WIDTH, right=right, style=style) for text, right, style in rows]
        for table in (quick, slow):
            table.add_column("one", width=WIDTH + 1)
            table.add_column("two", width=WIDTH + 1)
        for place, each in enumerate(cells):
            slow.add_row(each, cells[-place], key=str(place))
        quick.add_below(
            (partial(list, (each, cells[-place])), str(place)) for place, each in enumerate(cells)
        )
        app.screen.set_focus(None)
        await pilot.pause()
        assert quick.virtual_size == slow.virtual_size
        look_alike(quick, slow)
        for table in (quick, slow):
            table.move_cursor(row=cursor % len(rows), animate=False)
        await pilot.pause()
        look_alike(quick, slow)


@settings(max_examples=25, deadline=None)
@given(_texts, st.integers(0, 7))
def test_rows_look_as_textual_draws_them(rows: list[tuple[str, bool, str]], cursor: int) -> None:
    asyncio.run(_alike(rows, cursor))


async def test_a_row_with_the_mouse_over_it_looks_as_textual_draws_it() -> None:
    app = Two()
    async with app.run_test(size=(60, 30)) as pilot:
        quick, slow = app.query_one("#quick", QuickTable), app.query_one("#slow", DataTable)
        for table in (quick, slow):
            table.add_column("one", width=WIDTH)
            for place in range(3):
                table.add_row(cell(str(place), WIDTH), key=str(place))
        app.screen.set_focus(None)
        await pilot.pause()
        without = seen(quick, 2)
        for table in (quick, slow):
            table._set_hover_cursor(True)
            table.hover_coordinate = Coordinate(1, 0)
        await pilot.pause()
        assert seen(quick, 2) != without
        look_alike(quick, slow)


async def test_a_click_chooses_the_row_under_it() -> None:
    app = Two()
    async with app.run_test(size=(60, 30)) as pilot:
        table = app.query_one("#quick", QuickTable)
        table.add_column("one", width=WIDTH)
        table.add_below((partial(list, (cell(str(n), WIDTH),)), str(n)) for n in range(3))
        await pilot.pause()
        await pilot.click(table, offset=(4, 3))
        assert table.cursor_row == 2


async def test_two_rows_with_one_key_are_refused() -> None:
    app = Two()
    async with app.run_test(size=(60, 30)):
        table = app.query_one("#quick", QuickTable)
        table.add_column("one", width=WIDTH)
        with pytest.raises(DuplicateKey, match="'7'"):
            table.add_below([(list, "7"), (list, "7")])


async def test_rows_that_are_there_stay_drawn_and_those_out_of_view_are_not_made() -> None:
    app = Two()
    async with app.run_test(size=(60, 30)) as pilot:
        table = app.query_one("#quick", QuickTable)
        table.add_column("one", width=WIDTH)
        made: list[int] = []

        def cells(number: int) -> list[Text]:
            made.append(number)
            return [cell(str(number), WIDTH)]

        def more(begin: int, end: int) -> Iterator[tuple[Cells, str]]:
            return ((partial(cells, n), str(n)) for n in range(begin, end))

        table.add_below(more(0, 60))
        await pilot.pause()
        # As high as it is, it had its scroll bar before.
        first = table.render_line(1)
        table.add_below(more(60, 400))
        await pilot.pause()
        assert made == list(range(60))[: len(made)]
        assert table.render_line(1) is first
        table.move_cursor(row=399, animate=False)
        await pilot.pause()
        assert table.row_count == 400
        assert table.scroll_y > 300
        assert "399" in "\n".join(strip.text for strip in app.screen._compositor.render_strips())
