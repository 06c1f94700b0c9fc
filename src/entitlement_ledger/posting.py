"""The writer: the one place where events are decided, appended and projected.

One lock, one batch at a time, one database transaction a batch; callers who wait for one another
share one. What is decided by is kept in
memory between batches, bounded; after a failure it is thrown away and read again.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection, Engine

from entitlement_ledger.audit.witness import Seen, Witness
from entitlement_ledger.clock import Clock
from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.commands import Command, Line, parse_command
from entitlement_ledger.domain.decide import (
    Asker,
    Outcome,
    answer,
    decide,
    refusal,
    repeat,
)
from entitlement_ledger.domain.events import Event, Status
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.policy import ANYTHING, Policy
from entitlement_ledger.domain.refusals import Refused
from entitlement_ledger.domain.rules.context import Context
from entitlement_ledger.merkle import Frontier
from entitlement_ledger.sharing import Shared
from entitlement_ledger.store.journal import append_events
from entitlement_ledger.store.loading import load, new_book
from entitlement_ledger.store.rebuilding import catch_up, project_new
from entitlement_ledger.store.tree import frontier

Told = TypeVar("Told")

_BEHIND_MAX = 256
_TOGETHER_MAX = 10_000
_MANY_LINES = 1_000
_HOLDINGS_MAX = 50_000
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
    ) -> None:
        self._policy = policy
        self._engine = engine
        self._clock = clock
        self._role_of = role_of
        self._lock = threading.Lock()
        self._witness = witness
        self._book: Book | None = None
        self._tree: Frontier | None = None
        self._lacking: list[Event] | None = []
        """What the projections lack; None if only the journal knows."""
        self.newest: tuple[int, Instant | None] | None = None
        """The last event that is durable, and when it was recorded; None if nobody knows."""
        self._shared = Shared(self._post_together, lambda each: len(each.lines), _TOGETHER_MAX)

    def post(
        self, lines: Sequence[Line], *, actor: str, atomic: bool = False, history: bool = False
    ) -> list[Outcome]:
        """Record a batch; give the outcomes in order, once they are durable and witnessed."""
        asked = _Asked([_read(line) for line in lines], actor, history)
        return self._post_atomically(asked) if atomic else self._shared.ask(asked)

    def _post_together(self, asked: list[_Asked]) -> list[list[Outcome]]:
        """Record what several callers ask, in one commit."""
        with _no_garbage(sum(len(each.lines) for each in asked)):
            return self._commit(lambda connection, book: self._decide(connection, book, asked))

    def _post_atomically(self, asked: _Asked) -> list[Outcome]:
        """Record all of a batch or nothing."""

        def work(connection: Connection, book: Book) -> tuple[list[Outcome], Sequence[Event]]:
            (outcomes,), events = self._decide(connection, book, [asked])
            if any(each.status is Status.REFUSED for each in outcomes):
                self._book = None
                return _none_of(outcomes), []
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
    ) -> list[Outcome]:
        """Give the very outcomes that posting would, from a book of its own; record nothing."""
        asked = _Asked([_read(line) for line in lines], actor, history)
        (outcomes,), _ = self._decide(connection, new_book(connection), [asked])
        refused = any(each.status is Status.REFUSED for each in outcomes)
        return _none_of(outcomes) if atomic and refused else outcomes

    def record(
        self, change: Callable[[Connection, Book, Instant], Sequence[Event]]
    ) -> Sequence[Event]:
        """Record what `change` makes of the book: imports and due work come in here.

        Gives the events recorded. The projections lack nothing when `change` is called; it takes
        events into the book itself, and may write tables that are not projections on the same
        connection.
        """

        def work(connection: Connection, book: Book) -> tuple[Sequence[Event], Sequence[Event]]:
            self._project_lacking(connection)
            self._lacking = []
            events = change(connection, book, self.now(book))
            return events, events

        return self._commit(work)

    def _commit(self, work: Callable[[Connection, Book], tuple[Told, Sequence[Event]]]) -> Told:
        """Record the events that `work` makes of the book, in one database transaction."""
        with self._lock:
            try:
                with self._engine.begin() as connection:
                    book, tree = self._ready(connection)
                    told, events = work(connection, book)
                    lacking, tree = self._write(connection, events, tree)
            except BaseException:
                self._distrust()
                raise
            self._lacking, self._tree = lacking, tree
            if events:
                self.newest = (events[-1].sequence, events[-1].recorded_at)
            if not lacking:
                # The book keeps what the projections lack.
                book.forget(_HOLDINGS_MAX, _CUSTOMERS_MAX)
            if events and self._witness is not None:
                self._witness.append(Seen(tree.size, tree.root()))
            return told

    def alone(self, work: Callable[[Connection], int]) -> int:
        """Do work on the store while nothing is posted; what is kept in memory is read again."""
        with self._lock:
            self._distrust()
            with self._engine.begin() as connection:
                return work(connection)

    def between_commits(self, work: Callable[[], None]) -> None:
        """Do work on the file, outside any transaction, while nothing is posted."""
        with self._lock:
            self._distrust()
            work()

    def seal(self, make: Callable[[Connection], tuple[str, Seen | None]]) -> str:
        """Make a checkpoint while nothing is posted; give its note once it is witnessed."""
        with self._lock:
            with self._engine.begin() as connection:
                self._project_lacking(connection)
                note, seen = make(connection)
            self._lacking = []
            if seen is not None and self._witness is not None:
                self._witness.append(seen)
            return note

    def catch_up(self) -> None:
        """Bring the projections up to the journal, so that a read sees all that was answered."""
        if self._lacking == []:
            return
        with self._lock:
            with self._engine.begin() as connection:
                self._project_lacking(connection)
            self._lacking = []

    def _project_lacking(self, connection: Connection) -> None:
        """Write what the projections lack, in a transaction that may still fail."""
        if self._lacking is None:
            catch_up(connection)
        else:
            project_new(connection, self._lacking)

    def _write(
        self, connection: Connection, events: Sequence[Event], tree: Frontier
    ) -> tuple[list[Event], Frontier]:
        """Append events to the journal; give what the projections will lack, and the tree.

        A statement costs more than a row: a few events go into the journal alone, and the
        projections are brought up right behind, many events at a time.
        """
        assert self._lacking is not None, "a writer that is ready knows"
        if not events:
            return self._lacking, tree
        grown = tree.copy()
        for leaf in append_events(connection, events):
            grown.append(leaf)
        lacking = [*self._lacking, *events]
        if len(lacking) < _BEHIND_MAX:
            return lacking, grown
        project_new(connection, lacking)
        return [], grown

    def _distrust(self) -> None:
        """Read the state again next time: what was decided may not have become durable."""
        self._book = None
        self._lacking = None
        self.newest = None

    def now(self, book: Book) -> Instant:
        """Give the ledger's now: the later of the clock and the last `recorded_at`."""
        now = self._clock()
        return now if book.last_recorded_at is None else max(now, book.last_recorded_at)

    def _ready(self, connection: Connection) -> tuple[Book, Frontier]:
        """Give the book and the tree, read again where they cannot be trusted."""
        if self._book is None or self._tree is None:
            self._project_lacking(connection)
            self._lacking = []
            self._book = new_book(connection)
            self._tree = frontier(connection, self._book.last_sequence)
        return self._book, self._tree

    def _decide(
        self, connection: Connection, book: Book, asked: Sequence[_Asked]
    ) -> tuple[list[list[Outcome]], list[Event]]:
        """Decide what callers ask, in order, from state that is loaded for all of it at once."""
        commands = [c for each in asked for _, c in each.lines if isinstance(c, Command)]
        load(connection, book, commands)
        now = self.now(book)
        outcomes: list[list[Outcome]] = []
        events: list[Event] = []
        for each in asked:
            told: list[Outcome] = []
            poster_role = self._role_of(each.actor)
            for key, command in each.lines:
                if isinstance(command, Refused):
                    told.append(refusal(key, command))
                    continue
                first = repeat(book, command)
                if first is not None:
                    told.append(first)
                    continue
                actor = command.actor or each.actor
                context = Context(
                    now, book.last_sequence + 1, each.history, self._policy, poster_role
                )
                event = decide(book, command, context, Asker(actor, self._role_of(actor)))
                book.take(event)
                events.append(event)
                told.append(answer(event))
            outcomes.append(told)
        return outcomes, events


@contextmanager
def _no_garbage(lines: int) -> Iterator[None]:
    """Let nobody look for garbage while many records are made that all live on.

    What is looked through grows with what is made: it took a third of a large batch.
    """
    if lines < _MANY_LINES or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Asked(NamedTuple):
    """What one caller asks: lines with their keys, where one can be read, by whom."""

    lines: list[tuple[str | None, Command | Refused]]
    actor: str
    history: bool


def _read(line: Line) -> tuple[str | None, Command | Refused]:
    """Give the key, where one can be read, and the command or why it is none (rule S6)."""
    if isinstance(line, Refused):
        return None, line
    key = line.get("key") if isinstance(line, Mapping) else None
    shown = key[:512] if isinstance(key, str) else None
    try:
        return shown, parse_command(line)
    except Refused as refused:
        return shown, refused


def _none_of(outcomes: list[Outcome]) -> list[Outcome]:
    """Answer a batch that is all or nothing and came to nothing (rule A3)."""
    at_fault = next(n for n, each in enumerate(outcomes, 1) if each.status is Status.REFUSED)
    because = f"not recorded: all or nothing was asked for, and line {at_fault} is refused"
    return [
        Outcome(
            key=each.key,
            status=Status.REFUSED,
            code=each.code if each.status is Status.REFUSED else None,
            message=each.message if each.status is Status.REFUSED else because,
        )
        for each in outcomes
    ]
