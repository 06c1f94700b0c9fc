"""Which events a filter of the audit trail is about, and how much of an entitlement each moved."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, func, or_, select

from entitlement_ledger.answers import EventFilter
from entitlement_ledger.domain.events import REVIEW, Status
from entitlement_ledger.store.searching import contains
from entitlement_ledger.store.tables import (
    event_reviews,
    journal,
    postings,
    records,
    transactions,
)

_j, _t, _r, _e, _p = journal.c, transactions.c, records.c, event_reviews.c, postings.c
_actor = func.coalesce(_t.actor, _r.actor)
_source = journal.outerjoin(transactions, _t.sequence == _j.sequence).outerjoin(
    records, _r.sequence == _j.sequence
)


def chosen(only: EventFilter) -> Select[Any]:
    """Select the sequences of the events that a filter matches, in no order."""
    return select(_j.sequence).select_from(_asked(only)).where(*_conditions(only))


def known_reviews(only: EventFilter) -> list[ColumnElement[bool]]:
    """Keep the reviews that were known when a filter asks for."""
    known = [] if only.known_at is None else [_e.recorded_at <= only.known_at]
    if only.known_sequence is not None:
        known.append(_e.sequence <= only.known_sequence)
    return known


def newest_reviews(only: EventFilter) -> Select[Any]:
    """Select the newest review of each event, of those that were known when a filter asks for."""
    newest = (
        select(_e.event, func.max(_e.sequence).label("sequence"))
        .where(*known_reviews(only))
        .group_by(_e.event)
        .subquery("newest")
    )
    same = and_(newest.c.event == _e.event, newest.c.sequence == _e.sequence)
    return select(*_e).select_from(event_reviews.join(newest, same))


def reviewable() -> ColumnElement[bool]:
    """Leave out reviews themselves: nobody reviews them."""
    return _j.sequence.not_in(select(_r.sequence).where(_r.record == REVIEW))


def moved(entitlement: str) -> Select[Any]:
    """Select how much of an entitlement each transaction moved from one account to another.

    Its legs sum to zero: those above zero are what was moved. What was refused, or waits for a
    second person, has moved nothing and is not among them.
    """
    return (
        select(_p.sequence, func.sum(_p.quantity).label("quantity"))
        .where(_p.entitlement == entitlement, _p.quantity > 0)
        .group_by(_p.sequence)
    )


def _asked(only: EventFilter) -> FromClause:
    """Give what a filter looks at: the journal alone tells when something was recorded."""
    alone = EventFilter(
        since=only.since,
        until=only.until,
        known_at=only.known_at,
        known_sequence=only.known_sequence,
        review=only.review,
    )
    return journal if only == alone else _source


def _conditions(only: EventFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        column == wanted
        for column, wanted in (
            (_actor, only.actor),
            (func.coalesce(_t.type, _r.what), only.what),
            (_t.customer, only.customer),
            (func.coalesce(_t.status, Status.COMPLETED.value), only.status),
        )
        if wanted is not None
    ]
    if only.event == "transaction":
        conditions.append(_t.sequence.is_not(None))
    elif only.event is not None:
        conditions.append(_r.record == only.event)
    if only.since is not None:
        conditions.append(_j.recorded_at >= only.since)
    if only.until is not None:
        conditions.append(_j.recorded_at < only.until)
    if only.known_at is not None:
        conditions.append(_j.recorded_at <= only.known_at)
    if only.known_sequence is not None:
        conditions.append(_j.sequence <= only.known_sequence)
    if only.text:
        looked_at = (func.coalesce(_t.customer, _r.id), _actor, _t.reason, _t.reference)
        conditions.append(or_(*(contains(column, only.text) for column in looked_at)))
    if only.entitlement is not None:
        conditions.append(_about(only.entitlement, only.over))
    if only.review is not None:
        conditions += _reviewed(only.review, only)
    return conditions


def _about(entitlement: str, over: int | None) -> ColumnElement[bool]:
    """Keep what names an entitlement or moved some of it; or what moved more than a quantity."""
    if over is not None:
        sizes = moved(entitlement).subquery("sizes")
        return _j.sequence.in_(select(sizes.c.sequence).where(sizes.c.quantity > over))
    touched = select(_p.sequence).where(_p.entitlement == entitlement)
    return or_(_t.entitlement == entitlement, _j.sequence.in_(touched))


def _reviewed(review: str, only: EventFilter) -> list[ColumnElement[bool]]:
    """Keep what has a mark; or what has none and is not a review itself."""
    marks = newest_reviews(only).subquery("marks")
    if review == "unreviewed":
        return [_j.sequence.not_in(select(marks.c.event)), reviewable()]
    return [_j.sequence.in_(select(marks.c.event).where(marks.c.mark == review))]
