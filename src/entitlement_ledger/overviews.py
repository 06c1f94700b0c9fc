"""Answers that are drawn: use over time, what is left of a grant, what lapses, how many of what.

Times are instants (microseconds since 1970, UTC), and so are the ends of days, weeks and months;
every interval is half-open. Quantities are whole numbers in the smallest unit.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from entitlement_ledger.answers import GrantRow
from entitlement_ledger.domain.instants import Instant

REFUSED = "refused"
"""What counts of transactions call those that were refused, whatever their type."""


PACE_DAYS = 30
"""Over how many days it is looked back for the pace at which a grant is used."""


class Step(StrEnum):
    """How long a piece of time is. A week begins on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Span(msgspec.Struct, frozen=True):
    """Pieces of time that follow each other without a gap, the oldest first.

    Attributes:
        begins: when each of them begins.
        until: the end of the last; what comes after `at` is not in it.
        at: as of when it is told.
    """

    step: Step
    begins: tuple[Instant, ...]
    until: Instant
    at: Instant


class Use(msgspec.Struct, frozen=True):
    """What moved of one entitlement of one customer, by the pieces of a span.

    Attributes:
        issued: what was given, carried over included.
        consumed: what was used, less what of it was reversed: it can be below zero.
        expired: what lapsed, whether or not a sweep has recorded it.
        revoked: what was taken back.
    """

    entitlement: str
    scale: int
    unit: str
    issued: tuple[int, ...]
    consumed: tuple[int, ...]
    expired: tuple[int, ...]
    revoked: tuple[int, ...]


class UseOver(msgspec.Struct, frozen=True):
    """The use of entitlements over a span, by code."""

    span: Span
    uses: tuple[Use, ...]


class LeftChange(msgspec.Struct, frozen=True):
    """How one transaction changed what is left of a grant.

    Attributes:
        transaction, type, actor: None where the end of a hold is only read.
        left: what was left right after.
    """

    at: Instant
    transaction: str | None
    type: str | None
    actor: str | None
    change: int
    left: int


class Pace(msgspec.Struct, frozen=True):
    """How quickly a grant was used lately, and what would come of it.

    Attributes:
        drawn: what was used of it since, less what of it was reversed.
        since: when that began: 30 days ago, or with the grant.
        runs_out: when nothing would be left; None is later than any time there is.
        lapses: what would still be left when it lapses; None where it runs out before.
    """

    drawn: int
    since: Instant
    runs_out: Instant | None
    lapses: int | None


class BurnDown(msgspec.Struct, frozen=True):
    """What was left of a grant from its beginning to its end, or until now.

    Attributes:
        at: as of when it is told.
        until: where the curve ends: `at`, or when the grant lapsed or nothing was left of it.
        width: how long one piece of the curve is, in microseconds.
        curve: what was left at the end of each piece: available and held together.
        left, held: what is left at `at`, and how much of that is held; nothing once it has lapsed.
        consumed, expired, revoked, carried: where the rest went; `carried` goes on in other grants.
        pace: None where nothing was used lately, or nothing is left.
        changes: the latest, newest first; `more` says whether there are earlier ones.
    """

    grant: GrantRow
    customer: str
    scale: int
    unit: str
    at: Instant
    until: Instant
    width: int
    curve: tuple[int, ...]
    left: int
    held: int
    consumed: int
    expired: int
    revoked: int
    carried: int
    pace: Pace | None
    changes: tuple[LeftChange, ...]
    more: bool


class Lapsing(msgspec.Struct, frozen=True):
    """What lapses of one entitlement on one day.

    Attributes:
        day: when the day begins.
        quantity: what is, or was, available and lapses.
        held: what is held of the same grants: it lapses only if it is given back.
        grants: of how many grants.
    """

    day: Instant
    entitlement: str
    scale: int
    unit: str
    quantity: int
    held: int
    grants: int


class Lapses(msgspec.Struct, frozen=True):
    """What lapses within a month, by day and entitlement; `more` says whether rows are left out."""

    since: Instant
    until: Instant
    at: Instant
    days: tuple[Lapsing, ...]
    more: bool


class LapsingGrant(msgspec.Struct, frozen=True):
    """A grant that lapses, with what lapses of it and what is held of it."""

    grant: str
    sequence: int
    place: int
    customer: str
    entitlement: str
    scale: int
    unit: str
    expires_at: Instant
    quantity: int
    held: int


class LapsingGrants(msgspec.Struct, frozen=True):
    """A page of grants that lapse, the earliest first; the last one leads to the next page."""

    rows: tuple[LapsingGrant, ...]
    more: bool


class TypeCounts(msgspec.Struct, frozen=True):
    """How many transactions there were of one type, refused ones apart, by the pieces of a span."""

    type: str
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """How many there were in all."""
        return sum(self.counts)


class CountsOver(msgspec.Struct, frozen=True):
    """How many transactions of each type a filter matches over a span, most first.

    Attributes:
        before, after: how many it matches that are effective before the span, and after it.
    """

    span: Span
    types: tuple[TypeCounts, ...]
    before: int
    after: int
