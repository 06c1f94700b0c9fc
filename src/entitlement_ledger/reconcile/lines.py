"""Outside files as the lines that are kept of them: no personal data, one shape for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entitlement_ledger.domain.events import canonical
from entitlement_ledger.importing.chunks import Chunk, read_chunks
from entitlement_ledger.importing.feeds import FEEDS
from entitlement_ledger.importing.mapping import Mapping
from entitlement_ledger.importing.sources import Progress
from entitlement_ledger.reconciliations import Against
from entitlement_ledger.store.reconciling.customers import SAID

Lines = tuple[list[int], dict[str, list[Any]]]
"""Line numbers, and columns of `feed_lines`."""

_FEEDS = {feed.name: feed for feed in FEEDS}


@dataclass(frozen=True, slots=True)
class Extract:
    """What a file is an extract of.

    Attributes:
        feed: the feed that has its columns.
        optional: columns that the file may lack.
        kept: makes of a chunk what is kept of it; before it were so many rows.
    """

    feed: str
    optional: tuple[str, ...]
    kept: Callable[[Chunk, int], Lines]


def _invoice_lines(chunk: Chunk, _before: int) -> Lines:
    names = {"reference": "invoice_line", "dated_at": "invoiced_at"}
    same = ("customer", "product", "entitlement", "quantity", "amount", "currency", "status")
    columns = {name: chunk.columns[names.get(name, name)] for name in (*names, *same)}
    for name in ("product", "entitlement", "currency"):
        columns[name] = [each or "" for each in columns[name]]
    return list(chunk.lines), columns


def _customers(chunk: Chunk, _before: int) -> Lines:
    given = chunk.columns
    return list(chunk.lines), {
        "reference": given["id"],
        "customer": given["id"],
        "status": given["status"],
        "dated_at": given["created_at"],
        "terms": ["" if each is None else SAID + each for each in given["segment"]],
    }


def _products(chunk: Chunk, before: int) -> Lines:
    """Give a row for each line of each product, and one for a product without lines."""
    lines: list[int] = []
    rows: list[tuple[str, str, int | None, str]] = []
    for nth, (number, row) in enumerate(zip(chunk.lines, _rows(chunk), strict=True), before + 1):
        of_product = {name: row[name] for name in ("name", "tier", "period", "status")}
        of_product["nth"] = nth
        given: Sequence[dict[str, Any]] = row["lines"] or ({"entitlement": "", "quantity": None},)
        for line in given:
            rest = {k: v for k, v in line.items() if k not in ("entitlement", "quantity")}
            terms = canonical({**of_product, **rest}).decode()
            rows.append((row["code"], line["entitlement"], line["quantity"], terms))
            lines.append(number)
    names = ("product", "entitlement", "quantity", "terms")
    columns: dict[str, list[Any]] = {
        name: [row[place] for row in rows] for place, name in enumerate(names)
    }
    return lines, {"reference": columns["product"], **columns}


def _entitlements(chunk: Chunk, _before: int) -> Lines:
    terms = [
        canonical({k: v for k, v in row.items() if k != "code" and v is not None}).decode()
        for row in _rows(chunk)
    ]
    given = chunk.columns
    return list(chunk.lines), {
        "reference": given["code"],
        "entitlement": given["code"],
        "status": given["status"],
        "terms": terms,
    }


def _rows(chunk: Chunk) -> Iterator[dict[str, Any]]:
    names = list(chunk.columns)
    for values in zip(*chunk.columns.values(), strict=True):
        yield dict(zip(names, values, strict=True))


_BILLING = Extract("billing", ("amount", "currency", "product", "entitlement"), _invoice_lines)
_CAM = Extract("customers", ("name", "email", "segment", "created_at"), _customers)
_PRODUCTS = Extract("products", (), _products)
_ENTITLEMENTS = Extract("entitlements", ("description", "name"), _entitlements)


def extract_of(against: Against, path: Path) -> Extract:
    """Say what a file is an extract of.

    A catalogue's file whose name begins with `entitlements` is one of those, any other of products.
    """
    if against is Against.CATALOG:
        return _ENTITLEMENTS if path.stem.lower().startswith("entitlements") else _PRODUCTS
    return _BILLING if against is Against.BILLING else _CAM


def read_lines(
    extract: Extract, path: Path, mapping: Mapping | None, progress: Progress
) -> Iterator[Lines]:
    """Read a file; give what is kept of it.

    Raises:
        InputError: it cannot be read, or lines are bad; each is named.
    """
    feed = _FEEDS[extract.feed]
    rows = 0
    for chunk in read_chunks(feed, path, mapping, optional=extract.optional, progress=progress):
        yield extract.kept(chunk, rows)
        rows += len(chunk.lines)
