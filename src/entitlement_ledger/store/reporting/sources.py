"""Customers and the catalogue as they were known at a sequence.

Their tables hold what is now. Of what has changed since, the record that was the latest then is
read from the journal, and put beside the table for as long as a report is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import cached_property
from types import TracebackType
from typing import Any, Self

from sqlalchemy import (
    ColumnClause,
    Connection,
    FromClause,
    Table,
    column,
    func,
    select,
    union_all,
)

from entitlement_ledger.domain.events import RecordEvent, decode_event
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.store.balances import known_until
from entitlement_ledger.store.dialect import among, beside
from entitlement_ledger.store.tables import (
    customers,
    entitlements,
    journal,
    records,
    transactions,
)

_CUSTOMER = ("id", "segment", "status")
_ENTITLEMENT = ("code", "name", "kind", "unit", "scale")
_AT_ONCE = 10_000


def known_sequence(connection: Connection, known_at: Instant | None) -> int:
    """Give the last sequence that was known at an instant; None is all that projections hold."""
    newest = [
        connection.execute(select(func.max(table.c.sequence))).scalars().all()[0] or 0
        for table in (transactions, records)
    ]
    until = known_until(connection, known_at)
    return max(newest) if until is None else min(max(newest), until)


class Sources:
    """What queries of reports read besides the tables that are only ever added to."""

    def __init__(self, connection: Connection, known: int) -> None:
        self._connection = connection
        self._known = known
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Give it as it is: what it puts beside tables is made when it is first asked for."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take away what was put beside tables."""
        self._open.close()

    @property
    def connection(self) -> Connection:
        """The connection that the report is read on."""
        return self._connection

    @cached_property
    def customers(self) -> FromClause:
        """Customers as they were known: `id`, `segment`, `status`."""
        return self._as_known(customers, "customer", _CUSTOMER)

    @cached_property
    def entitlements(self) -> FromClause:
        """The catalogue as it was known: `code`, `name`, `kind`, `unit`, `scale`."""
        return self._as_known(entitlements, "entitlement", _ENTITLEMENT)

    def beside(
        self, columns: Sequence[ColumnClause[Any]], rows: Iterable[Sequence[Any]]
    ) -> FromClause:
        """Let the query read rows that are in memory as a table."""
        listed = list(rows)
        values = {each.name: [row[n] for row in listed] for n, each in enumerate(columns)}
        return self._open.enter_context(beside(self._connection, columns, values))

    def _as_known(self, table: Table, record: str, names: Sequence[str]) -> FromClause:
        rows = select(*(table.c[name] for name in names)).where(table.c.sequence <= self._known)
        earlier = self._earlier(table, record)
        if earlier:
            kinds = [column(name, table.c[name].type) for name in names]
            then = self.beside(kinds, ([each[name] for name in names] for each in earlier))
            return union_all(rows, select(*(then.c[name] for name in names))).subquery(record)
        return rows.subquery(record)

    def _earlier(self, table: Table, record: str) -> list[dict[str, Any]]:
        """Give what was known of those records that have changed since."""
        name = table.primary_key.columns[0]
        changed = select(name).where(table.c.sequence > self._known)
        latest = (
            select(func.max(records.c.sequence))
            .where(
                records.c.record == record,
                records.c.sequence <= self._known,
                records.c.id.in_(changed),
            )
            .group_by(records.c.id)
        )
        sequences = sorted(self._connection.execute(latest).scalars().all())
        found = []
        for start in range(0, len(sequences), _AT_ONCE):
            some = sequences[start : start + _AT_ONCE]
            with among(self._connection, some, journal.c.sequence) as wanted:
                bodies = self._connection.execute(select(journal.c.body).where(wanted)).scalars()
                events = [decode_event(body) for body in bodies.all()]
            for event in events:
                assert isinstance(event, RecordEvent), "records are made of such events"
                found.append({**event.after, name.name: event.id})
        return found
