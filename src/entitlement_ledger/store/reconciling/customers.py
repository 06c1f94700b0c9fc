"""Customers as Customer Account Management has them, and as the ledger has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from entitlement_ledger.store.reconciling.paging import paged
from entitlement_ledger.store.tables import customers, feed_lines, people

SAID = "="
"""What stands before a segment that a file gives, be it empty."""

_l, _c, _p = feed_lines.c, customers.c, people.c


def unlike_customers(connection: Connection, feed: str) -> Iterator[Any]:
    """Give the customers that the two sides do not have alike, and lines that stand twice.

    A line's `terms` is the segment there behind `SAID`; empty where the file has no such column.
    Whoever was forgotten here need not be there.
    """
    of_it: dict[str, Any] = {"partition_by": _l.reference, "order_by": _l.place}
    lines = select(
        _l.line,
        _l.reference,
        _l.status,
        _l.terms,
        func.first_value(_l.line).over(**of_it).label("first_line"),
        func.row_number().over(**of_it).label("nth"),
    ).where(_l.feed == feed)
    there = lines.subquery("there")
    theirs = there.c
    segment = func.substr(theirs.terms, len(SAID) + 1)
    ours = customers.outerjoin(people, _p.customer == _c.id)
    sides = ours.join(there, theirs.reference == _c.id, full=True)
    unlike = or_(
        _c.id.is_(None),
        and_(theirs.reference.is_(None), func.coalesce(_p.forgotten, False).is_(False)),
        theirs.status != _c.status,
        and_(theirs.terms != "", segment != _c.segment),
        theirs.nth > 1,
    )
    customer = func.coalesce(theirs.reference, _c.id)
    query = (
        select(
            customer.label("customer"),
            _c.id.label("ours"),
            _c.status.label("our_status"),
            _c.segment.label("our_segment"),
            theirs.reference.label("theirs"),
            theirs.status.label("their_status"),
            segment.label("their_segment"),
            theirs.line,
            theirs.first_line,
            theirs.nth,
        )
        .select_from(sides)
        .where(unlike)
    )
    return paged(connection, "unlike_customers", query, customer, theirs.nth)
