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
    FromClause,
    Integer,
    Numeric,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
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
_DECISIONS = (CommandType.APPROVE.value, CommandType.REJECT.value)
MINUTE_US, DAY_US = MINUTE, DAY
SCORE_MAX = 100
BLOCK = 1024
"""How many events are a block: moments are kept by block."""


class Severity(StrEnum):
    """How bad it is if it is what it looks like."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Reach(StrEnum):
    """Which patterns an act can change: those of its customer, those of its actor, or any."""

    CUSTOMER = "customer"
    ACTOR = "actor"
    ANY = "any"


Condition = Callable[[Any], ColumnElement[bool]]
"""A condition on the columns of acts."""


def any_act(_acts: Any) -> ColumnElement[bool]:
    """Hold of every act."""
    return true()


@dataclass(frozen=True, slots=True)
class News:
    """What is new since the rules were run last, for finding out whom to look at.

    Attributes:
        acts: those that are new.
        lately: what the customers of these did since a while before the earliest of them.
        before: what had been counted before, if the rule counts; not added up.
        compared: what the rule's query is given, new acts counted.
    """

    acts: FromClause
    lately: FromClause
    before: FromClause | None
    compared: FromClause | None


def added_up(rows: FromClause) -> Select[Any]:
    """Add up what was counted at several times."""
    by: dict[str, Callable[..., ColumnElement[Any]]] = {
        "number": func.sum,
        "total": func.sum,
        "first": func.min,
        "last": func.max,
    }
    keys = [each for each in rows.c if each.name not in by]
    values = [wide(by[each.name](each)).label(each.name) for each in rows.c if each.name in by]
    return select(*keys, *values).group_by(*keys)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        looks_for: what it finds, in a few words.
        why: a sentence with the names of the query's columns in braces.
        parameters: what can be set, with the defaults.
        query: gives the patterns among acts.
        looks_at: the acts of which patterns are made and by which they are judged. Where none of
            them is new or has changed, what was found before stands.
        reach: which patterns such an act can change; all other patterns stand, unless what they
            are compared with has changed.
        counted: gives numbers of acts that can be added up, by whom or what they are about: they
            are kept from run to run, those of new acts added. `number` and `total` are sums,
            `first` is a least and `last` a greatest value. The query is then given these rows too.
        compared: gives, of what was counted, what patterns are compared with of everybody, in a few
            rows; the query is then given these rows instead.
        pieces: gives what patterns are made of, each with the times at which it `begins` and
            `ends`, which are kept too; the query is then given these rows as well.
        joins: how long after a piece has ended, in microseconds, an act can still be part of it.
        odd: gives, of what was counted and of the pieces, who can have a pattern: actors, or what
            `odd_by` says, customers or blocks of events. Other acts need not be looked at.
        suspects: gives the customers of whom something new can make or change a pattern; without it
            that is everybody of whom the rule looks at something new.
        reaches_back: how long before an act, in microseconds, what `suspects` looks at lies.
        about_all: whom it is about is everybody who acted in the evidence, not one actor.
        looks_at_people: it looks at customers' names and emails too.
        looks_at_postings: it looks at customers' postings too.
    """

    name: str
    severity: Severity
    looks_for: str
    why: str
    parameters: Parameters
    query: Callable[..., Select[Any]]
    looks_at: Condition = any_act
    reach: Reach = Reach.ANY
    counted: Callable[[FromClause, Parameters], Select[Any]] | None = None
    compared: Callable[[FromClause, Parameters], Select[Any]] | None = None
    pieces: Callable[[FromClause, Parameters], Select[Any]] | None = None
    joins: Callable[[Parameters], int] | None = None
    odd: Callable[..., Select[Any]] | None = None
    odd_by: str = "actor"
    suspects: Callable[[News, Parameters], Select[Any]] | None = None
    reaches_back: Callable[[Parameters], int] | None = None
    about_all: bool = False
    looks_at_people: bool = False
    looks_at_postings: bool = False

    def patterns(
        self,
        acts: FromClause,
        set_to: Parameters,
        compared: FromClause | None = None,
        pieces: FromClause | None = None,
    ) -> Select[Any]:
        """Give the patterns among acts.

        `compared` is what they are compared with, `pieces` what they are made of, if known.
        """
        if self.counted is None:
            return self.query(acts, set_to)
        if compared is None:
            counted = self.counted(acts, set_to).cte("added")
            compared = self.of_everybody(counted, set_to).cte("of_everybody")
        if self.pieces is None:
            return self.query(acts, set_to, compared)
        if pieces is None:
            pieces = self.pieces(acts, set_to).cte("pieces")
        return self.query(acts, set_to, compared, pieces)

    def of_everybody(self, counted: FromClause, set_to: Parameters) -> Select[Any]:
        """Give what the query is given too, of what was counted."""
        return select(counted) if self.compared is None else self.compared(counted, set_to)


def acts(kept: Condition | None = None, name: str = "acts", among: FromClause = recorded) -> CTE:
    """Give every command that somebody asked for, in the words that rules use.

    `moment` is when it happened: of history when it took effect, of all else when it was recorded.
    `gives` is a quantity given by hand, `draws` one that was drawn, `left` what is left of what was
    given or drawn, and 0 of what was taken off; `decides` says that it decides
    on a proposal. `kept` leaves out other acts; `among` are the transactions that are looked at.
    """
    t, r = among.c, resolutions.c
    proposals = recorded.alias("proposals")
    p = proposals.c
    # What was approved was asked for by whoever proposed it.
    proposed = among.outerjoin(
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
            or_(t.executes.is_not(None), t.type.in_(_DECISIONS)).label("decides"),
            t.effective_at,
            t.recorded_at,
            moment.label("moment"),
            microseconds(moment).label("at"),
            cast(func.floor(microseconds(moment) / DAY_US), Integer).label("day"),
            case((and_(done, did.in_(GIVES), t.quantity > 0), t.quantity), else_=0).label("gives"),
            case((and_(done, did.in_(DRAWS)), t.quantity), else_=0).label("draws"),
            case((t.quantity < 0, 0), else_=t.quantity - t.undone).label("left"),
        )
        .select_from(proposed)
        .where(
            t.key.not_like(f"{RESERVED_PREFIX}%"),
            or_(t.executes.is_(None), p.sequence.is_not(None)),
        )
    )
    if kept is not None:
        asked = query.subquery(f"{name}_asked")
        query = select(asked).where(kept(asked.c))
    return query.cte(name)


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
    table: CTE,
    gap: int,
    *by: str,
    where: ColumnElement[bool] | None = None,
    name: str = "sessions",
    least: int = 1,
) -> CTE:
    """Number the acts of each group by session: a new one begins after a gap in microseconds.

    Where it takes at least two acts, those that are alone are left out: mostly nearly all.
    """
    columns = [table.c[each] for each in by]
    order = (table.c.at, table.c.sequence)
    before = func.lag(table.c.at).over(partition_by=columns, order_by=order)
    after = func.lead(table.c.at).over(partition_by=columns, order_by=order)
    begins = case((or_(before.is_(None), table.c.at - before > gap), 1), else_=0)
    ends = case((or_(after.is_(None), after - table.c.at > gap), 1), else_=0)
    marked = select(table, begins.label("begins"), ends.label("ends"))
    if where is not None:
        marked = marked.where(where)
    gaps = marked.cte(f"{name}_gaps")
    number = func.sum(gaps.c.begins).over(
        partition_by=[gaps.c[each] for each in by], order_by=(gaps.c.at, gaps.c.sequence)
    )
    numbered = select(gaps, number.label("session"))
    if least > 1:
        numbered = numbered.where(gaps.c.begins + gaps.c.ends < 2)
    return numbered.cte(name)


def wide(quantity: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give whole numbers with room to be multiplied: a quantity may be as large as 64 bits hold."""
    return cast(quantity, Numeric(38, 0))


def minutes(span: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give microseconds as whole minutes, rounded up."""
    return cast(func.ceil(span / MINUTE_US), Integer)


def beyond_chance(
    number: ColumnElement[Any],
    of: ColumnElement[Any],
    others: ColumnElement[Any],
    of_others: ColumnElement[Any],
    *,
    least: int,
    times: int,
) -> ColumnElement[bool]:
    """Say whether so many, of one's own acts, are far more than others would have had by chance.

    At least `least` where others have none, and so many times what is to be expected beyond that.
    """
    return (number - (least - 1)) * of_others >= others * of * times


def draws_by_size(acts: FromClause, _set_to: Parameters) -> Select[Any]:
    """Count draws by entitlement and size: the power of two that they stay under."""
    a = acts.c
    power = cast(func.ceil(func.log10(a.draws) / func.log10(2)), Integer).label("power")
    drawn = select(a.entitlement, power).where(a.draws > 0).subquery("drawn")
    d = drawn.c
    return select(d.entitlement, d.power, func.count().label("number")).group_by(
        d.entitlement, d.power
    )


def roughly_drawn(counted: FromClause, percent: int, name: str) -> Select[Any]:
    """Give about what so much of all draws stays under, by entitlement, of draws counted by size.

    A power of two, rounded up: it hardly ever changes, so that others need not be looked at again.
    """
    c = counted.c
    so_far = func.sum(c.number).over(partition_by=c.entitlement, order_by=c.power)
    sizes = select(
        c.entitlement,
        c.power,
        so_far.label("so_far"),
        func.sum(c.number).over(partition_by=c.entitlement).label("of_all"),
    ).subquery("sizes")
    s = sizes.c
    return (
        select(s.entitlement, wide(func.power(2, func.min(s.power))).label(name))
        .where(s.so_far * 100 >= s.of_all * percent)
        .group_by(s.entitlement)
    )
