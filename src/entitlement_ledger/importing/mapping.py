"""A mapping: how another system's file is to be read as one of our feeds, written in TOML.

    ignore = ["Comment"]            # columns to leave out; "*" for all that are not needed
    [columns]                       # ours = theirs
    quantity = "Qty"
    [values.status]                 # theirs = ours
    "PAID" = "paid"
    [defaults]                      # columns that their file lacks
    currency = "EUR"

`ignore` stands before the first table, as TOML has it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from entitlement_ledger.errors import InputError

_NAMES = ("ignore", "columns", "values", "defaults")
_EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Mapping:
    """What a mapping file says.

    Attributes:
        path: the file.
        columns: the name of a column of theirs by the name of ours.
        values: by the name of our column, our value by theirs.
        defaults: values, text or whole numbers, of our columns that their file lacks.
        ignored: columns of theirs that are left out.
        ignores_others: all that are neither named nor known are left out.
    """

    path: Path
    columns: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    defaults: dict[str, str | int] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    ignores_others: bool = False

    def check(self, feed: str, known: Collection[str]) -> None:
        """See that it speaks of columns that a feed has.

        Raises:
            InputError: it names one that the feed has not.
        """
        named = (("columns", self.columns), ("values", self.values), ("defaults", self.defaults))
        for table, names in named:
            for name in names:
                if name not in known:
                    raise InputError(
                        f"{self.path}: {table}: {_shown(name)} is not a column of {feed}"
                        f"{_nearest(name, known)}"
                    )

    def theirs(self, column: str) -> str:
        """Give the name that their file has for a column of ours."""
        return self.columns.get(column, column)

    def ignores(self, theirs: str) -> bool:
        """Say whether a column that is not needed may be left out without a word."""
        return self.ignores_others or theirs in self.ignored

    def translated(self, column: str, values: Sequence[Any]) -> Sequence[Any]:
        """Give values of theirs as ours; those that the mapping does not name stay."""
        table = self.values.get(column)
        if table is None:
            return values
        return [
            table.get(value, value) if type(value) is str else table.get(_text(value), value)
            for value in values
        ]


AS_IT_IS = Mapping(Path())
"""The mapping of a file that has our names and values."""


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        InputError: it cannot be read, is not TOML, or says something that no mapping says.
    """
    try:
        said = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{path}: is not TOML: {' '.join(str(error).split())}") from None
    for name in said:
        if name not in _NAMES:
            raise InputError(
                f"{path}: {_shown(name)} is nothing that a mapping says"
                f"{_nearest(name, _NAMES)}: {', '.join(_NAMES)} are"
            )
    columns = _texts(_table(said, "columns", path), "columns", path)
    defaults = _defaults(said, path)
    for name in columns.keys() & defaults.keys():
        raise InputError(
            f"{path}: defaults: {_shown(name)} is in columns too: their file has it or lacks it"
        )
    ignored = _ignored(said.get("ignore", []), path)
    return Mapping(
        path,
        columns=columns,
        values=_values(said, path),
        defaults=defaults,
        ignored=frozenset() if ignored == _EVERYTHING else frozenset(ignored),
        ignores_others=ignored == _EVERYTHING,
    )


def _table(said: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    table = said.get(name, {})
    if not isinstance(table, dict):
        raise InputError(f"{path}: {name} must be a table, [{name}]")
    return table


def _texts(table: dict[str, Any], name: str, path: Path) -> dict[str, str]:
    for key, value in table.items():
        if not isinstance(value, str):
            raise InputError(f"{path}: {_shown(name)}: {_shown(key)} must be text, in quotes")
    return table


def _values(said: dict[str, Any], path: Path) -> dict[str, dict[str, str]]:
    values = _table(said, "values", path)
    if not all(isinstance(table, dict) for table in values.values()):
        raise InputError(f"{path}: values must be tables, one for each column: [values.COLUMN]")
    return {name: _texts(table, f"values.{name}", path) for name, table in values.items()}


def _defaults(said: dict[str, Any], path: Path) -> dict[str, str | int]:
    table = _table(said, "defaults", path)
    for name, value in table.items():
        if name == "ignore":
            raise InputError(
                f"{path}: defaults: ignore belongs at the top of the file, before the first table"
            )
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise InputError(f"{path}: defaults: {_shown(name)} must be text or a whole number")
    return table


def _ignored(said: Any, path: Path) -> Any:
    if said == _EVERYTHING:
        return said
    if not isinstance(said, list) or not all(isinstance(name, str) for name in said):
        raise InputError(f'{path}: ignore must be a list of columns of their file, or "*"')
    return said


def _text(value: Any) -> str:
    """Give what a mapping calls a value that is not text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | str) else "\x00"


def _nearest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f" (did you mean {near[0]}?)" if near else ""


def _shown(name: str) -> str:
    return ascii(name)[1:-1]
