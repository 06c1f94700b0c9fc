from __future__ import annotations

from pathlib import Path

import pytest
from support import PROJECT
from textual.color import Color

from entitlement_ledger.console.themes import COLOURS, find_themes, read_theme
from entitlement_ledger.errors import InputError

SHIPPED = sorted((PROJECT / "themes").glob("*.toml"))
GROUNDS = ("background", "surface", "panel")
INKS = ("foreground", "primary", "secondary", "accent", "success", "warning", "error")


def luminance(colour: Color) -> float:
    """Give the relative luminance as WCAG 2 defines it."""
    parts = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in colour.normalized
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(ink: Color, ground: Color) -> float:
    dark, light = sorted((luminance(ink), luminance(ground)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_measured_as_wcag_says() -> None:
    assert round(contrast(Color.parse("#fff"), Color.parse("#000")), 1) == 21.0
    assert round(contrast(Color.parse("#777"), Color.parse("#fff")), 2) == 4.48


def test_there_are_dark_and_light_themes() -> None:
    assert {read_theme(path).dark for path in SHIPPED} == {True, False}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_text_stands_out_from_every_ground(path: Path) -> None:
    theme = read_theme(path)
    colours = {name: Color.parse(getattr(theme, name)) for name in COLOURS}
    for ink in INKS:
        for ground in GROUNDS:
            ratio = contrast(colours[ink], colours[ground])
            assert ratio >= 4.5, f"{ink} on {ground}: {ratio:.2f}"
    for ground in ("primary", "warning", "accent"):
        assert contrast(colours["background"], colours[ground]) >= 4.5, ground


def test_a_theme_of_the_users_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTL_CONFIG", str(tmp_path))
    (tmp_path / "themes").mkdir()
    content = SHIPPED[0].read_text("utf-8")
    (tmp_path / "themes" / "mine.toml").write_text(content, "utf-8")
    (tmp_path / "themes" / "broken.toml").write_text("primary = 'mauvish'", "utf-8")
    themes, problems = find_themes()
    assert "mine" in {theme.name for theme in themes}
    assert len(problems) == 1
    assert "broken.toml" in problems[0]


def test_a_colour_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(SHIPPED[0].read_text("utf-8").replace("primary", "prime"), "utf-8")
    with pytest.raises(InputError, match="primary must be a colour"):
        read_theme(path)
