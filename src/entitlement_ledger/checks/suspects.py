"""What is new since rules ran last, and whom of it each of them has to look at again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    FromClause,
    Select,
    and_,
    false,
    func,
    literal,
    select,
    union,
    union_all,
)

from entitlement_ledger.checks.rules.base import BLOCK, News, Parameters, Rule, acts
from entitlement_ledger.checks.suspicion import RULES
from entitlement_ledger.store.dialect import kept, temporary
from entitlement_ledger.store.functions import any_of
from entitlement_ledger.store.reviewing import about, customers_changed
from entitlement_ledger.store.tables import transactions

LISTED_MAX = 2_000
"""How many names or numbers go into a statement at most."""
_NEVER_ASKED = frozenset({"words", "product", "role", "expires_at", "became"})
"""Columns of transactions that are in no act: rows are fetched one by one, each column of each."""


class Known(NamedTuple):
    """What a rule knows of everybody: before, now, and whether what it compares is what it was."""

    before: FromClause | None
    compared: FromClause | None
    as_before: bool


def kept_by(rule: Rule) -> str:
    """Name the table that keeps what a rule counts."""
    return f"counted_{rule.name}"


def acts_of_suspects(stack: ExitStack, connection: Connection, suspected: FromClause) -> FromClause:
    """Keep all that those did whom a rule suspects, for as long as the stack lasts."""
    did = stack.enter_context(rows_of(connection, transactions, suspected))
    return stack.enter_context(temporary(connection, "acts", select(acts(among=did))))


@contextmanager
def rows_of(
    connection: Connection, table: FromClause, suspected: FromClause
) -> Iterator[FromClause]:
    """Keep the rows of a table that are of those whom a rule suspects.

    A list of names is looked up, or sought in one pass: to join a table takes several times that.
    """
    whom = select(suspected.c.name).distinct()
    names = sorted(connection.execute(whom).scalars().all())
    sought: Any = names if len(names) <= LISTED_MAX else whom
    asked = (each for each in table.c if each.name not in _NEVER_ASKED)
    query = select(*asked).where(table.c.customer.in_(sought))
    with temporary(connection, "theirs", query) as theirs:
        yield theirs


def suspects(
    stack: ExitStack,
    connection: Connection,
    rules: Sequence[Rule],
    set_to: Mapping[str, Parameters],
    knows: Mapping[str, Known],
    changed: FromClause,
    new: FromClause,
    until: int,
) -> Select[Any]:
    """Give the customers of whom a pattern can be new or have changed, and by which rule.

    That is whoever a rule suspects, and of all customers of what is new those whose pattern is
    known.
    """

    def labelled(rule: Rule, customers: Select[Any]) -> Select[Any]:
        (name,) = customers.subquery("whom").c
        return select(literal(rule.name).label("rule"), name.label("name"))

    lately = stack.enter_context(_lately(connection, rules, set_to, changed, new, until))
    whom = []
    for rule in rules:
        whom.append(labelled(rule, about(rule.name, select(changed.c.customer))))
        if rule.suspects is None:
            of_new = select(changed.c.customer).where(rule.looks_at(changed.c))
        else:
            before, compared, _ = knows[rule.name]
            of_new = rule.suspects(News(new, lately, before, compared), set_to[rule.name])
        whom.append(labelled(rule, of_new))
        if rule.looks_at_people:
            whom.append(labelled(rule, customers_changed(until)))
    return select(union(*whom).subquery("suspected"))


@contextmanager
def _lately(
    connection: Connection,
    rules: Sequence[Rule],
    set_to: Mapping[str, Parameters],
    changed: FromClause,
    new: FromClause,
    until: int,
) -> Iterator[FromClause]:
    """Keep what the customers of what is new did since a while before it, that included."""
    back = max(
        (rule.reaches_back(set_to[rule.name]) for rule in rules if rule.reaches_back), default=0
    )
    earliest = connection.execute(select(func.min(new.c.at))).scalar_one()
    since = (earliest or 0) - back
    customers = select(changed.c.customer)
    first = first_since(connection, since, until)
    query = acts(
        lambda act: and_(act.sequence >= first, act.at >= since, act.customer.in_(customers)),
        "late_acts",
    )
    with temporary(connection, "lately", select(query)) as lately:
        yield lately


def first_since(connection: Connection, since: int, until: int) -> int:
    """Give an event before which nothing happened at a time or later, by the blocks that are kept.

    Rows in the order of their events are left out without being looked at.
    """
    rule = RULES["backdated"]
    assert rule.counted is not None
    blocks = kept(kept_by(rule), rule.counted(acts(), rule.parameters)).c
    block = connection.execute(select(func.min(blocks.block)).where(blocks.last >= since)).scalar()
    return until + 1 if block is None else min(int(block) * BLOCK, until + 1)


@contextmanager
def changed_since(connection: Connection, until: int) -> Iterator[FromClause]:
    """Keep the acts of after an event, and those of before that something new is about."""
    t = transactions.c
    targets = select(t.target).where(t.sequence > until, t.target <= until).distinct()
    numbers = sorted(connection.execute(targets).scalars().all())
    sought: Any = numbers if len(numbers) <= LISTED_MAX else targets
    old = select(transactions).where(t.sequence.in_(sought)).cte("old_transactions")
    both = union_all(
        select(acts(lambda act: act.sequence > until, "new_acts")),
        select(acts(None, "old_acts", old)),
    )
    with temporary(connection, "changed", select(both.subquery("both"))) as changed:
        yield changed


def touched(
    connection: Connection, rules: Sequence[Rule], changed: FromClause, until: int
) -> list[Rule]:
    """Give the rules that look at something that is new or has changed."""
    looked_at = [
        func.coalesce(any_of(rule.looks_at(changed.c)), false()).label(rule.name) for rule in rules
    ]
    (row,) = connection.execute(select(*looked_at).select_from(changed)).all()
    people = bool(connection.execute(customers_changed(until).limit(1)).all())
    return [
        rule
        for rule, is_looked_at in zip(rules, row, strict=True)
        if is_looked_at or (people and rule.looks_at_people)
    ]
