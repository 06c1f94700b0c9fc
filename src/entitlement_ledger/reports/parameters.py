"""What a report is asked with, and what a caller is told of reports and of what was written.

Nothing heavy is imported here: faces read it when they start.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from entitlement_ledger.domain.instants import Instant

if TYPE_CHECKING:
    from entitlement_ledger.store.reporting.columns import ReportColumn

FORMATS = ("csv", "json", "parquet", "xlsx", "html")
"""What a report can be written as; also the suffixes of the files."""

Cell = str | int | None
"""One value of a report: text, a number, or an instant in microseconds, as its column says."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a report is asked with. All of it may be left out, and a report takes only some.

    Attributes:
        at: balances are those of this instant; None is `known_at`, else the ledger's now.
        known_at: only what was known then; None is all that is known.
        since, until: the half-open span that the report is about.
        run: the number of a stored reconciliation.
    """

    at: Instant | None = None
    known_at: Instant | None = None
    since: Instant | None = None
    until: Instant | None = None
    customer: str | None = None
    entitlement: str | None = None
    product: str | None = None
    segment: str | None = None
    actor: str | None = None
    run: int | None = None

    def given(self) -> tuple[str, ...]:
        """Give the names of those that are given, as the command line writes them."""
        found = (each.name for each in fields(self) if getattr(self, each.name) is not None)
        return tuple(name.replace("_", "-") for name in found)


@dataclass(frozen=True, slots=True)
class ReportInfo:
    """What a caller is told of a report.

    Attributes:
        answers: the question that it answers, in a few words.
        options: the names of the parameters that it takes, such as `known-at`.
        needs: those of them that must be given.
    """

    name: str
    answers: str
    options: tuple[str, ...]
    needs: tuple[str, ...]
    columns: tuple[ReportColumn, ...]


@dataclass(frozen=True, slots=True)
class ReportRows:
    """The first rows of a report; `more` says that there are others."""

    columns: tuple[ReportColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Written:
    """A report that was written.

    Attributes:
        sha256: of the file, in hexadecimal.
        size, root: how many events were known, and the root of the journal then, in hexadecimal.
        ok: the report found nothing wrong.
    """

    report: str
    format: str
    path: Path
    rows: int
    sha256: str
    size: int
    root: str
    ok: bool
