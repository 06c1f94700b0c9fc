"""Searching in text: a part anywhere, case and accents aside."""

from __future__ import annotations

import unicodedata

from sqlalchemy import ColumnElement

from entitlement_ledger.store.dialect import folded


def contains(column: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """Match rows whose text holds a part; `%` and `_` in it mean themselves."""
    decomposed = unicodedata.normalize("NFKD", part.strip().lower())
    plain = "".join(each for each in decomposed if not unicodedata.combining(each))
    return folded(column).contains(unicodedata.normalize("NFC", plain), autoescape=True)
