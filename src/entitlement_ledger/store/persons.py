"""Personal data: beside the journal, which holds only what it hashes to under the customer's key.

Whoever destroys the key and the data leaves a hash that says nothing any more, and every proof.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from entitlement_ledger.domain.events import canonical
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.store.dialect import among, upsert
from entitlement_ledger.store.tables import people


class Person(msgspec.Struct, frozen=True):
    """One customer's personal data. A forgotten one is blank and has no key."""

    customer: str
    name: str
    email: str
    created_at: Instant | None
    key: bytes | None
    forgotten: bool = False

    def digest(self) -> str | None:
        """Give what the journal holds of it; None where the key is destroyed."""
        if self.key is None:
            return None
        told = canonical([self.customer, self.name, self.email, self.created_at])
        return hmac.new(self.key, told, hashlib.sha256).hexdigest()


def renewed(known: Person | None, row: dict[str, Any]) -> Person:
    """Give a customer as imported: with the key it has, or a new one; blank if forgotten."""
    if known is not None and known.forgotten:
        return known
    key = os.urandom(32) if known is None else known.key
    return Person(row["id"], row["name"], row["email"], row["created_at"], key)


def blank(customer: str) -> Person:
    """Give what is kept of a customer who is to be forgotten."""
    return Person(customer, "", "", None, None, forgotten=True)


def load_people(connection: Connection, customers: list[str]) -> dict[str, Person]:
    """Read the personal data of some customers."""
    with among(connection, customers, people.c.customer) as wanted:
        rows = connection.execute(select(people).where(wanted)).all()
    return {row.customer: _person(row) for row in rows}


def all_people(connection: Connection, *, at_once: int = 10_000) -> Iterator[Person]:
    """Read all personal data, by customer, with bounded memory."""
    after = ""
    while True:
        query = select(people).where(people.c.customer > after)
        rows = connection.execute(query.order_by(people.c.customer).limit(at_once)).all()
        if not rows:
            return
        yield from (_person(row) for row in rows)
        after = rows[-1].customer


def save_people(connection: Connection, persons: Iterable[Person]) -> None:
    """Write personal data over what is there of the same customers."""
    rows = list(persons)
    upsert(
        connection,
        people,
        {name: [getattr(each, name) for each in rows] for name in Person.__struct_fields__},
    )


def _person(row: Row[Any]) -> Person:
    return Person(row.customer, row.name, row.email, row.created_at, row.key, row.forgotten)
