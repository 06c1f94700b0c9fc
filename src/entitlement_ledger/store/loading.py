"""Loading the book: the touched state of a whole batch, in a few set-based statements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Set
from contextlib import contextmanager

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select, true

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
from entitlement_ledger.domain.commands import Command, CommandType, parse_command
from entitlement_ledger.domain.events import (
    Account,
    Grant,
    Status,
    TransactionEvent,
    decode_event,
    sequence_of,
    transaction_id,
)
from entitlement_ledger.domain.holdings import GrantState, Holding, Pin
from entitlement_ledger.domain.instants import Instant, parse_instant
from entitlement_ledger.domain.subscriptions import Subscription
from entitlement_ledger.store.dialect import among
from entitlement_ledger.store.journal import last
from entitlement_ledger.store.reversals import did, resolutions_of, reversed_quantities
from entitlement_ledger.store.tables import (
    customers,
    endings,
    entitlements,
    grants,
    idempotency,
    journal,
    lapses,
    postings,
    product_versions,
    records,
    resolutions,
    subscriptions,
    transactions,
)

_CUSTOMERS_AT_ONCE_MAX = 20_000
_CUSTOMERS_BY_INDEX_MAX = 100


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


def load(connection: Connection, book: Book, commands: Collection[Command]) -> None:
    """Put into the book what it lacks to decide these commands."""
    if not book.last_sequence or not commands:
        return
    named = {command.transaction for command in commands if command.transaction}
    load_originals(connection, book, {command.key for command in commands}, named)
    load_customers(connection, book, {command.customer for command in commands})
    pairs = {(command.customer, command.entitlement) for command in commands if command.entitlement}
    whole = {command.customer for command in commands if command.type in _WHOLE_CUSTOMER}
    for name in named:
        original = book.original(name)
        if original is None:
            continue
        if original.event.proposal:
            load(
                connection,
                book,
                [parse_command({**original.event.command, "key": original.event.key})],
            )
        if original.event.entitlement:
            pairs.add((original.event.customer, original.event.entitlement))
        if original.event.kind == CommandType.PURCHASE:
            whole.add(original.event.customer)
    load_holdings(connection, book, pairs)
    load_whole_customers(connection, book, whole)


def load_whole_customers(connection: Connection, book: Book, ids: Collection[str]) -> None:
    """Load all that customers hold of anything, and their subscriptions."""
    if not ids:
        return
    load_holdings(connection, book, {(each, code) for each in ids for code in book.entitlements})
    lacking = sorted(set(ids) - book.subscriptions.keys())
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
    found = [each.sequence for each in events] if named else []
    undone, resolved = reversed_quantities(connection, found), resolutions_of(connection, found)
    for event in events:
        book.add_original(event, undone.get(event.sequence, 0), resolved.get(event.sequence))
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


def load_holdings(
    connection: Connection,
    book: Book,
    pairs: Iterable[HoldingKey],
    *,
    known: int | None = None,
) -> None:
    """Load what customers hold of entitlements, as far as the book does not know it yet.

    `known` leaves out every event after that sequence: what was not known then.
    """
    lacking = sorted(set(pairs) - book.holdings.keys())
    if not lacking:
        return
    states = _grant_states(connection, lacking, known)
    held = _fill_accounts(connection, lacking, states, known)
    pins = _pins(connection, held, known) if held else {}
    ended = _endings(connection, lacking, known) if states else {}
    by_pair: dict[HoldingKey, list[GrantState]] = {pair: [] for pair in lacking}
    for state in states.values():
        by_pair[(state.grant.customer, state.grant.entitlement)].append(state)
    for pair, given in by_pair.items():
        names = [state.grant.id for state in given]
        book.holdings[pair] = Holding.of(
            given,
            [(name, hold, pin) for name in names for hold, pin in pins.get(name, ())],
            [(name, ended[name]) for name in names if name in ended],
        )


def _until(column: ColumnElement[int], known: int | None) -> ColumnElement[bool]:
    return true() if known is None else column <= known


@contextmanager
def _of_pairs(
    connection: Connection,
    pairs: Collection[HoldingKey],
    customer: ColumnElement[str],
    entitlement: ColumnElement[str],
) -> Iterator[ColumnElement[bool]]:
    """Give a condition that holds for these pairs; for a few customers also for some others.

    An index is of one column: it is used for a plain list, and not for pairs.
    """
    whose = sorted({each for each, _ in pairs})
    if len(whose) <= _CUSTOMERS_BY_INDEX_MAX:
        yield customer.in_(whose) & entitlement.in_(sorted({code for _, code in pairs}))
        return
    with among(connection, list(pairs), customer, entitlement) as wanted:
        yield wanted


def _grant_states(
    connection: Connection, pairs: list[HoldingKey], known: int | None
) -> dict[str, GrantState]:
    g = grants.c
    names = [field.name for field in msgspec.structs.fields(Grant)]
    with _of_pairs(connection, pairs, g.customer, g.entitlement) as wanted:
        rows = connection.execute(
            select(*(g[name] for name in names))
            .where(wanted, _until(g.sequence, known))
            .order_by(g.sequence, g.place)
        ).all()
    asked = set(pairs)
    return {
        row.id: GrantState(Grant(**{**row._asdict(), "category": Category(row.category)}))
        for row in rows
        if (row.customer, row.entitlement) in asked
    }


def _fill_accounts(
    connection: Connection,
    pairs: list[HoldingKey],
    states: dict[str, GrantState],
    known: int | None,
) -> list[HoldingKey]:
    """Sum the postings by grant, account and instant into the timelines, in order of time.

    Gives the pairs of which something was ever held.
    """
    if not states:
        return []
    p = postings.c
    with _of_pairs(connection, pairs, p.customer, p.entitlement) as wanted:
        rows = connection.execute(
            select(p.grant, p.account, p.effective_at, func.sum(p.quantity))
            .where(wanted, p.account != Account.ISSUANCE, _until(p.sequence, known))
            .group_by(p.grant, p.account, p.effective_at)
            .order_by(p.effective_at)
        ).all()
    held = set()
    for grant, account, effective_at, quantity in rows:
        state = states.get(grant)
        if state is not None:
            state.apply(Account(account), int(quantity), effective_at)
            if account == Account.HELD:
                held.add((state.grant.customer, state.grant.entitlement))
    return sorted(held)


def _pins(
    connection: Connection, pairs: list[HoldingKey], known: int | None
) -> dict[str, list[tuple[int, Pin]]]:
    """Give what holds that nobody has captured or released keep, by grant."""
    p = postings.c
    with _of_pairs(connection, pairs, p.customer, p.entitlement) as wanted:
        rows = connection.execute(
            select(p.grant, p.sequence, p.quantity)
            .where(wanted, p.account == Account.HELD, p.quantity > 0, _until(p.sequence, known))
            .order_by(p.sequence, p.place)
        ).all()
    open_holds = _open_holds(connection, sorted({row.sequence for row in rows}), known)
    ends = _ends(connection, sorted(open_holds), known)
    pins: dict[str, list[tuple[int, Pin]]] = {}
    for grant, hold, quantity in rows:
        if hold in open_holds:
            account = ends.get((hold, grant))
            recorded = None if account in (None, Account.HELD) else account
            pins.setdefault(grant, []).append((hold, Pin(quantity, open_holds[hold], recorded)))
    return pins


def _open_holds(
    connection: Connection, sequences: list[int], known: int | None
) -> dict[int, Instant | None]:
    """Give those holds among transactions that nobody has captured or released, and their ends."""
    t, r = transactions.c, resolutions.c
    if not sequences:
        return {}
    with among(connection, sequences, r.target) as wanted:
        resolved = connection.execute(
            select(r.target).where(wanted, r.status != Status.EXPIRED, _until(r.sequence, known))
        ).scalars()
        left = sorted(set(sequences) - set(resolved.all()))
    with among(connection, left, t.sequence) as wanted:
        rows = connection.execute(
            select(t.sequence, t.expires_at).where(wanted, did(CommandType.HOLD))
        ).all()
    return {row.sequence: row.expires_at for row in rows}


def _ends(
    connection: Connection, holds: list[int], known: int | None
) -> dict[tuple[int, str], Account]:
    """Give where the end of a hold on a grant was posted to, the latest counting."""
    each = lapses.c
    if not holds:
        return {}
    with among(connection, holds, each.hold) as wanted:
        rows = connection.execute(
            select(each.hold, each.grant, each.account)
            .where(wanted, _until(each.sequence, known))
            .order_by(each.sequence)
        ).all()
    return {(row.hold, row.grant): Account(row.account) for row in rows}


def _endings(
    connection: Connection, pairs: list[HoldingKey], known: int | None
) -> dict[str, Instant]:
    """Give when grants were cancelled or upgraded away."""
    e = endings.c
    with among(connection, sorted({customer for customer, _ in pairs}), e.customer) as wanted:
        rows = connection.execute(
            select(e.grant, e.ended_at).where(wanted, _until(e.sequence, known))
        ).all()
    return {row.grant: row.ended_at for row in rows}


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


def products(connection: Connection) -> dict[str, list[tuple[Instant, Product]]]:
    """Give every version of each product, oldest first."""
    rows = connection.execute(select(product_versions).order_by(product_versions.c.sequence)).all()
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
