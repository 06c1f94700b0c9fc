"""`audit-log`: every event of the journal, in order."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal, select

from entitlement_ledger.domain.events import Status
from entitlement_ledger.store.copying import json_field
from entitlement_ledger.store.reporting.asked import Asked
from entitlement_ledger.store.reporting.columns import columns
from entitlement_ledger.store.reporting.sources import Sources
from entitlement_ledger.store.tables import journal, records, transactions

COLUMNS = columns(
    "sequence:integer recorded_at:instant event what subject status code customer entitlement "
    "product quantity:integer effective_at:instant actor role reason reference key hash:digest"
)


def query(sources: Sources, asked: Asked) -> Select[Any]:
    """Give one row an event: a command and its outcome, or a change to a record.

    The span is that of the recording. A status is the one that was recorded.
    """
    j, t = journal.c, transactions.c
    r = _records(asked).c
    told = journal.outerjoin(transactions, t.sequence == j.sequence).outerjoin(
        r.sequence.table, r.sequence == j.sequence
    )

    def of(record: str, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.coalesce(column, case((r.record == record, r.id)))

    customer, actor = of("customer", t.customer), func.coalesce(t.actor, r.actor)
    entitlement, product = of("entitlement", t.entitlement), of("product", t.product)
    return (
        select(
            j.sequence,
            j.recorded_at,
            case((t.sequence.is_not(None), literal("transaction")), else_=r.record).label("event"),
            func.coalesce(t.type, r.what).label("what"),
            func.coalesce(t.customer, r.id).label("subject"),
            func.coalesce(t.status, Status.COMPLETED.value).label("status"),
            t.code,
            customer.label("customer"),
            entitlement.label("entitlement"),
            product.label("product"),
            t.quantity,
            func.coalesce(t.effective_at, j.recorded_at).label("effective_at"),
            actor.label("actor"),
            func.coalesce(t.role, r.role).label("role"),
            func.coalesce(t.reason, r.reason).label("reason"),
            t.reference,
            t.key,
            j.hash,
        )
        .select_from(told)
        .where(
            j.sequence <= asked.known,
            *asked.within(j.recorded_at),
            *asked.filtered(
                customer=customer, entitlement=entitlement, product=product, actor=actor
            ),
        )
        .order_by(j.sequence)
    )


def _records(asked: Asked) -> Any:
    """Give changes to records, with what only their bodies tell: the role and the reason."""
    r, j = records.c, journal.c
    return (
        select(
            r.sequence,
            r.record,
            r.id,
            r.what,
            r.actor,
            json_field(j.body, "role").label("role"),
            json_field(j.body, "reason").label("reason"),
        )
        .select_from(records.join(journal, j.sequence == r.sequence))
        .where(r.sequence <= asked.known)
        .subquery("recorded")
    )
