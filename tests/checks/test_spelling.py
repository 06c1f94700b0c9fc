"""One source for two databases: nothing that only DuckDB understands is left in a query."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Select
from sqlalchemy.dialects import postgresql

from entitlement_ledger.checks.check import Check
from entitlement_ledger.checks.consistency import CHECKS
from entitlement_ledger.checks.recorded import PROJECTIONS
from entitlement_ledger.checks.rules.base import acts
from entitlement_ledger.checks.suspicion import RULES

QUERIES = (*CHECKS, PROJECTIONS)
_ONLY_IN_DUCKDB = (
    "epoch_us(",
    "to_hours(",
    "list_sort(",
    "string_split(",
    "strip_accents(",
    "//",
    "unhex(",
    "::BLOB",
    "decode(",
    "TRY",
    "JSON[]",
)


def _in_postgresql(query: Select[Any]) -> str:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return str(query.compile(dialect=dialect))


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_spelt_as_postgresql_understands_it(name: str) -> None:
    rule = RULES[name]
    query = rule.patterns(acts(), rule.parameters)
    said = _in_postgresql(query)
    assert "EXTRACT(EPOCH FROM" in said
    assert [each for each in _ONLY_IN_DUCKDB if each in said] == []


@pytest.mark.parametrize("check", QUERIES, ids=[each.name for each in QUERIES])
def test_a_check_is_spelt_as_postgresql_understands_it(check: Check) -> None:
    said = _in_postgresql(check.at_fault)
    assert [each for each in _ONLY_IN_DUCKDB if each in said] == []


def test_bodies_are_read_as_postgresql_reads_json() -> None:
    checks = {each.name: _in_postgresql(each.at_fault) for each in QUERIES}
    assert "sha256('\\x00'::bytea ||" in checks["hashes"]
    assert "jsonb_array_elements(" in checks["projections"]
    assert "AS jsonb) AS body" in checks["projections"]
