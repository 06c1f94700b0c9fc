"""Whether two questions give the same rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, exists, func, select


def same_rows(connection: Connection, keyed: Select[Any], others: Select[Any]) -> bool:
    """Say whether both give the same rows, each as often. `keyed` gives no row twice.

    As many rows as `keyed` has, and all of those among them, are the same rows. To ask so takes a
    quarter of the time of EXCEPT ALL, which numbers all rows of both sides first.
    """
    lacking = keyed.except_(others).subquery("lacking")
    asked = select(_count(keyed) == _count(others), ~exists(select(1).select_from(lacking)))
    return all(connection.execute(asked).one())


def _count(rows: Select[Any]) -> Any:
    return select(func.count()).select_from(rows.subquery()).scalar_subquery()
