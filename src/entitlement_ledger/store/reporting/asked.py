"""What a query of a report is asked with, every default filled in."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement

from entitlement_ledger.domain.instants import Instant


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query of a report is asked with.

    Attributes:
        known: the last sequence that is known; 0 knows nothing.
        moment: when it is asked: `known_at`, else the ledger's now.
        at: balances are those of this instant.
        since: the beginning of the span, which is in; None is the beginning of history.
        until: the end of the span, which is out.
    """

    known: int
    moment: Instant
    at: Instant
    since: Instant | None
    until: Instant
    customer: str | None = None
    entitlement: str | None = None
    product: str | None = None
    segment: str | None = None
    actor: str | None = None
    run: int | None = None

    def within(self, instant: ColumnElement[int]) -> list[ColumnElement[bool]]:
        """Give the conditions by which instants lie in the span."""
        conditions = [instant < self.until]
        if self.since is not None:
            conditions.append(instant >= self.since)
        return conditions

    def filtered(self, **by: ColumnElement[str]) -> list[ColumnElement[bool]]:
        """Give the conditions of the filters that are given: each column equals what is asked."""
        asked = ((column, getattr(self, name)) for name, column in by.items())
        return [column == wanted for column, wanted in asked if wanted is not None]
