"""The reasons that actors give: copied, or blank."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    FromClause,
    Select,
    and_,
    case,
    distinct,
    func,
    or_,
    select,
)

from entitlement_ledger.checks.rules.base import (
    MINUTE_US,
    Parameters,
    Rule,
    Severity,
    minutes,
    pattern,
    sessions,
)
from entitlement_ledger.store.dialect import listed


def _copied_reasons(acts: FromClause, set_to: Parameters) -> Select[Any]:
    a = acts.c
    reason = func.lower(func.trim(a.reason))
    said = (
        select(acts, reason.label("said"))
        .where(a.done, a.reason.is_not(None), func.length(reason) > 0)
        .cte("said")
    )
    gap = set_to["gap_hours"] * 60 * MINUTE_US
    runs = sessions(said, gap, "actor", "said", least=set_to["least"])
    r = runs.c
    people = func.count(distinct(r.customer))
    used = (
        select(said.c.said, said.c.actor, func.count().label("number"))
        .group_by(said.c.said, said.c.actor)
        .cte("used")
    )
    of_all = (
        select(used.c.said, func.count().label("actors"), func.sum(used.c.number).label("number"))
        .group_by(used.c.said)
        .cte("of_all")
    )
    return (
        select(
            *pattern(
                r.actor,
                r.said,
                func.min(r.sequence),
                actor=r.actor,
                transactions=listed(r.sequence),
                score=20 + people * 5,
                number=people,
                reason=func.left(r.said, 60),
                minutes=minutes(func.max(r.at) - func.min(r.at)),
            )
        )
        .select_from(runs.join(of_all, of_all.c.said == r.said))
        # What others say too, on other occasions, is a phrase of the house.
        .group_by(r.actor, r.said, r.session, of_all.c.number)
        .having(
            people >= set_to["least"],
            func.count() * 100 >= of_all.c.number * set_to["share_percent"],
        )
    )


_FILLERS = ("asdf", "blah", "dummy", "misc", "nil", "none", "qwerty", "tba", "tbd", "test", "todo")


def _saying_nothing(letters: Any, most: int) -> tuple[Any, ...]:
    """Say when the letters of a reason say nothing: hardly any, one again and again, a filler."""
    one_again_and_again = func.replace(letters, func.left(letters, 1), "") == ""
    return func.length(letters) <= most, one_again_and_again, func.lower(letters).in_(_FILLERS)


def _with_reasons(acts: FromClause, set_to: Parameters) -> Select[Any]:
    """Give what has a reason, and whether that says nothing."""
    a = acts.c
    letters = func.regexp_replace(func.coalesce(a.reason, ""), "[^[:alnum:]]", "", "g")
    blank = or_(*_saying_nothing(letters, set_to["letters_most"]))
    return select(a.actor, a.sequence, case((blank, 1), else_=0).label("blank")).where(
        a.done, or_(a.gives > 0, a.did.in_(("adjust", "reverse"))), a.reason.is_not(None)
    )


def _blank_or_not(acts: FromClause, set_to: Parameters) -> Select[Any]:
    """Count the reasons of each actor that say something, and those that do not."""
    w = _with_reasons(acts, set_to).subquery("with_reasons").c
    return select(w.actor, w.blank, func.count().label("number")).group_by(w.actor, w.blank)


def _blank_reasons(acts: FromClause, set_to: Parameters, counted: FromClause) -> Select[Any]:
    c, given = counted.c, _with_reasons(acts, set_to).cte("given")
    g = given.c
    own = (
        select(
            c.actor,
            func.sum(c.number).label("number"),
            func.sum(c.number * c.blank).label("blank"),
        )
        .group_by(c.actor)
        .cte("own")
    )
    all_of_them = select(
        own,
        (func.sum(own.c.blank).over() - own.c.blank).label("theirs"),
        (func.sum(own.c.number).over() - own.c.number).label("all_theirs"),
    ).cte("all_of_them")
    o = all_of_them.c
    return (
        select(
            *pattern(
                g.actor,
                actor=g.actor,
                transactions=listed(g.sequence),
                score=20 + func.count() * 6,
                number=func.count(),
            )
        )
        .select_from(given.join(all_of_them, o.actor == g.actor))
        .where(
            g.blank == 1,
            o.blank >= set_to["least"],
            o.theirs * 100 <= o.all_theirs * set_to["others_percent"],
        )
        .group_by(g.actor)
    )


RULES = (
    Rule(
        "copied_reasons",
        Severity.LOW,
        "one reason copied from customer to customer",
        "the reason “{reason}” was given for {number} customers within {minutes} minutes",
        {"gap_hours": 36, "least": 5, "share_percent": 60},
        _copied_reasons,
        lambda a: and_(a.done, a.reason.is_not(None)),
    ),
    Rule(
        "blank_reasons",
        Severity.LOW,
        "reasons that say nothing",
        "the reason says nothing (times: {number})",
        {"letters_most": 2, "least": 3, "others_percent": 20},
        _blank_reasons,
        lambda a: and_(a.done, a.reason.is_not(None)),
        counted=_blank_or_not,
    ),
)
