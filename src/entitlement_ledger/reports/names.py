"""The reports: which there are, what each answers, and what it takes."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select

from entitlement_ledger.errors import InputError
from entitlement_ledger.reports.parameters import ReportInfo
from entitlement_ledger.store.reporting import (
    activity,
    approvals,
    audit_log,
    balances,
    expiring,
    findings,
    liability,
    reconciliation,
    rollforward,
    statement,
)
from entitlement_ledger.store.reporting.asked import Asked
from entitlement_ledger.store.reporting.columns import ReportColumn
from entitlement_ledger.store.reporting.sources import Sources


def nothing_wrong(_query: Select[Any]) -> None:
    """Say that a report only tells, and finds nothing wrong."""


@dataclass(frozen=True, slots=True)
class Report:
    """One report.

    Attributes:
        answers: the question that it answers, in a few words.
        options: the parameters that it takes, in the words of the command line.
        columns: the columns that its query gives, in this order.
        query: gives the rows, in an order that is total.
        needs: the parameters that it must be given.
        recorded: its span is that of the recording, and not of when things took effect.
        days: how long the span is if nobody says, from `at` on; None is all until `at`.
        wrong: gives the rows of the query that say that something is wrong.
    """

    name: str
    answers: str
    options: tuple[str, ...]
    columns: tuple[ReportColumn, ...]
    query: Callable[[Sources, Asked], Select[Any]]
    needs: tuple[str, ...] = ()
    recorded: bool = False
    days: int | None = None
    wrong: Callable[[Select[Any]], Select[Any] | None] = nothing_wrong

    def info(self) -> ReportInfo:
        """Give what a caller is told of it."""
        return ReportInfo(self.name, self.answers, self.options, self.needs, self.columns)


_SPAN = ("since", "until", "known-at")

_REPORTS = (
    Report(
        "balances",
        "what every customer has",
        ("at", "known-at", "customer", "entitlement", "segment"),
        balances.COLUMNS,
        balances.query,
    ),
    Report(
        "liability",
        "what is still owed, by when it lapses, and what is expected to lapse unused",
        ("at", "known-at", "entitlement"),
        liability.COLUMNS,
        liability.query,
    ),
    Report(
        "rollforward",
        "opening + issued - consumed - expired - revoked = closing, and whether it ties out",
        (*_SPAN, "customer", "entitlement"),
        rollforward.COLUMNS,
        rollforward.query,
        wrong=rollforward.wrong,
    ),
    Report(
        "statement",
        "one customer's movements with the running balance",
        (*_SPAN, "customer", "entitlement"),
        statement.COLUMNS,
        statement.query,
        needs=("customer",),
    ),
    Report(
        "usage",
        "what was drawn, by month, entitlement, product and segment",
        (*_SPAN, "customer", "entitlement", "product", "segment"),
        activity.USAGE_COLUMNS,
        activity.usage,
    ),
    Report(
        "allocation",
        "what was granted, by month, entitlement, product and segment",
        (*_SPAN, "customer", "entitlement", "product", "segment"),
        activity.ALLOCATION_COLUMNS,
        activity.allocation,
    ),
    Report(
        "expiring",
        "which grants lapse within a span (30 days) and still hold something",
        ("at", *_SPAN, "customer", "entitlement", "product", "segment"),
        expiring.COLUMNS,
        expiring.query,
        days=30,
    ),
    Report(
        "audit-log",
        "every event of the journal, by when it was recorded",
        (*_SPAN, "customer", "entitlement", "product", "actor"),
        audit_log.COLUMNS,
        audit_log.query,
        recorded=True,
    ),
    Report(
        "findings",
        "what the rules of suspicious activity found last, and where its review stands",
        ("customer", "actor"),
        findings.COLUMNS,
        findings.query,
    ),
    Report(
        "reconciliation",
        "what a run of reconciliation told, the latest unless --run says which",
        ("run", "customer"),
        reconciliation.COLUMNS,
        reconciliation.query,
    ),
    Report(
        "approvals",
        "what was proposed, and what a second person decided on it",
        (*_SPAN, "customer", "entitlement", "product", "actor"),
        approvals.COLUMNS,
        approvals.query,
        recorded=True,
    ),
)

REPORTS: dict[str, Report] = {each.name: each for each in _REPORTS}


def report_named(name: str) -> Report:
    """Give a report.

    Raises:
        InputError: there is none of that name; the nearest is suggested.
    """
    if name in REPORTS:
        return REPORTS[name]
    close = difflib.get_close_matches(name, REPORTS, n=1)
    hint = f"do you mean {close[0]}?" if close else f"there are {', '.join(REPORTS)}"
    raise InputError(f"no report {name!a}: {hint}")
