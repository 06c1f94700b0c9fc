"""A table's cells are drawn without being measured, and look as Textual would have drawn them."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import App, ComposeResult
from textual.widgets import DataTable

from entitlement_ledger.console.widgets.quick_table import QuickTable
from entitlement_ledger.console.wording import cell

WIDTH = 12
_texts = st.lists(st.tuples(st.text(max_size=20), st.booleans(), st.sampled_from(["", "red"])),
                  min_size=1, max_size=8)  # fmt: skip


class Two(App[None]):
    """The same rows in both tables."""

    def compose(self) -> ComposeResult:
        yield QuickTable(id="quick", cursor_type="row", cell_padding=0)
        yield DataTable[Text](id="slow", cursor_type="row", cell_padding=0)


def looks(lines: list[list[Segment]]) -> list[tuple[str, Style | None]]:
    """Give each character with its style: how a line is cut into pieces is not seen."""
    return [
        (character, piece.style) for line in lines for piece in line for character in piece.text
    ]


def seen(cells: list[tuple[str, Style | None]]) -> list[tuple[object, ...]]:
    """Give what of it can be seen: a space has no colour but its ground's."""
    return [
        (shown, style and style.bgcolor, style and shown.strip() and (style.color, style.bold))
        for shown, style in cells
    ]


async def _alike(rows: list[tuple[str, bool, str]]) -> None:
    app = Two()
    async with app.run_test(size=(60, 30)) as pilot:
        quick = app.query_one("#quick", QuickTable)
        slow = app.query_one("#slow", DataTable)
        cells = [cell(text, WIDTH, right=right, style=style) for text, right, style in rows]
        for table in (quick, slow):
            table.add_column("one", width=WIDTH + 1)
        for place, each in enumerate(cells):
            slow.add_row(each, key=str(place))
        quick.add_below(([each], str(place)) for place, each in enumerate(cells))
        app.screen.set_focus(None)
        await pilot.pause()
        assert quick.virtual_size == slow.virtual_size
        for place in range(len(cells)):
            for cursor in (False, True):
                ours, theirs = (
                    looks(table._render_cell(place, 0, Style(), WIDTH + 1, cursor))
                    for table in (quick, slow)
                )
                assert seen(ours) == seen(theirs)


@settings(max_examples=25, deadline=None)
@given(_texts)
def test_cells_look_as_textual_draws_them(rows: list[tuple[str, bool, str]]) -> None:
    asyncio.run(_alike(rows))


async def test_rows_that_are_there_stay_drawn_when_more_come() -> None:
    app = Two()
    async with app.run_test(size=(60, 30)) as pilot:
        table = app.query_one("#quick", QuickTable)
        table.add_column("one", width=WIDTH)
        table.add_below(([cell(str(n), WIDTH)], str(n)) for n in range(60))
        await pilot.pause()
        # As high as it is, it had its scroll bar before.
        first = table._render_cell(0, 0, Style(), WIDTH)
        table.add_below(([cell(str(n), WIDTH)], str(n)) for n in range(60, 400))
        await pilot.pause()
        assert table._render_cell(0, 0, Style(), WIDTH) is first
        table.move_cursor(row=399, animate=False)
        await pilot.pause()
        assert table.row_count == 400
        assert table.scroll_y > 300
        assert "399" in "\n".join(strip.text for strip in app.screen._compositor.render_strips())
