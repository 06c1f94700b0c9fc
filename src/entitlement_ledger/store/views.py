"""The read side of transactions and events: plain selects, paged by sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, bindparam, func, select

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
    sequence_of,
    transaction_id,
)
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.refusals import Code
from entitlement_ledger.store.catalogue import Catalogue
from entitlement_ledger.store.changes import balance_changes
from entitlement_ledger.store.dialect import among, microseconds
from entitlement_ledger.store.journal import event_of
from entitlement_ledger.store.reversals import is_reversal, status_now, status_of
from entitlement_ledger.store.searching import said
from entitlement_ledger.store.tables import (
    idempotency,
    journal,
    transactions,
)
from entitlement_ledger.store.written import WrittenQuery

FEW = 500
"""Of a customer of fewer transactions all are read, and put in order here."""
_ENTITLEMENT, _EFFECTIVE_AT = 5, 8
"""Their places in a row of `_shown`."""
_CODES = frozenset(Code)
Row = tuple[Any, ...]
_t = transactions.c


def history(
    connection: Connection,
    catalogue: Catalogue,
    only: HistoryFilter,
    now: Instant,
    *,
    after: int | None,
    limit: int,
) -> Page[TransactionRow, int]:
    """Give a page of transactions, newest first; `after` is the last sequence already seen."""
    rows = _few_of_customer(connection, only, now)
    if rows is None:
        table = _of_customer(only.customer)
        query = _shown(table, now).where(*_conditions(only, now, table))
        if after is not None:
            query = query.where(table.c.sequence < after)
        query = query.order_by(table.c.sequence.desc()).limit(limit + 1)
        rows = [tuple(row) for row in connection.execute(query).all()]
    else:
        rows = [row for row in rows if after is None or row[0] < after]
    page = rows[:limit]
    return Page(
        tuple(_transaction_rows(connection, catalogue, page)),
        page[-1][0] if len(rows) > limit else None,
    )


def latest(
    connection: Connection, catalogue: Catalogue, only: HistoryFilter, now: Instant, *, limit: int
) -> list[TransactionRow]:
    """Give the transactions that took effect last, the latest first.

    Of those that took effect together, what was recorded later comes first.
    """
    rows = _few_of_customer(connection, only, now)
    if rows is None:
        table = _of_customer(only.customer)
        query = _shown(table, now).where(*_conditions(only, now, table))
        query = query.order_by(table.c.effective_at.desc(), table.c.sequence.desc()).limit(limit)
        rows = [tuple(row) for row in connection.execute(query).all()]
    else:
        rows.sort(key=itemgetter(_EFFECTIVE_AT, 0), reverse=True)
    return list(_transaction_rows(connection, catalogue, rows[:limit]))


def _shown(table: FromClause, now: Instant) -> Select[Any]:
    """Select transactions as they are shown, each with the status that it has now."""
    t = table.c
    return select(t.sequence, t.type, status_now(now, table), *_others(table))


def _others(table: FromClause) -> tuple[ColumnElement[Any], ...]:
    """Give what is shown beside sequence, type and status."""
    t = table.c
    return (
        t.code,
        t.customer,
        t.entitlement,
        t.product,
        t.quantity,
        microseconds(t.effective_at),
        microseconds(t.recorded_at),
        t.actor,
        t.role,
        t.reason,
        t.reference,
        t.key,
    )


_few = WrittenQuery(
    select(
        _t.sequence,
        _t.type,
        _t.status,
        *_others(transactions),
        _t.undone,
        _t.became,
        microseconds(_t.expires_at),
    )
    .where(_t.customer == bindparam("customer"))
    .limit(FEW)
)


def _few_of_customer(connection: Connection, only: HistoryFilter, now: Instant) -> list[Row] | None:
    """Give all transactions of a customer, newest first, where just that is asked for.

    None where they are not few. Without an order, a status and a second step the database needs
    half the time.
    """
    if only.customer is None or only != HistoryFilter(customer=only.customer):
        return None
    found = _few.rows(connection, {"customer": only.customer}, alone=True)
    if len(found) == FEW:
        return None
    found.sort(key=itemgetter(0), reverse=True)
    return [
        (sequence, kind, status_of(status, undone, rest[4], became, ends, now), *rest)
        for sequence, kind, status, *rest, undone, became, ends in found
    ]


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
        told = t.code if only.status in _CODES else status_now(now, table)
        conditions.append(told == only.status)
    if only.since is not None:
        conditions.append(t.effective_at >= only.since)
    if only.until is not None:
        conditions.append(t.effective_at < only.until)
    if only.known_at is not None:
        conditions.append(t.recorded_at <= only.known_at)
    if only.text:
        conditions.append(said(t.words, only.text))
    return conditions


def _transaction_rows(
    connection: Connection, catalogue: Catalogue, rows: Sequence[Any]
) -> Iterator[TransactionRow]:
    """Give rows of `_shown` as the faces show them."""
    codes = {row[_ENTITLEMENT] for row in rows} - {None}
    entitlements = catalogue.read(connection, codes) if codes else {}
    for row in rows:
        described = entitlements.get(row[_ENTITLEMENT])
        written = (None, None) if described is None else (described.scale, described.unit)
        shown = (transaction_id(row[0]), *row, *written)
        yield TransactionRow(*shown)


def transactions_of(
    connection: Connection, catalogue: Catalogue, sequences: Sequence[int], now: Instant
) -> list[TransactionRow]:
    """Give transactions by sequence, oldest first."""
    with among(connection, sorted(sequences), _t.sequence) as wanted:
        rows = connection.execute(_shown(transactions, now).where(wanted)).all()
    return list(_transaction_rows(connection, catalogue, sorted(rows, key=itemgetter(0))))


def transaction(
    connection: Connection, catalogue: Catalogue, name: str, now: Instant
) -> TransactionDetail | None:
    """Find a transaction by id, then by key, then by its bare number."""
    sequence = _find(connection, name)
    if sequence is None:
        return None
    row = connection.execute(_shown(transactions, now).where(_t.sequence == sequence)).first()
    if row is None:
        return None
    stored = connection.execute(
        select(journal.c.body, journal.c.hash).where(journal.c.sequence == sequence)
    ).one()
    event = event_of(sequence, stored.body)
    assert isinstance(event, TransactionEvent)
    undone = connection.execute(
        select(_t.sequence).where(_t.target == sequence, is_reversal()).order_by(_t.sequence)
    ).scalars()
    reversed_by = tuple(transaction_id(each) for each in undone.all())
    (shown,) = _transaction_rows(connection, catalogue, [row])
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
        postings=posting_rows(event),
        balances=balance_changes(connection, [event])[event.sequence],
        body=stored.body,
        hash=stored.hash.hex(),
    )


def posting_rows(event: TransactionEvent) -> tuple[PostingRow, ...]:
    """Give the legs of a transaction."""
    return tuple(
        PostingRow(leg.grant, leg.entitlement, leg.account.value, leg.quantity, leg.effective_at)
        for leg in event.postings
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
