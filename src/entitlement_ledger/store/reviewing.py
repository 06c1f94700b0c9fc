"""Findings as the rules last found them, and the steps of their reviews."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, FromClause, Row, Select, case, delete, select

from entitlement_ledger.answers import Finding, ReviewStep
from entitlement_ledger.domain.events import transaction_id
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.store.dialect import among, append, upsert
from entitlement_ledger.store.tables import findings, records, reviews, store, transactions

FOUND = "found_until"
_f = findings.c
KEPT = 1
"""How what rules count is kept: kept in another way it is counted anew."""

DECISIONS = ("investigating", "confirmed", "dismissed")


class Found(msgspec.Struct, frozen=True):
    """A pattern as a rule found it; `sequences` are its transactions."""

    id: str
    rule: str
    severity: str
    score: int
    customer: str | None
    actor: str | None
    why: str
    sequences: tuple[int, ...]


class LastRun(msgspec.Struct, frozen=True):
    """Up to where and how the rules were run last.

    Attributes:
        until: the last event that all of them had seen.
        set_to: what they were set to, in a few digits.
        compared: by rule, what it compared patterns with of everybody, in a few digits.
        kept: how what rules count is kept beside the findings.
    """

    until: int
    set_to: str
    compared: dict[str, str]
    kept: int = 0


def save_findings(
    connection: Connection,
    found: Sequence[Found],
    rule: str,
    column: str = "",
    names: FromClause | None = None,
) -> None:
    """Put findings in place of those of a rule: of all, or of those with names in a column."""
    old = delete(findings).where(_f.rule == rule)
    if names is not None and column:
        old = old.where(_f[column].in_(select(*names.c)))
    connection.execute(old)
    columns_of = [each for each in findings.c.keys() if each != "transactions"]  # noqa: SIM118
    columns = {name: [getattr(each, name) for each in found] for name in columns_of}
    columns["transactions"] = [msgspec.json.encode(each.sequences).decode() for each in found]
    append(connection, findings, columns)


def stored_findings(connection: Connection) -> list[Found]:
    """Give what the rules found last."""
    return [found_of(row) for row in connection.execute(select(findings)).all()]


def found_of(row: Row[Any]) -> Found:
    """Make a pattern of a row of the findings."""
    return Found(
        row.id,
        row.rule,
        row.severity,
        row.score,
        row.customer,
        row.actor,
        row.why,
        evidence_of(row.transactions),
    )


def evidence_of(transactions: str) -> tuple[int, ...]:
    """Read the sequences of a finding's transactions."""
    return tuple(msgspec.json.decode(transactions, type=list[int]))


def about(rule: str, customers: Select[Any]) -> Select[Any]:
    """Give those of some customers whom a finding of a rule is about."""
    return select(_f.customer).where(_f.rule == rule, _f.customer.in_(customers))


def last_run(connection: Connection) -> LastRun | None:
    """Say up to where and how the rules were run last; None if nobody knows."""
    asked = select(store.c.value).where(store.c.name == FOUND)
    found = connection.execute(asked).scalars().all()
    try:
        return msgspec.json.decode(found[0], type=LastRun) if found else None
    except msgspec.MsgspecError:
        return None


def note_run(connection: Connection, run: LastRun | None) -> None:
    """Note up to where and how the rules were run; None where they have to be run anew."""
    said = "" if run is None else msgspec.json.encode(run).decode()
    upsert(connection, store, {"name": [FOUND], "value": [said]})


def feed_changed(connection: Connection, until: int) -> bool:
    """Say whether a feed has changed after an event."""
    fed = select(records.c.sequence).where(records.c.record == "feed", records.c.sequence > until)
    return bool(connection.execute(fed.limit(1)).scalars().all())


def customers_changed(until: int) -> Select[tuple[str]]:
    """Give the customers who were changed after an event, name and email too."""
    return select(records.c.id.label("name")).where(
        records.c.record == "customer", records.c.sequence > until
    )


def review_steps(
    connection: Connection, of: Collection[str] | None = None
) -> dict[str, list[ReviewStep]]:
    """Give the steps of the reviews of some findings, or of all, the oldest first."""
    query = select(reviews).order_by(reviews.c.sequence)
    if of is not None:
        query = query.where(reviews.c.finding.in_(of))
    steps: dict[str, list[ReviewStep]] = {}
    for row in connection.execute(query).all():
        known = msgspec.json.decode(row.transactions, type=list[str])
        step = ReviewStep(
            row.sequence,
            row.decision,
            row.actor,
            row.assigned_to,
            row.reason,
            tuple(known),
            row.recorded_at,
        )
        steps.setdefault(row.finding, []).append(step)
    return steps


def with_reviews(found: Iterable[Found], steps: dict[str, list[ReviewStep]]) -> list[Finding]:
    """Say of each finding where its review stands.

    One that was dismissed is open again once it has evidence that was not looked at then.
    """
    told = []
    for each in found:
        of_it = steps.get(each.id, [])
        last = of_it[-1] if of_it else None
        evidence = tuple(transaction_id(number) for number in each.sequences)
        state = last.decision if last else "open"
        if last and state == "dismissed" and not set(evidence) <= set(last.transactions):
            state, last = "open", None
        told.append(
            Finding(
                each.id,
                each.rule,
                each.severity,
                each.customer,
                each.actor,
                evidence,
                each.why,
                each.score,
                state,
                last.assigned_to if last else None,
            )
        )
    return told


def since_then(connection: Connection, sequences: Collection[int], since: Instant) -> set[int]:
    """Give those of these transactions that happened at an instant or later.

    As the rules have it: migrated history when it took effect, all else when it was recorded.
    """
    t = transactions.c
    with among(connection, sorted(sequences), t.sequence) as wanted:
        moment = case((t.history, t.effective_at), else_=t.recorded_at)
        query = select(t.sequence).where(wanted, moment >= since)
        return set(connection.execute(query).scalars().all())


def actors_of(connection: Connection, sequences: Collection[int]) -> dict[int, str]:
    """Give who made each of these transactions: of an approval, whoever approved."""
    if not sequences:
        return {}
    t = transactions.c
    with among(connection, sorted(sequences), t.sequence) as wanted:
        rows = connection.execute(select(t.sequence, t.actor).where(wanted)).all()
    return {row.sequence: row.actor for row in rows}
