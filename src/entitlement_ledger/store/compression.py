"""Columns that DuckDB is not to compress."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateColumn

from entitlement_ledger.store.tables import PLAIN


@compiles(CreateColumn, "duckdb")
def _create_column(element: CreateColumn, compiler: Any, **more: Any) -> str:
    written: str = compiler.visit_create_column(element, **more)
    plain = element.element.info.get(PLAIN, False)
    return f"{written} USING COMPRESSION uncompressed" if plain else written
