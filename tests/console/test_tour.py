"""The tour: it goes along with what is pressed, can be left, and says the user's own keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from console_support import make_app, opened, press, screen_text, settled, type_in
from textual.pilot import Pilot
from textual.widgets import Input

from entitlement_ledger.console.app import ConsoleApp
from entitlement_ledger.console.tour import STEPS, Tour
from entitlement_ledger.console.widgets.paged_table import PagedTable

SIZES = [(80, 24), (120, 40)]


async def began(pilot: Pilot[Any], *, demo: bool = True, read_only: bool = False) -> ConsoleApp:
    """Begin the tour, as over the demo."""
    await opened(pilot)
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    assert app.session is not None
    app.session.demo, app.session.read_only = demo, read_only
    await press(pilot, "T")
    return app


def words(pilot: Pilot[Any]) -> str:
    """Give what is on the screen, lines joined."""
    return " ".join(screen_text(pilot).split())


@pytest.mark.parametrize("size", SIZES)
async def test_it_goes_on_by_itself_when_what_it_asks_for_is_done(
    store: str, size: tuple[int, int]
) -> None:
    async with make_app(store).run_test(size=size) as pilot:
        await began(pilot)
        assert "TOUR 1/6 Find a customer" in words(pilot)
        await press(pilot, "1", "slash")
        await type_in(pilot, "c1")
        assert "TOUR 1/6" in words(pilot)
        await press(pilot, "enter")
        assert "TOUR 2/6 Read a balance" in words(pilot)
        assert "Found while you typed" in words(pilot)
        await press(pilot, "enter", "enter")
        assert "TOUR 3/6 Make a change" in words(pilot)
        assert "Every number comes from" in words(pilot)
        await press(pilot, "escape", "i")
        assert "TOUR 3/6" in words(pilot)
        await type_in(pilot, "5")
        pilot.app.screen.query_one("#reason", Input).value = "tour"
        await press(pilot, "ctrl+s", "tab", "enter")
        assert "TOUR 4/6 Filter" in words(pilot)
        assert "Recorded with your name" in words(pilot)
        await press(pilot, "enter", "2")
        assert "TOUR 4/6 Filter" in words(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "type:consume status:refused")
        await press(pilot, "enter")
        assert "TOUR 5/6 Ask for the proof" in words(pilot)
        await press(pilot, "3")
        assert "TOUR 5/6" in words(pilot)
        await press(pilot, "enter")
        assert "TOUR 6/6 Alerts and reports" in words(pilot)
        assert "`entl proof`" in words(pilot)
        await press(pilot, "4")
        assert "TOUR 6/6" in words(pilot)
        await press(pilot, "7")
        assert "TOUR ✓ That is all" in words(pilot)
        assert "T begins the tour again" in words(pilot)
        await press(pilot, "ctrl+g")
        assert "TOUR" not in words(pilot)


async def test_it_can_be_left_at_any_time_and_is_gone_everywhere(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        app = await began(pilot)
        await press(pilot, "2", "3", "enter")
        assert "TOUR 1/6" in words(pilot)
        await press(pilot, "ctrl+t")
        assert app.tour is None
        for key in ("escape", "1", "2", "3"):
            assert "TOUR" not in words(pilot)
            assert not app.screen.query("#tour")
            await press(pilot, key)
        await press(pilot, "ctrl+g", "ctrl+o")
        assert app.tour is None
        await press(pilot, "T")
        assert "TOUR 1/6" in words(pilot)


async def test_it_can_be_left_and_passed_over_while_typing(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await began(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "T")
        await press(pilot, "ctrl+g", "ctrl+g", "ctrl+o")
        assert "TOUR 2/6" in words(pilot)
        assert pilot.app.screen.query_one("#search", Input).value == "T"
        await press(pilot, "ctrl+t")
        assert "TOUR" not in words(pilot)


@pytest.mark.parametrize("given", [{"demo": False}, {"read_only": True}])
async def test_outside_the_demo_no_change_is_asked_for(store: str, given: dict[str, bool]) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await began(pilot, **given)
        await press(pilot, "ctrl+g", "ctrl+g")
        assert "TOUR 3/6" in words(pilot)
        assert "Try it in the demo: here, ctrl+g goes on." in words(pilot)
        assert "confirm" not in words(pilot)


@pytest.mark.parametrize("trying", [True, False])
async def test_every_step_leaves_room_and_is_not_cut(store: str, trying: bool) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        app = await began(pilot, demo=trying)
        for place in range(len(STEPS) + 1):
            app.tour = Tour(trying, place, done=place > 0)
            app._show_tour()
            await pilot.pause()
            table = app.screen.query_one("#list", PagedTable)
            assert table.size.height >= 10
            assert app.tour.asks.split()[-1] in words(pilot)
            assert "{" not in words(pilot)


@pytest.mark.parametrize("width", [60, 80])
async def test_a_form_is_still_usable_under_it(store: str, width: int) -> None:
    async with make_app(store).run_test(size=(width, 24)) as pilot:
        await began(pilot)
        await press(pilot, "ctrl+g", "ctrl+g", "i")
        shown = words(pilot)
        assert "TOUR 3/6" in shown
        for field in ("quantity", "reason", "reference", "Preview"):
            assert field in shown


KEYS: Mapping[str, str] = {"go_ledger": "f8", "tour_next": "f7", "ledger.search": "f", "tour": "f6"}


async def test_it_names_my_keys(store: str) -> None:
    async with make_app(store, keys=KEYS).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "f6", "f7", "f7", "f7")
        assert "f8 lists all transactions. f filters" in words(pilot)
        assert "f7 next" in words(pilot)


async def test_only_the_demo_offers_it_and_help_has_its_keys_only_on_it(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        assert not app._notifications
        assert app.session is not None
        app.session.demo = True
        app._opened(app.session)
        await settled(pilot)
        assert [each.message for each in app._notifications] == ["T shows you around in six steps."]
        names = {each.name for each in app.actions_here(app.screen)}
        assert "tour" in names
        assert "leave_tour" not in names
        await press(pilot, "T")
        assert not app._notifications, "it would lie over what the tour says"
        assert "leave_tour" in {each.name for each in app.actions_here(app.screen)}


async def test_the_palette_begins_it(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "colon")
        await type_in(pilot, "shown around")
        await press(pilot, "enter")
        assert "TOUR 1/6" in words(pilot)


def test_a_step_passed_over_is_not_praised() -> None:
    tour = Tour(trying=True)
    tour.pass_over()
    assert tour.reached == ""
    assert not tour.saw(STEPS[0].goal)
    assert tour.saw(STEPS[1].goal)
    assert tour.reached == STEPS[1].reached
    tour.go_back()
    assert (tour.place, tour.reached) == (1, "")
