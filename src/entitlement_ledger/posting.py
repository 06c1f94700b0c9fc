"""The writer: the one place where events are decided, appended and projected.

One lock, one batch at a time, one database transaction a batch; callers who wait for one another
share one. What is decided by is kept in
memory between batches, bounded; after a failure it is thrown away and read again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine

from entitlement_ledger.asking import Asked, read_lines
from entitlement_ledger.audit.witness import Seen, Witness
from entitlement_ledger.batching import Batch
from entitlement_ledger.clock import Clock
from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.commands import Line
from entitlement_ledger.domain.decide import Outcome
from entitlement_ledger.domain.events import Event, Status
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.policy import ANYTHING, Policy
from entitlement_ledger.domain.recorded import Recorded
from entitlement_ledger.freshness import Freshness
from entitlement_ledger.garbage import no_garbage
from entitlement_ledger.merkle import Frontier
from entitlement_ledger.outcomes import Outcomes
from entitlement_ledger.projecting import Behind
from entitlement_ledger.remembering import Memory
from entitlement_ledger.sharing import Shared
from entitlement_ledger.store.catalogue import Counts
from entitlement_ledger.store.journal import Entries, commit, entries_of, last
from entitlement_ledger.store.loading import new_book
from entitlement_ledger.store.tree import frontier

Told = TypeVar("Told")

_BEHIND_MAX = 1 << 17
"""After so many events posting waits until the projections lack nothing, if they always do."""
_NOT_FORGOTTEN_MAX = 1 << 19
"""The same for what the book knows of them: it forgets only where nothing is lacking."""
_TOGETHER_MAX = 10_000
HOLDINGS_MAX = 800_000
"""Of how many holdings the writer remembers what is left: sixteen times as many as it remembers
with their past."""
_PASTS = 16
_CUSTOMERS_MAX = 200_000


class Writer:
    """Decides and records, one batch at a time."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        role_of: Callable[[str], str | None],
        policy: Policy = ANYTHING,
        witness: Witness | None = None,
        *,
        plainly: bool = True,
        holdings_max: int = HOLDINGS_MAX,
        check_file: Callable[[], None] | None = None,
    ) -> None:
        self._check_file = check_file or _nothing
        self._policy = policy
        self._plainly = plainly
        self._holdings_max = holdings_max
        self.counts = Counts()
        self._engine = engine
        self._clock = clock
        self._role_of = role_of
        self._lock = threading.Lock()
        self._witness = witness
        self._book: Book | None = None
        self._tree: Frontier | None = None
        self.fresh = Freshness(keeping=holdings_max > 0)
        self._behind = Behind(engine, self._check_file, self.fresh.will_change_catalogue)
        self._not_forgotten = 0
        """Of how many events the book has forgotten nothing."""
        self._memory = Memory(engine, keeping=holdings_max > 0)
        self._nothing_remembered = Memory(engine, keeping=False)
        self._shared = Shared(self._post_together, lambda each: len(each.items), _TOGETHER_MAX)

    def post(
        self, lines: Sequence[Line], *, actor: str, atomic: bool = False, history: bool = False
    ) -> Sequence[Outcome]:
        """Record a batch; give the outcomes in order, once they are durable and witnessed."""
        asked = self._read(lines, actor, history=history)
        return self._post_atomically(asked) if atomic else self._shared.ask(asked)

    def _post_together(self, asked: list[Asked]) -> list[Outcomes]:
        """Record what several callers ask, in one commit."""
        with no_garbage(sum(len(each.items) for each in asked)):
            return self._commit(
                lambda connection, book, project: self._decide(
                    connection, book, asked, project, self._memory
                )
            )

    def _post_atomically(self, asked: Asked) -> Sequence[Outcome]:
        """Record all of a batch or nothing."""

        def work(
            connection: Connection, book: Book, project: Callable[[], None]
        ) -> tuple[Sequence[Outcome], Recorded]:
            before = book.last_sequence
            (outcomes,), events = self._decide(connection, book, [asked], project, self._memory)
            if any(each.status is Status.REFUSED for each in outcomes):
                self._book = None
                return _none_of(outcomes, before), Recorded()
            return outcomes, events

        return self._commit(work)

    def preview(
        self,
        connection: Connection,
        lines: Sequence[Line],
        *,
        actor: str,
        atomic: bool = False,
        history: bool = False,
    ) -> Sequence[Outcome]:
        """Give the very outcomes that posting would, from a book of its own; record nothing."""
        asked = self._read(lines, actor, history=history, plain=False)
        book = new_book(connection)
        before = book.last_sequence
        (outcomes,), _ = self._decide(connection, book, [asked], _nothing, self._nothing_remembered)
        refused = any(each.status is Status.REFUSED for each in outcomes)
        return _none_of(outcomes, before) if atomic and refused else outcomes

    def record(
        self, change: Callable[[Connection, Book, Instant], Sequence[Event]]
    ) -> Sequence[Event]:
        """Record what `change` makes of the book: imports and due work come in here.

        Gives the events recorded. The projections lack nothing when `change` is called; it takes
        events into the book itself, and may write tables that are not projections on the same
        connection.
        """

        def work(
            connection: Connection, book: Book, project: Callable[[], None]
        ) -> tuple[Sequence[Event], Recorded]:
            project()
            events = change(connection, book, self.now(book))
            return events, Recorded(list(events))

        return self._commit(work)

    def _commit(
        self,
        work: Callable[[Connection, Book, Callable[[], None]], tuple[Told, Recorded]],
    ) -> Told:
        """Record the events that `work` makes of the book, in one database transaction.

        `work` is given the connection, the book, and what brings the projections up to the journal.
        A transaction is begun by whatever needs one: nobody else writes but a thread that brings
        up what the book knows already, so what is looked up before stays so, and one statement is
        a transaction by itself.
        """
        with self._lock:
            self._keep_up()
            try:
                with self._engine.connect() as connection:
                    book, tree = self._ready(connection)
                    told, events = work(connection, book, lambda: self._project_anew(connection))
                    self._check_file()
                    entries, tree = self._write(connection, events, tree)
                    if connection.in_transaction():
                        self._check_file()
                        connection.commit()
            except BaseException:
                self._distrust()
                raise
            self._tree = tree
            self._behind.add(entries)
            self._now_durable(events.newest() if events else self.fresh.newest)
            self._memory.committed(events, self._behind.events)
            self._not_forgotten += len(events)
            self._forget(book)
            self._collect()
            self._bring_up()
            if events and self._witness is not None:
                self._witness.append(Seen(tree.size, tree.root()))
            return told

    def _keep_up(self) -> None:
        """Let neither what the projections lack nor what the book knows grow forever."""
        self._collect()
        self._bring_up()
        if len(self._behind) >= _BEHIND_MAX or self._not_forgotten >= _NOT_FORGOTTEN_MAX:
            self._trusted(self._project_now)
            if self._book is not None:
                self._forget(self._book)

    def _bring_up(self) -> None:
        """Have what is lacking brought up beside posting, if nobody is at it and it is worth it."""
        if self._book is not None and self._behind.begin():
            self._book.hand_over()

    def _collect(self, *, waiting: bool = False) -> None:
        """Take note of what was brought up beside posting; where that failed, trust nothing."""
        if not self._behind.collect(waiting=waiting):
            self._distrust()
        elif self._book is not None and not self._behind.busy:
            self._book.handed_over()

    def alone(self, work: Callable[[Connection], int]) -> int:
        """Do work on the store while nothing is posted; what is kept in memory is read again."""
        with self._lock, self._by_itself(), self._engine.begin() as connection:
            told = work(connection)
            self._check_file()
            return told

    def aside(self, work: Callable[[Connection], Told]) -> Told:
        """Write what no event is about, while nothing is posted: what is remembered stays true."""
        with self._lock:
            return self._trusted(work)

    def between_commits(self, work: Callable[[], None]) -> None:
        """Do work on the file, outside any transaction, while nothing is posted.

        All that was committed is in the journal and the projections then.
        """
        with self._lock:
            self._trusted(self._project_now)
            with self._by_itself():
                work()

    @contextmanager
    def _by_itself(self) -> Iterator[None]:
        """Let nobody rely on what was known before or is learned meanwhile."""
        self._distrust()
        try:
            yield
        finally:
            self._distrust()

    def seal(self, make: Callable[[Connection], tuple[str, Seen | None]]) -> str:
        """Make a checkpoint while nothing is posted; give its note once it is witnessed."""

        def work(connection: Connection) -> tuple[str, Seen | None]:
            self._project_now(connection)
            return make(connection)

        with self._lock:
            note, seen = self._trusted(work)
            if seen is not None and self._witness is not None:
                self._witness.append(seen)
            return note

    def close(self) -> None:
        """End what goes on beside posting."""
        with self._lock:
            self._memory.drop()

    def remember(self) -> None:
        """Wait for the snapshot that is being made, if one is."""
        with self._lock:
            self._memory.wait()

    def catch_up(self) -> None:
        """Bring the projections up to the journal, so that a read sees all that was answered."""
        # Nobody waits for the writer in order to know what is newest: it can be asked.
        must_wait = not self.fresh.complete
        if not must_wait and self.fresh.newest is not None:
            return
        if not self._lock.acquire(blocking=must_wait):
            return
        try:
            self._trusted(self._project_now)
            if self._book is not None:
                self._forget(self._book)
        finally:
            self._lock.release()

    def _forget(self, book: Book) -> None:
        """Let the book forget what it need not know; it keeps what the projections lack."""
        if self._behind.nothing:
            book.forget(self._holdings_max, self._holdings_max // _PASTS, _CUSTOMERS_MAX)
            self._not_forgotten = 0

    def _trusted(self, work: Callable[[Connection], Told]) -> Told:
        """Do work in a transaction; if it fails, what is kept in memory is read again."""
        self._collect(waiting=True)
        try:
            with self._engine.begin() as connection:
                told = work(connection)
                newest = self.fresh.newest or last(connection)
                self._check_file()
        except BaseException:
            self._distrust()
            raise
        self._now_durable(newest)
        return told

    def _now_durable(self, newest: tuple[int, Instant | None] | None) -> None:
        self.fresh.committed(newest, complete=self._behind.nothing)

    def _project_now(self, connection: Connection) -> None:
        """Write what the projections lack, in a transaction; if that fails, nothing is trusted."""
        self._behind.project(connection)
        if self._book is not None:
            self._book.projected()

    def _project_anew(self, connection: Connection) -> None:
        """Do so in the middle of a batch, of which nothing has been written yet."""
        self._collect(waiting=True)
        if connection.in_transaction():
            # It may see the store as it was before a thread brought it up.
            connection.rollback()
        self._project_now(connection)

    def _write(
        self, connection: Connection, events: Recorded, tree: Frontier
    ) -> tuple[Entries, Frontier]:
        """Make events durable with the transaction; give them as entries, and the tree."""
        if not events:
            return Entries(), tree
        grown = tree.copy()
        entries = entries_of(events, grown)
        commit(connection, entries)
        return entries, grown

    def _distrust(self) -> None:
        """Read the state again next time: what was decided may not have become durable."""
        self._book = None
        self._memory.drop()
        self._behind.doubt()
        self.fresh.doubt()

    def now(self, book: Book) -> Instant:
        """Give the ledger's now: the later of the clock and the last `recorded_at`."""
        now = self._clock()
        return now if book.last_recorded_at is None else max(now, book.last_recorded_at)

    def _ready(self, connection: Connection) -> tuple[Book, Frontier]:
        """Give the book and the tree, read again where they cannot be trusted."""
        if self._book is None or self._tree is None:
            self._project_anew(connection)
            self._book = new_book(connection)
            self._tree = frontier(connection, self._book.last_sequence)
        return self._book, self._tree

    def _decide(
        self,
        connection: Connection,
        book: Book,
        asked: Sequence[Asked],
        project: Callable[[], None],
        memory: Memory,
    ) -> tuple[list[Outcomes], Recorded]:
        """Decide what callers ask, in order, from state that is loaded for all of it at once."""
        return Batch(
            connection,
            book,
            self.now(book),
            asked,
            self._policy,
            self._role_of,
            project,
            self.counts,
            memory,
        ).decide()

    def _read(
        self, lines: Sequence[Line], actor: str, *, history: bool, plain: bool = True
    ) -> Asked:
        return read_lines(
            lines,
            actor,
            self._policy,
            self._role_of,
            history=history,
            plain=plain and self._plainly,
        )


def _nothing() -> None:
    """Do nothing: there is nothing to be projected, or no file to be looked at."""


def _none_of(outcomes: Sequence[Outcome], before: int) -> list[Outcome]:
    """Answer a batch that is all or nothing and came to nothing (rule A3).

    What was recorded already, up to the sequence `before`, has the outcome that it had.
    """
    at_fault = next(n for n, each in enumerate(outcomes, 1) if each.status is Status.REFUSED)
    because = f"not recorded: all or nothing was asked for, and line {at_fault} is refused"
    return [
        each
        if each.duplicate and (each.sequence or 0) <= before
        else Outcome(
            key=each.key,
            status=Status.REFUSED,
            code=each.code if each.status is Status.REFUSED else None,
            message=each.message if each.status is Status.REFUSED else because,
        )
        for each in outcomes
    ]
