"""`findings`: what the rules of suspicious activity found last, and where its review stands."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnClause, Select, String, column, select

from entitlement_ledger.store.reporting.asked import Asked
from entitlement_ledger.store.reporting.columns import columns
from entitlement_ledger.store.reporting.sources import Sources
from entitlement_ledger.store.reviewing import review_steps, stored_findings, with_reviews

COLUMNS = columns(
    "rule severity score:integer customer actor state assigned_to why transactions finding"
)
_SEVERITIES = ("high", "medium", "low")


def query(sources: Sources, asked: Asked) -> Select[Any]:
    """Give one row a finding, dismissed ones too, the worst first."""
    connection = sources.connection
    told = with_reviews(stored_findings(connection), review_steps(connection))
    worst = sorted(told, key=lambda e: (_SEVERITIES.index(e.severity), -e.score, e.id))
    kinds: list[ColumnClause[Any]] = [
        column(each.name, BigInteger if each.is_number else String) for each in COLUMNS
    ]
    place: ColumnClause[Any] = column("place", BigInteger)
    rows = (
        (
            each.rule,
            each.severity,
            each.score,
            each.customer,
            each.actor,
            each.state,
            each.assigned_to,
            each.why,
            " ".join(each.transactions),
            each.id,
            place,
        )
        for place, each in enumerate(worst)
    )
    found = sources.beside([*kinds, place], rows)
    return (
        select(*(found.c[each.name] for each in COLUMNS))
        .where(*asked.filtered(customer=found.c.customer, actor=found.c.actor))
        .order_by(found.c.place)
    )
