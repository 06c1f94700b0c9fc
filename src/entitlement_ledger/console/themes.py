"""Themes: one TOML file each, from the program's folder and from the user's."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from textual.color import Color, ColorParseError
from textual.theme import Theme

from entitlement_ledger.errors import InputError
from entitlement_ledger.nearest import nearest
from entitlement_ledger.resources import resource_folder
from entitlement_ledger.settings import config_folder

DEFAULT_THEME = "ledger-dark"
COLOURS = (
    "primary", "secondary", "accent", "success", "warning", "error",
    "foreground", "background", "surface", "panel",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FoundTheme:
    """A theme that can be used, the file that it is in, and whether that is one of the user's."""

    theme: Theme
    path: Path
    own: bool

    @property
    def name(self) -> str:
        """What it is chosen by: the name of its file."""
        return self.theme.name


def own_themes() -> Path:
    """Say where the user's themes are."""
    return config_folder() / "themes"


def find_themes() -> tuple[dict[str, FoundTheme], dict[Path, str]]:
    """Read every theme; give those that can be used, and a line for each file that cannot.

    A theme of the user's replaces one of the program's with the same name.
    """
    themes: dict[str, FoundTheme] = {}
    problems: dict[Path, str] = {}
    for path, own in theme_files():
        try:
            themes[path.stem] = FoundTheme(read_theme(path), path, own)
        except InputError as error:
            problems[path] = str(error)
    return themes, problems


def problem_of(wanted: str, known: Collection[str], problems: Mapping[Path, str]) -> str | None:
    """Say why there is no theme of a name; None where there is one."""
    if wanted in known:
        return None
    broken = next((line for path, line in problems.items() if path.stem == wanted), None)
    if broken is not None:
        return broken
    names = sorted(known)
    near = nearest(wanted, names, otherwise=f"{', '.join(names)} are")
    return f"there is no theme {wanted!a}{near}"


def theme_files() -> list[tuple[Path, bool]]:
    """Give the files of themes, each with whether it is the user's: those come last."""
    folders = ((resource_folder("themes"), False), (own_themes(), True))
    return [
        (path, own)
        for folder, own in folders
        if folder.is_dir()
        for path in sorted(folder.glob("*.toml"))
    ]


def read_theme(path: Path) -> Theme:
    """Read one theme.

    Raises:
        InputError: the file is not TOML, or a colour is missing or is none.
    """
    try:
        said = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    for name in said:
        if name not in (*COLOURS, "dark"):
            near = nearest(name, COLOURS, otherwise=f"dark, {', '.join(COLOURS)} are")
            raise InputError(f"{path}: {name} is not part of a theme{near}")
    dark = said.get("dark", True)
    if not isinstance(dark, bool):
        raise InputError(f"{path}: dark must be true or false")
    colours = {name: _colour(said.get(name), name, path) for name in COLOURS}
    return Theme(
        name=path.stem,
        dark=dark,
        variables=_variables(colours),
        **colours,  # type: ignore[arg-type]
    )


def _colour(value: object, name: str, path: Path) -> str:
    try:
        colour = Color.parse(value if isinstance(value, str) else "")
    except ColorParseError:
        raise InputError(f"{path}: {name} must be a colour such as #1e222a") from None
    if colour.a != 1 or colour.ansi is not None:
        # What is behind it, or what the terminal makes of it, would decide how it looks.
        raise InputError(f"{path}: {name} must be an opaque colour such as #1e222a")
    return colour.hex


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
        "input-cursor-background": colours["primary"],
        "input-cursor-foreground": colours["background"],
        "input-selection-background": colours["accent"],
        "input-selection-foreground": colours["background"],
        "screen-selection-background": colours["accent"],
        "screen-selection-foreground": colours["background"],
        "text-disabled": colours["secondary"],
        "text-muted": colours["secondary"],
        "text-success": colours["success"],
        "text-warning": colours["warning"],
        "text-error": colours["error"],
        "button-foreground": colours["foreground"],
        "surface-darken-1": colours["surface"],  # a button that the mouse is over
        "panel-darken-1": colours["surface"],  # the palette
        "panel-lighten-1": colours["panel"],  # a toast
        "scrollbar": colours["secondary"],
        "scrollbar-hover": colours["primary"],
        "scrollbar-active": colours["primary"],
        "scrollbar-background": colours["surface"],
        "scrollbar-background-hover": colours["surface"],
        "scrollbar-background-active": colours["surface"],
    }
