"""Making the projections from the journal: what is lacking of them, or all of them again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, delete, select
from sqlalchemy.schema import DropTable

from entitlement_ledger.domain.events import Event
from entitlement_ledger.domain.recorded import Recorded
from entitlement_ledger.store.dialect import make_indexes
from entitlement_ledger.store.journal import Entries, last, lay_out, lay_out_kept, read_events
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
    """Give how many events the projections are behind what was committed."""
    return last(connection)[0] - projected(connection)


def catch_up(connection: Connection) -> None:
    """Bring journal and projections up to what was committed: after a crash, or when in doubt."""
    lay_out_kept(connection)
    for events in read_events(connection, after=projected(connection)):
        _project_laid_out(connection, events)


def project_new(connection: Connection, entries: Entries) -> None:
    """Lay out entries that were committed in the journal, project them, and extend the tree."""
    lay_out(connection, entries)
    project(connection, entries.events)
    add_blocks(connection, entries.blocks)


def _project_laid_out(connection: Connection, events: Sequence[Event]) -> None:
    project(connection, Recorded(list(events)))
    extend(connection, events[0].sequence - 1, events[-1].sequence)


def rebuild(connection: Connection, progress: Callable[[int, int], None]) -> int:
    """Make every projection again; give the number of events read."""
    lay_out_kept(connection)
    total, _ = last(connection)
    mark_projected(connection, 0)
    made_again = [*PROJECTIONS, tree]
    for table in made_again:
        connection.execute(DropTable(table, if_exists=True))
    metadata.create_all(connection, tables=made_again, checkfirst=False)
    done = 0
    for events in read_events(connection):
        _project_laid_out(connection, events)
        done += len(events)
        progress(done, total)
    # Of what is archived the postings are in the archive.
    live = select(live_journal.c.sequence)
    connection.execute(delete(live_postings).where(live_postings.c.sequence.not_in(live)))
    make_indexes(connection, INDEXED)
    return done
