"""Every screen is of use at 60 by 20, and the footer always names help and what leaves."""

from __future__ import annotations

from typing import Any

import pytest
from console_support import make_app, opened, press, screen_text, settled
from test_snapshots import reconcile_once
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import DataTable, Input

from entitlement_ledger.console.widgets.chrome import Breadcrumb

LEAST = (60, 20)
WALKS: dict[str, tuple[str, ...]] = {
    "modes": ("1", "2", "3", "4", "5", "6", "7", "8"),
    "drilling": ("2 end enter", "escape 1 enter down enter", "escape i", "escape 7 enter", "e"),
    "reconciling": ("6 enter", "enter enter", "escape escape n"),
}
DIALOGS = (
    "question_mark",
    "escape at",
    "escape equals_sign",
    "escape enter down w",
    "escape space",
    "escape colon",
)


def outside(pilot: Pilot[Any]) -> list[str]:
    """Give what reaches beyond the screen, that aside which scrolls within something."""
    width, height = pilot.app.size
    found = []
    for each in pilot.app.screen.walk_children(Widget):
        region = each.region
        scrolled = any(
            isinstance(above, Widget) and (above.max_scroll_x or above.max_scroll_y)
            for above in each.ancestors
        )
        if region.area and not scrolled and (region.right > width or region.bottom > height):
            found.append(f"{each!r} {region}")
    return found


@pytest.mark.parametrize("walk", WALKS)
async def test_each_screen_fits_at_the_least_size(store: str, walk: str) -> None:
    async with make_app(store).run_test(size=LEAST) as pilot:
        await opened(pilot)
        if walk == "reconciling":
            reconcile_once(pilot)
        for keys in WALKS[walk]:
            await press(pilot, *keys.split())
            assert outside(pilot) == [], keys
            text = screen_text(pilot)
            footer = text.splitlines()[-1].rstrip()
            typing = isinstance(pilot.app.focused, Input)
            assert ("f1 Help" if typing else "? Help") in footer, keys
            assert footer.endswith(" ^q Quit" if typing else " q Quit"), keys
            assert "are needed" not in text
            for table in pilot.app.screen.query(DataTable):
                assert table.region.height >= 2, keys


async def test_each_dialog_fits_at_the_least_size(store: str) -> None:
    async with make_app(store).run_test(size=LEAST) as pilot:
        await opened(pilot)
        for keys in DIALOGS:
            await press(pilot, *keys.split())
            assert len(pilot.app.screen_stack) == 2, keys
            assert outside(pilot) == [], keys


@pytest.mark.parametrize("mode", ["1", "4", "6"])
async def test_the_footer_names_help_and_quit_at_any_width(store: str, mode: str) -> None:
    async with make_app(store).run_test(size=(200, 24)) as pilot:
        await opened(pilot)
        await press(pilot, mode)
        lengths = []
        for width in (200, 120, 93, 80, 73, 60, 80):
            await pilot.resize_terminal(width, 24)
            await settled(pilot)
            footer = screen_text(pilot).splitlines()[-1].rstrip()
            assert "? Help" in footer, width
            assert footer.endswith(" q Quit"), width
            lengths.append(len(footer))
        assert lengths[:-1] == sorted(lengths[:-1], reverse=True)
        assert lengths[-1] == lengths[3]


async def test_the_footer_of_the_queue_names_all_of_its_work(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "3", "m", "ctrl+s")
        footer = screen_text(pilot).splitlines()[-1]
        for label in ("Reviewed", "Flag", "Unreviewed", "Export", "Back", "? Help", "q Quit"):
            assert label in footer, footer


async def test_a_long_name_leaves_room_for_who_it_is_of(store: str) -> None:
    async with make_app(store).run_test(size=LEAST) as pilot:
        await opened(pilot)
        await press(pilot, "slash", "h", "4", "enter")
        shown = screen_text(pilot)
        assert "NNN…" in shown
        assert "H4 · " in shown


async def test_what_is_cut_above_a_screen_says_so(store: str) -> None:
    async with make_app(store).run_test(size=LEAST) as pilot:
        await opened(pilot)
        pilot.app.screen.query_one(Breadcrumb).show("Customers", "x" * 60)
        await settled(pilot)
        assert screen_text(pilot).splitlines()[0].rstrip().endswith("x…")


async def test_two_moments_are_compared_below_each_other_where_there_is_no_room(
    store: str,
) -> None:
    async with make_app(store).run_test(size=LEAST) as pilot:
        await opened(pilot)
        await press(pilot, "equals_sign", *"-1d", "enter")
        lines = [" ".join(line.strip(" │").split()) for line in screen_text(pilot).splitlines()]
        assert any("before after difference" in line for line in lines), lines
        (numbers,) = (line for line in lines if "0.00 12.50 +12.50 ▲" in line)
        assert "CRD" not in numbers
        assert any("CRD available" in line for line in lines)


async def test_what_there_is_no_room_for_comes_back_with_the_room(store: str) -> None:
    async with make_app(store).run_test(size=(120, 24)) as pilot:
        await opened(pilot)
        wide = screen_text(pilot).splitlines()[-1]
        await pilot.resize_terminal(60, 24)
        await settled(pilot)
        assert "Screens" in wide
        assert "Screens" not in screen_text(pilot).splitlines()[-1]
        assert "Adjust" in screen_text(pilot).splitlines()[-1], "what is of the screen comes first"
        await pilot.resize_terminal(120, 24)
        await settled(pilot)
        assert screen_text(pilot).splitlines()[-1] == wide


async def test_without_room_a_line_says_how_much_is_needed(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        for size in ((59, 20), (60, 19), (20, 5)):
            before = screen_text(pilot)
            await pilot.resize_terminal(*size)
            await settled(pilot)
            said = " ".join(screen_text(pilot).split())
            assert said == f"60 by 20 are needed, this is {size[0]} by {size[1]}"
            await pilot.resize_terminal(80, 24)
            await settled(pilot)
            assert screen_text(pilot) == before
            await press(pilot, "2")


async def test_nothing_is_done_on_a_screen_there_is_no_room_for_but_to_leave(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "3")
        before = pilot.app.screen
        await pilot.resize_terminal(40, 15)
        await press(pilot, "d", "1", "i", "question_mark")
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert pilot.app.screen is before
        assert "0 of " in screen_text(pilot)
        await pilot.resize_terminal(40, 15)
        await press(pilot, "q")
        assert pilot.app._exit


async def test_the_status_is_seen_and_whose_it_is_of_what(store: str) -> None:
    async with make_app(store).run_test(size=LEAST) as pilot:
        await opened(pilot)
        shown = screen_text(pilot)
        assert "C1 Name" in shown and "C1 · c1@example.com" in shown
        assert "✓ 2026-02-27 issue     1,000 PTS" in shown
        assert "CRD" in shown and "never" in shown
        await press(pilot, "2")
        shown = screen_text(pilot)
        assert "2026-03-01 adjust   C1           -50 PTS       ✓ completed" in shown
        assert "✗ insuffic…" in shown
        for table in pilot.app.screen.query(DataTable):
            assert table.max_scroll_x == 0


async def test_no_more_is_narrowed_than_has_to_be(store: str) -> None:
    async with make_app(store).run_test(size=(73, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "2")
        assert "2026-03-01 adjust    C1                -50 PTS" in screen_text(pilot)


async def test_what_does_not_fit_in_a_table_is_scrolled_to(store: str) -> None:
    async with make_app(store).run_test(size=LEAST) as pilot:
        await opened(pilot)
        await press(pilot, "8")
        table = pilot.app.screen.query_one(DataTable)
        assert table.max_scroll_x > 0
        await pilot.press("right", "right")
        await settled(pilot)
        assert table.scroll_x > 0
