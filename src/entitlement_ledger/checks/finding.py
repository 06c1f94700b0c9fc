"""Running rules: each pattern that one finds is a finding, with a sentence that says why."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.sql.selectable import Select

from entitlement_ledger.checks.rules.base import Parameters, Reach, Rule, acts
from entitlement_ledger.checks.suspicion import RULES
from entitlement_ledger.store.dialect import beside_values
from entitlement_ledger.store.reviewing import Found

_ID_DIGITS = 10


def find(
    connection: Connection,
    rules: Sequence[Rule],
    set_to: Mapping[str, Parameters],
    of_customers: Collection[str] | None = None,
) -> Iterator[Found]:
    """Run rules; those whose patterns are a customer's own look only at these customers, if any."""
    for rule in rules:
        yield from _run(connection, rule, set_to[rule.name], of_customers)


def _run(
    connection: Connection, rule: Rule, set_to: Parameters, of_customers: Collection[str] | None
) -> Iterator[Found]:
    if of_customers is None or rule.reach is Reach.ANY:
        rows = connection.execute(rule.query(acts(), set_to)).all()
    else:
        with beside_values(connection, "customer", sorted(of_customers)) as values:
            some: Select[tuple[str]] = select(values.c.customer)
            rows = connection.execute(rule.query(acts(some), set_to)).all()
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


def finding_id(rule: str, subject: str) -> str:
    """Give the id of a pattern: the same whenever the rule finds it again."""
    return "F" + hashlib.sha256(f"{rule}|{subject}".encode()).hexdigest()[:_ID_DIGITS]


def digest_of(set_to: Mapping[str, Parameters]) -> str:
    """Give what rules are set to in a few digits: findings of other settings are other findings."""
    asked = {name: (RULES[name].why, dict(each)) for name, each in set_to.items()}
    said = msgspec.json.encode(asked, order="sorted")
    return hashlib.sha256(said).hexdigest()[:_ID_DIGITS]
