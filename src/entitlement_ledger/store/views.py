"""The read side of transactions and events: plain selects, paged by sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, func, or_, select

from entitlement_ledger.answers import (
    DrawRow,
    GrantRow,
    HistoryFilter,
    Page,
    PostingRow,
    TransactionDetail,
    TransactionRow,
)
from entitlement_ledger.domain.events import (
    Grant,
    TransactionEvent,
    decode_event,
    sequence_of,
    transaction_id,
)
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.store.changes import balance_changes, scales_and_units
from entitlement_ledger.store.dialect import among
from entitlement_ledger.store.reversals import (
    is_reversal,
    status_now,
)
from entitlement_ledger.store.searching import contains
from entitlement_ledger.store.tables import (
    idempotency,
    journal,
    transactions,
)

_t = transactions.c


def history(
    connection: Connection, only: HistoryFilter, now: Instant, *, after: int | None, limit: int
) -> Page[TransactionRow]:
    """Give a page of transactions, newest first; `after` is the last sequence already seen."""
    table = _of_customer(only.customer)
    query = _with_status(table, now).where(*_conditions(only, now, table))
    if after is not None:
        query = query.where(table.c.sequence < after)
    query = query.order_by(table.c.sequence.desc()).limit(limit + 1)
    rows = connection.execute(query).all()
    page = rows[:limit]
    return Page(
        tuple(_transaction_rows(connection, page)),
        page[-1].sequence if len(rows) > limit else None,
    )


def _with_status(table: FromClause, now: Instant) -> Select[Any]:
    """Select transactions with the status that they have now."""
    return select(table, status_now(now, table).label("status_now"))


def _of_customer(customer: str | None) -> FromClause:
    """Give all transactions, or those of one customer.

    Those are found first, by their index: asked for together with an order and a limit, the
    database would look through all.
    """
    if customer is None:
        return transactions
    found = select(transactions).where(_t.customer == customer)
    return found.cte("transactions_of").prefix_with("MATERIALIZED")


def count_history(connection: Connection, only: HistoryFilter, now: Instant) -> int:
    """Count the transactions that a filter matches."""
    query = select(func.count()).select_from(transactions).where(*matching(only, now))
    return connection.execute(query).scalar_one()


def matching(only: HistoryFilter, now: Instant) -> list[ColumnElement[bool]]:
    """Give the conditions by which transactions match a filter."""
    conditions = _conditions(only, now, transactions)
    if only.customer is not None:
        conditions.append(_t.customer == only.customer)
    return conditions


def _conditions(only: HistoryFilter, now: Instant, table: FromClause) -> list[ColumnElement[bool]]:
    """Give what a filter asks of a table of transactions, the customer aside."""
    t = table.c
    conditions: list[ColumnElement[bool]] = [
        column == wanted
        for column, wanted in (
            (t.entitlement, only.entitlement),
            (t.type, only.type),
            (t.actor, only.actor),
        )
        if wanted is not None
    ]
    if only.status is not None:
        conditions.append(status_now(now, table) == only.status)
    if only.since is not None:
        conditions.append(t.effective_at >= only.since)
    if only.until is not None:
        conditions.append(t.effective_at < only.until)
    if only.known_at is not None:
        conditions.append(t.recorded_at <= only.known_at)
    if only.text:
        looked_at = (t.customer, t.reference, t.reason, t.key, t.actor)
        conditions.append(or_(*(contains(column, only.text) for column in looked_at)))
    return conditions


def _transaction_rows(connection: Connection, rows: Sequence[Any]) -> Iterator[TransactionRow]:
    """Give rows as the faces show them."""
    units = scales_and_units(connection, {row.entitlement for row in rows} - {None})
    for row in rows:
        scale, unit = units.get(row.entitlement, (None, None))
        yield _transaction_row(row, scale, unit)


def _transaction_row(row: Any, scale: int | None, unit: str | None) -> TransactionRow:
    return TransactionRow(
        transaction=transaction_id(row.sequence),
        sequence=row.sequence,
        type=row.type,
        status=row.status_now,
        code=row.code,
        customer=row.customer,
        entitlement=row.entitlement,
        product=row.product,
        quantity=row.quantity,
        effective_at=row.effective_at,
        recorded_at=row.recorded_at,
        actor=row.actor,
        role=row.role,
        reason=row.reason,
        reference=row.reference,
        key=row.key,
        scale=scale,
        unit=unit,
    )


def transactions_of(
    connection: Connection, sequences: Sequence[int], now: Instant
) -> list[TransactionRow]:
    """Give transactions by sequence, oldest first."""
    with among(connection, sorted(sequences), _t.sequence) as wanted:
        rows = connection.execute(_with_status(transactions, now).where(wanted)).all()
    rows = sorted(rows, key=lambda row: row.sequence)
    return list(_transaction_rows(connection, rows))


def transaction(connection: Connection, name: str, now: Instant) -> TransactionDetail | None:
    """Find a transaction by id, then by key, then by its bare number."""
    sequence = _find(connection, name)
    if sequence is None:
        return None
    query = _with_status(transactions, now).where(_t.sequence == sequence)
    row = connection.execute(query).first()
    if row is None:
        return None
    stored = connection.execute(
        select(journal.c.body, journal.c.hash).where(journal.c.sequence == sequence)
    ).one()
    event = decode_event(stored.body)
    assert isinstance(event, TransactionEvent)
    undone = connection.execute(
        select(_t.sequence).where(_t.target == sequence, is_reversal()).order_by(_t.sequence)
    ).scalars()
    reversed_by = tuple(transaction_id(each) for each in undone.all())
    (shown,) = _transaction_rows(connection, [row])
    return TransactionDetail(
        row=shown,
        does=event.kind,
        proposal=event.proposal,
        message=event.message,
        history=event.history,
        target=None if event.target is None else transaction_id(event.target),
        reversed_by=reversed_by,
        grants=tuple(grant_row(grant, event.sequence) for grant in event.grants),
        draws=tuple(DrawRow(draw.grant, draw.quantity) for draw in event.draws),
        postings=tuple(
            PostingRow(p.grant, p.entitlement, p.account.value, p.quantity, p.effective_at)
            for p in event.postings
        ),
        balances=balance_changes(connection, [event])[event.sequence],
        body=stored.body,
        hash=stored.hash.hex(),
    )


def _find(connection: Connection, name: str) -> int | None:
    sequence = sequence_of(name)
    if sequence is not None:
        return sequence
    known = connection.execute(
        select(idempotency.c.sequence).where(idempotency.c.key == name)
    ).scalar()
    if known is None and name.isascii() and name.isdigit() and len(name) <= 18:
        return int(name)
    return known


def grant_row(grant: Grant, sequence: int) -> GrantRow:
    """Give a grant as the faces show it."""
    return GrantRow(
        id=grant.id,
        entitlement=grant.entitlement,
        quantity=grant.quantity,
        priority=grant.priority,
        category=grant.category.value,
        effective_from=grant.effective_from,
        expires_at=grant.expires_at,
        transaction=transaction_id(sequence),
        parent=grant.parent,
    )
