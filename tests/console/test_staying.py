"""Whoever comes back to a list is where they were, whatever was recorded meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from console_support import make_app, opened, press, settled
from support import command
from textual.pilot import Pilot

from entitlement_ledger.console.app import ConsoleApp
from entitlement_ledger.console.screens.paged import PagedScreen


def listed(pilot: Pilot[Any]) -> PagedScreen[Any, Any, Any]:
    assert isinstance(pilot.app.screen, PagedScreen)
    return pilot.app.screen


async def record(pilot: Pilot[Any], key: str) -> None:
    """Record something behind the list, as another screen does."""
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    assert app.session is not None
    (done,) = app.session.ledger.post([command("issue", key, quantity=7)], actor="x")
    assert done.code is None
    app._changed()
    await settled(pilot)


@pytest.mark.parametrize("mode", ["2", "3"])
async def test_the_cursor_stays_on_its_row_when_something_is_recorded(
    store: str, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr("entitlement_ledger.console.screens.paged.PAGE", 4)
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, mode, "G", "G", "k")
        screen = listed(pilot)
        there, row = screen.table.selected, screen.table.cursor_row
        assert row > 4, "on a further page"
        await press(pilot, "r")
        assert (screen.table.selected, screen.table.cursor_row) == (there, row)
        await record(pilot, "meanwhile")
        assert screen.table.cursor_row == row + 1
        assert getattr(screen.table.selected, "sequence", screen.table.selected) == getattr(
            there, "sequence", there
        )


@pytest.mark.parametrize("mode", ["2", "3"])
async def test_another_filter_begins_at_the_top(store: str, mode: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, mode, "G")
        assert listed(pilot).table.cursor_row > 0
        await press(pilot, "slash", "t", "enter")
        assert listed(pilot).table.cursor_row == 0
