"""Days, weeks and months in UTC: where each begins, in Python and in SQL."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, func

from entitlement_ledger.domain.instants import (
    DAY,
    INSTANT_MAX,
    INSTANT_MIN,
    Instant,
    from_datetime,
    to_datetime,
)
from entitlement_ledger.overviews import Span, Step
from entitlement_ledger.store.dialect import microseconds

_WEEK = 7 * DAY


def begin_of(step: Step, instant: Instant) -> Instant:
    """Give when the day, week or month begins in which an instant lies.

    The first day that there is is a Monday: no week begins before it.
    """
    day = to_datetime(instant).replace(hour=0, minute=0, second=0, microsecond=0)
    if step is Step.MONTH:
        day = day.replace(day=1)
    elif step is Step.WEEK:
        day -= timedelta(days=day.weekday())
    return from_datetime(day)


def end_of(step: Step, begin: Instant) -> Instant:
    """Give when the next one begins; after the last one there is nothing."""
    if step is not Step.MONTH:
        return min(begin + (DAY if step is Step.DAY else _WEEK), INSTANT_MAX + 1)
    # 31 days after its first day a month is over, and the next one is not.
    later = begin + 31 * DAY
    return INSTANT_MAX + 1 if later > INSTANT_MAX else begin_of(Step.MONTH, later)


def span_until(step: Step, at: Instant, pieces: int) -> Span:
    """Give the piece of time in which an instant lies, and those before it, so many in all."""
    begins = [begin_of(step, at)]
    while len(begins) < pieces and begins[0] > INSTANT_MIN:
        begins.insert(0, begin_of(step, begins[0] - 1))
    return Span(step, tuple(begins), end_of(step, begins[-1]), at)


def begins(step: Step, instant: ColumnElement[int]) -> ColumnElement[int]:
    """Give, of a column of instants, when the day, week or month of each begins, as a number."""
    return microseconds(func.date_trunc(step.value, instant))
