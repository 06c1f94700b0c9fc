"""Reviews of events: what was marked, by whom, and what is still to be looked at."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, func, select

from entitlement_ledger.answers import EventFilter, EventReview
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import REVIEW
from entitlement_ledger.reviews import FLAGGED, REVIEWED, ReviewCounts
from entitlement_ledger.store.auditing.filtering import (
    chosen,
    known_reviews,
    newest_reviews,
    reviewable,
)
from entitlement_ledger.store.dialect import among
from entitlement_ledger.store.tables import (
    event_reviews,
    journal,
    records,
    resolutions,
    transactions,
)

_e, _t, _r = event_reviews.c, transactions.c, records.c


def reviews_of(
    connection: Connection, events: Sequence[int], known: EventFilter
) -> dict[int, EventReview]:
    """Give the newest review of each of these events that has one, of those known as asked."""
    with among(connection, sorted(events), _e.event) as listed:
        query = select(event_reviews).where(listed, *known_reviews(known)).order_by(_e.sequence)
        rows = connection.execute(query).all()
    # The newest comes last, and stays.
    return {
        row.event: EventReview(row.mark, row.actor, row.note, row.recorded_at, row.sequence)
        for row in rows
    }


def review_counts(connection: Connection, only: EventFilter) -> ReviewCounts:
    """Count the events that a filter matches by how they are marked; reviews are left out."""
    marks = newest_reviews(only).subquery("marked")
    events = chosen(replace(only, review=None)).where(reviewable()).subquery("matched")

    def marked(mark: str) -> ColumnElement[int]:
        return func.count().filter(marks.c.mark == mark)

    query = select(func.count(), marked(REVIEWED), marked(FLAGGED)).select_from(
        events.outerjoin(marks, marks.c.event == events.c.sequence)
    )
    ((matched, reviewed, flagged),) = connection.execute(query).all()
    return ReviewCounts(matched - reviewed - flagged, reviewed, flagged)


def missing(connection: Connection, events: Sequence[int]) -> list[int]:
    """Give those of these sequences that no event has, the lowest first."""
    with among(connection, events, journal.c.sequence) as listed:
        query = select(journal.c.sequence).where(listed)
        there = set(connection.execute(query).scalars().all())
    return [each for each in events if each not in there]


def reviews_among(connection: Connection, events: Sequence[int]) -> list[int]:
    """Give those of these events that are reviews themselves, the lowest first."""
    with among(connection, events, _r.sequence) as listed:
        query = select(_r.sequence).where(listed, _r.record == REVIEW).order_by(_r.sequence)
        return list(connection.execute(query).scalars().all())


def done_by(connection: Connection, events: Sequence[int], actor: str) -> list[int]:
    """Give those of these events that an actor asked for, the lowest first.

    The approval that carries out what the actor proposed is the actor's own act, too.
    """
    found: list[int] = []
    for table in (transactions, records):
        with among(connection, events, table.c.sequence) as listed:
            query = select(table.c.sequence).where(listed, table.c.actor == actor)
            found += connection.execute(query).scalars().all()
    return sorted({*found, *_carried_out(connection, events, actor)})


def _carried_out(connection: Connection, events: Sequence[int], actor: str) -> Sequence[int]:
    """Give those of these events that have carried out what an actor proposed."""
    approval, done = transactions.alias("approval"), resolutions.c
    with among(connection, events, done.sequence) as listed:
        query = (
            select(done.sequence)
            .join_from(resolutions, approval, approval.c.sequence == done.sequence)
            .join(transactions, _t.sequence == done.target)
            .where(listed, approval.c.type == CommandType.APPROVE, _t.proposal, _t.actor == actor)
        )
        return connection.execute(query).scalars().all()
