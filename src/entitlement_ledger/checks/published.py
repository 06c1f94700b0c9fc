"""The views by which another program reads what the ledger checks. The ledger believes none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, literal_column
from sqlalchemy.sql.visitors import replacement_traverse

from entitlement_ledger.checks.check import NOW
from entitlement_ledger.checks.consistency import CHECKS
from entitlement_ledger.checks.recorded import PROJECTIONS
from entitlement_ledger.checks.rules.base import Parameters, acts
from entitlement_ledger.checks.suspicion import RULES
from entitlement_ledger.store.dialect import make_query_view

_A_DAY_AGO: ColumnElement[Any] = literal_column("(timezone('UTC', now()) - INTERVAL '1 day')")


def publish(connection: Connection, set_to: Mapping[str, Parameters] | None = None) -> None:
    """Make the view of every check, `check_NAME`, and of every rule, `suspicious_NAME`, anew.

    Rules are set to their defaults where nothing is said.
    """
    for check in (*CHECKS, PROJECTIONS):
        make_query_view(connection, f"check_{check.name}", _of_any_time(check.at_fault))
    publish_rules(connection, defaults() if set_to is None else set_to)


def publish_rules(connection: Connection, set_to: Mapping[str, Parameters]) -> None:
    """Make the views of rules anew, set to what the settings say."""
    for rule in RULES.values():
        query = rule.patterns(acts(), set_to[rule.name])
        make_query_view(connection, f"suspicious_{rule.name}", query)


def defaults() -> dict[str, Parameters]:
    """Give what rules are set to where the settings say nothing of them."""
    return {name: rule.parameters for name, rule in RULES.items()}


def _of_any_time(query: Select[Any]) -> Any:
    """Let a query ask the database for the time, instead of being told."""
    return replacement_traverse(
        query, {}, lambda element, **_: _A_DAY_AGO if element is NOW else None
    )
