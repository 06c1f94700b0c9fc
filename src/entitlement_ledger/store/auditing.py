"""The read side of the journal as an audit trail: who did what, when, and what it changed.

Events are paged by sequence. A filter narrows them through the projections; what is shown is read
from the bodies.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, FromClause, func, or_, select

from entitlement_ledger.answers import BalanceChange, EventFilter, EventRow, Page
from entitlement_ledger.domain.events import RecordEvent, TransactionEvent, decode_event
from entitlement_ledger.store.changes import balance_changes
from entitlement_ledger.store.searching import contains
from entitlement_ledger.store.tables import journal, records, transactions

_j, _t, _r = journal.c, transactions.c, records.c
_actor = func.coalesce(_t.actor, _r.actor)
_source = journal.outerjoin(transactions, _t.sequence == _j.sequence).outerjoin(
    records, _r.sequence == _j.sequence
)


def events(
    connection: Connection, only: EventFilter, *, after: int | None, limit: int
) -> Page[EventRow]:
    """Give a page of events, newest first; `after` is the last sequence already seen."""
    query = (
        select(_j.sequence, _j.body)
        .where(*_conditions(only))
        .order_by(_j.sequence.desc())
        .limit(limit + 1)
    )
    query = query.select_from(_asked(only))
    if after is not None:
        query = query.where(_j.sequence < after)
    rows = connection.execute(query).all()
    page = [decode_event(row.body) for row in rows[:limit]]
    balances = balance_changes(
        connection, (event for event in page if isinstance(event, TransactionEvent))
    )
    return Page(
        tuple(
            _record(event)
            if isinstance(event, RecordEvent)
            else _transaction(event, balances[event.sequence])
            for event in page
        ),
        page[-1].sequence if len(rows) > limit else None,
    )


def count_events(connection: Connection, only: EventFilter) -> int:
    """Count the events that a filter matches."""
    query = select(func.count()).select_from(_asked(only)).where(*_conditions(only))
    return connection.execute(query).scalar_one()


def _asked(only: EventFilter) -> FromClause:
    """Give what a filter looks at: the journal alone tells when something was recorded."""
    timed = EventFilter(since=only.since, until=only.until, known_at=only.known_at)
    return journal if only == timed else _source


def _conditions(only: EventFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if only.actor is not None:
        conditions.append(_actor == only.actor)
    if only.event == "transaction":
        conditions.append(_t.sequence.is_not(None))
    elif only.event is not None:
        conditions.append(_r.record == only.event)
    if only.what is not None:
        conditions.append(func.coalesce(_t.type, _r.what) == only.what)
    if only.since is not None:
        conditions.append(_j.recorded_at >= only.since)
    if only.until is not None:
        conditions.append(_j.recorded_at < only.until)
    if only.known_at is not None:
        conditions.append(_j.recorded_at <= only.known_at)
    if only.text:
        looked_at = (func.coalesce(_t.customer, _r.id), _actor, _t.reason, _t.reference)
        conditions.append(or_(*(contains(column, only.text) for column in looked_at)))
    return conditions


def _transaction(event: TransactionEvent, balances: tuple[BalanceChange, ...]) -> EventRow:
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
    )


def _about_personal(event: RecordEvent) -> str:
    if event.forgets:
        return "name and email are destroyed"
    return "personal data changed too" if event.personal_changed else ""


def _record(event: RecordEvent) -> EventRow:
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
    )
