"""Due work: what time alone has brought about, recorded so that the history can be read.

It changes no answer: expiry is a matter of reading (`domain/holdings.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

from entitlement_ledger.domain.book import Book, HoldingKey
from entitlement_ledger.domain.commands import Command, CommandType
from entitlement_ledger.domain.decide import Asker, seal
from entitlement_ledger.domain.events import Event
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.rules import expire
from entitlement_ledger.domain.rules.context import Context

SYSTEM = Asker("system", "system")


def expiries(book: Book, pairs: Iterable[HoldingKey], until: Instant, now: Instant) -> list[Event]:
    """Record what has expired by an instant on these holdings; the book takes the events."""
    events: list[Event] = []
    for pair in pairs:
        for state in list(book.holding(*pair).grants.values()):
            for decision in list(expire.decide(state, until)):
                sequence = book.last_sequence + 1
                command = Command(
                    type=CommandType.EXPIRE,
                    key=f"entl:expire:{state.grant.id}:{sequence}",
                    customer=state.grant.customer,
                    entitlement=state.grant.entitlement,
                    body={"type": "expire", "customer": state.grant.customer},
                )
                event = seal(book, command, decision, Context(now, sequence), SYSTEM)
                book.take(event)
                events.append(event)
    return events
