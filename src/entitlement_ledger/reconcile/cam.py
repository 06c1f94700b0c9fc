"""Customers: who is here and not there, and of whom the two sides say something else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from entitlement_ledger.reconcile.sides import Draft
from entitlement_ledger.reconciliations import Class, Side

CUSTOMER = "customer:"


def unlike(rows: Iterable[Any]) -> Iterator[Draft]:
    """Tell customers that the two sides do not have alike; rows are of `unlike_customers`."""
    for row in rows:
        yield _told(row)


def _told(row: Any) -> Draft:
    here, there = row.ours is not None, row.theirs is not None
    reference = f"{CUSTOMER}{row.customer}"
    our_side = (Side(row.customer, status=row.our_status),) if here else ()
    their_side = (Side(row.customer, status=row.their_status, line=row.line),) if there else ()

    def draft(class_: Class, ours: str | None, theirs: str | None, why: str) -> Draft:
        subject = (str(row.nth),) if class_ is Class.DUPLICATE else ()
        return Draft(
            class_,
            reference,
            row.customer,
            ours,
            theirs,
            why,
            subject,
            None,
            our_side,
            their_side,
        )

    if there and row.nth > 1:
        why = f"line {row.line} has the id of line {row.first_line} again"
        return draft(Class.DUPLICATE, row.our_status, row.their_status, why)
    if not here:
        why = f"{row.their_status} there, and not known here: import the customers"
        return draft(Class.MISSING_HERE, None, row.their_status, why)
    if not there:
        why = f"{row.our_status} here, and not known there"
        return draft(Class.MISSING_THERE, row.our_status, None, why)
    if row.our_status != row.their_status:
        why = f"{row.their_status} there, {row.our_status} here: import the customers"
        return draft(Class.AMOUNT, row.our_status, row.their_status, why)
    why = f"of segment {row.their_segment} there, of {row.our_segment} here"
    return draft(Class.AMOUNT, row.our_segment, row.their_segment, why)
