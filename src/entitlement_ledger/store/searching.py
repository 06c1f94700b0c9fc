"""Searching in text: a part anywhere, case and accents aside."""

from __future__ import annotations

import unicodedata

from sqlalchemy import ColumnElement, FromClause, func, literal_column

from entitlement_ledger.store.functions import folded, holds
from entitlement_ledger.store.tables import SEARCHED

_BETWEEN: ColumnElement[str] = literal_column("chr(31)")


def contains(column: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """Match rows whose text holds a part; no character of it means anything but itself."""
    return holds(folded(column), _folded(part))


def said(words: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """Match transactions one of whose texts holds a part, by their `words`."""
    return holds(words, _folded(part))


def words_of(rows: FromClause) -> ColumnElement[str]:
    """Give the `words` of transactions, of rows that have the columns they are made of."""
    return folded(func.concat_ws(_BETWEEN, *(rows.c[name] for name in SEARCHED)))


def _folded(part: str) -> str:
    decomposed = unicodedata.normalize("NFKD", part.strip().lower())
    plain = "".join(each for each in decomposed if not unicodedata.combining(each))
    return unicodedata.normalize("NFC", plain)
