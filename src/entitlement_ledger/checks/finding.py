"""Running rules: each pattern that one finds is a finding, with a sentence that says why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy import Connection, FromClause, and_

from entitlement_ledger.checks.rules.base import BLOCK, Parameters, Rule, acts
from entitlement_ledger.checks.suspicion import RULES
from entitlement_ledger.store.dialect import asking, temporary
from entitlement_ledger.store.reviewing import Found

_ID_DIGITS = 10


def find(
    connection: Connection,
    rules: Sequence[Rule],
    set_to: Mapping[str, Parameters],
) -> Iterator[Found]:
    """Run rules on all acts."""
    for rule in rules:
        with compared_with(connection, rule, set_to[rule.name]) as compared:
            yield from find_of(connection, rule, set_to[rule.name], compared)


def find_of(
    connection: Connection,
    rule: Rule,
    set_to: Parameters,
    compared: FromClause | None = None,
    some: FromClause | None = None,
    pieces: FromClause | None = None,
    instead: Mapping[FromClause, FromClause] = MappingProxyType({}),
) -> Iterator[Found]:
    """Run a rule: on all acts, or where it looks at one customer or actor at a time, on some.

    `compared` is what it compares with of everybody, if it does, and `pieces` what was kept of it.
    `instead` gives tables of fewer rows to be asked in place of others.
    """
    among = acts() if some is None else some
    if some is None and compared is not None and rule.odd is not None:
        if rule.pieces is not None and pieces is None:
            with temporary(connection, "pieces", rule.pieces(among, set_to)) as made:
                yield from find_of(connection, rule, set_to, compared, some, made)
            return
        odd = odd_ones(connection, rule, set_to, compared, pieces)
        if not odd:
            return
        among = acts_of(odd, rule.odd_by)
    rows = connection.execute(asking(rule.patterns(among, set_to, compared, pieces), instead)).all()
    for row in rows:
        facts = dict(row._mapping)
        yield Found(
            id=finding_id(rule.name, facts["subject"]),
            rule=rule.name,
            severity=rule.severity.value,
            score=int(facts["score"]),
            customer=facts["customer"],
            actor=facts["actor"],
            why=rule.why.format(**facts),
            sequences=tuple(sorted(set(facts["transactions"]))),
        )


def odd_ones(
    connection: Connection,
    rule: Rule,
    set_to: Parameters,
    compared: FromClause,
    pieces: FromClause | None = None,
) -> list[Any]:
    """Give the actors, customers or blocks that can have a pattern, by what a rule kept."""
    assert rule.odd is not None
    kept = (compared, set_to) if pieces is None else (compared, set_to, pieces)
    return sorted(set(connection.execute(rule.odd(*kept)).scalars().all()))


def acts_of(names: Sequence[Any], by: str = "actor") -> FromClause:
    """Give the acts of some actors or customers, or from the first to the last of some blocks."""
    if by == "block":
        begin, end = names[0] * BLOCK, (names[-1] + 1) * BLOCK
        return acts(lambda act: and_(act.sequence >= begin, act.sequence < end))
    return acts(lambda act: act[by].in_(names))


@contextmanager
def compared_with(
    connection: Connection, rule: Rule, set_to: Parameters
) -> Iterator[FromClause | None]:
    """Keep what a rule compares patterns with of everybody, for as long as it lasts."""
    if rule.counted is None:
        yield None
        return
    counted = rule.counted(acts(), set_to).cte("added")
    with temporary(connection, "compared", rule.of_everybody(counted, set_to)) as compared:
        yield compared


def finding_id(rule: str, subject: str) -> str:
    """Give the id of a pattern: the same whenever the rule finds it again."""
    return "F" + hashlib.sha256(f"{rule}|{subject}".encode()).hexdigest()[:_ID_DIGITS]


def digest_of(set_to: Mapping[str, Parameters]) -> str:
    """Give what rules are set to in a few digits: findings of other settings are other findings."""
    asked = {name: (RULES[name].why, dict(each)) for name, each in set_to.items()}
    said = msgspec.json.encode(asked, order="sorted")
    return hashlib.sha256(said).hexdigest()[:_ID_DIGITS]
