"""The seeing part of the façade: what is drawn over time, each answer bounded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Connection

from entitlement_ledger.answers import HistoryFilter
from entitlement_ledger.domain.instants import INSTANT_MAX, INSTANT_MIN, Instant
from entitlement_ledger.errors import InputError
from entitlement_ledger.overviews import (
    BurnDown,
    CountsOver,
    Lapses,
    LapsingGrant,
    LapsingGrants,
    Step,
    UseOver,
)
from entitlement_ledger.reading import Reading
from entitlement_ledger.situations import Situation
from entitlement_ledger.store import seeing
from entitlement_ledger.store.burning import burn_down, find_grant
from entitlement_ledger.store.reporting.asked import Asked
from entitlement_ledger.store.reporting.sources import known_sequence
from entitlement_ledger.store.situation import situation
from entitlement_ledger.store.spans import begin_of, end_of, span_until

PIECES_MAX = 400
"""Into how many pieces time may be cut."""


class Seeing(Reading):
    """An open ledger that can be looked at over time."""

    def use(
        self,
        customer: str,
        entitlement: str | None = None,
        *,
        step: Step = Step.WEEK,
        pieces: int = 12,
        at: Instant | None = None,
        known_at: Instant | None = None,
    ) -> UseOver:
        """Give a customer's use over the last pieces of time, the one that `at` lies in included.

        Without an entitlement, of those of which something moved.

        Raises:
            InputError: an unknown customer or entitlement, or a time before history begins.
        """
        _bounded(pieces)
        with self._seen(at, known_at, customer, entitlement) as (connection, asked, answerable):
            span = span_until(step, asked.at, pieces)
            return seeing.use(connection, asked, span) if answerable else UseOver(span, ())

    def burn_down(
        self,
        grant: str,
        *,
        pieces: int = 60,
        changes: int = 50,
        at: Instant | None = None,
        known_at: Instant | None = None,
    ) -> BurnDown:
        """Tell what was left of a grant from its beginning to `at` or to its end.

        Raises:
            InputError: no such grant, or none that was known then, or a time before history begins.
        """
        _bounded(pieces)
        with self._seen(at, known_at) as (connection, asked, _):
            found = find_grant(connection, grant, asked.known)
            if found is None:
                then = "" if known_at is None else " was known then"
                raise InputError(f"no grant {grant!a}{then}: `entl explain` tells their ids")
            of_it = replace(asked, customer=found.customer, entitlement=found.entitlement)
            return burn_down(connection, of_it, found, pieces=pieces, changes=changes)

    def lapses(
        self,
        month: Instant | None = None,
        customer: str | None = None,
        *,
        at: Instant | None = None,
        known_at: Instant | None = None,
    ) -> Lapses:
        """Give what lapses by day and entitlement in the month of an instant, by default of `at`.

        Raises:
            InputError: an unknown customer, or a time before history or knowledge begins.
        """
        with self._seen(at, known_at, customer) as (connection, asked, answerable):
            since = begin_of(Step.MONTH, asked.at if month is None else month)
            until = end_of(Step.MONTH, since)
            if not answerable:
                return Lapses(since, until, asked.at, (), more=False)
            return seeing.lapses(connection, asked, since, until)

    def lapsing_grants(
        self,
        day: Instant,
        customer: str | None = None,
        *,
        after: LapsingGrant | None = None,
        limit: int = 100,
        at: Instant | None = None,
        known_at: Instant | None = None,
    ) -> LapsingGrants:
        """Give a page of the grants that lapse on a day in UTC, after one already seen.

        Raises:
            InputError: an unknown customer, or a time before history or knowledge begins.
        """
        with self._seen(at, known_at, customer) as (connection, asked, answerable):
            if not answerable:
                return LapsingGrants((), more=False)
            begun = begin_of(Step.DAY, day)
            return seeing.lapsing_grants(connection, asked, begun, after=after, limit=limit)

    def situation(
        self,
        customer: str,
        *,
        days: int = 30,
        limit: int = 20,
        at: Instant | None = None,
        known_at: Instant | None = None,
    ) -> Situation:
        """Tell what a customer lost and why, what lapses within `days`, open holds, and tickets.

        Raises:
            InputError: an unknown customer, or a time before history or knowledge begins.
        """
        with self._seen(at, known_at, customer) as (connection, asked, _):
            return situation(connection, asked, days, limit)

    def counts(
        self,
        only: HistoryFilter | None = None,
        *,
        step: Step = Step.WEEK,
        pieces: int = 12,
        at: Instant | None = None,
    ) -> CountsOver:
        """Count the transactions of each type that a filter matches, over the last pieces of time.

        They end with the piece that `at` lies in, or the end of the filter where that is earlier.
        """
        _bounded(pieces)
        wanted = only or HistoryFilter()
        with self._read() as connection:
            now = self._now(connection)
            end = now if at is None else at
            if wanted.until is not None:
                end = max(min(end, wanted.until - 1), INSTANT_MIN)
            return seeing.counts(connection, wanted, now, span_until(step, end, pieces))

    @contextmanager
    def _seen(
        self,
        at: Instant | None,
        known_at: Instant | None,
        customer: str | None = None,
        entitlement: str | None = None,
    ) -> Iterator[tuple[Connection, Asked, bool]]:
        """Give a connection, what is asked on it, and whether there is anything to answer from."""
        with self._read() as connection:
            answerable = self._answerable(connection, customer, entitlement, at, known_at)
            moment = self._now(connection) if at is None else at
            asked = Asked(
                known=known_sequence(connection, known_at),
                moment=moment,
                at=moment,
                since=None,
                until=min(moment + 1, INSTANT_MAX),
                customer=customer,
                entitlement=entitlement,
            )
            yield connection, asked, answerable


def _bounded(pieces: int) -> None:
    if not 0 < pieces <= PIECES_MAX:
        raise InputError(f"time is cut into 1 to {PIECES_MAX} pieces, not {pieces}")
