"""What the projections lack: brought up beside posting, or at once where somebody waits for it.

What is committed is durable. It goes into the journal and the projections right behind: of many
events in a thread of its own, while the next are decided; of a few as soon as somebody reads.
Where that fails nothing is lost: whoever needs them reads again what was committed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from sqlalchemy import Connection, Engine

from entitlement_ledger.domain.events import RecordEvent
from entitlement_ledger.domain.recorded import Recorded
from entitlement_ledger.store.journal import Entries
from entitlement_ledger.store.rebuilding import catch_up, project_new
from entitlement_ledger.store.written import ensure_transaction

BESIDE_LEAST = 1 << 15
"""So many events are worth a thread: to bring them up takes some two dozen statements."""


class _InHand:
    """Entries that a thread of its own brings into the journal and the projections."""

    def __init__(self, engine: Engine, entries: Entries, check_file: Callable[[], None]) -> None:
        self.entries = entries
        self.done = False
        self._engine = engine
        self._check_file = check_file
        # Where the process ends first, they are brought up when the store is opened.
        self._thread = threading.Thread(target=self._project, name="projecting", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether it goes on no more; `done` says whether they are in the projections."""
        return not self._thread.is_alive()

    def _project(self) -> None:
        try:
            with self._engine.begin() as connection:
                project_new(connection, self.entries)
                self._check_file()
        except Exception:
            return
        self.done = True

    def wait(self) -> None:
        """Wait until it has ended."""
        self._thread.join()


class Behind:
    """What the projections lack of what was committed. Used under the writer's lock only."""

    def __init__(
        self, engine: Engine, check_file: Callable[[], None], changing: Callable[[], None]
    ) -> None:
        """`changing` is told before it counts that the catalogue may become another."""
        self._engine = engine
        self._check_file = check_file
        self._changing = changing
        self._rest: Entries | None = Entries()
        """What nobody brings up yet; None if only the store knows."""
        self._in_hand: _InHand | None = None

    @property
    def busy(self) -> bool:
        """Whether a thread is at it, or what it has done was not taken note of."""
        return self._in_hand is not None

    @property
    def nothing(self) -> bool:
        """Whether the projections surely lack nothing."""
        return self._in_hand is None and self._rest is not None and not self._rest.events

    def events(self) -> list[Recorded]:
        """Give the events that the projections lack, as far as is known."""
        in_hand = [self._in_hand.entries.events] if self._in_hand else []
        return [*in_hand, self._rest.events] if self._rest else in_hand

    def __len__(self) -> int:
        """Give how many they lack, as far as is known."""
        in_hand = len(self._in_hand.entries.events) if self._in_hand else 0
        return in_hand + (len(self._rest.events) if self._rest else 0)

    def add(self, entries: Entries) -> None:
        """Note what was committed."""
        if self._rest is not None:
            self._rest.add(entries)

    def begin(self) -> bool:
        """Have the rest brought up by a thread, if that is worth it; say whether it has begun."""
        rest = self._rest
        if rest is None or self._in_hand is not None or len(rest.events) < BESIDE_LEAST:
            return False
        self._in_hand = _InHand(self._engine, rest, self._check_file)
        self._rest = Entries()
        return True

    def collect(self, *, waiting: bool = False) -> bool:
        """Take note of a thread that has ended, or wait for it; say whether all went well."""
        in_hand = self._in_hand
        if in_hand is None or not (waiting or in_hand.ended):
            return True
        in_hand.wait()
        self._in_hand = None
        self._tell(in_hand.entries)
        return in_hand.done

    def project(self, connection: Connection) -> None:
        """Bring the projections up, in a transaction; no thread is at it any more."""
        assert self._in_hand is None, "two would write the same rows"
        ensure_transaction(connection)
        rest, self._rest = self._rest, Entries()
        if rest is None:
            catch_up(connection)
            self._changing()
        elif rest.events:
            project_new(connection, rest)
            self._tell(rest)

    def _tell(self, entries: Entries) -> None:
        if any(isinstance(event, RecordEvent) for event in entries.events.ruled):
            self._changing()

    def doubt(self) -> None:
        """Ask the store what is lacking, when that is needed next."""
        self.collect(waiting=True)
        self._rest = None
