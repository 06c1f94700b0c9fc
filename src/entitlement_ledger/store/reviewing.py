"""Findings as the rules last found them, and the steps of their reviews."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec
from sqlalchemy import Connection, delete, or_, select

from entitlement_ledger.answers import Finding, ReviewStep
from entitlement_ledger.domain.events import transaction_id
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.store.dialect import among, append, upsert
from entitlement_ledger.store.tables import findings, records, reviews, store, transactions

FOUND = "found_until"
_f = findings.c
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


def save_findings(
    connection: Connection,
    found: Sequence[Found],
    rules: Collection[str],
    of_customers: Collection[str] | None = None,
) -> None:
    """Put findings in place of those of these rules, or of those that are about some customers."""
    old = _f.rule.in_(sorted(rules))
    if of_customers is not None:
        with among(connection, sorted(of_customers), _f.customer) as theirs:
            connection.execute(delete(findings).where(old, theirs))
    else:
        connection.execute(delete(findings).where(old))
    names = [each for each in findings.c.keys() if each != "transactions"]  # noqa: SIM118
    columns = {name: [getattr(each, name) for each in found] for name in names}
    columns["transactions"] = [msgspec.json.encode(each.sequences).decode() for each in found]
    append(connection, findings, columns)


def stored_findings(connection: Connection) -> list[Found]:
    """Give what the rules found last."""
    return [
        Found(
            row.id,
            row.rule,
            row.severity,
            row.score,
            row.customer,
            row.actor,
            row.why,
            tuple(msgspec.json.decode(row.transactions, type=list[int])),
        )
        for row in connection.execute(select(findings)).all()
    ]


def found_until(connection: Connection) -> str | None:
    """Say up to which event, and how set, the rules were run last."""
    asked = select(store.c.value).where(store.c.name == FOUND)
    found = connection.execute(asked).scalars().all()
    return found[0] if found else None


def mark_found(connection: Connection, until: str) -> None:
    """Note up to which event, and how set, the rules were run."""
    upsert(connection, store, {"name": [FOUND], "value": [until]})


def customers_since(connection: Connection, sequence: int) -> list[str] | None:
    """Give the customers of transactions after one; None if a feed has changed since."""
    fed = select(records.c.sequence).where(
        records.c.record == "feed", records.c.sequence > sequence
    )
    if connection.execute(fed.limit(1)).scalars().all():
        return None
    t = transactions.c
    query = select(t.customer).where(t.sequence > sequence).distinct()
    return list(connection.execute(query).scalars().all())


def review_steps(connection: Connection, finding: str | None = None) -> dict[str, list[ReviewStep]]:
    """Give the steps of reviews by finding, the oldest first."""
    query = select(reviews).order_by(reviews.c.sequence)
    if finding is not None:
        query = query.where(reviews.c.finding == finding)
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
    """Give those of these transactions that took effect or were recorded at an instant or later."""
    t = transactions.c
    with among(connection, sorted(sequences), t.sequence) as wanted:
        later = or_(t.effective_at >= since, t.recorded_at >= since)
        query = select(t.sequence).where(wanted, later)
        return set(connection.execute(query).scalars().all())
