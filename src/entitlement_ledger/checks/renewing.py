"""Running rules again: only those whose findings can have changed, on whose patterns can have.

What is found is what running all of them on everything would find. What rules count of everybody is
kept beside the findings, so that only what is new has to be counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    FromClause,
    Select,
    and_,
    func,
    select,
    union,
    union_all,
)

from entitlement_ledger.checks.finding import acts_of, compared_with, digest_of, find_of, odd_ones
from entitlement_ledger.checks.published import defaults, publish_rules
from entitlement_ledger.checks.rules.base import Parameters, Reach, Rule, acts, added_up
from entitlement_ledger.checks.suspects import (
    Known,
    acts_of_suspects,
    changed_since,
    first_since,
    kept_by,
    rows_of,
    suspects,
    touched,
)
from entitlement_ledger.checks.suspicion import RULES
from entitlement_ledger.store.dialect import add_to, keep, kept, take_out, temporary
from entitlement_ledger.store.journal import last
from entitlement_ledger.store.reviewing import (
    KEPT,
    Found,
    LastRun,
    customers_changed,
    feed_changed,
    last_run,
    note_run,
    save_findings,
    stored_findings,
)
from entitlement_ledger.store.tables import postings

NEVER = 2**62
"""Later than any time."""


_NOTHING = Known(None, None, as_before=True)


class _Pieces(NamedTuple):
    """What a rule's patterns are made of: all of it, and what takes the place of what ends late."""

    joined: FromClause
    made: FromClause
    edge: int


def run(
    connection: Connection,
    rules: Sequence[Rule],
    set_to: Mapping[str, Parameters],
    *,
    since_last: bool,
) -> list[Found]:
    """Run rules and keep what they find in place of what they found before; give all of it.

    With `since_last` only what can have changed since is looked at, where the rules were set as
    they are and no feed has changed. Where they were set otherwise, their views are made anew.
    """
    digest, whole = digest_of(set_to), len(rules) == len(RULES)
    before = last_run(connection)
    published = digest_of(defaults()) if before is None else before.set_to
    if whole and published != digest:
        publish_rules(connection, set_to)
    if before is not None and (
        before.set_to != digest or before.kept != KEPT or feed_changed(connection, before.until)
    ):
        before = None
    known = dict(before.compared) if before is not None else {}
    if since_last and before is not None:
        _run_again(connection, rules, set_to, before.until, known, whole=whole)
    else:
        _run_on_all(connection, rules, set_to, known, whole=whole)
    until = before.until if before is not None else None
    if whole:
        until = last(connection)[0]
    note_run(connection, None if until is None else LastRun(until, digest, known, KEPT))
    names = {rule.name for rule in rules}
    return [each for each in stored_findings(connection) if each.rule in names]


def _run_on_all(
    connection: Connection,
    rules: Sequence[Rule],
    set_to: Mapping[str, Parameters],
    known: dict[str, str],
    *,
    whole: bool,
) -> None:
    """Run rules on everything; where all of them are run, keep what they count."""
    for rule in rules:
        its = set_to[rule.name]
        with ExitStack() as stack:
            if rule.counted is None or not whole:
                compared = stack.enter_context(compared_with(connection, rule, its))
            else:
                counted = keep(connection, kept_by(rule), rule.counted(acts(), its))
                query = rule.of_everybody(counted, its)
                compared = stack.enter_context(temporary(connection, "compared", query))
            if compared is not None and rule.compared is not None:
                known[rule.name] = _digest(connection, compared)
            pieces = None
            if rule.pieces is not None and whole:
                pieces = keep(connection, _pieces_of(rule), rule.pieces(acts(), its))
            _save(connection, rule, list(find_of(connection, rule, its, compared, None, pieces)))


def _pieces_of(rule: Rule) -> str:
    return f"pieces_{rule.name}"


def _save(
    connection: Connection,
    rule: Rule,
    found: Sequence[Found],
    names: FromClause | None = None,
) -> None:
    save_findings(connection, found, rule.name, "" if names is None else rule.reach.value, names)


class _Kept(NamedTuple):
    """What rules keep, brought up: what they know, what they counted anew, and their pieces."""

    knows: dict[str, Known]
    fresh: dict[str, FromClause]
    pieces: dict[str, _Pieces]

    def save(self, connection: Connection) -> None:
        """Keep what is new beside what was kept, for the next time."""
        for name, added in self.fresh.items():
            add_to(connection, kept_by(RULES[name]), select(added))
        for name, (_, made, edge) in self.pieces.items():
            take_out(connection, _pieces_of(RULES[name]), "ends", edge)
            add_to(connection, _pieces_of(RULES[name]), select(made))


def _run_again(
    connection: Connection,
    rules: Sequence[Rule],
    set_to: Mapping[str, Parameters],
    until: int,
    known: dict[str, str],
    *,
    whole: bool,
) -> None:
    """Run those rules that look at something of after an event."""
    with ExitStack() as stack:
        changed = stack.enter_context(changed_since(connection, until))
        new = select(changed).where(changed.c.sequence > until).subquery("new")
        looking = touched(connection, rules, changed, until)
        of_rules = _Kept({}, {}, {})
        for rule in looking:
            _bring_up(stack, connection, rule, set_to[rule.name], changed, until, of_rules, known)
        as_before = [rule for rule in looking if of_rules.knows[rule.name].as_before]
        customers = [rule for rule in as_before if rule.reach is Reach.CUSTOMER]
        if customers:
            whom = suspects(
                stack, connection, customers, set_to, of_rules.knows, changed, new, until
            )
            suspected = stack.enter_context(temporary(connection, "suspected", whom))
            some = acts_of_suspects(stack, connection, suspected)
            by_rules = select(suspected.c.rule).distinct()
            suspecting = set(connection.execute(by_rules).scalars().all())
            for rule in (each for each in customers if each.name in suspecting):
                its, compared = set_to[rule.name], of_rules.knows[rule.name].compared
                _run_of_customers(connection, rule, its, compared, some, suspected)
        for rule in looking:
            its, (_, compared, _) = set_to[rule.name], of_rules.knows[rule.name]
            if rule.reach is Reach.ACTOR and rule in as_before:
                _run_of_actors(connection, rule, its, compared, changed)
            elif rule not in customers:
                pieces = of_rules.pieces.get(rule.name)
                joined = None if pieces is None else pieces.joined
                _save(
                    connection, rule, list(find_of(connection, rule, its, compared, None, joined))
                )
        if whole:
            of_rules.save(connection)


def _run_of_customers(
    connection: Connection,
    rule: Rule,
    set_to: Parameters,
    compared: FromClause | None,
    some: FromClause,
    suspected: FromClause,
) -> None:
    """Run a rule on the acts of the customers whom it suspects."""
    its = select(suspected.c.name).where(suspected.c.rule == rule.name).subquery("its")
    theirs = select(some).where(some.c.customer.in_(select(its.c.name))).cte("acts_of_theirs")
    with ExitStack() as stack:
        instead: dict[FromClause, FromClause] = {}
        if rule.looks_at_postings:
            instead[postings] = stack.enter_context(rows_of(connection, postings, its))
        found = list(find_of(connection, rule, set_to, compared, theirs, instead=instead))
    _save(connection, rule, found, its)


def _run_of_actors(
    connection: Connection,
    rule: Rule,
    set_to: Parameters,
    compared: FromClause | None,
    changed: FromClause,
) -> None:
    """Run a rule on the acts of the actors of what has changed, or of those of them who are odd."""
    whom = select(changed.c.actor.label("name")).distinct()
    with temporary(connection, "names", whom) as names:
        actors = set(connection.execute(select(*names.c)).scalars().all())
        if rule.odd is not None and compared is not None:
            actors &= set(odd_ones(connection, rule, set_to, compared))
        some = acts_of(sorted(actors))
        found = list(find_of(connection, rule, set_to, compared, some)) if actors else []
        _save(connection, rule, found, names)


def _bring_up(
    stack: ExitStack,
    connection: Connection,
    rule: Rule,
    set_to: Parameters,
    changed: FromClause,
    until: int,
    of_rules: _Kept,
    known: dict[str, str],
) -> None:
    """Add what is new to what a rule keeps, for as long as the stack lasts."""
    new = select(changed).where(changed.c.sequence > until).subquery("new")
    of_rules.knows[rule.name] = _NOTHING
    if rule.pieces is not None:
        made = _pieces(connection, rule, set_to, new, until)
        of_rules.pieces[rule.name] = stack.enter_context(made)
    if rule.counted is not None:
        counted = rule.counted(new, set_to)
        added = stack.enter_context(temporary(connection, "counted", counted))
        of_rules.fresh[rule.name] = added
        whose = union(select(changed.c.customer), customers_changed(until)).subquery("whose")
        of_it = _known_of(connection, rule, set_to, counted, added, known, select(*whose.c))
        of_rules.knows[rule.name] = stack.enter_context(of_it)


@contextmanager
def _pieces(
    connection: Connection, rule: Rule, set_to: Parameters, new: FromClause, until: int
) -> Iterator[_Pieces]:
    """Make anew the pieces of which something new can have become a part.

    These are those that had not ended long before. They are made of what happened since the first
    of them began.
    """
    assert rule.pieces is not None and rule.joins is not None
    old = kept(_pieces_of(rule), rule.pieces(acts(), set_to))
    earliest = connection.execute(select(func.min(new.c.at))).scalar_one()
    edge = NEVER if earliest is None else earliest - rule.joins(set_to)
    begins = select(func.min(old.c.begins)).where(old.c.ends >= edge)
    since = min(edge, connection.execute(begins).scalar_one() or edge)
    first = first_since(connection, since, until)
    some = acts(lambda act: and_(act.sequence >= first, act.at >= since), "recent_acts")
    pieces = rule.pieces(some, set_to).subquery("pieces")
    with temporary(connection, "made", select(pieces).where(pieces.c.ends >= edge)) as made:
        joined = union_all(select(old).where(old.c.ends < edge), select(made)).cte("pieces")
        yield _Pieces(joined, made, edge)


@contextmanager
def _known_of(
    connection: Connection,
    rule: Rule,
    set_to: Parameters,
    counted: Select[Any],
    added: FromClause,
    known: dict[str, str],
    whose: Select[Any],
) -> Iterator[Known]:
    """Add what was counted of the new to what was kept.

    `known` tells what rules compared with before, in a few digits, and is brought up. `whose` are
    the customers who can be suspected: a rule that compares them with nobody needs no others.
    """
    old = kept(kept_by(rule), counted)
    both = union_all(_of_some(old, rule, whose), _of_some(added, rule, whose)).subquery("both")
    query = rule.of_everybody(added_up(both).cte("added"), set_to)
    with temporary(connection, "compared", query) as compared:
        as_before = True
        if rule.compared is not None:
            digest = _digest(connection, compared)
            as_before = known.get(rule.name) == digest
            known[rule.name] = digest
        yield Known(old, compared, as_before)


def _of_some(rows: FromClause, rule: Rule, whose: Select[Any]) -> Select[Any]:
    if rule.reach is Reach.CUSTOMER and rule.compared is None:
        return select(rows).where(rows.c.customer.in_(whose))
    return select(rows)


def _digest(connection: Connection, compared: FromClause) -> str:
    rows = sorted(repr(tuple(row)) for row in connection.execute(select(compared)).all())
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
