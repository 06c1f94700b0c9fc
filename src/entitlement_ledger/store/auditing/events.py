"""Events of the audit trail: who did what, when, what it changed, and who has looked at it.

They are paged by sequence. A filter narrows them through the projections; what is shown is read
from the bodies.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from entitlement_ledger.answers import BalanceChange, EventFilter, EventReview, EventRow, Page
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import (
    Event,
    RecordEvent,
    Status,
    TransactionEvent,
)
from entitlement_ledger.errors import InputError
from entitlement_ledger.store.auditing.filtering import chosen
from entitlement_ledger.store.auditing.reviews import reviews_of
from entitlement_ledger.store.changes import balance_changes
from entitlement_ledger.store.dialect import among
from entitlement_ledger.store.journal import event_of
from entitlement_ledger.store.tables import journal, resolutions, transactions
from entitlement_ledger.store.views import posting_rows

_j, _t = journal.c, transactions.c
_AT_ONCE = 1000


def events(
    connection: Connection, only: EventFilter, *, after: int | None, limit: int
) -> Page[EventRow, int]:
    """Give a page of events, newest first; `after` is the last sequence already seen."""
    found = sequences(connection, only, after=after, limit=limit + 1)
    page = found[:limit]
    rows = events_of(connection, page, only)
    return Page(tuple(rows), page[-1] if len(found) > limit else None)


def sequences(
    connection: Connection, only: EventFilter, *, after: int | None = None, limit: int
) -> list[int]:
    """Give the sequences of the events that a filter matches, the newest first."""
    query = chosen(only).order_by(_j.sequence.desc()).limit(limit)
    if after is not None:
        query = query.where(_j.sequence < after)
    return list(connection.execute(query).scalars().all())


def count_events(connection: Connection, only: EventFilter) -> int:
    """Count the events that a filter matches."""
    query = chosen(only).with_only_columns(func.count())
    return connection.execute(query).scalar_one()


def events_of(connection: Connection, wanted: Sequence[int], known: EventFilter) -> list[EventRow]:
    """Give events by sequence, in that order, with reviews and approvals known as asked.

    Raises:
        InputError: there is no event of one of these sequences.
    """
    rows: list[EventRow] = []
    for start in range(0, len(wanted), _AT_ONCE):
        rows += _rows(connection, wanted[start : start + _AT_ONCE], known)
    return rows


def _rows(connection: Connection, wanted: Sequence[int], known: EventFilter) -> list[EventRow]:
    if not wanted:
        return []
    with among(connection, sorted(wanted), _j.sequence) as listed:
        found = connection.execute(select(_j.sequence, _j.body).where(listed)).all()
    by_sequence = {row.sequence: event_of(row.sequence, row.body) for row in found}
    lacking = next((each for each in wanted if each not in by_sequence), None)
    if lacking is not None:
        raise InputError(f"event {lacking} is not in the journal: check the number")
    decoded = [by_sequence[each] for each in wanted]
    decided = [event for event in decoded if isinstance(event, TransactionEvent)]
    balances = balance_changes(connection, decided)
    reviews = reviews_of(connection, wanted, known)
    approvers = _approvers(connection, decided, known)
    proposers = _proposers(connection, decided)
    return [
        _record(event, reviews.get(event.sequence))
        if isinstance(event, RecordEvent)
        else _transaction(
            event,
            balances[event.sequence],
            reviews.get(event.sequence),
            approvers.get(event.sequence),
            proposers.get(event.sequence),
        )
        for event in decoded
    ]


def _approvers(
    connection: Connection, decided: Sequence[TransactionEvent], only: EventFilter
) -> dict[int, str]:
    """Say who, by then, had approved each of these that was a proposal, or is an approval."""
    approvers = {event.sequence: event.actor for event in decided if _approves(event)}
    proposals = [event.sequence for event in decided if event.proposal]
    if not proposals:
        return approvers
    r = resolutions.c
    known = [] if only.known_at is None else [_t.recorded_at <= only.known_at]
    if only.known_sequence is not None:
        known.append(_t.sequence <= only.known_sequence)
    with among(connection, proposals, r.target) as listed:
        query = (
            select(r.target, r.status, _t.actor)
            .join_from(resolutions, transactions, _t.sequence == r.sequence)
            .where(listed, *known)
            .order_by(r.sequence.desc(), r.place.desc())
        )
        # A proposal is decided once, and first: what became of it later is overwritten here.
        first = {row.target: row for row in connection.execute(query).all()}
    return approvers | {
        target: row.actor for target, row in first.items() if row.status == Status.COMPLETED
    }


def _proposers(connection: Connection, decided: Sequence[TransactionEvent]) -> dict[int, str]:
    """Say who had asked for what each of these has carried out, by its own sequence."""
    carried_out = {
        resolution.target: event.sequence
        for event in decided
        if _approves(event)
        for resolution in event.resolves
    }
    if not carried_out:
        return {}
    with among(connection, sorted(carried_out), _t.sequence) as listed:
        query = select(_t.sequence, _t.actor).where(listed, _t.proposal)
        rows = connection.execute(query).all()
    return {carried_out[row.sequence]: row.actor for row in rows}


def _approves(event: Event) -> bool:
    """Say whether an event has carried out what somebody else proposed."""
    return (
        isinstance(event, TransactionEvent)
        and event.type == CommandType.APPROVE
        and event.status is not Status.REFUSED
    )


def _transaction(
    event: TransactionEvent,
    balances: tuple[BalanceChange, ...],
    review: EventReview | None,
    approver: str | None,
    proposer: str | None,
) -> EventRow:
    return EventRow(
        sequence=event.sequence,
        event="transaction",
        what=event.type,
        subject=event.customer,
        status=event.status.value,
        code=event.code,
        actor=event.actor,
        role=event.role,
        reason=event.reason,
        reference=event.reference,
        recorded_at=event.recorded_at,
        effective_at=event.effective_at,
        message=event.message,
        balances=balances,
        before=None,
        after=None,
        review=review,
        approver=approver,
        proposer=proposer,
        postings=posting_rows(event),
    )


def _about_personal(event: RecordEvent) -> str:
    if event.forgets:
        return "name and email are destroyed"
    return "personal data changed too" if event.personal_changed else ""


def _record(event: RecordEvent, review: EventReview | None) -> EventRow:
    return EventRow(
        sequence=event.sequence,
        event=event.record,
        what=event.what,
        subject=event.id,
        status="completed",
        code=None,
        actor=event.actor,
        role=event.role,
        reason=event.reason,
        reference=None,
        recorded_at=event.recorded_at,
        effective_at=event.recorded_at,
        message=_about_personal(event),
        balances=(),
        before=event.before,
        after=event.after,
        review=review,
    )
