"""What became of commands that were proposed."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, and_, not_, select

from entitlement_ledger.domain.events import Status
from entitlement_ledger.store.dialect import among
from entitlement_ledger.store.loading import known_keys
from entitlement_ledger.store.tables import transactions

_t = transactions.c


def spent_keys(connection: Connection, keys: Collection[str]) -> set[str]:
    """Give those keys that have been answered for good: a command that waits may still be."""
    known = known_keys(connection, keys)
    if not known:
        return set()
    waits = and_(_t.status == Status.PENDING, _t.became.is_(None))
    with among(connection, sorted(known.values()), _t.sequence) as sought:
        query = select(_t.key).where(sought, not_(waits))
        return set(connection.execute(query).scalars().all())
