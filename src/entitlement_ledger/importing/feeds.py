"""The five feeds: which columns each has, and how each is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entitlement_ledger.domain.catalogue import CatalogueStatus, Category, CustomerStatus, Kind
from entitlement_ledger.domain.quantities import SCALE_MAX
from entitlement_ledger.domain.texts import CUSTOMER_LENGTH_MAX, NAME_LENGTH_MAX
from entitlement_ledger.errors import InputError
from entitlement_ledger.importing.fields import (
    OneOf,
    Reader,
    Text,
    Time,
    Whole,
    duration,
    listed,
)
from entitlement_ledger.importing.reading import JSON, JSON_LINES, SUFFIXES

_LONG = 4096
_NESTED = (JSON, *JSON_LINES)

_LINE: dict[str, Reader] = {
    "entitlement": Text(NAME_LENGTH_MAX, required=True),
    "quantity": Whole(1),
    "valid_for": duration("period"),
    "priority": Whole(),
    "category": OneOf(Category),
    "rollover_max": Whole(0, required=False),
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
            "code": Text(NAME_LENGTH_MAX, required=True),
            "name": Text(_LONG),
            "description": Text(_LONG),
            "kind": OneOf(Kind),
            "unit": Text(NAME_LENGTH_MAX),
            "scale": Whole(0, SCALE_MAX),
            "resources": listed,
            "status": OneOf(CatalogueStatus),
        },
        {},
    ),
    Feed(
        "products",
        "code",
        {
            "code": Text(NAME_LENGTH_MAX, required=True),
            "name": Text(_LONG),
            "tier": Whole(-(2**31), 2**31 - 1),
            "period": duration(),
            "lines": _lines,
            "status": OneOf(CatalogueStatus),
        },
        {"period": None, "status": "active"},
    ),
    Feed(
        "customers",
        "id",
        {
            "id": Text(CUSTOMER_LENGTH_MAX, required=True),
            "name": Text(_LONG),
            "email": Text(_LONG),
            "segment": Text(NAME_LENGTH_MAX),
            "status": OneOf(CustomerStatus),
            "created_at": Time(required=False),
        },
        {},
    ),
    Feed(
        "tickets",
        "id",
        {
            "id": Text(NAME_LENGTH_MAX, required=True),
            "customer": Text(CUSTOMER_LENGTH_MAX),
            "status": Text(NAME_LENGTH_MAX),
            "subject": Text(_LONG),
            "opened_at": Time(required=True),
            "closed_at": Time(required=False),
        },
        {},
    ),
    Feed(
        "billing",
        "invoice_line",
        {
            "invoice_line": Text(NAME_LENGTH_MAX, required=True),
            "customer": Text(CUSTOMER_LENGTH_MAX),
            "product": Text(NAME_LENGTH_MAX),
            "entitlement": Text(NAME_LENGTH_MAX),
            "quantity": Whole(required=False),
            "amount": Whole(),
            "currency": Text(16),
            "status": OneOf(("paid", "refunded", "void")),
            "invoiced_at": Time(required=True),
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
            # Notes beside feeds are called .txt: such a file is read if somebody names it.
            each_file = sorted(each for each in path.iterdir() if each.suffix.lower() != ".txt")
            inside = [(feed, each) for each in each_file if (feed := _feed_of(each))]
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
            return feed if suffix in (_NESTED if feed.name == "products" else SUFFIXES) else None
    return None


def _known() -> str:
    return ", ".join(
        f"{feed.name}.{'json' if feed.name == 'products' else 'csv'}" for feed in FEEDS
    )
