"""What is copied goes to the terminal and into a file, and a toast says which."""

from __future__ import annotations

import base64
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from console_support import make_app, opened, press, screen_text, settled
from textual.pilot import Pilot
from textual.widgets import Static

from entitlement_ledger.console import clipboard
from entitlement_ledger.console.app import ConsoleApp


def state() -> Path:
    return Path(os.environ["ENTL_STATE"])


def app_that_copies(store: str, how: str | None) -> ConsoleApp:
    app = make_app(store)
    if how is not None:
        app.opening.settings = replace(app.opening.settings, console={"clipboard": how})
    return app


def watch_terminal(pilot: Pilot[Any], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect what goes to the terminal as OSC 52, as text."""
    sent: list[str] = []
    driver = pilot.app._driver
    assert driver is not None
    write = driver.write

    def watched(data: str) -> None:
        if data.startswith("\x1b]52;c;"):
            sent.append(base64.b64decode(data[7:-1]).decode())
        write(data)

    monkeypatch.setattr(driver, "write", watched)
    return sent


@pytest.mark.parametrize(
    ("how", "terminal", "file", "said"),
    [
        (None, True, True, "Copied; it is in"),
        ("both", True, True, "Copied; it is in"),
        ("osc52", True, False, "Copied, if the terminal can."),
        ("file", False, True, "Copied into"),
    ],
)
async def test_it_goes_where_the_settings_say(
    store: str,
    monkeypatch: pytest.MonkeyPatch,
    how: str | None,
    terminal: bool,
    file: bool,
    said: str,
) -> None:
    async with app_that_copies(store, how).run_test(size=(120, 40), notifications=True) as pilot:
        await opened(pilot)
        sent = watch_terminal(pilot, monkeypatch)
        await press(pilot, "y")
        kept = state() / "clipboard.txt"
        assert sent == (["C1"] if terminal else [])
        assert kept.exists() is file
        assert said in screen_text(pilot)
        if file:
            assert kept.read_text("utf-8") == "C1"
            assert stat.S_IMODE(kept.stat().st_mode) == 0o600
            # Wherever the lines of the toast end: a folder's name may be long.
            assert any("clipboard.txt" in each.message for each in pilot.app._notifications)


async def test_the_file_is_replaced_whole_and_nothing_is_left_beside_it(store: str) -> None:
    kept = state() / "clipboard.txt"
    kept.write_text("x" * 5000)
    kept.chmod(0o644)
    async with make_app(store).run_test(size=(80, 24), notifications=True) as pilot:
        await opened(pilot)
        await press(pilot, "y", "down", "y")
    assert kept.read_text() == "C2"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [each.name for each in state().iterdir()] == ["clipboard.txt"]


async def test_a_file_that_cannot_be_written_is_named_and_the_terminal_is_told(
    store: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    full = tmp_path / "file"
    full.write_text("in the way")
    monkeypatch.setenv("ENTL_STATE", str(full / "state"))
    async with make_app(store).run_test(size=(120, 40), notifications=True) as pilot:
        await opened(pilot)
        sent = watch_terminal(pilot, monkeypatch)
        await press(pilot, "y")
        assert sent == ["C1"]
        assert any("cannot be written" in each.message for each in pilot.app._notifications)


async def test_what_the_mouse_has_marked_is_copied_in_the_same_way(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_app(store).run_test(size=(120, 40), notifications=True) as pilot:
        await opened(pilot)
        sent = watch_terminal(pilot, monkeypatch)
        head = pilot.app.screen.query_one("#head", Static)
        await pilot.mouse_down(head, offset=(0, 0))
        await pilot.hover(head, offset=(6, 0))
        await pilot.mouse_up(head, offset=(7, 0))
        await settled(pilot)
        await press(pilot, "ctrl+c")
        (marked,) = sent
        assert marked in "C1 Name  ● active"
        assert len(marked) > 3
        assert (state() / "clipboard.txt").read_text() == marked
        assert "Copied; it is in" in screen_text(pilot)


async def test_ctrl_c_without_a_mark_says_what_it_would_do(store: str) -> None:
    async with make_app(store).run_test(size=(120, 40), notifications=True) as pilot:
        await opened(pilot)
        await press(pilot, "ctrl+c")
        assert "q leaves" in screen_text(pilot)
        assert pilot.app.is_running


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("x\x1b[31m\x07\r\x9b", "x�[31m���"),
        ("\u202egnp.exe", "�gnp.exe"),
        ("\ud800", "�"),
        ("", ""),
    ],
)
def test_what_is_pasted_does_nothing_by_itself(text: str, kept: str) -> None:
    assert clipboard.pasteable(text) == kept


def test_a_path_at_home_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/sam")
    assert clipboard.shortened(Path("/home/sam/x/y.txt")) == "~/x/y.txt"
    assert clipboard.shortened(Path("/tmp/y.txt")) == "/tmp/y.txt"
