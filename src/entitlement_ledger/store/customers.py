"""The read side of customers and the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from entitlement_ledger.answers import CustomerRow, EntitlementRow
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.store.balances import known_until
from entitlement_ledger.store.loading import split_resources
from entitlement_ledger.store.searching import contains
from entitlement_ledger.store.tables import (
    billing,
    customers,
    entitlements,
    people,
    tickets,
    transactions,
)
from entitlement_ledger.store.then import customers_then, was_known

TICKET, INVOICE = "ticket:", "invoice:"
_c, _p = customers.c, people.c
_source = customers.outerjoin(people, _p.customer == _c.id)


def find_customers(
    connection: Connection,
    *,
    search: str,
    after: str | None,
    limit: int,
    at: Instant | None = None,
    known_at: Instant | None = None,
) -> list[CustomerRow]:
    """Give customers whose id, name or email holds a text, by id, after one already seen.

    And those of whom a ticket or an invoice line is called so: `ticket:` or `invoice:` before the
    text leaves out the rest. Those that were known at `known_at`, as they were at `at`; found by
    what they are called now.
    """
    found = [*_matches(search), *_known(connection, known_at)]
    query = _rows().where(*found).order_by(_c.id).limit(limit)
    if after is not None:
        query = query.where(_c.id > after)
    rows = [_row(row) for row in connection.execute(query).all()]
    return customers_then(connection, rows, at, known_at)


def count_customers(connection: Connection, *, search: str, known_at: Instant | None = None) -> int:
    """Count the customers that a search finds, of those that were known at an instant."""
    found = [*_matches(search), *_known(connection, known_at)]
    query = select(func.count()).select_from(_source).where(*found)
    return connection.execute(query).scalar_one()


def _known(connection: Connection, known_at: Instant | None) -> list[ColumnElement[bool]]:
    known = known_until(connection, known_at)
    return [] if known is None else [was_known(_c.id, known)]


def customer(connection: Connection, name: str) -> CustomerRow | None:
    """Give one customer by id."""
    row = connection.execute(_rows().where(_c.id == name)).first()
    return None if row is None else _row(row)


def entitlement_rows(
    connection: Connection, of: Sequence[str] | None = None
) -> list[EntitlementRow]:
    """Give the catalogue's entitlements, or those of some codes, by code."""
    query = select(entitlements).order_by(entitlements.c.code)
    if of is not None:
        query = query.where(entitlements.c.code.in_(of))
    rows = connection.execute(query).all()
    return [
        EntitlementRow(
            code=row.code,
            name=row.name,
            description=row.description,
            kind=row.kind,
            unit=row.unit,
            scale=row.scale,
            resources=split_resources(row.resources),
            status=row.status,
        )
        for row in rows
    ]


def _rows() -> Any:
    return select(_c.id, _c.segment, _c.status, _p.name, _p.email, _p.created_at).select_from(
        _source
    )


def _matches(search: str) -> list[ColumnElement[bool]]:
    if not search.strip():
        return []
    text = search.strip()
    kind, colon, rest = text.partition(":")
    if colon and f"{kind.lower()}:" in (TICKET, INVOICE):
        return [or_(*_named(rest.strip(), kind.lower() + ":"))]
    found = [contains(column, text) for column in (_c.id, _p.name, _p.email)]
    if any(each.isdigit() for each in text):
        found += [each for kind in (TICKET, INVOICE) for each in _named(text, kind)]
    return [or_(*found)]


def _named(text: str, kind: str) -> list[ColumnElement[bool]]:
    """Match the customers of tickets or invoice lines whose id holds a text.

    And those of transactions that refer to just that.
    """
    table, name = (tickets, tickets.c.id) if kind == TICKET else (billing, billing.c.invoice_line)
    fed = select(table.c.customer).where(contains(name, text))
    told = select(transactions.c.customer).where(transactions.c.reference == f"{kind}{text}")
    return [_c.id.in_(fed), _c.id.in_(told)]


def _row(row: Any) -> CustomerRow:
    return CustomerRow(
        id=row.id,
        name=row.name or "",
        email=row.email or "",
        segment=row.segment,
        status=row.status,
        created_at=row.created_at,
    )
