"""Pictures over time in the console: use, burn-down, counts by type, a calendar of what lapses."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from console_support import (
    HOSTILE,
    StillOpening,
    make_app,
    opened,
    press,
    screen_text,
    settled,
    type_in,
)
from support import START, HandClock, hours
from textual.pilot import Pilot
from textual.widgets import Input, Static

from entitlement_ledger.console.app import ConsoleApp
from entitlement_ledger.console.drawing import ASCII, BLOCKS
from entitlement_ledger.console.screens.calendar import CalendarScreen
from entitlement_ledger.console.screens.customers import CustomersScreen
from entitlement_ledger.console.screens.graph_counts import CountsScreen, percent
from entitlement_ledger.console.screens.graph_grant import BurnDownScreen, sentences
from entitlement_ledger.console.screens.graph_use import UseScreen
from entitlement_ledger.console.screens.ledger import LedgerHistoryScreen
from entitlement_ledger.console.widgets.paged_table import PagedTable
from entitlement_ledger.domain.instants import DAY, HOUR
from entitlement_ledger.errors import InputError
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.overviews import Step
from entitlement_ledger.settings import load_settings, settings_path

_AT_BOTH_SIZES = pytest.mark.parametrize(
    ("size", "graphics"),
    [((80, 24), "ascii"), ((120, 40), "blocks")],
    ids=["80x24", "120x40"],
)
DRAWN = set(BLOCKS.levels + BLOCKS.parts + BLOCKS.rest)


def app_of(store: str, graphics: str = "blocks") -> ConsoleApp:
    """Make a console that draws with an alphabet, whatever the terminal is."""
    settings = replace(make_app(store).opening.settings, console={"graphics": graphics})
    return ConsoleApp(StillOpening(settings, demo=False, read_only=False))


def shown_in(pilot: Pilot[Any], query: str) -> str:
    return str(pilot.app.screen.query_one(query, Static).render())


def rows(pilot: Pilot[Any]) -> list[Any]:
    return list(pilot.app.screen.query_one("#rows", PagedTable).rows_held)


async def back(pilot: Pilot[Any], times: int) -> None:
    """Press Esc some times, and wait once."""
    await pilot.press(*["escape"] * times)
    await settled(pilot)


def cells(pilot: Pilot[Any]) -> set[str]:
    """Give the characters that are on the screen, scroll bars aside."""
    return {cell for line in screen_text(pilot).splitlines() for cell in line[:-1]}


# Use


@_AT_BOTH_SIZES
async def test_the_use_of_a_balance_is_drawn_with_its_numbers(
    store: str, size: tuple[int, int], graphics: str
) -> None:
    app = app_of(store, graphics)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await press(pilot, "enter", "down", "v")
        assert isinstance(app.screen, UseScreen)
        graph = shown_in(pilot, "#graph")
        lines = graph.splitlines()
        by_name = {line.split()[0]: line.split()[1:] for line in lines if line.split()}
        # The last week began on Monday 23 February; the total stands behind it.
        assert by_name["consumed"][-2:] == ["350", "350"]
        assert by_name["issued"][-2:] == ["1,000", "1,000"]
        assert by_name["revoked"][-2:] == ["50", "50"]
        assert by_name["week"][-2:] == ["02-23", "total"]
        assert ("█" if graphics == "blocks" else "#") in lines[0]
        assert lines[0].split()[0] == "350"
        assert graphics == "blocks" or graph.isascii()
        assert bool(cells(pilot) & DRAWN) == (graphics == "blocks")
        assert "600 pt left" in shown_in(pilot, "#graph-title")
        assert max(map(len, lines)) <= size[0] - 2
        assert len(screen_text(pilot).splitlines()) == size[1]


async def test_use_goes_by_day_and_month_and_back_to_exactly_where_it_was(store: str) -> None:
    async with app_of(store).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "enter", "down", "v", "d")
        assert "12 days, 2026-02-18 to 2026-03-01 12:00 UTC" in shown_in(pilot, "#graph-title")
        consumed = shown_in(pilot, "#graph").splitlines()[-4].split()
        assert consumed == ["consumed", *["0"] * 10, "350", "0", "350"]
        await press(pilot, "m")
        assert "12 months, 2025-04-01" in shown_in(pilot, "#graph-title")
        assert " Feb " in shown_in(pilot, "#graph")
        await press(pilot, "escape")
        screen = pilot.app.screen
        assert isinstance(screen, CustomersScreen)
        balances = screen.query_one("#balances", PagedTable)
        assert screen.focused is balances
        assert balances.cursor_row == 1


async def test_a_grant_burns_down_and_says_how_long_it_may_last(store: str) -> None:
    async with app_of(store, "ascii").run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "enter", "down", "v", "enter")
        assert isinstance(pilot.app.screen, BurnDownScreen)
        page = shown_in(pilot, "#detail")
        assert "1,000 #" in page
        assert "############........ 600 pt left" in page
        assert (
            "Given 1,000 pt from 2026-02-27 12:00 on; of it 350 pt used, 50 pt taken back." in page
        )
        assert "It lapses on 2026-04-10 12:00." in page
        assert "At this pace, 350 pt since 2026-02-27 12:00, it runs out on 2026-03-04." in page
        assert "-350         650  consume" in page
        assert page.isascii()
        told = ("Given", "At this pace")
        assert all(len(line) <= 75 or line.startswith(told) for line in page.splitlines())
        await back(pilot, 2)
        assert isinstance(pilot.app.screen, CustomersScreen)


async def test_beside_balances_there_is_the_use_of_the_last_weeks_where_there_is_room(
    store: str,
) -> None:
    async with app_of(store).run_test(size=(80, 30)) as pilot:
        await opened(pilot)
        for width, used, held in ((80, False, False), (96, False, True), (120, True, True)):
            await pilot.resize_terminal(width, 30)
            # Tables are laid out anew some time after the screen has its size.
            for _ in range(50):
                await settled(pilot)
                if ("used 12 weeks" in screen_text(pilot)) == used:
                    break
            shown = screen_text(pilot).splitlines()
            header = next(line for line in shown if "entitlement" in line)
            assert ("used 12 weeks" in header) == used
            assert ("held" in header) == held
            line = next(line for line in shown if "PTS" in line)
            assert "████▊░░░" in line
            assert (line.count("█") == 5) == used


async def test_of_nothing_used_it_says_so_and_of_no_balance_too(store: str) -> None:
    app = app_of(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "enter", "v")
        assert "nothing was used in these 10 weeks" in shown_in(pilot, "#graph")
        await back(pilot, 2)
        await press(pilot, "slash")
        await type_in(pilot, "susp")
        await press(pilot, "enter", "v")
        assert isinstance(app.screen, CustomersScreen)
        assert "There is no balance" in [each.message for each in app._notifications][-1]


async def test_an_answer_that_comes_late_is_thrown_away(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_of(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "enter", "down")
        go, real = threading.Event(), Ledger.use

        def held_back(ledger: Ledger, *args: Any, step: Step = Step.WEEK, **asked: Any) -> Any:
            if step is Step.WEEK:
                go.wait(10)
            return real(ledger, *args, step=step, **asked)

        monkeypatch.setattr(Ledger, "use", held_back)
        await pilot.press("v")
        await pilot.pause()
        await pilot.press("m")
        while "months" not in shown_in(pilot, "#graph-title"):
            await pilot.pause(0.02)
        go.set()
        await settled(pilot)
        assert "10 months" in shown_in(pilot, "#graph-title")


# Counts by type


@_AT_BOTH_SIZES
async def test_types_are_counted_over_time_with_shares(
    store: str, size: tuple[int, int], graphics: str
) -> None:
    app = app_of(store, graphics)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await press(pilot, "2", "v")
        assert isinstance(app.screen, CountsScreen)
        found = {each.type: each.total for each in rows(pilot)}
        assert found == {"all": 11, "issue": 8, "consume": 1, "adjust": 1, "refused": 1}
        text = screen_text(pilot)
        for expected in ("72.7%", "✗ refused", "all: 11, most 11 in the week of 2026-02-23"):
            assert expected in text, text
        assert bool(cells(pilot) & DRAWN) == (graphics == "blocks")
        await press(pilot, "j", "j", "d")
        counts = rows(pilot)[2]
        assert (counts.type, sum(counts.counts)) == ("adjust", 1)
        assert "adjust: 1, most 1 in 2026-03-01, 1 in the last day" in shown_in(pilot, "#graph")


async def test_counts_are_of_the_filter_which_is_still_there_afterwards(store: str) -> None:
    app = app_of(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "2")
        app.screen.query_one("#filter", Input).value = "customer:C1 until:2026-03-01"
        await settled(pilot)
        await press(pilot, "down", "v")
        assert {each.type: each.total for each in rows(pilot)} == {
            "all": 3, "issue": 2, "consume": 1
        }  # fmt: skip
        title = shown_in(pilot, "#graph-title")
        assert "to 2026-02-28 23:59" in title
        assert "filter: customer:C1" in title
        await press(pilot, "escape")
        screen = app.screen
        assert isinstance(screen, LedgerHistoryScreen)
        assert screen.query_one("#filter", Input).value == "customer:C1 until:2026-03-01"
        assert screen.table.cursor_row == 1


async def test_what_lies_outside_is_said(store: str) -> None:
    with Ledger.open(store, clock=HandClock(START + 400 * DAY)) as ledger:
        counts = ledger.counts(step=Step.DAY, pieces=3)
        assert (counts.types, counts.before, counts.after) == ((), 11, 0)
        then = ledger.counts(step=Step.DAY, pieces=1, at=START - 21 * HOUR)
        assert (then.before, then.after) == (1, 9)
        assert [(each.type, each.total) for each in then.types] == [("consume", 1)]
    app = app_of(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "at")
        app.screen.query_one("#at", Input).value = "2026-02-28"
        await press(pilot, "enter", "2", "v", "d")
        assert {each.type: each.total for each in rows(pilot)} == {"all": 1, "issue": 1}
        assert "to 2026-02-28 00:00 UTC" in shown_in(pilot, "#graph-title")


# The calendar


async def travelled(pilot: Pilot[Any], at: str) -> None:
    await press(pilot, "at")
    pilot.app.screen.query_one("#at", Input).value = at
    await press(pilot, "enter")


async def test_a_calendar_shows_what_lapses_and_leads_to_the_grants(store: str) -> None:
    app = app_of(store, "ascii")
    async with app.run_test(size=(60, 20)) as pilot:
        await opened(pilot)
        await press(pilot, "l")
        assert isinstance(app.screen, CalendarScreen)
        assert "2026-03  nothing lapses, of C1" in shown_in(pilot, "#month-title")
        assert "* 1" in shown_in(pilot, "#grid")
        await press(pilot, "l")
        for width, height, day in ((60, 20, ">10# "), (80, 24, ">10# "), (120, 40, ">10#1")):
            await pilot.resize_terminal(width, height)
            await settled(pilot)
            assert "2026-04  1 grant lapses, of C1" in shown_in(pilot, "#month-title")
            assert day in shown_in(pilot, "#grid")
            assert cells(pilot) & DRAWN == set()
            lines = screen_text(pilot).splitlines()
            for expected in (" Sun", "> the day of", "* today", " 600 ", "04-10", "PTS"):
                assert any(expected in line for line in lines), (width, expected)
        (row,) = rows(pilot)
        assert (row.quantity, row.held, row.grants) == (600, 0, 1)
        await press(pilot, "enter")
        assert "one grant" in shown_in(pilot, "#month-title")
        await press(pilot, "enter")
        assert isinstance(app.screen, BurnDownScreen)
        await back(pilot, 2)
        assert isinstance(app.screen, CalendarScreen)
        await press(pilot, "left")
        assert shown_in(pilot, "#month-title").startswith("2026-03")
        await press(pilot, "h", "right", "right", "right", "t")
        assert shown_in(pilot, "#month-title").startswith("2026-03")
        await press(pilot, "escape")
        screen = app.screen
        assert isinstance(screen, CustomersScreen)
        assert screen.focused is screen.query_one("#list")


async def test_a_calendar_goes_along_to_another_moment_until_a_month_is_asked(store: str) -> None:
    app = app_of(store, "ascii")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "l")
        await travelled(pilot, "2026-02-28")
        assert shown_in(pilot, "#month-title").startswith("2026-02")
        await press(pilot, "l")
        assert shown_in(pilot, "#month-title").startswith("2026-03")
        await travelled(pilot, "2026-02-28T06:00:00Z")
        assert shown_in(pilot, "#month-title").startswith("2026-03")
        await press(pilot, "t")
        assert shown_in(pilot, "#month-title").startswith("2026-02")


async def test_the_calendar_of_all_is_there_from_everywhere(store: str) -> None:
    app = app_of(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "3", "L")
        assert isinstance(app.screen, CalendarScreen)
        assert "of all customers" in shown_in(pilot, "#month-title")
        await press(pilot, "L", "escape")
        assert app.current_mode == "audit"
        assert not isinstance(app.screen, CalendarScreen)


async def test_pictures_are_of_the_moment_that_is_shown(store: str) -> None:
    app = app_of(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "at")
        app.screen.query_one("#at", Input).value = hours(-36)
        await press(pilot, "enter", "enter", "down", "v")
        assert "nothing was used" in shown_in(pilot, "#graph")
        assert "1,000 pt left" in shown_in(pilot, "#graph-title")
        await press(pilot, "enter")
        assert "Given 1,000 pt from 2026-02-27 12:00 on; nothing of it is gone." in shown_in(
            pilot, "#detail"
        )
        await back(pilot, 2)
        await press(pilot, "l", "l", "l")
        (row,) = rows(pilot)
        assert row.quantity == 1000


async def test_hostile_text_is_harmless_in_pictures(store: str) -> None:
    app = app_of(store)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        for customer, shown in {"H1": "by Bob[/red]", "H2": "]52;c"}.items():
            app.open_customer(customer)
            await settled(pilot)
            await press(pilot, "v", "enter")
            assert isinstance(app.screen, BurnDownScreen)
            text = screen_text(pilot)
            assert all(line.isprintable() for line in text.splitlines())
            assert shown in text
            await back(pilot, 2)
        await press(pilot, "2")
        app.screen.query_one("#filter", Input).value = HOSTILE["H5"]
        await press(pilot, "v")
        assert isinstance(app.screen, CountsScreen)
        assert HOSTILE["H5"] in shown_in(pilot, "#graph-title")
        assert [each.total for each in rows(pilot)] == [1, 1]


# Questions and settings


def test_what_cannot_be_asked_is_said(store: str) -> None:
    with Ledger.open(store, clock=HandClock()) as ledger:
        for grant in ("G1", "nothing", "G999999999999999999999.1", "G٣.1", "G99.1"):
            with pytest.raises(InputError, match=r"^no grant .*: `entl explain` tells"):
                ledger.burn_down(grant)
        with pytest.raises(InputError, match="history begins"):
            ledger.use("C1", at=START - 9000 * DAY)
        with pytest.raises(InputError, match="no customer 'C9'"):
            ledger.lapses(customer="C9")
        with pytest.raises(InputError, match="1 to 400 pieces"):
            ledger.counts(pieces=401)
        for month in (-6 * 10**16, 25 * 10**16):
            assert ledger.lapses(month).days == ()


def test_sentences_tell_of_grants_at_their_end(store: str) -> None:
    with Ledger.open(store, clock=HandClock()) as ledger:
        grant = ledger.explain("C1", "PTS").parts[0].grant.id
        lapsed = ledger.burn_down(grant, at=START + 1000 * HOUR)
        assert sentences(lapsed)[1] == "It lapsed on 2026-04-10 12:00."
        assert (lapsed.left, lapsed.expired, lapsed.pace) == (0, 600, None)
        soon = ledger.burn_down(grant, at=START + 940 * HOUR)
        # Nothing was used of it in the 30 days before: so nothing is said of a pace.
        assert soon.pace is None
        slow = ledger.burn_down(grant, at=START + 25 * DAY)
        assert slow.pace is not None
        assert slow.pace.lapses == 600 - 350 * 15 // 27
        assert sentences(slow)[2] == (
            "At this pace, 350 pt since 2026-02-27 12:00, 406 pt will lapse unused."
        )


def test_a_share_is_cut_and_not_rounded() -> None:
    assert [percent(part, 3) for part in (0, 1, 2, 3)] == ["0.0%", "33.3%", "66.6%", "100.0%"]
    assert percent(0, 0) == "0.0%"
    assert percent(9, 10_000) == "<0.1%"


def test_graphics_come_from_the_environment_the_file_or_are_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load_settings().console["graphics"] == "auto"
    settings_path().parent.mkdir(parents=True, exist_ok=True)
    settings_path().write_text('[console]\ngraphics = "ascii"\n')
    settings = load_settings()
    assert settings.console["graphics"] == "ascii"
    assert settings.origins["console.graphics"] == "file"
    monkeypatch.setenv("ENTL_GRAPHICS", "blocks")
    settings = load_settings()
    assert settings.console["graphics"] == "blocks"
    assert settings.origins["console.graphics"] == "ENTL_GRAPHICS"
    monkeypatch.setenv("ENTL_GRAPHICS", "block")
    with pytest.raises(InputError, match=r"block is not one of auto, blocks, ascii.*blocks\?$"):
        load_settings()
    monkeypatch.delenv("ENTL_GRAPHICS")
    settings_path().write_text('[console]\ngraphics = "pixels"\n')
    with pytest.raises(InputError, match=r"console.graphics must be one of auto, blocks, ascii"):
        load_settings()


def test_a_plain_terminal_gets_ascii(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_app(store).letters is BLOCKS
    monkeypatch.setenv("TERM", "linux")
    assert make_app(store).letters is ASCII
    monkeypatch.setenv("TEXTUAL_DRIVER", "textual.drivers.web_driver:WebDriver")
    assert make_app(store).letters is BLOCKS
