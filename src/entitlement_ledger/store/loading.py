"""Loading the book: the touched state of a whole batch, in a few set-based statements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Set

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select

from entitlement_ledger.domain.book import Book, HoldingKey
from entitlement_ledger.domain.catalogue import (
    CatalogueStatus,
    Category,
    Customer,
    CustomerStatus,
    Entitlement,
    Kind,
    Product,
    ProductLine,
)
from entitlement_ledger.domain.commands import Command
from entitlement_ledger.domain.events import (
    Account,
    Grant,
    TransactionEvent,
    decode_event,
    sequence_of,
)
from entitlement_ledger.domain.holdings import GrantState, Holding
from entitlement_ledger.store.dialect import among
from entitlement_ledger.store.journal import last
from entitlement_ledger.store.reversals import reversed_quantities
from entitlement_ledger.store.tables import (
    customers,
    entitlements,
    grants,
    idempotency,
    journal,
    postings,
    product_versions,
)

_CUSTOMERS_AT_ONCE_MAX = 20_000


def new_book(connection: Connection) -> Book:
    """Give a book that knows the catalogue and where the journal ends.

    Customers are in it too unless they are many: a look-up for each new one would cost more.
    """
    sequence, recorded_at = last(connection)
    known = _customers(connection, limit=_CUSTOMERS_AT_ONCE_MAX + 1)
    return Book(
        customers={} if len(known) > _CUSTOMERS_AT_ONCE_MAX else known,
        all_customers=len(known) <= _CUSTOMERS_AT_ONCE_MAX,
        entitlements={each.code: each for each in _entitlements(connection)},
        products={each.code: each for each in _products(connection)},
        last_sequence=sequence,
        last_recorded_at=recorded_at,
    )


def load(connection: Connection, book: Book, commands: Collection[Command]) -> None:
    """Put into the book what it lacks to decide these commands."""
    if not book.last_sequence or not commands:
        return
    named = {command.transaction for command in commands if command.transaction}
    load_originals(connection, book, {command.key for command in commands}, named)
    load_customers(connection, book, {command.customer for command in commands})
    pairs = {(command.customer, command.entitlement) for command in commands if command.entitlement}
    for name in named:
        original = book.original(name)
        if original and original.event.entitlement:
            pairs.add((original.event.customer, original.event.entitlement))
    load_holdings(connection, book, pairs)


def load_originals(
    connection: Connection, book: Book, keys: Set[str], named: Collection[str]
) -> None:
    """Load the first events of keys, and the transactions that commands name by id or key.

    What the book has already it keeps: it may be ahead of the projections.
    """
    sequences = {number for name in named if (number := sequence_of(name)) is not None}
    keys = {*keys, *(name for name in named if sequence_of(name) is None)}
    sought = sorted(keys - book.keys.keys())
    with among(connection, sought, idempotency.c.key) as known:
        sequences |= set(
            connection.execute(select(idempotency.c.sequence).where(known)).scalars().all()
        )
    sequences -= book.originals.keys()
    if not sequences:
        return
    with among(connection, sorted(sequences), journal.c.sequence) as known:
        bodies = connection.execute(select(journal.c.body).where(known)).scalars().all()
    events = [event for event in map(decode_event, bodies) if isinstance(event, TransactionEvent)]
    undone = reversed_quantities(connection, [each.sequence for each in events]) if named else {}
    for event in events:
        book.add_original(event, undone.get(event.sequence, 0))


def load_customers(connection: Connection, book: Book, ids: Iterable[str]) -> None:
    """Load customers that the book does not know yet."""
    lacking = sorted(set(ids) - book.customers.keys())
    if lacking and not book.all_customers:
        with among(connection, lacking, customers.c.id) as wanted:
            book.customers.update(_customers(connection, wanted))


def _customers(
    connection: Connection, *wanted: ColumnElement[bool], limit: int | None = None
) -> dict[str, Customer]:
    rows = connection.execute(
        select(customers.c.id, customers.c.segment, customers.c.status).where(*wanted).limit(limit)
    ).all()
    return {
        row.id: Customer(id=row.id, segment=row.segment, status=CustomerStatus(row.status))
        for row in rows
    }


def load_holdings(connection: Connection, book: Book, pairs: Iterable[HoldingKey]) -> None:
    """Load what customers hold of entitlements, as far as the book does not know it yet."""
    lacking = sorted(set(pairs) - book.holdings.keys())
    if not lacking:
        return
    states = _grant_states(connection, lacking)
    _fill_accounts(connection, lacking, states)
    by_pair: dict[HoldingKey, list[GrantState]] = {pair: [] for pair in lacking}
    for state in states.values():
        by_pair[(state.grant.customer, state.grant.entitlement)].append(state)
    for pair, held in by_pair.items():
        book.holdings[pair] = Holding.of(held)


def _grant_states(connection: Connection, pairs: list[HoldingKey]) -> dict[str, GrantState]:
    g = grants.c
    with among(connection, pairs, g.customer, g.entitlement) as wanted:
        rows = connection.execute(
            select(
                g.id,
                g.customer,
                g.entitlement,
                g.quantity,
                g.priority,
                g.category,
                g.effective_from,
                g.expires_at,
                g.parent,
            ).where(wanted)
        ).all()
    return {
        row.id: GrantState(
            Grant(
                id=row.id,
                customer=row.customer,
                entitlement=row.entitlement,
                quantity=row.quantity,
                priority=row.priority,
                category=Category(row.category),
                effective_from=row.effective_from,
                expires_at=row.expires_at,
                parent=row.parent,
            )
        )
        for row in rows
    }


def _fill_accounts(
    connection: Connection, pairs: list[HoldingKey], states: dict[str, GrantState]
) -> None:
    """Sum the postings by grant, account and instant into the timelines, in order of time."""
    if not states:
        return
    p = postings.c
    with among(connection, pairs, p.customer, p.entitlement) as wanted:
        rows = connection.execute(
            select(p.grant, p.account, p.effective_at, func.sum(p.quantity))
            .where(wanted, p.account != Account.ISSUANCE)
            .group_by(p.grant, p.account, p.effective_at)
            .order_by(p.effective_at)
        ).all()
    for grant, account, effective_at, quantity in rows:
        states[grant].apply(Account(account), int(quantity), effective_at)


def _entitlements(connection: Connection) -> list[Entitlement]:
    rows = connection.execute(select(entitlements)).all()
    return [
        Entitlement(
            code=row.code,
            name=row.name,
            description=row.description,
            kind=Kind(row.kind),
            unit=row.unit,
            scale=row.scale,
            resources=split_resources(row.resources),
            status=CatalogueStatus(row.status),
        )
        for row in rows
    ]


def split_resources(listed: str) -> tuple[str, ...]:
    """Read resources as they are stored: separated by `;`."""
    return tuple(part for part in listed.split(";") if part)


def _products(connection: Connection) -> list[Product]:
    """Give the newest version of each product."""
    rows = connection.execute(select(product_versions).order_by(product_versions.c.sequence)).all()
    return [
        Product(
            code=row.code,
            name=row.name,
            tier=row.tier,
            period=row.period,
            lines=tuple(msgspec.json.decode(row.lines, type=list[ProductLine])),
            status=CatalogueStatus(row.status),
        )
        for row in {row.code: row for row in rows}.values()
    ]
