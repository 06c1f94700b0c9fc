"""Due work, recorded a bounded number of customers at a time. Safe to run any number of times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from entitlement_ledger.answers import DueWork
from entitlement_ledger.domain.book import Book, HoldingKey
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.due import expiries, overdue, periods
from entitlement_ledger.domain.events import Event, TransactionEvent
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.posting import Writer
from entitlement_ledger.store.holdings import load_holdings
from entitlement_ledger.store.loading import load_whole_customers

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""

Item = TypeVar("Item")

_HOLDINGS_A_BATCH = 2_000
_CUSTOMERS_A_BATCH = 500


def sweep(
    writer: Writer, pairs: Sequence[HoldingKey], until: Instant, progress: Progress
) -> list[Event]:
    """Record what has expired and lapsed on these holdings up to an instant."""

    def work(
        connection: Connection, book: Book, now: Instant, batch: Sequence[HoldingKey]
    ) -> list[Event]:
        load_holdings(connection, book, batch)
        return expiries(book, batch, until, now)

    return _in_batches(writer, pairs, _HOLDINGS_A_BATCH, work, progress)


def renew(
    writer: Writer, customers: Sequence[str], until: Instant, progress: Progress
) -> tuple[list[Event], frozenset[str]]:
    """Record these customers' renewals, rollovers and period-end changes up to an instant.

    Gives the events, and the customers for whom something stays due, as it cannot be recorded.
    """
    stuck: set[str] = set()

    def work(connection: Connection, book: Book, now: Instant, batch: Sequence[str]) -> list[Event]:
        load_whole_customers(connection, book, batch)
        events = periods(book, batch, until, now)
        stuck.update(overdue(book, batch, (), until))
        return events

    events = _in_batches(writer, customers, _CUSTOMERS_A_BATCH, work, progress)
    return events, frozenset(stuck)


def _in_batches(
    writer: Writer,
    items: Sequence[Item],
    size: int,
    work: Callable[[Connection, Book, Instant, Sequence[Item]], list[Event]],
    progress: Progress,
) -> list[Event]:
    """Commit a batch at a time: what is recorded is not due any more, whatever happens next."""
    recorded: list[Event] = []
    for start in range(0, len(items), size):
        batch = items[start : start + size]

        def change(connection: Connection, book: Book, now: Instant) -> list[Event]:
            return work(connection, book, now, batch)  # noqa: B023 - called before the next round

        recorded += writer.record(change)
        progress(min(start + len(batch), len(items)), len(items))
    return recorded


def due_work(events: Sequence[Event], stuck: Collection[str]) -> DueWork:
    """Count what was recorded, by sort, and the customers for whom something stays due."""
    counts = Counter(
        (event.type, ":rollover" in event.key)
        for event in events
        if isinstance(event, TransactionEvent)
    )
    changed = (CommandType.UPGRADE, CommandType.DOWNGRADE, CommandType.CANCEL)
    return DueWork(
        expired=counts[CommandType.EXPIRE, False],
        lapsed=counts[CommandType.RELEASE, False],
        renewed=counts[CommandType.RENEW, False],
        rolled_over=counts[CommandType.RENEW, True],
        changed=sum(counts[each, False] for each in changed),
        stuck=tuple(sorted(stuck)),
    )
