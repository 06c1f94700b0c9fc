"""Customers and their subscriptions as of another time.

Their tables hold what is now; what was then is read from the journal, of the few that are shown.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select

from entitlement_ledger.answers import CustomerRow
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import Event, RecordEvent, Status, decode_event
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.subscriptions import Subscription, subscription_order
from entitlement_ledger.store.balances import known_until
from entitlement_ledger.store.dialect import among
from entitlement_ledger.store.tables import journal, records, transactions

_r, _t = records.c, transactions.c

_NEVER_ABOUT_ONE = [
    CommandType.ISSUE,
    CommandType.CONSUME,
    CommandType.HOLD,
    CommandType.CAPTURE,
    CommandType.RELEASE,
    CommandType.ADJUST,
    CommandType.REJECT,
    CommandType.EXPIRE,
]
"""The types of transactions that change no subscription: all that there are many of."""


def was_known(customer: ColumnElement[str], known: int) -> ColumnElement[bool]:
    """Give the condition that a customer was in the journal by a sequence."""
    return customer.in_(select(_r.id).where(_r.record == "customer", _r.sequence <= known))


def customers_then(
    connection: Connection,
    rows: Sequence[CustomerRow],
    at: Instant | None,
    known_at: Instant | None,
) -> list[CustomerRow]:
    """Give customers with the status and the segment that they had at an instant, as known then.

    A record counts from its recording on. Of a customer who was recorded later than `at`, as those
    of a history that was migrated are, it is the first that is known.
    """
    moments = [each for each in (at, known_at) if each is not None]
    if not moments or not rows:
        return list(rows)
    then = known_until(connection, min(moments))
    known = known_until(connection, known_at)
    with among(connection, [row.id for row in rows], _r.id) as shown:
        found = connection.execute(
            select(
                _r.id,
                func.min(_r.sequence).label("first"),
                func.max(_r.sequence).filter(_r.sequence <= then).label("latest"),
            )
            .where(
                shown, _r.record == "customer", *([] if known is None else [_r.sequence <= known])
            )
            .group_by(_r.id)
        ).all()
    wanted = {each.id: each.first if each.latest is None else each.latest for each in found}
    told = {each.sequence: each for each in _events(connection, wanted.values())}
    return [_as_told(row, told.get(wanted.get(row.id, 0))) for row in rows]


def _as_told(row: CustomerRow, event: Event | None) -> CustomerRow:
    if not isinstance(event, RecordEvent):
        return row
    return msgspec.structs.replace(
        row, segment=event.after["segment"], status=event.after["status"]
    )


def subscriptions_then(
    connection: Connection, customer: str, at: Instant, known_at: Instant | None
) -> list[Subscription]:
    """Give the subscriptions that a customer had at an instant, as known at another, oldest first.

    Each as the last transaction about it left it that counts by `at`.
    """
    known = known_until(connection, known_at)
    about = connection.execute(
        select(_t.sequence).where(
            _t.customer == customer,
            _t.type.not_in(_NEVER_ABOUT_ONE),
            _t.status != Status.REFUSED,
            _t.effective_at <= at,
            *([] if known is None else [_t.sequence <= known]),
        )
    ).scalars()
    states: dict[str, Subscription] = {}
    for event in _events(connection, about.all()):
        if not isinstance(event, RecordEvent):
            states.update({each.id: each for each in event.subscriptions})
    had = [each for each in states.values() if each.ended_at is None]
    return sorted(had, key=lambda each: (each.anchor, subscription_order(each.id)))


def _events(connection: Connection, sequences: Collection[int]) -> list[Event]:
    """Give events of the journal, oldest first."""
    if not sequences:
        return []
    with among(connection, sorted(sequences), journal.c.sequence) as wanted:
        query = select(journal.c.body).where(wanted).order_by(journal.c.sequence)
        return [decode_event(body) for body in connection.execute(query).scalars().all()]
