"""`entl config`: what is set, where it came from, and which keys do what."""

from __future__ import annotations

import re
from typing import Any

import click

from entitlement_ledger.cli import printing
from entitlement_ledger.cli.commands import as_json, chosen, common, entl
from entitlement_ledger.errors import InputError
from entitlement_ledger.settings import CONSOLE, DEFAULT, FILE, Settings, settings_path

_BARE = re.compile(r"[\w-]+")
"""A name that needs no quotation marks in TOML."""

_UNSET = {
    "theme": "ledger-dark",
    "witness": "(beside the store)",
    "roles": "(everything is allowed to everybody)",
    "approval": "(nothing needs a second person)",
    "suspicious": "(each rule's own: entl suspicious --rules)",
    "reconcile": "(tolerance 0, window of 3 days)",
    "keys": "(those of the registry: entl config keys)",
}
"""What it means that something is not set."""


@entl.group()
def config() -> None:
    """Show the settings, and where they come from."""


@config.command()
def path() -> None:
    """Print where the settings file is, or would be."""
    printing.print_line(str(settings_path()))


@config.command()
@common
@as_json
@click.pass_context
def show(context: click.Context, as_json: bool) -> None:
    """Print each setting, its value, and where it came from."""
    settings = chosen(context)
    _check_theme(settings)
    rows = list(_rows(settings))
    if as_json:
        printing.print_json(rows)
    else:
        _print(rows)


def _check_theme(settings: Settings) -> None:
    """See that there is the theme that was set.

    Raises:
        InputError: there is none of that name, or its file cannot be used.
    """
    if settings.theme is None:
        return  # themes take longer to read than all settings
    from entitlement_ledger.console.themes import find_themes, problem_of

    problem = problem_of(settings.theme, *find_themes())
    if problem is not None:
        raise InputError(f"{settings_path()}: theme: {problem}")


def _print(rows: list[dict[str, Any]]) -> None:
    printing.print_table(
        ["setting", "value", "from"],
        [
            [
                row["setting"],
                _UNSET.get(row["setting"], "") if row["value"] is None else _text(row["value"]),
                _from(row),
            ]
            for row in rows
        ],
    )


@config.command()
@common
@as_json
@click.pass_context
def keys(context: click.Context, as_json: bool) -> None:
    """Print every action of the console, its name for the settings, and its key."""
    from entitlement_ledger.console.actions import ACTIONS, key_names
    from entitlement_ledger.console.keys import read_keys

    mine = read_keys(chosen(context).keys, settings_path())
    rows = [
        {
            "action": f"{place}.{action.name}",
            "keys": key_names(mine.shown(action, place)),
            "default": key_names(action),
            "help": action.help,
        }
        for action in ACTIONS
        for place in action.where
    ]
    if as_json:
        printing.print_json(rows)
        return
    printing.print_table(
        ["action", "key", "default", "does"],
        [
            [
                row["action"],
                row["keys"],
                "" if row["keys"] == row["default"] else row["default"],
                row["help"],
            ]
            for row in rows
        ],
    )


def _rows(settings: Settings) -> list[dict[str, Any]]:
    """Give the settings that are single values, then what stands in the tables."""
    rows: list[dict[str, Any]] = []
    for name in ("store", "actor", "theme", "witness", "signing_key"):
        value = getattr(settings, name)
        rows.append(_row(settings, name, None if value is None else str(value), (name,)))
    rows += [
        _row(settings, f"console.{name}", settings.console[name], ("console", name))
        for name in CONSOLE
    ]
    said = settings.file.said if settings.file is not None else {}
    for name in ("roles", "approval", "suspicious", "reconcile", "keys"):
        inner = said.get(name)
        if not inner:
            rows.append({"setting": name, "value": None, "from": DEFAULT})
        elif isinstance(inner, list):
            for number, table in enumerate(inner, 1):
                rows += _table(settings, (name, str(number)), table)
        else:
            rows += _table(settings, (name,), inner)
    return rows


def _table(settings: Settings, names: tuple[str, ...], said: object) -> list[dict[str, Any]]:
    """Give what stands in a table of the file, each value by the way that leads to it."""
    if isinstance(said, dict):
        return [
            row for name, inner in said.items() for row in _table(settings, (*names, name), inner)
        ]
    shown = ".".join(name if _BARE.fullmatch(name) else f'"{name}"' for name in names)
    return [_row(settings, shown, said, names)]


def _row(settings: Settings, shown: str, value: object, names: tuple[str, ...]) -> dict[str, Any]:
    origin = settings.origins.get(shown, FILE)
    row: dict[str, Any] = {"setting": shown, "value": value, "from": origin}
    if origin == FILE and settings.file is not None:
        row |= {"file": str(settings.file.path), "line": settings.file.line(*names)}
    return row


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _from(row: dict[str, Any]) -> str:
    if "file" not in row:
        return str(row["from"])
    return f"{row['file']}, line {row['line']}" if row["line"] else str(row["file"])
