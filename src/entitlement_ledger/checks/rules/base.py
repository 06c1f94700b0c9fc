"""What rules share: how one is declared, and the acts that they look at.

A rule's query gives one row a pattern: `subject`, which stays the same when the rule runs again,
the customer and the actor where there is one, the transactions in the order of their recording, a
score from 1 to 100, and the numbers that its sentence is told with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)

from entitlement_ledger.domain.commands import RESERVED_PREFIX, CommandType
from entitlement_ledger.domain.events import Status
from entitlement_ledger.domain.instants import DAY, MINUTE
from entitlement_ledger.store.dialect import microseconds
from entitlement_ledger.store.tables import resolutions
from entitlement_ledger.store.tables import transactions as recorded

Parameters = Mapping[str, int]
"""What a rule is set to: whole numbers, in the unit that the last word of their name says."""

GIVES = (CommandType.ISSUE.value, CommandType.ADJUST.value)
DRAWS = (CommandType.CONSUME.value, CommandType.HOLD.value)
MINUTE_US, DAY_US = MINUTE, DAY
SCORE_MAX = 100


class Severity(StrEnum):
    """How bad it is if it is what it looks like."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Reach(StrEnum):
    """Which patterns new transactions can change: those of their customers, or any."""

    CUSTOMER = "customer"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        looks_for: what it finds, in a few words.
        why: a sentence with the names of the query's columns in braces.
        parameters: what can be set, with the defaults.
        query: gives the patterns among acts.
    """

    name: str
    severity: Severity
    looks_for: str
    why: str
    parameters: Parameters
    query: Callable[[CTE, Parameters], Select[Any]]
    reach: Reach = Reach.ANY


def acts(customers: Select[Any] | None = None) -> CTE:
    """Give every command that somebody asked for, in the words that rules use.

    `moment` is when it happened: of history when it took effect, of all else when it was recorded.
    `gives` is a quantity given by hand, `draws` one that was drawn. `customers` leaves out the acts
    of others.
    """
    t, r = recorded.c, resolutions.c
    proposals = recorded.alias("proposals")
    p = proposals.c
    # What was approved was asked for by whoever proposed it.
    proposed = recorded.outerjoin(
        resolutions, and_(t.executes.is_not(None), r.sequence == t.sequence)
    ).outerjoin(proposals, and_(p.sequence == r.target, p.proposal))
    did = func.coalesce(t.executes, t.type)
    done = and_(t.status != Status.REFUSED, ~t.proposal)
    moment = case((t.history, t.effective_at), else_=t.recorded_at)
    query = (
        select(
            t.sequence,
            did.label("did"),
            done.label("done"),
            t.code,
            t.customer,
            t.entitlement,
            t.quantity,
            func.coalesce(p.actor, t.actor).label("actor"),
            t.actor.label("decided_by"),
            func.coalesce(p.reason, t.reason).label("reason"),
            func.coalesce(p.reference, t.reference).label("reference"),
            t.target,
            t.history,
            t.proposal,
            t.effective_at,
            t.recorded_at,
            moment.label("moment"),
            microseconds(moment).label("at"),
            cast(func.floor(microseconds(moment) / DAY_US), Integer).label("day"),
            case((and_(done, did.in_(GIVES), t.quantity > 0), t.quantity), else_=0).label("gives"),
            case((and_(done, did.in_(DRAWS)), t.quantity), else_=0).label("draws"),
            (t.quantity - t.undone).label("left"),
        )
        .select_from(proposed)
        .where(
            t.key.not_like(f"{RESERVED_PREFIX}%"),
            or_(t.executes.is_(None), p.sequence.is_not(None)),
        )
    )
    if customers is not None:
        query = query.where(t.customer.in_(customers))
    return query.cte("acts")


def pattern(
    *subject: ColumnElement[Any],
    transactions: ColumnElement[Any],
    score: ColumnElement[Any] | int,
    customer: ColumnElement[Any] | None = None,
    actor: ColumnElement[Any] | None = None,
    **facts: ColumnElement[Any],
) -> list[ColumnElement[Any]]:
    """Give the columns of a rule's query."""
    nobody = cast(literal(None), String)
    parts = [func.coalesce(cast(each, String), "") for each in subject]
    return [
        func.concat_ws("|", *parts).label("subject"),
        (nobody if customer is None else customer).label("customer"),
        (nobody if actor is None else actor).label("actor"),
        transactions.label("transactions"),
        cast(func.least(func.greatest(score, 1), SCORE_MAX), Integer).label("score"),
        *(each.label(name) for name, each in facts.items()),
    ]


def sessions(
    table: CTE, gap: int, *by: str, where: ColumnElement[bool] | None = None, name: str = "sessions"
) -> CTE:
    """Number the acts of each group by session: a new one begins after a gap in microseconds."""
    columns = [table.c[each] for each in by]
    order = (table.c.at, table.c.sequence)
    before = func.lag(table.c.at).over(partition_by=columns, order_by=order)
    begins = case((or_(before.is_(None), table.c.at - before > gap), 1), else_=0)
    marked = select(table, begins.label("begins"))
    if where is not None:
        marked = marked.where(where)
    gaps = marked.cte(f"{name}_gaps")
    number = func.sum(gaps.c.begins).over(
        partition_by=[gaps.c[each] for each in by], order_by=(gaps.c.at, gaps.c.sequence)
    )
    return select(gaps, number.label("session")).cte(name)


def minutes(span: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give microseconds as whole minutes, rounded up."""
    return cast(func.ceil(span / MINUTE_US), Integer)
