"""The reading half of the façade: questions, each answered from one connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import msgspec
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from entitlement_ledger.answers import (
    Access,
    Balance,
    CatalogueFilter,
    CataloguePlace,
    CatalogueRow,
    CustomerRow,
    Difference,
    EntitlementRow,
    EventFilter,
    EventRow,
    Explanation,
    HistoryFilter,
    Page,
    ProductRow,
    StoreStatus,
    SubscriptionRow,
    TransactionDetail,
    TransactionRow,
)
from entitlement_ledger.clock import Clock
from entitlement_ledger.domain.events import sequence_of
from entitlement_ledger.domain.instants import Instant, format_instant
from entitlement_ledger.errors import Cancelled, InputError, StoreError
from entitlement_ledger.posting import Writer
from entitlement_ledger.store import balances, customers, views
from entitlement_ledger.store.auditing import events as auditing
from entitlement_ledger.store.catalogue_pages import catalogue_page, count_catalogue
from entitlement_ledger.store.comparing import access, differences
from entitlement_ledger.store.dialect import (
    BusyError,
    DatabaseError,
    InterruptError,
    in_use,
    interrupt,
)
from entitlement_ledger.store.journal import last, read_rows
from entitlement_ledger.store.opening import explain
from entitlement_ledger.store.rebuilding import behind
from entitlement_ledger.store.selling import product_rows, subscription_rows

_BODIES_AT_ONCE = 10_000
_PATIENCE_SECONDS = 5.0
_PAUSE_SECONDS = 0.01


class Reading:
    """An open store that answers questions."""

    _writer: Writer

    def __init__(self, engine: Engine, path: Path, *, read_only: bool, clock: Clock) -> None:
        self._engine = engine
        self._path = path
        self._read_only = read_only
        self._clock = clock
        self._reading: dict[int, Connection] = {}
        self._gate = threading.Lock()
        self._beginning = balances.Beginning()

    @property
    def path(self) -> Path:
        """Where the store is."""
        return self._path

    def now(self) -> Instant:
        """Give the ledger's now: the later of the clock and the last `recorded_at`."""
        with self._read() as connection:
            return self._now(connection)

    def status(self) -> StoreStatus:
        """Say what the store is and how much is in it."""
        with self._read() as connection:
            sequence, recorded_at = self._last(connection)
            return StoreStatus(
                path=str(self._path),
                read_only=self._read_only,
                events=sequence,
                transactions=views.count_history(connection, HistoryFilter(), self._clock()),
                customers=customers.count_customers(connection, search=""),
                last_recorded_at=recorded_at,
            )

    def customers(
        self,
        *,
        search: str = "",
        after: str | None = None,
        limit: int = 100,
        at: Instant | None = None,
        known_at: Instant | None = None,
    ) -> list[CustomerRow]:
        """Give customers whose id, name or email holds a text, by id, after one already seen.

        And those of a ticket or invoice line whose id holds it. Status and segment are those at
        `at`, of who was known at `known_at`; both default to now.
        """
        with self._read() as connection:
            return customers.find_customers(
                connection, search=search, after=after, limit=limit, at=at, known_at=known_at
            )

    def count_customers(self, *, search: str = "", known_at: Instant | None = None) -> int:
        """Count the customers that a search finds, of those that were known at an instant."""
        with self._read() as connection:
            return customers.count_customers(connection, search=search, known_at=known_at)

    def customer(self, customer: str) -> CustomerRow:
        """Give one customer.

        Raises:
            InputError: there is none of that id.
        """
        with self._read() as connection:
            found = customers.customer(connection, customer)
        if found is None:
            raise InputError(f"no customer {customer!a}: check the id")
        return found

    def entitlements(self) -> list[EntitlementRow]:
        """Give the catalogue's entitlements, by code."""
        with self._read() as connection:
            return customers.entitlement_rows(connection)

    def products(self) -> list[ProductRow]:
        """Give the products as they are sold now, by code."""
        with self._read() as connection:
            return product_rows(connection)

    def catalogue(
        self, only: CatalogueFilter, *, after: CataloguePlace | None = None, limit: int = 100
    ) -> Page[CatalogueRow, CataloguePlace]:
        """Give a page of the catalogue, products first, behind a place already seen."""
        with self._read() as connection:
            return catalogue_page(connection, only, after=after, limit=limit)

    def count_catalogue(self, only: CatalogueFilter) -> int:
        """Count what a filter matches of the catalogue."""
        with self._read() as connection:
            return count_catalogue(connection, only)

    def subscriptions(
        self, customer: str, *, at: Instant | None = None, known_at: Instant | None = None
    ) -> list[SubscriptionRow]:
        """Give the subscriptions that a customer has at an instant, as known at another.

        Both default to now. The oldest come first.
        """
        with self._read() as connection:
            if at is None and known_at is not None:
                at = self._now(connection)
            return subscription_rows(connection, customer, at, known_at)

    def balances(
        self,
        customer: str,
        entitlement: str | None = None,
        *,
        at: Instant | None = None,
        known_at: Instant | None = None,
    ) -> list[Balance]:
        """Give balances at an instant, as known at another; both default to now.

        Raises:
            InputError: an unknown customer or entitlement, or a time before history begins.
        """
        catalogue = self._writer.fresh.catalogue.reader()
        with self._read() as connection:
            # Whose grants are found exists: it need not be asked.
            asked = customer if entitlement is not None else None
            if not self._answerable(connection, asked, entitlement, at, known_at):
                return []
            moment = self._now(connection) if at is None else at
            found = balances.balances(
                connection, catalogue, customer, entitlement, moment, known_at
            )
            if not found:
                self._answerable(connection, customer, None, None, None)
            return found

    def explain(
        self,
        customer: str,
        entitlement: str,
        *,
        at: Instant | None = None,
        known_at: Instant | None = None,
    ) -> Explanation:
        """Explain a balance grant by grant, and what the next draw would take.

        Raises:
            InputError: an unknown customer or entitlement, or a time before history begins.
        """
        catalogue = self._writer.fresh.catalogue.reader()
        with self._read() as connection:
            if not self._answerable(connection, customer, entitlement, at, known_at):
                raise InputError("the store is empty: there is nothing to explain")
            moment = self._now(connection) if at is None else at
            (balance,) = balances.balances(
                connection, catalogue, customer, entitlement, moment, known_at
            )
            return balances.explanation(connection, balance, moment, known_at)

    def check_moment(self, *, at: Instant | None, known_at: Instant | None) -> None:
        """Refuse an instant of which nothing can be told; None is now, and an empty store has none.

        Raises:
            InputError: a time before history or knowledge begins.
        """
        with self._read() as connection:
            self._answerable(connection, None, None, at, known_at)

    def history(
        self, only: HistoryFilter | None = None, *, after: int | None = None, limit: int = 100
    ) -> Page[TransactionRow, int]:
        """Give a page of transactions, newest first; `after` is the last sequence seen."""
        catalogue = self._writer.fresh.catalogue.reader()
        with self._read() as connection:
            now = self._now(connection)
            wanted = only or HistoryFilter()
            return views.history(connection, catalogue, wanted, now, after=after, limit=limit)

    def refuse_unknown(self, only: HistoryFilter) -> None:
        """Refuse a filter by a customer or an entitlement that there is not.

        What such were refused is listed all the same: it is for whoever finds nothing.

        Raises:
            InputError: there is none of that name.
        """
        with self._read() as connection:
            self._answerable(connection, only.customer, only.entitlement, None, None)

    def latest(self, only: HistoryFilter, *, limit: int) -> list[TransactionRow]:
        """Give the transactions that took effect last, the latest first, whenever recorded."""
        catalogue = self._writer.fresh.catalogue.reader()
        with self._read() as connection:
            now = self._now(connection)
            return views.latest(connection, catalogue, only, now, limit=limit)

    def count_history(self, only: HistoryFilter | None = None) -> int:
        """Count the transactions that a filter matches."""
        with self._read() as connection:
            now = self._now(connection)
            return views.count_history(connection, only or HistoryFilter(), now)

    def transaction(self, name: str) -> TransactionDetail:
        """Give one transaction, by id or key.

        Raises:
            InputError: there is none of that name.
        """
        catalogue = self._writer.fresh.catalogue.reader()
        with self._read() as connection:
            found = views.transaction(connection, catalogue, name, self._now(connection))
        if found is None:
            raise InputError(f"no transaction {name!a}: give its id or its key")
        return found

    def events(
        self, only: EventFilter | None = None, *, after: int | None = None, limit: int = 100
    ) -> Page[EventRow, int]:
        """Give a page of the journal's events, newest first; `after` is the last sequence seen."""
        with self._read() as connection:
            return auditing.events(connection, only or EventFilter(), after=after, limit=limit)

    def count_events(self, only: EventFilter | None = None) -> int:
        """Count the events that a filter matches."""
        with self._read() as connection:
            return auditing.count_events(connection, only or EventFilter())

    def bodies(self) -> Iterator[list[bytes]]:
        """Give the bodies of all events as they are stored, in order, with bounded memory."""
        with self._read() as connection:
            rows = read_rows(connection)
            while chunk := list(islice(rows, _BODIES_AT_ONCE)):
                yield [body for _, _, body, _ in chunk]

    def transactions(self, names: Sequence[str]) -> list[TransactionRow]:
        """Give transactions by id, oldest first; a name of none is left out."""
        sequences = [number for name in names if (number := sequence_of(name)) is not None]
        catalogue = self._writer.fresh.catalogue.reader()
        with self._read() as connection:
            return views.transactions_of(connection, catalogue, sequences, self._now(connection))

    def access(self, customer: str, entitlement: str, *, at: Instant | None = None) -> Access:
        """Say whether a customer has an entitlement at an instant, and why.

        Raises:
            InputError: an unknown customer or entitlement, or a time before history begins.
        """
        catalogue = self._writer.fresh.catalogue.reader()
        with self._read() as connection:
            if not self._answerable(connection, customer, entitlement, at, None):
                raise InputError("the store is empty: nobody has access to anything")
            moment = self._now(connection) if at is None else at
            return access(connection, catalogue, customer, entitlement, moment)

    def difference(
        self, at: Instant, known_before: Instant, known_after: Instant, customer: str | None = None
    ) -> list[Difference]:
        """Give the balances at an instant that are known otherwise at two moments.

        Raises:
            InputError: a time before history or knowledge begins, or moments in the wrong order.
        """
        if known_before > known_after:
            raise InputError("the first moment of knowledge is later than the second: swap them")
        catalogue = self._writer.fresh.catalogue.reader()
        with self._read() as connection:
            if not self._answerable(connection, customer, None, at, known_before):
                return []
            return differences(connection, catalogue, at, known_before, known_after, customer)

    def catalogue_remembered(self) -> tuple[int, int]:
        """Say how often reads asked for the catalogue, and how often it was in memory."""
        return self._writer.fresh.catalogue.counts.asked, self._writer.fresh.catalogue.counts.known

    def interrupt(self, thread: int | None = None) -> None:
        """Interrupt the query that a thread waits for, or all; `Cancelled` is raised there."""
        for reader, connection in list(self._reading.items()):
            if thread in (None, reader):
                interrupt(connection)

    # Within

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        """Give a connection to read on; what goes wrong becomes one clear error."""
        with self._explained():
            self._writer.catch_up()
        with self._explained(), self._connected() as connection, self._interruptible(connection):
            yield connection

    @contextmanager
    def _interruptible(self, connection: Connection) -> Iterator[None]:
        """Let `interrupt` reach what this thread does on a connection."""
        thread = threading.get_ident()
        self._reading[thread] = connection
        try:
            yield
        finally:
            self._reading.pop(thread, None)

    def _connected(self) -> Connection:
        with self._gate:
            return self._engine.connect()

    @contextmanager
    def _nobody_reading(self, *, writing: int = 0) -> Iterator[None]:
        """Let nobody begin to read, once those who do have come to an end.

        `writing` connections are the caller's own.

        Raises:
            BusyError: somebody still reads.
        """
        with self._gate:
            until = time.monotonic() + _PATIENCE_SECONDS
            while in_use(self._engine) > writing:
                if time.monotonic() > until:
                    raise BusyError
                time.sleep(_PAUSE_SECONDS)
            yield

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except InterruptError:
            raise Cancelled("the query was cancelled") from None
        except (DatabaseError, SQLAlchemyError) as error:
            if isinstance(getattr(error, "orig", None), InterruptError):
                raise Cancelled("the query was cancelled") from None
            raise explain(error, self._path) from error
        except msgspec.MsgspecError as error:
            raise StoreError(
                f"{self._path}: something in it cannot be read ({error}): run `entl verify`, and "
                "restore a backup"
            ) from None

    def _last(self, connection: Connection) -> tuple[int, Instant | None]:
        """Give the last event and when it was recorded; where writing failed, it is asked anew."""
        return self._writer.fresh.newest or last(connection)

    def _now(self, connection: Connection) -> Instant:
        _, recorded_at = self._last(connection)
        now = self._clock()
        return now if recorded_at is None else max(now, recorded_at)

    def _answerable(
        self,
        connection: Connection,
        customer: str | None,
        entitlement: str | None,
        at: Instant | None,
        known_at: Instant | None,
    ) -> bool:
        """Say whether there is anything to answer from; refuse what would be a silent zero."""
        # No later event: what this connection does not see yet would never be looked at.
        until = self._writer.fresh.until or last(connection)[0] - behind(connection)
        begins = self._beginning.read(connection, until)
        if begins is None:
            return False
        if at is not None and at < begins:
            raise InputError(
                f"history begins at {format_instant(begins)}: ask about that time or a later one"
            )
        if known_at is not None:
            known_from = balances.knowledge_begins(connection)
            if known_from is not None and known_at < known_from:
                raise InputError(
                    f"knowledge begins at {format_instant(known_from)}: "
                    "ask as known then or at a later time"
                )
        if customer is not None and not balances.customer_exists(connection, customer):
            raise InputError(f"no customer {customer!a}: check the id")
        if entitlement is not None and not balances.entitlement_exists(connection, entitlement):
            raise InputError(f"no entitlement {entitlement!a}: check the code")
        return True
