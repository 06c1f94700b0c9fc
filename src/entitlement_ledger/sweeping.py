"""Due work, recorded a bounded number of holdings at a time. Safe to run any number of times."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from entitlement_ledger.domain.book import Book, HoldingKey
from entitlement_ledger.domain.due import expiries
from entitlement_ledger.domain.events import Event
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.posting import Writer
from entitlement_ledger.store.loading import load_holdings

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""

_HOLDINGS_A_BATCH = 2_000


def sweep(writer: Writer, pairs: list[HoldingKey], until: Instant, progress: Progress) -> int:
    """Record the expiries of these holdings up to an instant; give how many were recorded."""
    recorded = 0
    for start in range(0, len(pairs), _HOLDINGS_A_BATCH):
        batch = pairs[start : start + _HOLDINGS_A_BATCH]

        def change(connection: Connection, book: Book, now: Instant) -> list[Event]:
            load_holdings(connection, book, batch)  # noqa: B023 - called before the next round
            return expiries(book, batch, until, now)  # noqa: B023

        recorded += writer.record(change)
        progress(min(start + len(batch), len(pairs)), len(pairs))
    return recorded
