"""Making the projections from the journal: what is lacking of them, or all of them again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, delete, select
from sqlalchemy.schema import DropTable

from entitlement_ledger.domain.plain import Recordable
from entitlement_ledger.merkle import Block
from entitlement_ledger.store.dialect import make_indexes
from entitlement_ledger.store.journal import last, read_events
from entitlement_ledger.store.projections import mark_projected, project, projected
from entitlement_ledger.store.tables import (
    INDEXED,
    PROJECTIONS,
    live_journal,
    live_postings,
    metadata,
    tree,
)
from entitlement_ledger.store.tree import add_blocks, extend


def behind(connection: Connection) -> int:
    """Give how many events the projections are behind the journal."""
    return last(connection)[0] - projected(connection)


def catch_up(connection: Connection) -> None:
    """Project the events that the projections lack: after a crash, or right behind posting."""
    for events in read_events(connection, after=projected(connection)):
        project_new(connection, events)


def project_new(
    connection: Connection, events: Sequence[Recordable], blocks: Sequence[Block] | None = None
) -> None:
    """Project events that the journal has, and extend the tree over their hashes.

    `blocks` are the subtrees that they have completed, where these are known.
    """
    if not events:
        return
    project(connection, events)
    if blocks is None:
        extend(connection, events[0].sequence - 1, events[-1].sequence)
    else:
        add_blocks(connection, blocks)


def rebuild(connection: Connection, progress: Callable[[int, int], None]) -> int:
    """Make every projection again; give the number of events read."""
    total, _ = last(connection)
    mark_projected(connection, 0)
    made_again = [*PROJECTIONS, tree]
    for table in made_again:
        connection.execute(DropTable(table, if_exists=True))
    metadata.create_all(connection, tables=made_again, checkfirst=False)
    done = 0
    for events in read_events(connection):
        project_new(connection, events)
        done += len(events)
        progress(done, total)
    # Of what is archived the postings are in the archive.
    live = select(live_journal.c.sequence)
    connection.execute(delete(live_postings).where(live_postings.c.sequence.not_in(live)))
    make_indexes(connection, INDEXED)
    return done
