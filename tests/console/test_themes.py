from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from console_support import make_app, opened, press, screen_text, settled, type_in
from support import PROJECT, SOAK
from textual.color import Color
from textual.screen import ModalScreen

from entitlement_ledger.console.app import ConsoleApp
from entitlement_ledger.console.contrast import HIGH, READABLE, contrast, measure, warning_of
from entitlement_ledger.console.themes import find_themes, own_themes, read_theme
from entitlement_ledger.console.watching import LOOK_SECONDS, Themes
from entitlement_ledger.errors import InputError

SHIPPED = sorted((PROJECT / "themes").glob("*.toml"))
GOOD = (PROJECT / "themes" / "fjord.toml").read_text("utf-8")
LOW = GOOD.replace('secondary = "#93aebf"', 'secondary = "#3a4a55"')


def save(name: str, content: str) -> Path:
    """Save a theme of the user's, so that it is seen to be newer than it was."""
    path = own_themes() / f"{name}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, "utf-8")
    later = time.time_ns() + 1_000_000_000
    os.utime(path, ns=(later, later))
    return path


@pytest.fixture
def toasts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was told in toasts, which go away by themselves."""
    told: list[str] = []
    notify = ConsoleApp.notify

    def listening(app: ConsoleApp, message: str, **about: Any) -> None:
        told.append(message)
        notify(app, message, **about)

    monkeypatch.setattr(ConsoleApp, "notify", listening)
    return told


def test_contrast_is_measured_as_wcag_says() -> None:
    assert round(contrast(Color.parse("#fff"), Color.parse("#000")), 1) == 21.0
    assert round(contrast(Color.parse("#777"), Color.parse("#fff")), 2) == 4.48


def test_there_are_dark_and_light_themes_and_of_high_contrast_too() -> None:
    themes = [read_theme(path) for path in SHIPPED]
    assert len(themes) >= 6
    assert {theme.dark for theme in themes} == {True, False}
    assert {theme.dark for theme in themes if theme.name.startswith("contrast-")} == {True, False}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_text_stands_out_from_every_ground(path: Path) -> None:
    least = HIGH if path.stem.startswith("contrast-") else READABLE
    low = [f"{each} {each.ratio:.2f}" for each in measure(read_theme(path)) if each.ratio < least]
    assert not low


def hard_to_read(app: ConsoleApp) -> Iterator[str]:
    """Give what is on the screen in front, letters and digits, and stands out too little."""
    region = app.screen.region
    if isinstance(app.screen, ModalScreen):
        region = app.screen.query(".dialog, #--container").first().region
    for line, strip in enumerate(app.screen._compositor.render_strips()):
        if not region.y <= line < region.bottom:
            continue
        for segment in strip.crop(region.x, region.right):
            style = segment.style
            if style is None or not any(character.isalnum() for character in segment.text):
                continue
            assert style.color is not None and style.bgcolor is not None, segment
            colours = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
            ratio = contrast(*colours)
            if ratio < READABLE:
                yield f"{segment.text!r} {colours[0].hex} on {colours[1].hex}: {ratio:.2f}"


MEASURED = ("ledger-dark", "contrast-light")
"""Themes that are measured on the screen each time; all of them are when more is asked for."""


async def test_what_is_on_the_screen_can_be_read_in_every_theme(store: str) -> None:
    # Measured where it is shown: Textual's own rules mix colours that no theme names.
    app = make_app(store)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await opened(pilot)
        app.notify("said", title="Said", markup=False, timeout=600)
        app.notify("warned", title="Warned", severity="warning", markup=False, timeout=600)
        app.notify("failed", title="Failed", severity="error", markup=False, timeout=600)
        shown = ((), ("question_mark",), ("escape", "colon"), ("escape", "slash"),
                 ("escape", "enter", "i"), ("tab", "enter"), ("escape", "escape", "2"))  # fmt: skip
        for keys in shown:
            await press(pilot, *keys)
            for theme in app.our_themes if SOAK > 1 else MEASURED:
                app.theme = theme
                await settled(pilot)
                low = list(hard_to_read(app))
                assert not low, (theme, keys, low)


def test_a_theme_of_the_users_is_found() -> None:
    save("mine", GOOD)
    save("fjord", LOW)
    save("broken", "primary = 'mauvish'")
    themes, problems = find_themes()
    assert themes["mine"].own
    assert themes["fjord"].own, "the user's takes the place of the program's"
    assert not themes["moss"].own
    (line,) = problems.values()
    assert "broken.toml" in line


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("primary", "prime"), "prime is not part of a theme: did you mean primary?"),
        (('primary = "#7cc5e8"', 'primary = "bluish"'), "primary must be a colour"),
        (('primary = "#7cc5e8"', "primary = 7"), "primary must be a colour"),
        (('primary = "#7cc5e8"', ""), "primary must be a colour"),
        (("#7cc5e8", "#7cc5e880"), "primary must be an opaque colour"),
        (("#7cc5e8", "ansi_blue"), "primary must be an opaque colour"),
        (("dark = true", "dark = 1"), "dark must be true or false"),
        (("dark = true", "dark ="), "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    path = tmp_path / "bad.toml"
    assert change[0] in GOOD
    path.write_text(GOOD.replace(*change), "utf-8")
    with pytest.raises(InputError, match=r"bad\.toml") as caught:
        read_theme(path)
    assert message in str(caught.value)


def test_a_theme_that_is_hard_to_read_says_where() -> None:
    assert warning_of(read_theme(save("mine", GOOD))) is None
    warning = warning_of(read_theme(save("mine", LOW)))
    assert warning is not None
    assert "mine: secondary on panel is hard to read" in warning


def test_nothing_is_read_again_where_nothing_was_saved() -> None:
    save("mine", GOOD)
    themes = Themes()
    themes.read("mine")
    assert themes.reread("mine") is None
    save("mine", LOW)
    changed = themes.reread("mine")
    assert changed is not None
    assert changed[0] == ["mine"]
    assert themes.reread("mine") is None


def test_of_a_broken_file_stays_what_it_said_before() -> None:
    path = save("fjord", LOW)
    themes = Themes()
    themes.read("fjord")
    before = themes.found["fjord"].theme
    path.write_text("dark =", "utf-8")
    changed = themes.reread("fjord")
    assert changed is not None
    names, (line,) = changed
    assert names == []
    assert "fjord.toml: cannot be read" in line
    assert themes.found["fjord"].theme == before, "not the program's of the same name"


def test_a_theme_in_use_stays_when_its_file_goes() -> None:
    path = save("mine", GOOD)
    save("other", GOOD)
    themes = Themes()
    themes.read("mine")
    path.unlink()
    (own_themes() / "other.toml").unlink()
    changed = themes.reread("mine")
    assert changed is not None
    assert changed[1] == [f"{path}: is gone; its theme stays until another is chosen"]
    assert "mine" in themes.found
    assert "other" not in themes.found


async def test_a_theme_is_seen_as_it_is_saved(store: str, toasts: list[str]) -> None:
    save("mine", GOOD)
    app = make_app(store, theme="mine")
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        table = app.screen.query_one("#list")
        assert app.screen.styles.background.hex == "#0D1B24"
        save("mine", GOOD.replace("#0d1b24", "#0b0b0b").replace("#86d6a5", "#00ff00"))
        await pilot.pause(LOOK_SECONDS * 2)
        await settled(pilot)
        assert app.screen.styles.background.hex == "#0B0B0B"
        signs = [table.get_row_at(row)[0] for row in (0, 1)]  # type: ignore[attr-defined]
        assert "#00FF00" in {str(sign.style).upper() for sign in signs}, "cells go along"
        save("mine", "dark = maybe")
        save("new", LOW)
        await pilot.pause(LOOK_SECONDS * 2)
        await settled(pilot)
        assert app.screen.styles.background.hex == "#0B0B0B", "the last good one is kept"
        broken, dim = toasts
        assert "mine.toml: cannot be read" in broken
        assert "new: secondary on panel is hard to read" in dim
        await press(pilot, "colon")
        await type_in(pilot, "theme new")
        assert "Theme new" in screen_text(pilot)
        await press(pilot, "enter")
        assert app.theme == "new"


async def test_a_theme_hard_to_read_is_used_with_a_warning(store: str, toasts: list[str]) -> None:
    save("dim", LOW)
    app = make_app(store, theme="dim")
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        assert app.theme == "dim"
        (line,) = toasts
        assert "dim: secondary on panel is hard to read" in line


async def test_a_theme_that_there_is_not_is_named(store: str, toasts: list[str]) -> None:
    app = make_app(store, theme="fjrod")
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        assert app.theme == "ledger-dark"
        assert toasts == ["there is no theme 'fjrod': did you mean fjord?"]
