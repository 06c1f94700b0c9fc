"""Due work: what the sweep records once grants have expired. Safe to run any number of times."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from entitlement_ledger.domain.book import Book, HoldingKey
from entitlement_ledger.domain.commands import Command, CommandType
from entitlement_ledger.domain.decide import Asker, seal
from entitlement_ledger.domain.events import Event
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.rules import expire
from entitlement_ledger.domain.rules.context import Context
from entitlement_ledger.posting import Writer
from entitlement_ledger.store.loading import load_holdings

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""

SYSTEM = Asker("system", "system")
_HOLDINGS_A_BATCH = 2_000


def sweep(writer: Writer, pairs: list[HoldingKey], until: Instant, progress: Progress) -> int:
    """Record the expiries of these holdings up to an instant; give how many were recorded."""
    recorded = 0
    for start in range(0, len(pairs), _HOLDINGS_A_BATCH):
        batch = pairs[start : start + _HOLDINGS_A_BATCH]

        def change(connection: Connection, book: Book, now: Instant) -> list[Event]:
            load_holdings(connection, book, batch)  # noqa: B023 - called before the next round
            return _expiries(book, batch, until, now)  # noqa: B023

        recorded += writer.record(change)
        progress(min(start + len(batch), len(pairs)), len(pairs))
    return recorded


def _expiries(book: Book, pairs: list[HoldingKey], until: Instant, now: Instant) -> list[Event]:
    events: list[Event] = []
    for pair in pairs:
        for state in list(book.holding(*pair).grants.values()):
            for decision in list(expire.decide(state, until)):
                command = Command(
                    type=CommandType.EXPIRE,
                    key=f"entl:expire:{state.grant.id}:{book.last_sequence + 1}",
                    customer=state.grant.customer,
                    entitlement=state.grant.entitlement,
                    body={"type": "expire", "customer": state.grant.customer},
                )
                event = seal(book, command, decision, Context(now, book.last_sequence + 1), SYSTEM)
                book.take(event)
                events.append(event)
    return events
