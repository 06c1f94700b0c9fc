"""`project(events)`: the only code that writes a projection.

Posting calls it on what it has just decided, `rebuild` on the whole journal: the same events give
the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, Connection, Table, column, func, insert, select, table, update

from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import (
    REVIEW,
    RecordEvent,
    Status,
    TransactionEvent,
    canonical,
    grant_order,
)
from entitlement_ledger.domain.recorded import Recorded
from entitlement_ledger.domain.subscriptions import next_due
from entitlement_ledger.store.dialect import Columns, append, beside, standing_by, upsert
from entitlement_ledger.store.plain_rows import project_plain
from entitlement_ledger.store.searching import words_of
from entitlement_ledger.store.tables import (
    customers,
    endings,
    entitlements,
    event_reviews,
    grants,
    idempotency,
    lapses,
    live_postings,
    product_versions,
    records,
    resolutions,
    reviews,
    store,
    subscriptions,
    transactions,
)

Sums = dict[str, list[int]]
"""By grant: what is added to each of `_ACCOUNTS`, and the latest instant of it."""

Since = dict[int, tuple[int, str | None]]
"""By transaction: how much of it has been reversed since, and the status it was given."""

_RESOLVED = ("undone", "became")
_PROJECTED = "projected"
_DECIDED = table("decided", *(column(c.name, c.type) for c in transactions.c if c.name != "words"))
_APPEND_DECIDED = insert(transactions).from_select(
    [*_DECIDED.c.keys(), "words"], select(*_DECIDED.c, words_of(_DECIDED))
)
_ACCOUNTS = ("available", "held", "consumed", "expired", "revoked")
_PLACES = {account: place for place, account in enumerate(_ACCOUNTS)}


def project(connection: Connection, events: Recorded) -> None:
    """Write what events make of the projections: one statement a table. No event twice."""
    if not events:
        return
    decided = [event for event in events.ruled if isinstance(event, TransactionEvent)]
    since = _since(decided)
    if decided:
        with standing_by(connection, _DECIDED, _transactions(decided, since)):
            connection.execute(_APPEND_DECIDED)
    sums = _sums(decided)
    append(connection, grants, _grants(decided, sums))
    _add(connection, sums)
    append(connection, live_postings, _postings(decided))
    append(connection, idempotency, _idempotency(decided))
    # No plain event is of the same customer as one of the others: in which order, says nothing.
    project_plain(connection, events.plain)
    _resolve(connection, since)
    append(connection, lapses, _lapses(decided))
    append(connection, endings, _endings(decided))
    append(connection, resolutions, _resolutions(decided))
    upsert(connection, subscriptions, _subscriptions(decided))
    changes = [event for event in events.ruled if isinstance(event, RecordEvent)]
    if changes:
        append(connection, records, _records(changes))
        upsert(connection, customers, _customers(_latest(changes, "customer")))
        upsert(connection, entitlements, _entitlements(_latest(changes, "entitlement")))
        append(connection, product_versions, _products(changes))
        append(connection, reviews, _reviews(changes))
        append(connection, event_reviews, _event_reviews(changes))
    mark_projected(connection, events.last_sequence)


def _since(decided: list[TransactionEvent]) -> Since:
    """Give what events make of transactions, earlier ones and their own."""
    since: Since = {}
    for event in decided:
        reverses = event.kind == CommandType.REVERSE and not event.proposal
        if reverses and event.status is Status.COMPLETED and event.target is not None:
            undone, became = since.get(event.target, (0, None))
            since[event.target] = undone + (event.quantity or 0), became
        for each in event.resolves:
            since[each.target] = since.get(each.target, (0, None))[0], each.status.value
    return since


def _resolve(connection: Connection, since: Since) -> None:
    """Note what became of transactions that are there already."""
    if not since:
        return
    columns = [column(name, transactions.c[name].type) for name in ("sequence", *_RESOLVED)]
    values: Columns = {
        "sequence": list(since),
        "undone": [undone for undone, _ in since.values()],
        "became": [became for _, became in since.values()],
    }
    with beside(connection, columns, values) as later:
        new = {
            "undone": transactions.c.undone + later.c.undone,
            "became": func.coalesce(later.c.became, transactions.c.became),
        }
        same = transactions.c.sequence == later.c.sequence
        connection.execute(update(transactions).where(same).values(new))


def _sums(decided: list[TransactionEvent]) -> Sums:
    """Sum up what events post to the accounts of each grant."""
    sums: Sums = {}
    for event in decided:
        for each in event.postings:
            place = _PLACES.get(each.account.value)
            if place is None:
                continue
            known = sums.setdefault(each.grant, [0, 0, 0, 0, 0, each.effective_at])
            known[place] += each.quantity
            known[-1] = max(known[-1], each.effective_at)
    return sums


def _add(connection: Connection, sums: Sums) -> None:
    """Add sums to those of grants that are there already."""
    if not sums:
        return
    columns = [column(name, BigInteger) for name in ("sequence", "place", *_ACCOUNTS)]
    columns.append(column("last_at", grants.c.last_at.type))
    rows = [(*grant_order(grant), *each) for grant, each in sums.items()]
    values = dict(
        zip((each.name for each in columns), map(list, zip(*rows, strict=True)), strict=True)
    )
    with beside(connection, columns, values) as added:
        same = (grants.c.sequence == added.c.sequence) & (grants.c.place == added.c.place)
        new = {name: grants.c[name] + added.c[name] for name in _ACCOUNTS}
        new["last_at"] = func.greatest(grants.c.last_at, added.c.last_at)
        connection.execute(update(grants).where(same).values(new))


def projected(connection: Connection) -> int:
    """Give the last event that was projected; 0 if none was, or nobody can say."""
    asked = select(store.c.value).where(store.c.name == _PROJECTED)
    said = "".join(connection.execute(asked).scalars().all())
    return int(said) if said.isascii() and said.isdigit() and len(said) <= 18 else 0


def mark_projected(connection: Connection, sequence: int) -> None:
    """Note the last event that was projected."""
    noted = update(store).where(store.c.name == _PROJECTED).values(value=str(sequence))
    # To insert or replace takes four times as long; the row is there but for the first time.
    if not connection.execute(noted.returning(store.c.name)).all():
        append(connection, store, {"name": [_PROJECTED], "value": [str(sequence)]})


def _latest(events: Iterable[RecordEvent], record: str) -> list[RecordEvent]:
    """Give the last event of each record of one sort."""
    return list({event.id: event for event in events if event.record == record}.values())


def _table(into: Table, rows: Iterable[tuple[Any, ...]], names: str) -> Columns:
    """Turn rows into columns; the names must be the table's, so that none is forgotten."""
    listed = names.split()
    assert set(listed) == set(into.c.keys()), f"{into.name}: {names}"
    columns = [list(values) for values in zip(*rows, strict=True)] or [[] for _ in listed]
    return dict(zip(listed, columns, strict=True))


_GRANT_COLUMNS = (
    "sequence place id customer entitlement quantity priority category "
    "effective_from expires_at parent subscription period rollover_max "
    "available held consumed expired revoked last_at"
)
_POSTING_COLUMNS = (
    "sequence place grant customer entitlement account quantity effective_at recorded_at"
)


def _transactions(events: list[TransactionEvent], since: Since) -> Columns:
    fields = [name for name in _DECIDED.c.keys() if name not in _RESOLVED]  # noqa: SIM118
    columns = {name: [getattr(event, name) for event in events] for name in fields}
    return columns | _resolved([event.sequence for event in events], since)


def _resolved(sequences: list[int], since: Since) -> Columns:
    """Give what became of new transactions, which need not be added to them any more."""
    if not since:
        return {"undone": [0] * len(sequences), "became": [None] * len(sequences)}
    became = [since.pop(each, (0, None)) for each in sequences]
    return {name: [each[place] for each in became] for place, name in enumerate(_RESOLVED)}


def _grants(events: list[TransactionEvent], sums: Sums) -> Columns:
    return _table(
        grants,
        (
            (
                event.sequence,
                place,
                grant.id,
                grant.customer,
                grant.entitlement,
                grant.quantity,
                grant.priority,
                grant.category.value,
                grant.effective_from,
                grant.expires_at,
                grant.parent,
                grant.subscription,
                grant.period,
                grant.rollover_max,
                *sums.pop(grant.id),
            )
            for event in events
            for place, grant in enumerate(event.grants, 1)
        ),
        _GRANT_COLUMNS,
    )


def _postings(events: list[TransactionEvent]) -> Columns:
    return _table(
        live_postings,
        (
            (
                event.sequence,
                place,
                posting.grant,
                event.customer,
                posting.entitlement,
                posting.account.value,
                posting.quantity,
                posting.effective_at,
                event.recorded_at,
            )
            for event in events
            for place, posting in enumerate(event.postings, 1)
        ),
        _POSTING_COLUMNS,
    )


def _lapses(events: list[TransactionEvent]) -> Columns:
    return _table(
        lapses,
        (
            (event.sequence, place, lapse.hold, lapse.grant, lapse.account.value)
            for event in events
            for place, lapse in enumerate(event.lapses, 1)
        ),
        "sequence place hold grant account",
    )


def _endings(events: list[TransactionEvent]) -> Columns:
    return _table(
        endings,
        (
            (event.sequence, place, ended.grant, event.customer, ended.at)
            for event in events
            for place, ended in enumerate(event.ended, 1)
        ),
        "sequence place grant customer ended_at",
    )


def _resolutions(events: list[TransactionEvent]) -> Columns:
    return _table(
        resolutions,
        (
            (event.sequence, place, resolution.target, resolution.status.value)
            for event in events
            for place, resolution in enumerate(event.resolves, 1)
        ),
        "sequence place target status",
    )


def _subscriptions(events: list[TransactionEvent]) -> Columns:
    """Give each subscription as the last of these events left it."""
    latest = {each.id: (each, event.sequence) for event in events for each in event.subscriptions}
    return _table(
        subscriptions,
        (
            (
                each.id,
                each.customer,
                each.product,
                each.anchor,
                each.ended_at,
                next_due(each),
                canonical(each).decode(),
                sequence,
            )
            for each, sequence in latest.values()
        ),
        "id customer product anchor ended_at due_at state sequence",
    )


def _idempotency(events: list[TransactionEvent]) -> Columns:
    return {
        "key": [event.key for event in events],
        "sequence": [event.sequence for event in events],
        "command_hash": [bytes.fromhex(event.command_hash) for event in events],
    }


def _records(events: list[RecordEvent]) -> Columns:
    return {name: [getattr(event, name) for event in events] for name in records.columns.keys()}  # noqa: SIM118


def _customers(events: list[RecordEvent]) -> Columns:
    return {
        "id": [event.id for event in events],
        "segment": [event.after["segment"] for event in events],
        "status": [event.after["status"] for event in events],
        "sequence": [event.sequence for event in events],
    }


def _entitlements(events: list[RecordEvent]) -> Columns:
    columns: Columns = {
        name: [event.after[name] for event in events]
        for name in ("code", "name", "description", "kind", "unit", "scale", "status")
    }
    columns["resources"] = [";".join(event.after["resources"]) for event in events]
    columns["sequence"] = [event.sequence for event in events]
    return columns


def _products(events: list[RecordEvent]) -> Columns:
    return _table(
        product_versions,
        (
            (
                event.id,
                event.sequence,
                event.recorded_at,
                event.after["name"],
                event.after["tier"],
                event.after["period"],
                canonical(event.after["lines"]).decode(),
                event.after["status"],
            )
            for event in events
            if event.record == "product"
        ),
        "code sequence recorded_at name tier period lines status",
    )


def _reviews(events: list[RecordEvent]) -> Columns:
    return _table(
        reviews,
        (
            (
                event.sequence,
                event.id,
                event.after["decision"],
                event.actor,
                event.after["assigned_to"],
                event.reason or "",
                canonical(event.after["transactions"]).decode(),
                event.recorded_at,
            )
            for event in events
            if event.record == "finding"
        ),
        "sequence finding decision actor assigned_to reason transactions recorded_at",
    )


def _event_reviews(events: list[RecordEvent]) -> Columns:
    return _table(
        event_reviews,
        (
            (
                number,
                event.sequence,
                event.after["mark"],
                event.actor,
                event.reason,
                event.recorded_at,
            )
            for event in events
            if event.record == REVIEW
            for number in event.after["events"]
        ),
        "event sequence mark actor note recorded_at",
    )
