"""Each screen at both sizes, as it was when somebody last looked at it and found it good."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from billing_support import sold, write
from console_support import make_app, opened, press, type_in
from test_alerts import ledger_of
from textual.pilot import Pilot
from textual.widgets import Input

from entitlement_ledger.reconciliations import Against

SIZES = [(80, 24), (120, 40)]
PATHS: dict[str, tuple[str, ...]] = {
    "customers": (),
    "ledger": ("2",),
    "audit": ("3",),
    "alerts": ("4",),
    "transaction": ("2", "end", "enter"),
    "explanation": ("enter", "down", "enter"),
    "issue": ("enter", "down", "i"),
    "run": ("6", "enter"),
    "discrepancy": ("6", "enter", "enter", "enter"),
    "report": ("7", "enter"),
    "reconcile": ("6",),
    "reports": ("7",),
    "catalogue": ("8",),
    "checks": ("5",),
    "why": ("enter", "down", "w"),
    "situation": ("o",),
    "use": ("enter", "down", "v"),
    "counts": ("2", "v"),
    "lapses": ("L",),
    "sample": ("3", "m"),
    "travel": ("at",),
    "help": ("question_mark",),
}


@pytest.fixture(autouse=True)
def settings_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Help names the folder of the settings: the same one each time."""
    monkeypatch.setenv("ENTL_CONFIG", "/settings-of-nobody")


def reconcile_once(pilot: Pilot[Any]) -> None:
    """Reconcile two invoice lines for which nothing was given."""
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "sales.csv", [sold("I1"), sold("I2", 125, entitlement="CRD")])
        ledger_of(pilot).reconcile(path, Against.BILLING, actor="finance")


def going(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def run_before(pilot: Pilot[Any]) -> None:
        await opened(pilot)
        if "6" in keys:
            reconcile_once(pilot)
        await press(pilot, *keys)
        if keys == ("6",):
            # The root of a journal is another each time: each customer has a key of chance.
            pilot.app.screen.query_one("#event-text").visible = False
        if "m" in keys:
            pilot.app.screen.query_one("#seed", Input).value = "2026-Q3"
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


@pytest.mark.parametrize("screen", PATHS)
def test_the_light_theme(snap_compare: Any, store: str, screen: str) -> None:
    app = make_app(store, theme="ledger-light")
    assert snap_compare(app, terminal_size=(80, 24), run_before=going(*PATHS[screen]))


@pytest.mark.parametrize("screen", PATHS)
def test_without_colours(
    snap_compare: Any, store: str, screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(store)
    assert snap_compare(app, terminal_size=(80, 24), run_before=going(*PATHS[screen]))
