"""Questions that compare: has a customer access, and what is known otherwise since."""

from __future__ import annotations

from sqlalchemy import Connection, select

from entitlement_ledger.answers import Access, Balance, Difference
from entitlement_ledger.domain.events import transaction_id
from entitlement_ledger.domain.instants import Instant, format_instant
from entitlement_ledger.domain.quantities import format_quantity
from entitlement_ledger.store.balances import balances, known_until
from entitlement_ledger.store.catalogue import Catalogue
from entitlement_ledger.store.loading import split_resources
from entitlement_ledger.store.tables import customers, entitlements, postings

_e, _p = entitlements.c, postings.c


def access(
    connection: Connection, catalogue: Catalogue, customer: str, entitlement: str, at: Instant
) -> Access:
    """Say whether a customer has something of an entitlement at an instant, and why."""
    (balance,) = balances(connection, catalogue, customer, entitlement, at, None)
    status = connection.execute(
        select(customers.c.status).where(customers.c.id == customer)
    ).scalar_one()
    resources = connection.execute(select(_e.resources).where(_e.code == entitlement)).scalar_one()
    when = format_instant(at)
    has = f"{format_quantity(balance.available, balance.scale)} {balance.unit}".strip()
    if balance.available <= 0:
        held = ", all of it is held" if balance.held else ""
        why = f"nothing of {entitlement} is available at {when}{held}"
    elif status != "active":
        why = f"{has} of {entitlement} at {when}, but the customer is {status}"
    else:
        ends = balance.expires_next
        lapsing = "" if ends is None else f"; the next of it lapses at {format_instant(ends)}"
        why = f"{has} of {entitlement} at {when}{lapsing}"
    allowed = balance.available > 0 and status == "active"
    opened = split_resources(resources) if allowed else ()
    return Access(customer, entitlement, allowed, why, opened)


def differences(
    connection: Connection,
    catalogue: Catalogue,
    at: Instant,
    known_before: Instant,
    known_after: Instant,
    customer: str | None,
) -> list[Difference]:
    """Give the balances that are known otherwise, each with what became known in between."""
    since = known_until(connection, known_before) or 0
    until = known_until(connection, known_after) or 0
    query = select(_p.customer, _p.entitlement, _p.sequence).where(
        _p.sequence > since, _p.sequence <= until, _p.effective_at <= at
    )
    if customer is not None:
        query = query.where(_p.customer == customer)
    query = query.distinct().order_by(_p.customer, _p.entitlement, _p.sequence)
    touched: dict[tuple[str, str], list[int]] = {}
    for row in connection.execute(query).all():
        touched.setdefault((row.customer, row.entitlement), []).append(row.sequence)
    found = []
    for (who, code), sequences in touched.items():
        (before,) = balances(connection, catalogue, who, code, at, known_before)
        (after,) = balances(connection, catalogue, who, code, at, known_after)
        if (before.available, before.held) != (after.available, after.held):
            found.append(_difference(before, after, sequences))
    return found


def _difference(before: Balance, after: Balance, sequences: list[int]) -> Difference:
    return Difference(
        customer=after.customer,
        entitlement=after.entitlement,
        scale=after.scale,
        unit=after.unit,
        available_before=before.available,
        available_after=after.available,
        held_before=before.held,
        held_after=after.held,
        transactions=tuple(transaction_id(sequence) for sequence in sequences),
    )
