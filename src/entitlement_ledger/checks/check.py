"""What a check is: a name, what it protects from, and the query that finds what is at fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam

from entitlement_ledger.domain.instants import DAY
from entitlement_ledger.store.tables import InstantColumn

GRACE = DAY
"""How long work may be due without being done: due work is run once a day, or more often."""

NOW_NAME = "now"
NOW: ColumnElement[Any] = bindparam(NOW_NAME, type_=InstantColumn())


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it protects from, and the query that finds what is at fault.

    The query may have a parameter, `now`: an instant that lies `GRACE` back.
    """

    name: str
    protects: str
    at_fault: Select[Any]
