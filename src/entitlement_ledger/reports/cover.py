"""What a file says of itself: which report of which store, asked how, and what vouches for it.

Nothing in it tells the time of writing: the same question gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from entitlement_ledger.domain.instants import Instant, format_instant
from entitlement_ledger.reconciliations import Run
from entitlement_ledger.reports.names import Report
from entitlement_ledger.store.reporting.asked import Asked

_FILTERS = ("customer", "entitlement", "product", "segment", "actor")


@dataclass(frozen=True, slots=True)
class Cover:
    """The cover of a file.

    Attributes:
        title: of the report, as a heading.
        lines: what it says, each with its name.
        moment: when it was asked: `known_at`, else the ledger's now; of a run, when that was.
        size, root: how many events were known, and the root of the journal then, in hexadecimal.
    """

    title: str
    lines: tuple[tuple[str, str], ...]
    moment: Instant
    size: int
    root: str


def cover_of(
    report: Report,
    asked: Asked,
    *,
    store: str,
    store_id: str,
    root: str,
    actor: str,
    whose: str,
    run: Run | None,
) -> Cover:
    """Make the cover. `whose` is the customer's name, which only people are shown.

    A run was stored with the journal as it was then: its cover says nothing of today's.
    """
    title = report.name.replace("-", " ").capitalize()
    moment, size = asked.moment, asked.known
    if run is not None:
        title, moment, size, root = (
            f"{title}: run {run.number}",
            run.recorded_at,
            run.size,
            run.root,
        )
    lines = [
        ("Report", report.name),
        ("Answers", report.answers),
        ("Store", store),
        ("Store id", store_id),
        *(() if run is None else _run(run)),
        *_times(report, asked),
        ("As known at", format_instant(moment)),
        *((name.capitalize(), str(value)) for name in _FILTERS if (value := getattr(asked, name))),
        ("Asked by", actor),
        ("Checkpoint size", str(size)),
        ("Checkpoint root", root),
    ]
    if whose:
        title = f"{title}: {whose}"
    return Cover(title, tuple(lines), moment, size, root)


def _times(report: Report, asked: Asked) -> list[tuple[str, str]]:
    """Give the times that count for a report."""
    told = []
    if "at" in report.options:
        told.append(("At", format_instant(asked.at)))
    if "since" in report.options:
        of = "recorded" if report.recorded else "effective"
        told += [
            ("From (is in)", f"{_begins(asked.since)}, {of}"),
            ("Until (is out)", f"{format_instant(asked.until)}, {of}"),
        ]
    return told


def _run(run: Run) -> list[tuple[str, str]]:
    """Give what was matched, over which period, and what came of it."""
    ends = "no end" if run.until is None else format_instant(run.until)
    told = [
        ("Run", str(run.number)),
        ("Run by", run.actor),
        ("File", run.file),
        ("Feed", run.feed.partition(":")[2]),
        ("Against", run.against.value),
        ("From (is in)", _begins(run.since)),
        ("Until (is out)", ends),
        ("Lines", str(run.lines)),
        ("Outside", str(run.outside)),
        ("Matched", str(run.matched)),
        *((name.replace("_", " ").capitalize(), str(n)) for name, n in run.counts.items()),
    ]
    if run.previous is not None:
        since = f"{run.new} new, {run.ageing} ageing, {run.resolved} resolved"
        told.append((f"Since run {run.previous}", since))
    return told


def _begins(since: Instant | None) -> str:
    return "the beginning" if since is None else format_instant(since)
