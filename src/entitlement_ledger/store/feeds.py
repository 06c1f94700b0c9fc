"""Feeds: tables that come from outside as they are; the journal says what is in them."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, Table, select

from entitlement_ledger.domain.events import canonical
from entitlement_ledger.store.tables import billing, tickets

KEPT: dict[str, Table] = {"tickets": tickets, "billing": billing}
"""The feeds that are kept, by name."""

_ROWS_AT_ONCE = 10_000


def digest(connection: Connection, feed: str) -> dict[str, int | str]:
    """Give how many rows a feed has, and the SHA-256 over all of them in the order of their keys.

    Each row is hashed as a canonical JSON array of its columns and a line feed.
    """
    table = KEPT[feed]
    (key,) = table.primary_key.columns
    hashed, rows, after = hashlib.sha256(), 0, None
    while True:
        query = select(table).order_by(key).limit(_ROWS_AT_ONCE)
        found = connection.execute(query if after is None else query.where(key > after)).all()
        if not found:
            return {"rows": rows, "digest": hashed.hexdigest()}
        for row in found:
            hashed.update(canonical(tuple(row)) + b"\n")
        rows += len(found)
        after = found[-1]._mapping[key.name]
