"""The views by which another program reads what the ledger checks. The ledger believes none."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, literal_column
from sqlalchemy.sql.visitors import replacement_traverse

from entitlement_ledger.checks.consistency import CHECKS, NOW
from entitlement_ledger.checks.rules.base import acts
from entitlement_ledger.checks.suspicion import RULES
from entitlement_ledger.store.dialect import make_query_view

_A_DAY_AGO: ColumnElement[Any] = literal_column("(timezone('UTC', now()) - INTERVAL '1 day')")


def publish(connection: Connection) -> None:
    """Make the view of every check, `check_NAME`, and of every rule, `suspicious_NAME`, anew.

    Rules are set to their defaults there: what the settings say counts for the ledger itself.
    """
    for check in CHECKS:
        make_query_view(connection, f"check_{check.name}", _of_any_time(check.at_fault))
    for rule in RULES.values():
        query = rule.patterns(acts(), rule.parameters)
        make_query_view(connection, f"suspicious_{rule.name}", query)


def _of_any_time(query: Select[Any]) -> Any:
    """Let a query ask the database for the time, instead of being told."""
    return replacement_traverse(
        query, {}, lambda element, **_: _A_DAY_AGO if element is NOW else None
    )
