"""Running rules again: only those whose findings can have changed, on whose patterns can have.

What is found is what running all of them on everything would find.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, FromClause, false, func, select, union, union_all

from entitlement_ledger.checks.finding import compared_with, digest_of, find_of
from entitlement_ledger.checks.rules.base import Parameters, Reach, Rule, acts
from entitlement_ledger.checks.suspicion import RULES
from entitlement_ledger.store.dialect import temporary
from entitlement_ledger.store.functions import any_of
from entitlement_ledger.store.journal import last
from entitlement_ledger.store.reviewing import (
    Found,
    LastRun,
    customers_changed,
    feed_changed,
    last_run,
    note_run,
    save_findings,
    stored_findings,
)
from entitlement_ledger.store.tables import transactions


def run(
    connection: Connection,
    rules: Sequence[Rule],
    set_to: Mapping[str, Parameters],
    *,
    since_last: bool,
) -> list[Found]:
    """Run rules and keep what they find in place of what they found before; give all of it.

    With `since_last` only what can have changed since is looked at, where the rules were set as
    they are and no feed has changed.
    """
    digest = digest_of(set_to)
    before = last_run(connection)
    if before is not None and (before.set_to != digest or feed_changed(connection, before.until)):
        before = None
    known = dict(before.compared) if before is not None else {}
    if since_last and before is not None:
        _run_again(connection, rules, set_to, before.until, known)
    else:
        _run_on(connection, rules, set_to, None, known)
    until = before.until if before is not None else None
    if len(rules) == len(RULES):
        until = last(connection)[0]
    note_run(connection, None if until is None else LastRun(until, digest, known))
    names = {rule.name for rule in rules}
    return [each for each in stored_findings(connection) if each.rule in names]


def _run_again(
    connection: Connection,
    rules: Sequence[Rule],
    set_to: Mapping[str, Parameters],
    until: int,
    known: dict[str, str],
) -> None:
    """Run those rules that look at something of after an event."""
    with _changed(connection, until) as changed:
        touched = _touched(connection, rules, changed, until)
        for reach in Reach:
            of_reach = [rule for rule in touched if rule.reach is reach]
            if of_reach:
                with _names(connection, reach, changed, until) as names:
                    _run_on(connection, of_reach, set_to, names, known)


def _run_on(
    connection: Connection,
    rules: Sequence[Rule],
    set_to: Mapping[str, Parameters],
    names: FromClause | None,
    known: dict[str, str],
) -> None:
    """Run rules: of one reach on the acts of some customers or actors, or on all.

    Where what a rule compares with everybody is not what it was, it runs on everything.
    """
    with _acts_of(connection, rules[0].reach, names) as some:
        for rule in rules:
            with _compared(connection, rule, set_to, known) as (compared, as_before):
                on = some if as_before else None
                found = list(find_of(connection, rule, set_to[rule.name], compared, on))
            column = rule.reach.value if on is not None else ""
            save_findings(connection, found, rule.name, column, names)


@contextmanager
def _acts_of(
    connection: Connection, reach: Reach, names: FromClause | None
) -> Iterator[FromClause | None]:
    """Give the acts of some customers, kept for several rules, or of some actors."""
    if names is None:
        yield None
        return
    of_them = acts(lambda act: act[reach.value].in_(select(*names.c)))
    if reach is Reach.ACTOR:
        # Those of one actor may be nearly all there are.
        yield of_them
        return
    with temporary(connection, "acts", select(of_them)) as kept:
        yield kept


@contextmanager
def _compared(
    connection: Connection, rule: Rule, set_to: Mapping[str, Parameters], known: dict[str, str]
) -> Iterator[tuple[FromClause | None, bool]]:
    """Keep what a rule compares with of everybody, and say whether it is what it was.

    `known` tells what it was, by rule, in a few digits, and is brought up.
    """
    with compared_with(connection, rule, set_to[rule.name]) as compared:
        if compared is None:
            yield None, True
            return
        rows = sorted(repr(tuple(row)) for row in connection.execute(select(compared)).all())
        digest = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        before, known[rule.name] = known.get(rule.name), digest
        yield compared, before == digest


@contextmanager
def _names(
    connection: Connection, reach: Reach, changed: FromClause, until: int
) -> Iterator[FromClause | None]:
    """Keep the customers or actors whose patterns can have changed; None stands for all."""
    if reach is Reach.ANY:
        yield None
        return
    names = select(changed.c[reach.value].label("name"))
    both = union(names, customers_changed(until)) if reach is Reach.CUSTOMER else names.distinct()
    with temporary(connection, "names", select(both.subquery("names"))) as kept:
        yield kept


@contextmanager
def _changed(connection: Connection, until: int) -> Iterator[FromClause]:
    """Keep the acts of after an event, and those of before that something new is about."""
    t = transactions.c
    targets = select(t.target).where(t.sequence > until, t.target <= until)
    both = union_all(
        select(acts(lambda act: act.sequence > until, "new_acts")),
        select(acts(lambda act: act.sequence.in_(targets), "old_acts")),
    )
    with temporary(connection, "changed", select(both.subquery("both"))) as changed:
        yield changed


def _touched(
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
        for rule, touched in zip(rules, row, strict=True)
        if touched or (people and rule.looks_at_people)
    ]
