"""Going to another moment: how it is typed, what is shown as of it, and two side by side."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from entitlement_ledger.answers import (
    Balance,
    CatalogueFilter,
    EventFilter,
    FindingFilter,
)
from entitlement_ledger.console.filters import Filter, time_of
from entitlement_ledger.console.moment import Moment, typed
from entitlement_ledger.domain.instants import (
    DAY,
    HOUR,
    INSTANT_MAX,
    INSTANT_MIN,
    MINUTE,
    SECOND,
    Instant,
)
from entitlement_ledger.errors import InputError

_RELATIVE = re.compile(r"([+-])(\d{1,6})([mhdw])", re.ASCII)
_UNITS = {"m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}


def read_moment(at: str, known_at: str, now: Instant) -> Moment:
    """Read both times as a person types them; what is left empty is not asked.

    Raises:
        InputError: one of them is no time; the message says which, and what to type.
    """
    return Moment(_read("at", at, now), _read("known at", known_at, now))


def _read(name: str, text: str, now: Instant) -> Instant | None:
    """Read a day, which begins at midnight UTC, a whole time, or how long before or after now."""
    text = text.strip()
    if not text:
        return None
    relative = _RELATIVE.fullmatch(text)
    if relative is None:
        try:
            return time_of(name, text)
        except ValueError as error:
            raise InputError(f"{error}, or how long ago such as -30d, -12h or -2w") from None
    sign, count, unit = relative.groups()
    # To the second: what the banner tells is then all that there is to it.
    instant = (now + int(f"{sign}{count}") * _UNITS[unit]) // SECOND * SECOND
    if not INSTANT_MIN <= instant <= INSTANT_MAX:
        raise InputError(f"{name}: {text} is outside the years 0001 to 9999")
    return instant


def narrowed(only: Filter, moment: Moment) -> Filter:
    """Leave out of a filter's answer what was not yet, or not yet known, at a moment.

    An event of the journal is one of its recording: where nothing is said of what was known, what
    was recorded until the moment itself is shown. What is told of now alone stays as it is.
    """
    if isinstance(only, (FindingFilter, CatalogueFilter)):
        return only
    if isinstance(only, EventFilter):
        known_at = moment.at if moment.known_at is None else moment.known_at
        return replace(only, known_at=_earliest(only.known_at, known_at))
    until = None if moment.at is None else _past(moment.at)
    return replace(
        only,
        until=_earliest(only.until, until),
        known_at=_earliest(only.known_at, moment.known_at),
    )


def prefilled(moment: Moment, options: Sequence[str]) -> dict[str, str]:
    """Fill in what a report is asked with, so that it tells of a moment.

    A report of a span ends right behind the moment, since its end is out.
    """
    said = {"at": typed(moment.at), "known-at": typed(moment.known_at)}
    if "at" not in options and moment.at is not None:
        said["until"] = typed(_past(moment.at))
    return {name: text for name, text in said.items() if name in options}


def _past(instant: Instant) -> Instant:
    """Give the end of what is up to an instant and with it: ends are out."""
    return min(instant + 1, INSTANT_MAX)


def _earliest(*instants: Instant | None) -> Instant | None:
    return min((each for each in instants if each is not None), default=None)


@dataclass(frozen=True, slots=True)
class Compared:
    """One account of one entitlement at two moments, in its smallest unit."""

    entitlement: str
    account: str
    scale: int
    before: int
    after: int

    @property
    def difference(self) -> int:
        """What came, or went, in between."""
        return self.after - self.before

    @property
    def sign(self) -> tuple[str, str]:
        """Give a sign, and a theme colour beside it."""
        if self.difference == 0:
            return "=", "secondary"
        return ("▲", "success") if self.difference > 0 else ("▼", "error")


def in_order(one: Moment, other: Moment, now: Instant) -> tuple[Moment, Moment]:
    """Give two moments, the earlier first; of one instant, what was known earlier."""

    def when(moment: Moment) -> tuple[Instant, Instant]:
        at, known_at = moment.at, moment.known_at
        return now if at is None else at, INSTANT_MAX if known_at is None else known_at

    return (one, other) if when(one) <= when(other) else (other, one)


def compared(before: Iterable[Balance], after: Iterable[Balance]) -> list[Compared]:
    """Put a customer's balances at two moments side by side, by entitlement."""
    first = {each.entitlement: each for each in before}
    second = {each.entitlement: each for each in after}
    rows = []
    for code in sorted({*first, *second}):
        one, other = first.get(code), second.get(code)
        known = one or other
        assert known is not None, "the code is that of one of them"
        for account in ("available", "held"):
            had = 0 if one is None else int(getattr(one, account))
            has = 0 if other is None else int(getattr(other, account))
            if account == "available" or had or has:
                rows.append(Compared(code, account, known.scale, had, has))
    return rows
