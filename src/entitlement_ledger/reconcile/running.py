"""One run of reconciliation: a file is read and kept, matched, and what came of it is told."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, FromClause

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.catalogue import Product
from entitlement_ledger.domain.events import RecordEvent, canonical
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.subscriptions import Subscription
from entitlement_ledger.errors import InputError
from entitlement_ledger.files import sha256_of
from entitlement_ledger.importing.mapping import Mapping
from entitlement_ledger.reconcile import cam, catalog
from entitlement_ledger.reconcile.billing import Matching
from entitlement_ledger.reconcile.lines import extract_of, read_lines
from entitlement_ledger.reconcile.proposals import Proposals
from entitlement_ledger.reconcile.sides import Draft, InvoiceLine, Settings, gather
from entitlement_ledger.reconciliations import Against, Discrepancy, Run
from entitlement_ledger.store.reconciling.aside import Aside
from entitlement_ledger.store.reconciling.compared import (
    Period,
    counted,
    customers_in_ranges,
    odd_ones,
    rows_in,
    rows_of,
)
from entitlement_ledger.store.reconciling.customers import unlike_customers
from entitlement_ledger.store.reconciling.lines import (
    is_kept,
    keep_lines,
    lines_digest,
    lines_kept,
    rows_kept,
)
from entitlement_ledger.store.reconciling.products import (
    given_of_products,
    sold_of_products,
    subscriptions_of,
)
from entitlement_ledger.store.reconciling.proposed import spent_keys
from entitlement_ledger.store.reconciling.runs import (
    RECORD,
    Telling,
    count_resolved,
    run_before,
    run_of,
    runs,
    told_by,
)
from entitlement_ledger.store.tree import root_at

Progress = Callable[[int, int], None]

_ROWS_AT_ONCE = 20_000
_LOOKED_AT_ONCE = 1_000
_TOLD_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be reconciled, by whom."""

    path: Path
    against: Against
    since: Instant | None
    until: Instant | None
    mapping: Mapping | None
    settings: Settings
    actor: str
    role: str | None


@dataclass(slots=True)
class _Matched:
    """How many lines agree and lie outside; known once all that is wrong has been told."""

    matched: int = 0
    outside: int = 0


def reconcile(
    connection: Connection,
    book: Book,
    now: Instant,
    asked: Asked,
    aside: Aside,
    progress: Progress,
) -> RecordEvent:
    """Reconcile a file in one database transaction; give the event that says what came of it.

    What it tells is set aside meanwhile: the file may have millions of lines that do not agree.

    Raises:
        InputError: the file cannot be read, or lines of it are bad.
    """
    feed = _feed_id(asked)
    lines, digest = _kept(connection, feed, asked, _first_half(progress))
    known = runs(connection)
    before = run_before(known, feed, asked.against, asked.since, asked.until)
    number = len(known) + 1
    done, counts, ages = _Matched(), Counter[str](), Counter[bool]()
    telling = Telling(connection, number, aside)
    drafts = _found(connection, book, now, feed, asked, done, _second_half(progress))
    while some := list(islice(drafts, _TOLD_AT_ONCE)):
        told = _named(connection, some, asked.against, number, now, before)
        counts.update(each.class_.value for each in told)
        ages.update(each.first_run < number for each in told)
        telling.take(told)
    told_digest = telling.write()
    size = book.last_sequence
    run = {
        "number": number,
        "against": asked.against.value,
        "file": asked.path.name,
        "feed": feed,
        "since": asked.since,
        "until": asked.until,
        "size": size,
        "root": root_at(connection, size).hex(),
        "lines": lines,
        "outside": done.outside,
        "matched": done.matched,
        "counts": dict(sorted(counts.items())),
        "new": ages[False],
        "ageing": ages[True],
        "resolved": 0 if before is None else count_resolved(connection, number, before.number),
        "previous": None if before is None else before.number,
        "lines_digest": digest,
        "digest": told_digest,
    }
    event = RecordEvent(
        sequence=book.last_sequence + 1,
        recorded_at=now,
        record=RECORD,
        id=f"R{number}",
        actor=asked.actor,
        role=asked.role,
        before=None,
        after=run,
    )
    assert run_of(event).number == number
    book.take(event)
    return event


def _first_half(progress: Progress) -> Progress:
    """Let a piece of work be the first half of two; the other has no size yet."""
    return lambda done, total: progress(done, 2 * total)


def _second_half(progress: Progress) -> Progress:
    return lambda done, total: progress(total + done, 2 * total)


def _feed_id(asked: Asked) -> str:
    """Tell a file by its bytes, and by those that say how its columns are named."""
    kind, feed = extract_of(asked.against, asked.path).feed, sha256_of(asked.path)
    if asked.mapping is None:
        return f"{kind}:{feed}"
    both = f"{feed} {sha256_of(asked.mapping.path)}"
    return f"{kind}:{hashlib.sha256(both.encode()).hexdigest()}"


def _kept(connection: Connection, feed: str, asked: Asked, progress: Progress) -> tuple[int, str]:
    """Read and keep a file, unless it is kept; give how many lines, and their digest."""
    if is_kept(connection, feed):
        return lines_kept(connection, feed), lines_digest(connection, feed)
    extract = extract_of(asked.against, asked.path)
    chunks = read_lines(extract, asked.path, asked.mapping, progress)
    kept = keep_lines(connection, feed, chunks)
    if _feed_id(asked) != feed:
        raise InputError(f"{asked.path} was changed while it was read: try again")
    return kept


def _found(
    connection: Connection,
    book: Book,
    now: Instant,
    feed: str,
    asked: Asked,
    done: _Matched,
    progress: Progress,
) -> Iterator[Draft]:
    """Match; give what is wrong as it is found, and count what agrees."""
    period = Period(asked.since, asked.until)
    products = {code: [each for _, each in known] for code, known in book.products.items()}
    if asked.against is Against.BILLING:
        yield from _billing(connection, book, now, feed, period, asked.settings, done, progress)
        sold = sold_of_products(connection, feed, period)
        yield from catalog.unexplained_lines(sold, products)
    elif asked.against is Against.CAM:
        done.matched = lines_kept(connection, feed)
        for each in cam.unlike(unlike_customers(connection, feed)):
            done.matched -= bool(each.their_side)
            yield each
    else:
        yield from _catalog(connection, book, feed, asked, products, done)


def _catalog(
    connection: Connection,
    book: Book,
    feed: str,
    asked: Asked,
    products: dict[str, list[Product]],
    done: _Matched,
) -> Iterator[Draft]:
    rows = rows_kept(connection, feed)
    if extract_of(asked.against, asked.path).feed == "entitlements":
        compared = catalog.compare_entitlements(rows, book.entitlements)
    else:
        newest = {code: known[-1] for code, known in products.items()}
        compared = catalog.compare_products(rows, newest)
    done.matched = compared.matched
    yield from compared.found
    if extract_of(asked.against, asked.path).feed == "products":
        given = given_of_products(connection, Period(asked.since, asked.until))
        yield from catalog.unexplained_grants(given, products, rows)


def _billing(
    connection: Connection,
    book: Book,
    now: Instant,
    feed: str,
    period: Period,
    settings: Settings,
    done: _Matched,
    progress: Progress,
) -> Iterator[Draft]:
    """Tell what does not agree at first sight, customer by customer."""
    inside, outside = counted(connection, feed, period)
    with odd_ones(connection, feed, period, settings.tolerance) as (lines, items, loose):
        looked_at = told_at = 0
        odd = rows_in(connection, lines, items)
        for some in customers_in_ranges(connection, (lines, items, loose), _ROWS_AT_ONCE):
            theirs = _by_customer(rows_of(connection, lines, some.first, some.last))
            ours = _by_customer(rows_of(connection, items, some.first, some.last))
            others = _by_customer(rows_of(connection, loose, some.first, some.last))
            bought = _subscriptions(connection, lines, some.first, some.last)
            for customer in sorted({*theirs, *ours}):
                if looked_at >= told_at:
                    # Whoever waits can stop it here too, as while the file was read.
                    progress(looked_at, odd)
                    told_at = looked_at + _LOOKED_AT_ONCE
                looked_at += len(theirs.get(customer, ())) + len(ours.get(customer, ()))
                of_it = [_line(row) for row in theirs.get(customer, ())]
                tally = Matching(
                    of_it,
                    gather(ours.get(customer, ()), now),
                    gather(others.get(customer, ()), now),
                    settings,
                    Proposals(book, now, bought.get(customer, ())),
                ).run()
                within = sum(1 for each in of_it if each.within)
                inside -= within
                outside -= len(of_it) - within
                done.matched += tally.matched
                done.outside += tally.outside
                yield from tally.found
    done.matched += inside
    done.outside += outside


def _by_customer(rows: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.customer, []).append(row)
    return found


def _line(row: Any) -> InvoiceLine:
    return InvoiceLine(
        row.line,
        row.name,
        row.customer,
        row.product,
        row.entitlement,
        row.quantity,
        row.status,
        row.dated_at,
        row.within,
        row.first_line,
        row.nth,
        row.our_customer,
        row.customer_status,
    )


def _subscriptions(
    connection: Connection, lines: FromClause, first: str, last: str
) -> dict[str, list[Subscription]]:
    """Give the subscriptions of a range of customers who have lines, by customer."""
    found: dict[str, list[Subscription]] = {}
    for each in subscriptions_of(connection, lines, first, last):
        found.setdefault(each.customer, []).append(each)
    return found


def _named(
    connection: Connection,
    drafts: list[Draft],
    against: Against,
    run: int,
    now: Instant,
    before: Run | None,
) -> list[Discrepancy]:
    """Give drafts their names, and what the run before knew of them."""
    ids = [_id(against, each) for each in drafts]
    known = {} if before is None else told_by(connection, before.number, ids)
    keys = _keys(
        connection, [name for name, each in zip(ids, drafts, strict=True) if each.proposal]
    )
    told = []
    for name, draft in zip(ids, drafts, strict=True):
        first_run, first_seen = known.get(name, (run, now))
        proposal = draft.proposal and {"key": keys[name], **draft.proposal}
        told.append(
            Discrepancy(
                id=name,
                class_=draft.class_,
                reference=draft.reference,
                customer=draft.customer,
                ours=draft.ours,
                theirs=draft.theirs,
                why=draft.why,
                proposal=proposal,
                our_side=draft.our_side,
                their_side=draft.their_side,
                first_run=first_run,
                first_seen=first_seen,
            )
        )
    return told


def _keys(connection: Connection, names: list[str]) -> dict[str, str]:
    """Give the keys of proposals for discrepancies: the first of each that is not spent.

    What is told although its key was answered was refused, or settled in part: under that key
    nothing more would come of it.
    """
    keys: dict[str, str] = {}
    nth, left = 0, names
    while left:
        nth += 1
        tried = {f"reconcile:{name}:{nth}": name for name in left}
        spent = spent_keys(connection, tried)
        keys.update({name: key for key, name in tried.items() if key not in spent})
        left = [name for name in left if name not in keys]
    return keys


def _id(against: Against, draft: Draft) -> str:
    """Tell a discrepancy by what it is about, whatever is wrong with it."""
    about = (against.value, draft.reference, draft.customer or "", *draft.subject)
    return "D" + hashlib.sha256(canonical(about)).hexdigest()[:16]
