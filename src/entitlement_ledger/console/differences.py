"""Telling of reconciliation: a run, its classes, and the two sides beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest

from entitlement_ledger.answers import EntitlementRow
from entitlement_ledger.console.wording import amount, when, when_exactly
from entitlement_ledger.reconciliations import Class, Discrepancy, Run, Side

Catalogue = Mapping[str, EntitlementRow]

MATCHED, OUTSIDE, RESOLVED = "matched", "outside", "resolved"
_PAIRS_MAX = 50
_NOTHING = "nothing"
_PLACE = "found in"
_CLASSES = frozenset(each.value for each in Class)

MEANINGS = {
    MATCHED: "lines that agree",
    OUTSIDE: "lines outside the period",
    "missing_here": "there, and not here",
    "missing_there": "here, and not there",
    "amount": "both have it, and differ",
    "duplicate": "one side has it again",
    "timing": "the cut-off lies between",
    "proposed": "only similar: look at it",
    "unexplained": "the catalogue gives something else",
    RESOLVED: "told by the run before, and not any more",
}
"""What each class says, in a few words, in the order in which classes are shown."""

_MILD = ("timing", "proposed", "unexplained")


@dataclass(frozen=True, slots=True)
class Tally:
    """One class of a run, with how many lines are in it."""

    name: str
    count: int

    @property
    def sign(self) -> tuple[str, str]:
        """Give a sign, and a theme colour beside it."""
        if not self.count or self.name == OUTSIDE:
            return "·", "secondary"
        if self.name in (MATCHED, RESOLVED):
            return "✓", "success"
        return ("◆", "warning") if self.name in _MILD else ("✗", "error")

    @property
    def words(self) -> str:
        """Give its name with its sign."""
        return f"{self.sign[0]} {self.name.replace('_', ' ')}"

    @property
    def class_(self) -> Class | None:
        """The class of discrepancies that it counts; None where it counts something else."""
        return Class(self.name) if self.name in _CLASSES else None


def tallies(run: Run) -> list[Tally]:
    """Count a run's lines by class."""
    counted = {
        MATCHED: run.matched, OUTSIDE: run.outside, RESOLVED: run.resolved, **run.counts
    }  # fmt: skip
    return [Tally(name, counted.get(name, 0)) for name in MEANINGS]


def period(run: Run) -> str:
    """Tell the period that a run was about, half-open."""
    if run.since is None and run.until is None:
        return "all time"
    return f"{_day(run.since, 'the beginning')} until {_day(run.until, 'now')}"


def _day(instant: int | None, none: str) -> str:
    return when(instant, none=none).removesuffix(" 00:00")


def age(found: Discrepancy, run: Run) -> str:
    """Tell whether a discrepancy is new in a run."""
    return "● new" if found.first_run == run.number else f"◔ run {found.first_run}"


@dataclass(frozen=True, slots=True)
class Compared:
    """One thing that both sides say, beside each other.

    Attributes:
        key: tells it from the others of its discrepancy.
        sign: `=` or `≠`; empty where only one side says it, or where they cannot be alike.
        decides: it is what the discrepancy is about.
        transaction: id of the ledger's transaction that it is of.
    """

    key: str
    name: str
    ours: str
    theirs: str
    sign: str = ""
    decides: bool = False
    transaction: str | None = None

    @property
    def style(self) -> str:
        """Give the theme colour of both values."""
        if self.sign != "≠":
            return ""
        return "error" if self.decides else "warning"


def value(said: int | str | None, sides: tuple[Side, ...], catalogue: Catalogue) -> str:
    """Write what a side says: a quantity with its unit, a time, a word, or nothing."""
    if isinstance(said, int):
        return _quantity(said, sides[0].what if sides else "", catalogue)
    return _NOTHING if said is None else said


def _quantity(quantity: int, what: str, catalogue: Catalogue) -> str:
    """Write a quantity; where it has a decimal point, also as it is in messages."""
    known = catalogue.get(what)
    if known is None:
        return f"{quantity:,}"
    shown = amount(quantity, known.scale, known.unit)
    return f"{shown} ({quantity})" if known.scale else shown


def compared(found: Discrepancy, catalogue: Catalogue) -> list[Compared]:
    """Put both sides of a discrepancy beside each other, what it is about first."""
    either = found.our_side + found.their_side
    first = next((each.transaction for each in found.our_side if each.transaction), None)
    ours = value(found.ours, found.our_side or either, catalogue)
    theirs = value(found.theirs, found.their_side or either, catalogue)
    sign = _sign(ours, theirs)
    rows = [Compared("0", "compared", ours, theirs, sign, decides=True, transaction=first)]
    pairs = list(zip_longest(found.our_side, found.their_side))
    for place, (mine, other) in enumerate(pairs[:_PAIRS_MAX], 1):
        said, answered = _facts(mine, catalogue), _facts(other, catalogue)
        of = "" if len(pairs) == 1 else f" {place}"
        rows += [
            Compared(
                f"{place} {name}",
                f"{name}{of}",
                said[name],
                answered[name],
                "" if name == _PLACE else _sign(said[name], answered[name]),
                transaction=None if mine is None else mine.transaction,
            )
            for name in said
            if said[name] or answered[name]
        ]
    if len(pairs) > _PAIRS_MAX:
        rows.append(Compared("more", "more", f"and {len(pairs) - _PAIRS_MAX} more", ""))
    return rows


def _sign(ours: str, theirs: str) -> str:
    if not ours or not theirs:
        return ""
    return "=" if ours == theirs else "≠"


def _facts(side: Side | None, catalogue: Catalogue) -> dict[str, str]:
    """Give what one side says, by name; all of it empty where there is no side."""
    if side is None:
        return dict.fromkeys(("what", "quantity", "status", "at", _PLACE), "")
    quantity = side.quantity
    found_in = side.transaction or ("" if side.line is None else f"line {side.line}")
    return {
        "what": side.what,
        "quantity": "" if quantity is None else _quantity(quantity, side.what, catalogue),
        "status": side.status or "",
        "at": when_exactly(side.at),
        _PLACE: found_in,
    }
