"""Themes: one TOML file each, from the program's folder and from the user's."""

from __future__ import annotations

import tomllib
from pathlib import Path

from textual.color import Color, ColorParseError
from textual.theme import Theme

from entitlement_ledger.errors import InputError
from entitlement_ledger.resources import resource_folder
from entitlement_ledger.settings import config_folder

DEFAULT_THEME = "ledger-dark"
COLOURS = (
    "primary", "secondary", "accent", "success", "warning", "error",
    "foreground", "background", "surface", "panel",
)  # fmt: skip


def find_themes() -> tuple[list[Theme], list[str]]:
    """Read every theme; give those that can be used, and a line for each that cannot.

    A theme of the user's replaces one of the program's with the same name.
    """
    themes: dict[str, Theme] = {}
    problems: list[str] = []
    for folder in (resource_folder("themes"), config_folder() / "themes"):
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
            try:
                theme = read_theme(path)
                themes[theme.name] = theme
            except InputError as error:
                problems.append(str(error))
    return list(themes.values()), problems


def read_theme(path: Path) -> Theme:
    """Read one theme.

    Raises:
        InputError: the file is not TOML, or a colour is missing or is none.
    """
    try:
        said = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    colours: dict[str, str] = {}
    for name in COLOURS:
        value = said.get(name)
        try:
            colours[name] = Color.parse(str(value)).hex
        except ColorParseError:
            raise InputError(f"{path}: {name} must be a colour such as #1e222a") from None
    return Theme(
        name=path.stem,
        dark=bool(said.get("dark", True)),
        variables=_variables(colours),
        **colours,  # type: ignore[arg-type]
    )


def _variables(colours: dict[str, str]) -> dict[str, str]:
    """Say what Textual would otherwise work out, so that every pair of colours is a tested one."""
    return {
        "block-cursor-foreground": colours["background"],
        "block-cursor-background": colours["primary"],
        "block-cursor-text-style": "none",
        "block-cursor-blurred-foreground": colours["foreground"],
        "block-cursor-blurred-background": colours["panel"],
        "block-hover-background": colours["panel"],
        "border": colours["primary"],
        "border-blurred": colours["panel"],
        "footer-background": colours["panel"],
        "footer-foreground": colours["foreground"],
        "footer-item-background": colours["panel"],
        "footer-key-foreground": colours["primary"],
        "footer-description-foreground": colours["foreground"],
        "footer-description-background": colours["panel"],
        "input-cursor-background": colours["foreground"],
        "input-cursor-foreground": colours["background"],
        "text-disabled": colours["secondary"],
        "text-muted": colours["secondary"],
    }
