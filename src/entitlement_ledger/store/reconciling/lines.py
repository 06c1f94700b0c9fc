"""Lines of outside files, kept as they were read, with the hash of all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from entitlement_ledger.domain.events import canonical
from entitlement_ledger.store.dialect import Columns, append_all
from entitlement_ledger.store.tables import feed_lines

_l = feed_lines.c
_ROWS_AT_ONCE = 50_000
_EMPTY: dict[str, Any] = {
    "reference": "",
    "customer": "",
    "product": "",
    "entitlement": "",
    "quantity": None,
    "amount": None,
    "currency": "",
    "status": "",
    "dated_at": None,
    "terms": "",
}


def keep_lines(
    connection: Connection, feed: str, chunks: Iterable[tuple[list[int], Columns]]
) -> tuple[int, str]:
    """Keep the lines of a feed; give how many, and their digest.

    Chunks are line numbers with columns of `feed_lines`; a column that is not given is empty.
    """
    hashed, kept = hashlib.sha256(), 0

    def columns() -> Iterator[Columns]:
        nonlocal kept
        for lines, given in chunks:
            places = list(range(kept + 1, kept + 1 + len(lines)))
            chunk: Columns = {"feed": [feed] * len(lines), "place": places, "line": lines}
            chunk |= {name: given.get(name) or [none] * len(lines) for name, none in _EMPTY.items()}
            _hash(hashed, [chunk[name] for name in ("place", "line", *_EMPTY)])
            kept += len(lines)
            yield chunk

    append_all(connection, feed_lines, columns())
    return kept, hashed.hexdigest()


def _hash(hashed: Any, columns: list[list[Any]]) -> None:
    """Hash rows as canonical JSON arrays, each with a line feed."""
    rows = zip(*columns, strict=True)
    hashed.update(b"".join([canonical(row) + b"\n" for row in rows]))


def lines_digest(connection: Connection, feed: str) -> str:
    """Hash the lines that are kept of a feed, in order, as when they were read."""
    hashed, after = hashlib.sha256(), 0
    columns = [_l.place, _l.line, *(_l[name] for name in _EMPTY)]
    while True:
        within = (_l.feed == feed) & (_l.place > after)
        query = select(*columns).where(within).order_by(_l.place).limit(_ROWS_AT_ONCE)
        rows = connection.execute(query).all()
        if not rows:
            return hashed.hexdigest()
        hashed.update(b"".join([canonical(tuple(row)) + b"\n" for row in rows]))
        after = rows[-1].place


def is_kept(connection: Connection, feed: str) -> bool:
    """Say whether the lines of a feed are kept."""
    return connection.execute(select(_l.line).where(_l.feed == feed).limit(1)).first() is not None


def feeds_kept(connection: Connection) -> Sequence[str]:
    """Give the feeds of which lines are kept."""
    return connection.execute(select(_l.feed).distinct()).scalars().all()


def lines_kept(connection: Connection, feed: str) -> int:
    """Count the lines that are kept of a feed."""
    query = select(func.count()).select_from(feed_lines).where(_l.feed == feed)
    return connection.execute(query).scalar_one()


def rows_kept(connection: Connection, feed: str) -> Sequence[Any]:
    """Give all lines of a feed that is not large, in order."""
    return connection.execute(select(feed_lines).where(_l.feed == feed).order_by(_l.place)).all()
