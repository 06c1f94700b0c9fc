"""Filling in what a report is asked with: the defaults, and refusing what it does not take."""

from __future__ import annotations

from entitlement_ledger.domain.instants import DAY, INSTANT_MAX, Instant, format_instant
from entitlement_ledger.errors import InputError
from entitlement_ledger.reports.names import Report
from entitlement_ledger.reports.parameters import Parameters
from entitlement_ledger.store.reporting.asked import Asked


def check_options(report: Report, parameters: Parameters) -> None:
    """Refuse a parameter that a report does not take, and one that it lacks.

    Raises:
        InputError: one of the two.
    """
    given = parameters.given()
    for name in given:
        if name not in report.options:
            takes = ", ".join(f"--{each}" for each in report.options)
            raise InputError(f"{report.name} takes no --{name}: it takes {takes}")
    for name in report.needs:
        if name not in given:
            raise InputError(f"{report.name} needs --{name}: say which")


def asked_of(report: Report, parameters: Parameters, known: int, now: Instant) -> Asked:
    """Fill in the defaults.

    `now` is the ledger's, `known` the last sequence that was known. A span that nobody has ended
    takes in what counts at the very moment of asking, as a balance does.

    Raises:
        InputError: the span ends before it begins.
    """
    moment = now if parameters.known_at is None else parameters.known_at
    at = moment if parameters.at is None else parameters.at
    since, until = parameters.since, parameters.until
    if report.days is None:
        until = min(moment + 1, INSTANT_MAX) if until is None else until
    else:
        since = at if since is None else since
        until = min(since + report.days * DAY, INSTANT_MAX) if until is None else until
    if since is not None and since > until:
        raise InputError(
            f"the span begins at {format_instant(since)} and ends before, at "
            f"{format_instant(until)}: give another --since or --until"
        )
    return Asked(
        known=known,
        moment=moment,
        at=at,
        since=since,
        until=until,
        customer=parameters.customer,
        entitlement=parameters.entitlement,
        product=parameters.product,
        segment=parameters.segment,
        actor=parameters.actor,
        run=parameters.run,
    )
