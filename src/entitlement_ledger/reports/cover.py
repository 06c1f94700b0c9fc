"""What a file says of itself: which report of which store, asked how, and what vouches for it.

Nothing in it tells the time of writing: the same question gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from entitlement_ledger.domain.instants import Instant, format_instant
from entitlement_ledger.reports.names import Report
from entitlement_ledger.store.reporting.asked import Asked

_FILTERS = ("customer", "entitlement", "product", "segment", "actor", "run")


@dataclass(frozen=True, slots=True)
class Cover:
    """The cover of a file.

    Attributes:
        title: of the report, as a heading.
        lines: what it says, each with its name.
        moment: when it was asked: `known_at`, else the ledger's now.
        size, root: how many events were known, and the root of the journal then, in hexadecimal.
    """

    title: str
    lines: tuple[tuple[str, str], ...]
    moment: Instant
    size: int
    root: str


def cover_of(
    report: Report, asked: Asked, *, store: str, store_id: str, root: str, actor: str, whose: str
) -> Cover:
    """Make the cover. `whose` is the customer's name, which only people are shown."""
    title = report.name.replace("-", " ").capitalize()
    lines = [
        ("Report", report.name),
        ("Answers", report.answers),
        ("Store", store),
        ("Store id", store_id),
        *_times(report, asked),
        *((name.capitalize(), str(value)) for name in _FILTERS if (value := getattr(asked, name))),
        ("Asked by", actor),
        ("Checkpoint size", str(asked.known)),
        ("Checkpoint root", root),
    ]
    if whose:
        title = f"{title}: {whose}"
    return Cover(title, tuple(lines), asked.moment, asked.known, root)


def _times(report: Report, asked: Asked) -> list[tuple[str, str]]:
    """Give the times that count for a report."""
    told = []
    if "at" in report.options:
        told.append(("At", format_instant(asked.at)))
    if "since" in report.options:
        begins = "the beginning" if asked.since is None else format_instant(asked.since)
        of = "recorded" if report.recorded else "effective"
        told += [
            ("From (is in)", f"{begins}, {of}"),
            ("Until (is out)", f"{format_instant(asked.until)}, {of}"),
        ]
    return [*told, ("As known at", format_instant(asked.moment))]
