"""Findings by pages, the worst first: filtered, ordered and counted where they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    func,
    literal,
    or_,
    select,
)

from entitlement_ledger.answers import FindingFilter, FindingPlace
from entitlement_ledger.domain.events import transaction_id
from entitlement_ledger.store.reviewing import Found, evidence_of, found_of
from entitlement_ledger.store.searching import contains
from entitlement_ledger.store.tables import findings, reviews

SEVERITIES = ("high", "medium", "low")
"""The worst first."""

_DISMISSED, _OPEN = "dismissed", "open"
_f = findings.c
_rank = case({name: place for place, name in enumerate(SEVERITIES)}, value=_f.severity)
_newest = select(func.max(reviews.c.sequence)).group_by(reviews.c.finding)
_review = select(reviews).where(reviews.c.sequence.in_(_newest)).subquery("review")
_source = findings.outerjoin(_review, _review.c.finding == _f.id)


def findings_page(
    connection: Connection, only: FindingFilter, *, after: FindingPlace | None, limit: int
) -> tuple[list[Found], FindingPlace | None]:
    """Give a page of findings, and the place behind which the next begins, if there is one."""
    query = select(findings).select_from(_source).where(*_conditions(connection, only))
    if after is not None:
        query = query.where(_behind(after))
    query = query.order_by(_rank, _f.score.desc(), _f.id).limit(limit + 1)
    rows = connection.execute(query).all()
    found = [found_of(row) for row in rows[:limit]]
    last = found[-1] if len(rows) > limit else None
    return found, None if last is None else (last.severity, last.score, last.id)


def count_findings(connection: Connection, only: FindingFilter) -> int:
    """Count the findings that a filter matches."""
    query = select(func.count()).select_from(_source).where(*_conditions(connection, only))
    return connection.execute(query).scalar_one()


def _behind(place: FindingPlace) -> ColumnElement[bool]:
    """Keep what comes behind a place: less bad, or of a lower score, or with a later id."""
    severity, score, name = place
    rank = literal(SEVERITIES.index(severity))
    return or_(
        _rank > rank,
        and_(_rank == rank, or_(_f.score < score, and_(_f.score == score, _f.id > name))),
    )


def _conditions(connection: Connection, only: FindingFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        column == wanted
        for column, wanted in (
            (_f.rule, only.rule),
            (_f.customer, only.customer),
            (_f.actor, only.actor),
            (_f.severity, only.severity),
        )
        if wanted is not None
    ]
    if only.text:
        named = func.replace(_f.rule, "_", " ")
        looked_at = (_f.id, _f.rule, named, _f.customer, _f.actor, _f.why)
        conditions.append(or_(*(contains(column, only.text) for column in looked_at)))
    state = _state(_reopened(connection))
    conditions.append(state != _DISMISSED if only.state is None else state == only.state)
    return conditions


def _state(reopened: Sequence[str]) -> ColumnElement[str]:
    """Say where a finding's review stands."""
    decided = func.coalesce(_review.c.decision, _OPEN)
    return case((_f.id.in_(reopened), _OPEN), else_=decided) if reopened else decided


def _reopened(connection: Connection) -> list[str]:
    """Give the findings that were dismissed and have evidence that was not looked at then.

    Which evidence that was is told by the review alone, and only people dismiss: there are few.
    """
    query: Select[Any] = (
        select(_f.id, _f.transactions, _review.c.transactions.label("known"))
        .select_from(_source)
        .where(_review.c.decision == _DISMISSED)
    )
    return [
        row.id
        for row in connection.execute(query).all()
        if not {transaction_id(each) for each in evidence_of(row.transactions)}
        <= set(msgspec.json.decode(row.known, type=list[str]))
    ]
