"""Running rules: each pattern that one finds is a finding, with a sentence that says why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec
from sqlalchemy import Connection, FromClause

from entitlement_ledger.checks.rules.base import Parameters, Rule, acts
from entitlement_ledger.checks.suspicion import RULES
from entitlement_ledger.store.dialect import temporary
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
) -> Iterator[Found]:
    """Run a rule: on all acts, or where it looks at one customer or actor at a time, on some.

    `compared` is what it compares with of everybody, if it does.
    """
    among = acts() if some is None else some
    rows = connection.execute(rule.patterns(among, set_to, compared)).all()
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


@contextmanager
def compared_with(
    connection: Connection, rule: Rule, set_to: Parameters
) -> Iterator[FromClause | None]:
    """Keep what a rule compares patterns with of everybody, for as long as it lasts."""
    if rule.compared is None:
        yield None
        return
    with temporary(connection, "compared", rule.compared(acts(), set_to)) as compared:
        yield compared


def finding_id(rule: str, subject: str) -> str:
    """Give the id of a pattern: the same whenever the rule finds it again."""
    return "F" + hashlib.sha256(f"{rule}|{subject}".encode()).hexdigest()[:_ID_DIGITS]


def digest_of(set_to: Mapping[str, Parameters]) -> str:
    """Give what rules are set to in a few digits: findings of other settings are other findings."""
    asked = {name: (RULES[name].why, dict(each)) for name, each in set_to.items()}
    said = msgspec.json.encode(asked, order="sorted")
    return hashlib.sha256(said).hexdigest()[:_ID_DIGITS]
