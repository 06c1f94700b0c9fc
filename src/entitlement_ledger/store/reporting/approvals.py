"""`approvals`: what was proposed, and what a second person decided on it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, case, func, literal, select

from entitlement_ledger.domain.events import Status
from entitlement_ledger.store.reporting.asked import Asked
from entitlement_ledger.store.reporting.columns import columns
from entitlement_ledger.store.reporting.sources import Sources
from entitlement_ledger.store.reporting.wording import transaction_name
from entitlement_ledger.store.tables import resolutions, transactions

COLUMNS = columns(
    "transaction type customer entitlement product quantity:integer proposed_by "
    "proposed_at:instant reason status decided_by decided_at:instant decision_reason executed"
)


def query(sources: Sources, asked: Asked) -> Select[Any]:
    """Give one row a proposal, the oldest first, with the decision as far as it was known.

    The span is that of the proposing, as it was recorded.
    """
    deciding = transactions.alias("deciding")
    p, d, r = transactions.c, deciding.c, resolutions.c
    # A proposal is decided once: what became later is said of what was executed.
    first = func.row_number().over(partition_by=r.target, order_by=[r.sequence, r.place])
    ranked = (
        select(r.target, r.sequence, r.status, first.label("turn"))
        .where(r.sequence <= asked.known)
        .subquery("ranked")
    )
    decision = ranked.c
    rows = transactions.outerjoin(
        ranked, and_(decision.target == p.sequence, decision.turn == 1)
    ).outerjoin(deciding, d.sequence == decision.sequence)
    approved = decision.status == Status.COMPLETED
    status = case(
        (decision.status.is_(None), literal("pending")),
        (approved, literal("approved")),
        else_=literal("rejected"),
    )
    return (
        select(
            transaction_name(p.sequence).label("transaction"),
            p.type,
            p.customer,
            p.entitlement,
            p.product,
            p.quantity,
            p.actor.label("proposed_by"),
            p.recorded_at.label("proposed_at"),
            p.reason,
            status.label("status"),
            d.actor.label("decided_by"),
            d.recorded_at.label("decided_at"),
            d.reason.label("decision_reason"),
            case((approved, transaction_name(d.sequence))).label("executed"),
        )
        .select_from(rows)
        .where(
            p.proposal,
            p.sequence <= asked.known,
            *asked.within(p.recorded_at),
            *asked.filtered(
                customer=p.customer,
                entitlement=p.entitlement,
                product=p.product,
                actor=p.actor,
            ),
        )
        .order_by(p.sequence)
    )
