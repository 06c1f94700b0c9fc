"""Each screen at both sizes, as it was when somebody last looked at it and found it good."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from console_support import make_app, opened, press, type_in
from textual.pilot import Pilot

SIZES = [(80, 24), (120, 40)]
PATHS: dict[str, tuple[str, ...]] = {
    "customers": (),
    "ledger": ("2",),
    "audit": ("3",),
    "alerts": ("4",),
    "transaction": ("2", "end", "enter"),
    "explanation": ("enter", "down", "enter"),
    "issue": ("enter", "down", "i"),
}


def going(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def run_before(pilot: Pilot[Any]) -> None:
        await opened(pilot)
        await press(pilot, *keys)
        if "i" in keys:
            await type_in(pilot, "40")
            pilot.app.screen.query_one("#reason").focus()
            await type_in(pilot, "parcel late")
            await press(pilot, "ctrl+s")

    return run_before


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
@pytest.mark.parametrize("screen", PATHS)
def test_the_screen_looks_as_it_did(
    snap_compare: Any, store: str, screen: str, size: tuple[int, int]
) -> None:
    app = make_app(store)
    assert snap_compare(app, terminal_size=size, run_before=going(*PATHS[screen]))


def test_the_light_theme(snap_compare: Any, store: str) -> None:
    app = make_app(store, theme="ledger-light")
    assert snap_compare(app, terminal_size=(80, 24), run_before=going())
