"""What the writer remembers of the whole store: a snapshot, and who was concerned since.

A writer that goes on posting has one made beside its work, and then asks the database about few of
the keys and holdings that it meets. Of a customer who was concerned after the moment of the
snapshot it says nothing any more, and of a key that was used since neither. Where many were, a new
one is made. Nothing of this is believed after a failure, or once others have worked on the store.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from entitlement_ledger.domain.book import HoldingKey
from entitlement_ledger.domain.events import TransactionEvent
from entitlement_ledger.domain.recorded import Recorded
from entitlement_ledger.domain.standing import Standing
from entitlement_ledger.store.dialect import DatabaseError, interrupt
from entitlement_ledger.store.snapshot import Snapshot, take_snapshot

COMMITS_BEFORE = 16
"""Whoever commits less often does not wait for a snapshot to be of use."""
EVENTS_MAX = 20_000_000
"""Of a larger store none is made: it would take more than some 800 MB."""
SINCE_MAX = 100_000
"""Once so many keys were used since, and more than an eighth of all, a new one is made."""
_SHARE = 8
_KEYS_MAX = 5_000
"""Of more keys at once the database tells faster."""


@dataclass(slots=True)
class Since:
    """Whom and what events after a moment concern.

    Attributes:
        pairs: what plain events concern, which leave the rest of a customer's as it is.
        customers: whom all others concern.
    """

    pairs: set[HoldingKey] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)

    def note(self, events: Recorded) -> None:
        """Note what events concern."""
        plain = events.plain
        self.pairs.update(zip(plain.customer, plain.entitlement, strict=True))
        self.keys.update(plain.key)
        for event in events.ruled:
            if isinstance(event, TransactionEvent):
                self.customers.add(event.customer)
                self.keys.add(event.key)


class _Making:
    """A snapshot that is being made by a thread of its own."""

    def __init__(self, engine: Engine, lacking: Iterable[Recorded]) -> None:
        self.since = Since()
        # What the projections lack, the snapshot may lack too.
        for events in lacking:
            self.since.note(events)
        self.made: Snapshot | None = None
        self._engine = engine
        self._connection: Connection | None = None
        self._given_up = False
        self._thread = threading.Thread(target=self._make, name="snapshot", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether it is there, or will not come."""
        return not self._thread.is_alive()

    def _make(self) -> None:
        # Without one the database is asked, as before.
        with suppress(DatabaseError, SQLAlchemyError), self._engine.begin() as connection:
            self._connection = connection
            if not self._given_up:
                self.made = take_snapshot(connection)

    def wait(self) -> None:
        """Wait until it has ended."""
        self._thread.join()

    def give_up(self) -> None:
        """End it; its connection is free then."""
        self._given_up = True
        while not self.ended:
            if self._connection is not None:
                with suppress(DatabaseError, SQLAlchemyError):
                    interrupt(self._connection)
            self._thread.join(0.01)


class Memory:
    """The snapshot in use and the one that is being made. Used under the writer's lock only."""

    def __init__(self, engine: Engine, *, keeping: bool) -> None:
        self._engine = engine
        self._keeping = keeping
        self._commits = 0
        self._snapshot: Snapshot | None = None
        self._since = Since()
        self._making: _Making | None = None

    def standings(self, pairs: Collection[HoldingKey]) -> dict[HoldingKey, Standing]:
        """Give where holdings stand, as far as that is remembered."""
        if self._snapshot is None:
            return {}
        since = self._since
        told = [pair for pair in pairs if pair not in since.pairs]
        if since.customers:
            told = [pair for pair in told if pair[0] not in since.customers]
        return self._snapshot.standings(told)

    def existing(self, customers: Iterable[str]) -> set[str]:
        """Give those of whom it is remembered that they exist."""
        snapshot = self._snapshot
        return set() if snapshot is None else {each for each in customers if snapshot.has(each)}

    def may_be_known(self, keys: set[str]) -> set[str]:
        """Leave out the keys that surely were never used."""
        snapshot, since = self._snapshot, self._since.keys
        if snapshot is None or len(keys) > _KEYS_MAX:
            return keys
        return {key for key in keys if key in since or snapshot.may_have(key)}

    def committed(self, events: Recorded, lacking: Callable[[], Iterable[Recorded]]) -> None:
        """Take note of what was recorded; `lacking` gives what the projections lack of it."""
        if not self._keeping:
            return
        self._commits += 1
        if self._snapshot is not None:
            self._since.note(events)
        if self._making is not None:
            self._making.since.note(events)
        if self._making is not None and self._making.ended:
            self._take_up(self._making)
        if self._making is None and events and self._is_wanted():
            if events.last_sequence <= EVENTS_MAX:
                self._making = _Making(self._engine, lacking())
            else:
                # What was concerned since would be more and more.
                self.drop()

    def _is_wanted(self) -> bool:
        if self._snapshot is None:
            return self._commits >= COMMITS_BEFORE
        return len(self._since.keys) > max(SINCE_MAX, len(self._snapshot.keys) // _SHARE)

    def _take_up(self, making: _Making) -> None:
        self._making = None
        if making.made is not None:
            self._snapshot, self._since = making.made, making.since
        else:
            self._commits = 0

    def wait(self) -> None:
        """Wait for the snapshot that is being made, and use it."""
        if self._making is not None:
            self._making.wait()
            self._take_up(self._making)

    def drop(self) -> None:
        """Forget all of it: the store may have become another."""
        if self._making is not None:
            self._making.give_up()
        self._snapshot, self._making, self._commits = None, None, 0
        self._since = Since()
