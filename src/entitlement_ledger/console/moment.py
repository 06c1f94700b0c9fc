"""The moment that the console shows: as of when, as known when, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass

from entitlement_ledger.console.wording import when, when_exactly
from entitlement_ledger.domain.instants import DAY, MINUTE, SECOND, Instant, format_instant


@dataclass(frozen=True, slots=True)
class Moment:
    """What balances, transactions and events are shown as of.

    Attributes:
        at: the effective time up to which everything counts; None is now, and goes on with it.
        known_at: what was recorded later is left out; None is all that is known.
    """

    at: Instant | None = None
    known_at: Instant | None = None

    @property
    def is_now(self) -> bool:
        """Nothing is left out."""
        return self.at is None and self.known_at is None

    @property
    def words(self) -> str:
        """Tell it in a few words, exact to the microsecond."""
        known = "" if self.known_at is None else f" · known at {told(self.known_at)}"
        return f"{'now' if self.at is None else told(self.at)}{known}"


NOW = Moment()


def typed(instant: Instant | None) -> str:
    """Write an instant as it can be typed: a day where it is midnight; empty for None."""
    if instant is None:
        return ""
    if instant % DAY == 0:
        return format_instant(instant)[:10]
    return format_instant(instant).replace(".000000Z", "Z")


def told(instant: Instant) -> str:
    """Tell an instant in UTC: to the minute, and finer only where it is."""
    if instant % MINUTE == 0:
        return f"{when(instant)} UTC"
    return when_exactly(instant) if instant % SECOND == 0 else format_instant(instant)
