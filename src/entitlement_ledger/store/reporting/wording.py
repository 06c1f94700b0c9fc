"""What queries write as text: the names of transactions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, String, cast, literal

from entitlement_ledger.domain.events import TRANSACTION_PREFIX


def transaction_name(sequence: ColumnElement[Any]) -> ColumnElement[str]:
    """Give the id of the transaction with a sequence number (rule I1); null of none."""
    return literal(TRANSACTION_PREFIX).concat(cast(sequence, String))
