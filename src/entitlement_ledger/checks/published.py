"""The views by which another program reads what the ledger checks. The ledger believes none."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, literal_column
from sqlalchemy.sql.visitors import replacement_traverse

from entitlement_ledger.checks.consistency import CHECKS, NOW
from entitlement_ledger.store.dialect import make_query_view

_A_DAY_AGO: ColumnElement[Any] = literal_column("(timezone('UTC', now()) - INTERVAL '1 day')")


def publish(connection: Connection) -> None:
    """Make the view of every check, `check_NAME`, anew."""
    for check in CHECKS:
        make_query_view(connection, f"check_{check.name}", _of_any_time(check.at_fault))


def _of_any_time(query: Select[Any]) -> Any:
    """Let a query ask the database for the time, instead of being told."""
    return replacement_traverse(
        query, {}, lambda element, **_: _A_DAY_AGO if element is NOW else None
    )
