"""Making the projections from the journal: what is lacking of them, or all of them again."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, func, select

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
