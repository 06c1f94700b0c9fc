"""Making the projections from the journal: what is lacking of them, or all of them again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, func, select

from entitlement_ledger.store.dialect import make_engine
from entitlement_ledger.store.journal import last, read_events
from entitlement_ledger.store.projections import project
from entitlement_ledger.store.tables import PROJECTIONS, metadata, records, transactions


def behind(connection: Connection) -> int:
    """Give how many events the projections are behind the journal."""
    return last(connection)[0] - _projected(connection)


def catch_up(connection: Connection) -> None:
    """Project the events that the projections lack: after a crash, or right behind posting."""
    for events in read_events(connection, after=_projected(connection)):
        project(connection, events)


def _projected(connection: Connection) -> int:
    """Give the last event that was projected: each has a row in one of these two tables."""
    return max(
        connection.execute(select(func.max(table.c.sequence))).scalar() or 0
        for table in (transactions, records)
    )


def rebuild(connection: Connection, progress: Callable[[int, int], None]) -> int:
    """Make every projection again; give the number of events read."""
    total, _ = last(connection)
    metadata.drop_all(connection, tables=PROJECTIONS, checkfirst=False)
    metadata.create_all(connection, tables=PROJECTIONS, checkfirst=False)
    done = 0
    for events in read_events(connection):
        project(connection, events)
        done += len(events)
        progress(done, total)
    return done


def stale_rows(connection: Connection) -> Iterator[dict[str, Any]]:
    """Make every projection again beside the stored ones; give each row that is not alike."""
    scratch = make_engine(":memory:", read_only=False)
    try:
        with scratch.begin() as beside:
            metadata.create_all(beside, tables=PROJECTIONS, checkfirst=False)
            for events in read_events(connection):
                project(beside, events)
            for table in PROJECTIONS:
                query = select(table)
                stored = Counter(tuple(row) for row in connection.execute(query).all())
                made = Counter(tuple(row) for row in beside.execute(query).all())
                for row in stored - made:
                    yield {"table": table.name, "stored": str(row)}
                for row in made - stored:
                    yield {"table": table.name, "lacking": str(row)}
    finally:
        scratch.dispose()
