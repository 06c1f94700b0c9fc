"""Loading the book: the touched state of a whole batch, in a few set-based statements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set

import msgspec
from sqlalchemy import ColumnElement, Connection, select

from entitlement_ledger.domain.book import Book, without
from entitlement_ledger.domain.catalogue import (
    CatalogueStatus,
    Customer,
    CustomerStatus,
    Entitlement,
    Kind,
    Product,
    ProductLine,
)
from entitlement_ledger.domain.commands import Command, CommandType, parse_command
from entitlement_ledger.domain.events import (
    Status,
    TransactionEvent,
    decode_event,
    sequence_of,
    transaction_id,
)
from entitlement_ledger.domain.instants import Instant, parse_instant
from entitlement_ledger.domain.subscriptions import Subscription
from entitlement_ledger.store.dialect import among
from entitlement_ledger.store.holdings import load_holdings
from entitlement_ledger.store.journal import last
from entitlement_ledger.store.tables import (
    customers,
    entitlements,
    idempotency,
    journal,
    product_versions,
    records,
    resolutions,
    subscriptions,
    transactions,
)
from entitlement_ledger.store.written import LookUp

CUSTOMERS_AT_ONCE_MAX = 20_000
_FEW_MAX = 100
_of_keys = LookUp(idempotency.c.key, idempotency.c.key, idempotency.c.sequence)


def new_book(connection: Connection) -> Book:
    """Give a book that knows the catalogue and where the journal ends.

    Customers are in it too unless they are many, and those who are not active unless these are: a
    look-up for each new one would cost more.
    """
    sequence, recorded_at = last(connection)
    known = _customers(connection, limit=CUSTOMERS_AT_ONCE_MAX + 1)
    all_customers = others_active = len(known) <= CUSTOMERS_AT_ONCE_MAX
    if not all_customers:
        not_active = customers.c.status != CustomerStatus.ACTIVE
        known = _customers(connection, not_active, limit=CUSTOMERS_AT_ONCE_MAX + 1)
        others_active = len(known) <= CUSTOMERS_AT_ONCE_MAX
    return Book(
        customers=known if others_active else {},
        all_customers=all_customers,
        others_active=others_active,
        entitlements={each.code: each for each in _entitlements(connection)},
        products=products(connection),
        last_sequence=sequence,
        last_recorded_at=recorded_at,
        closed_until=_closed_until(connection),
    )


def _closed_until(connection: Connection) -> Instant | None:
    """Give the end of the latest period that was closed."""
    closed = select(records.c.id).where(records.c.record == "archive")
    last_first = closed.order_by(records.c.sequence.desc()).limit(1)
    found = connection.execute(last_first).scalars().all()
    return parse_instant(found[0]) if found else None


_WHOLE_CUSTOMER = frozenset(
    {
        CommandType.PURCHASE,
        CommandType.RENEW,
        CommandType.UPGRADE,
        CommandType.DOWNGRADE,
        CommandType.CANCEL,
    }
)
"""What is judged by everything that a customer holds."""


def known_keys(connection: Connection, keys: Collection[str]) -> dict[str, int]:
    """Give the sequences of the events that first used keys, of those that are known."""
    if not keys:
        return {}
    if len(keys) <= _FEW_MAX:
        return dict(_of_keys.rows(connection, sorted(keys), alone=True))
    with among(connection, sorted(keys), idempotency.c.key) as sought:
        rows = connection.execute(
            select(idempotency.c.key, idempotency.c.sequence).where(sought)
        ).all()
    return dict(map(tuple, rows))


def load(
    connection: Connection,
    book: Book,
    commands: Collection[Command],
    known: Mapping[str, int],
) -> None:
    """Put into the book what it lacks to decide these commands, or to answer them again.

    `known` gives the sequences of the keys that they have or name, of those that are known.
    """
    if not book.last_sequence or not commands:
        return
    # What has been asked before is only answered again, whatever has become of what it is about.
    new = [each for each in commands if each.key not in known and each.key not in book.keys]
    load_originals(connection, book, {each.key for each in commands}, _named(new), known)
    _load_for(connection, book, new)


def _named(commands: Iterable[Command]) -> set[str]:
    return {command.transaction for command in commands if command.transaction}


def _load_for(connection: Connection, book: Book, commands: Collection[Command]) -> None:
    """Load what commands are decided by; the transactions that they name are loaded already."""
    load_customers(connection, book, {command.customer for command in commands})
    pairs = {(command.customer, command.entitlement) for command in commands if command.entitlement}
    whole = {command.customer for command in commands if command.type in _WHOLE_CUSTOMER}
    for name in _named(commands):
        original = book.original(name)
        if original is None:
            continue
        if original.event.proposal:
            # Its own key is known: it is to be decided all the same, for whoever approves it.
            proposed = parse_command({**original.event.command, "key": original.event.key})
            load_originals(connection, book, set(), _named([proposed]))
            _load_for(connection, book, [proposed])
        if original.event.entitlement:
            pairs.add((original.event.customer, original.event.entitlement))
        if original.event.kind == CommandType.PURCHASE:
            whole.add(original.event.customer)
    load_holdings(connection, book, pairs)
    load_whole_customers(connection, book, whole)


def load_whole_customers(connection: Connection, book: Book, ids: Collection[str]) -> None:
    """Load customers with all that they hold of anything, and their subscriptions."""
    if not ids:
        return
    load_customers(connection, book, ids)
    load_holdings(connection, book, {(each, code) for each in ids for code in book.entitlements})
    lacking = sorted(without(ids, book.subscriptions))
    if not lacking:
        return
    s = subscriptions.c
    with among(connection, lacking, s.customer) as wanted:
        rows = connection.execute(select(s.customer, s.state).where(wanted).order_by(s.id)).all()
    for each in lacking:
        book.subscriptions[each] = {}
    for row in rows:
        known = msgspec.json.decode(row.state, type=Subscription)
        book.subscriptions[row.customer][known.id] = known


def load_originals(
    connection: Connection,
    book: Book,
    keys: Set[str],
    named: Collection[str],
    known: Mapping[str, int] | None = None,
) -> None:
    """Load the first events of keys, and the transactions that commands name by id or key.

    What the book has already it keeps: it may be ahead of the projections.
    """
    sequences = {number for name in named if (number := sequence_of(name)) is not None}
    keys = {*keys, *(name for name in named if sequence_of(name) is None)}
    sought = without(keys, book.keys)
    if known is None:
        known = known_keys(connection, sought)
    sequences |= {known[key] for key in sought if key in known}
    sequences = without(sequences, book.originals)
    if not sequences:
        return
    with among(connection, sorted(sequences), journal.c.sequence) as wanted:
        bodies = connection.execute(select(journal.c.body).where(wanted)).scalars().all()
    events = [event for event in map(decode_event, bodies) if isinstance(event, TransactionEvent)]
    # Also of what is only answered again: a later command may name it, and the book keeps it.
    t = transactions.c
    with among(connection, [each.sequence for each in events], t.sequence) as wanted:
        rows = connection.execute(select(t.sequence, t.undone, t.became).where(wanted)).all()
    since = {number: (undone, became and Status(became)) for number, undone, became in rows}
    for event in events:
        book.add_original(event, *since.get(event.sequence, (0, None)))
    _load_approvals(connection, book, [each.sequence for each in events if each.proposal])


def _load_approvals(connection: Connection, book: Book, proposals: list[int]) -> None:
    """Load the approvals that executed proposals: what a proposal's key stands for since."""
    r, t = resolutions.c, transactions.c
    if not proposals:
        return
    with among(connection, proposals, r.target) as wanted:
        rows = connection.execute(
            select(r.target, r.sequence)
            .select_from(resolutions.join(transactions, t.sequence == r.sequence))
            .where(wanted, t.executes.is_not(None))
        ).all()
    for target, sequence in rows:
        book.originals[target].executed_by = sequence
    load_originals(connection, book, set(), [transaction_id(row.sequence) for row in rows])


def load_customers(connection: Connection, book: Book, ids: Iterable[str]) -> None:
    """Load customers that the book does not know yet."""
    lacking = sorted(without(ids, book.customers))
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


def products(
    connection: Connection, of: Sequence[str] | None = None
) -> dict[str, list[tuple[Instant, Product]]]:
    """Give every version of each product, or of those of some codes, oldest first."""
    query = select(product_versions).order_by(product_versions.c.sequence)
    if of is not None:
        query = query.where(product_versions.c.code.in_(of))
    rows = connection.execute(query).all()
    versions: dict[str, list[tuple[Instant, Product]]] = {}
    for row in rows:
        product = Product(
            code=row.code,
            name=row.name,
            tier=row.tier,
            period=row.period,
            lines=tuple(msgspec.json.decode(row.lines, type=list[ProductLine])),
            status=CatalogueStatus(row.status),
        )
        versions.setdefault(row.code, []).append((row.recorded_at, product))
    return versions
