"""The five feeds: which columns each has, and how each is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entitlement_ledger.domain.catalogue import CatalogueStatus, Category, CustomerStatus, Kind
from entitlement_ledger.domain.commands import CUSTOMER_LENGTH_MAX, NAME_LENGTH_MAX
from entitlement_ledger.domain.quantities import SCALE_MAX
from entitlement_ledger.errors import InputError
from entitlement_ledger.importing.fields import (
    Reader,
    duration,
    instant,
    integer,
    listed,
    one_of,
    text,
)
from entitlement_ledger.importing.reading import BadFile, Row, read_rows

PROBLEMS_MAX = 100
_LONG = 4096

_LINE: dict[str, Reader] = {
    "entitlement": text(NAME_LENGTH_MAX, required=True),
    "quantity": integer(1),
    "valid_for": duration("period"),
    "priority": integer(),
    "category": one_of(Category),
    "rollover_max": integer(0, required=False),
}
_LINE_DEFAULTS = {"valid_for": None, "priority": 100, "category": "paid", "rollover_max": None}


def _lines(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise ValueError("must be a list of objects")
    return [_line(number, line) for number, line in enumerate(value, 1)]


def _line(number: int, line: Any) -> dict[str, Any]:
    if not isinstance(line, dict):
        raise ValueError(f"line {number} must be an object")
    given = {**_LINE_DEFAULTS, **line}
    for name in [*given, *_LINE]:
        if name not in _LINE:
            raise ValueError(f"line {number} has a field {name!a}, which is not known")
        if name not in given:
            raise ValueError(f"line {number} lacks {name}")
    read: dict[str, Any] = {}
    for name, reader in _LINE.items():
        try:
            read[name] = reader(given[name])
        except ValueError as error:
            raise ValueError(f"line {number}: {name} {error}") from None
    return read


@dataclass(frozen=True, slots=True)
class Feed:
    """One kind of file.

    Attributes:
        key: the column that a row is known by.
        columns: how each is read; a file has all of them but those in `defaults`.
    """

    name: str
    key: str
    columns: dict[str, Reader]
    defaults: dict[str, Any]


FEEDS: tuple[Feed, ...] = (
    Feed(
        "entitlements",
        "code",
        {
            "code": text(NAME_LENGTH_MAX, required=True),
            "name": text(_LONG),
            "description": text(_LONG),
            "kind": one_of(Kind),
            "unit": text(NAME_LENGTH_MAX),
            "scale": integer(0, SCALE_MAX),
            "resources": listed,
            "status": one_of(CatalogueStatus),
        },
        {},
    ),
    Feed(
        "products",
        "code",
        {
            "code": text(NAME_LENGTH_MAX, required=True),
            "name": text(_LONG),
            "tier": integer(-(2**31), 2**31 - 1),
            "period": duration(),
            "lines": _lines,
            "status": one_of(CatalogueStatus),
        },
        {"period": None, "status": "active"},
    ),
    Feed(
        "customers",
        "id",
        {
            "id": text(CUSTOMER_LENGTH_MAX, required=True),
            "name": text(_LONG),
            "email": text(_LONG),
            "segment": text(NAME_LENGTH_MAX),
            "status": one_of(CustomerStatus),
            "created_at": instant(required=False),
        },
        {},
    ),
    Feed(
        "tickets",
        "id",
        {
            "id": text(NAME_LENGTH_MAX, required=True),
            "customer": text(CUSTOMER_LENGTH_MAX),
            "status": text(NAME_LENGTH_MAX),
            "subject": text(_LONG),
            "opened_at": instant(required=True),
            "closed_at": instant(required=False),
        },
        {},
    ),
    Feed(
        "billing",
        "invoice_line",
        {
            "invoice_line": text(NAME_LENGTH_MAX, required=True),
            "customer": text(CUSTOMER_LENGTH_MAX),
            "product": text(NAME_LENGTH_MAX),
            "entitlement": text(NAME_LENGTH_MAX),
            "quantity": integer(required=False),
            "amount": integer(),
            "currency": text(16),
            "status": one_of(("paid", "refunded", "void")),
            "invoiced_at": instant(required=True),
        },
        {},
    ),
)
"""In the order of loading: products name entitlements."""


def find_files(paths: Sequence[Path]) -> list[tuple[Feed, Path]]:
    """Tell files by their names, in the order of loading; a folder gives those in it.

    Raises:
        InputError: a path that does not exist, or a file with another name.
    """
    found: list[tuple[Feed, Path]] = []
    for path in paths:
        if path.is_dir():
            inside = [(feed, each) for each in sorted(path.iterdir()) if (feed := _feed_of(each))]
            if not inside:
                raise InputError(f"{path} holds none of {_known()}")
            found += inside
        elif not path.exists():
            raise InputError(f"{path} does not exist: name a file or folder to import")
        elif feed := _feed_of(path):
            found.append((feed, path))
        else:
            raise InputError(f"{path} is not named like one of {_known()}")
    return sorted(found, key=lambda each: FEEDS.index(each[0]))


def _feed_of(path: Path) -> Feed | None:
    """Give the feed whose name the file's begins with; products are nested, so only JSON."""
    suffix, stem = path.suffix.lower(), path.stem.lower()
    for feed in FEEDS:
        if stem == feed.name or stem.startswith(
            (feed.name + "-", feed.name + "_", feed.name + ".")
        ):
            return (
                feed
                if suffix == ".json" or (suffix == ".csv" and feed.name != "products")
                else None
            )
    return None


def _known() -> str:
    return ", ".join(
        f"{feed.name}.{'json' if feed.name == 'products' else 'csv'}" for feed in FEEDS
    )


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What a file holds; with problems, its rows are not to be used."""

    rows: list[Row]
    problems: list[str]


def read_feed(feed: Feed, path: Path) -> ReadFile:
    """Read and check a whole file; every problem names file, line and column."""
    try:
        raw = read_rows(path)
    except BadFile as error:
        return ReadFile([], [str(error)])
    rows: list[Row] = []
    problems: list[str] = []
    first_lines: dict[str, int] = {}
    for row in raw:
        fields, wrong = _read_row(feed, row, path)
        problems += wrong
        key = fields.get(feed.key)
        if key in first_lines:
            problems.append(
                f"{path}, line {row.line}, column {feed.key}: "
                f"stands in line {first_lines[key]} already"
            )
        elif key is not None:
            first_lines[key] = row.line
        rows.append(Row(row.line, fields))
        if len(problems) >= PROBLEMS_MAX:
            break
    return ReadFile(rows, problems)


def _read_row(feed: Feed, row: Row, path: Path) -> tuple[dict[str, Any], list[str]]:
    given = {**feed.defaults, **row.fields}
    problems = [
        f"{path}, line {row.line}, column {ascii(name)[1:-1]}: is not a column of {feed.name}"
        for name in given
        if name not in feed.columns
    ]
    fields: dict[str, Any] = {}
    for name, reader in feed.columns.items():
        if name not in given:
            problems.append(f"{path}, line {row.line}, column {name}: is missing")
            continue
        try:
            fields[name] = reader(given[name])
        except ValueError as error:
            problems.append(f"{path}, line {row.line}, column {name}: {error}")
    return fields, problems
