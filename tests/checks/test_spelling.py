"""One source for two databases: nothing that only DuckDB understands is left in a rule."""

from __future__ import annotations

import pytest
from sqlalchemy.dialects import postgresql

from entitlement_ledger.checks.rules.base import acts
from entitlement_ledger.checks.suspicion import RULES

_ONLY_IN_DUCKDB = ("epoch_us(", "to_hours(", "list_sort(", "string_split(", "strip_accents(", "//")


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_spelt_as_postgresql_understands_it(name: str) -> None:
    rule = RULES[name]
    query = rule.patterns(acts(), rule.parameters)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    said = str(query.compile(dialect=dialect))
    assert "EXTRACT(EPOCH FROM" in said
    assert [each for each in _ONLY_IN_DUCKDB if each in said] == []
