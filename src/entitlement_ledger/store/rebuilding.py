"""Rebuilding: dropping the projections and making them again from the journal."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from entitlement_ledger.store.journal import last, read_events
from entitlement_ledger.store.projections import project
from entitlement_ledger.store.tables import PROJECTIONS, metadata


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
