"""Samples of events, drawn by the database: the same question gives the same sample.

Nothing here is left to chance that is not in the seed. What `random` draws are the events whose
digest of seed and sequence is the lowest; what `monetary` draws are the events that hold the units
at fixed intervals, counted through all that was moved, in the order of recording.
"""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal, select

from entitlement_ledger.answers import EventFilter
from entitlement_ledger.reviews import Sampled
from entitlement_ledger.store.auditing.filtering import chosen, moved, reviewable
from entitlement_ledger.store.copying import divided
from entitlement_ledger.store.dialect import sha256_of_text


def population(connection: Connection, only: EventFilter) -> int:
    """Count the events that a filter matches and that can be reviewed."""
    query = _matched(only).with_only_columns(func.count())
    return connection.execute(query).scalar_one()


def draw_random(connection: Connection, only: EventFilter, size: int, seed: str) -> list[Sampled]:
    """Draw events without replacement, each as likely as any other; give them by sequence."""
    matched = _matched(only).subquery("matched").c
    lot = sha256_of_text(f"{seed}:", matched.sequence)
    query = select(matched.sequence).order_by(lot, matched.sequence).limit(size)
    return [Sampled(each) for each in sorted(connection.execute(query).scalars().all())]


def sizes(connection: Connection, only: EventFilter, entitlement: str) -> tuple[int, int]:
    """Give how many of the events moved any of an entitlement, and how much all of it is."""
    sized = _sized(only, entitlement).subquery("sized").c
    query = select(func.count(), func.coalesce(func.sum(sized.quantity), 0))
    ((count, total),) = connection.execute(query).all()
    return int(count), int(total)


def start_of(seed: str, interval: int) -> int:
    """Give the first unit to be drawn, from 1 to the interval, each as likely as any other."""
    return 1 + int.from_bytes(hashlib.sha256(f"{seed}:start".encode()).digest()) % interval


def draw_monetary(
    connection: Connection, only: EventFilter, entitlement: str, interval: int, start: int
) -> list[Sampled]:
    """Draw the events that hold the units start, start + interval, …; give them by sequence."""
    sized = _sized(only, entitlement).subquery("sized").c
    until = func.sum(sized.quantity).over(order_by=sized.sequence, rows=(None, 0))
    counted = select(sized.sequence, sized.quantity, until.label("until")).subquery("counted").c

    def drawn_until(unit: ColumnElement[int]) -> ColumnElement[int]:
        """Count the units that are drawn up to one, which is in."""
        return divided(unit + literal(interval - start), literal(interval))

    hits = drawn_until(counted.until) - drawn_until(counted.until - counted.quantity)
    query = select(counted.sequence, counted.quantity, hits.label("hits"))
    rows = connection.execute(query.where(hits > 0).order_by(counted.sequence)).all()
    return [
        Sampled(row.sequence, int(row.quantity), int(row.hits), int(row.quantity) >= interval)
        for row in rows
    ]


def _sized(only: EventFilter, entitlement: str) -> Select[Any]:
    """Select the events that a filter matches and that moved any of an entitlement."""
    size = moved(entitlement).subquery("moved").c
    matched = _matched(only).subquery("matched").c
    return select(matched.sequence, size.quantity).where(size.sequence == matched.sequence)


def _matched(only: EventFilter) -> Select[Any]:
    """Select what can be drawn: what a filter matches, reviews themselves left out."""
    return chosen(only).where(reviewable())
