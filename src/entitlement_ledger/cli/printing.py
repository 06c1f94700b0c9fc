"""Printing: answers to standard output, everything else to standard error."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from entitlement_ledger.domain.instants import Instant, format_instant, second_text
from entitlement_ledger.harmless import harmless

if TYPE_CHECKING:
    from entitlement_ledger.domain.decide import Outcome


_ACTING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters, and marks that turn the direction of writing or end a line."""


def narrate(text: str) -> None:
    """Say one line to the person, on standard error."""
    print(f"entl: {harmless(text)}", file=sys.stderr)


def progress(done: int, total: int) -> None:
    """Show how far long work has come, where somebody is looking."""
    if sys.stderr.isatty():
        end = "\n" if done >= total else ""
        print(f"\r{done:,} of {total:,}", end=end, file=sys.stderr, flush=True)


def percent(done: int, total: int) -> None:
    """Show which share of long work is done, where somebody is looking."""
    if sys.stderr.isatty():
        end = "\n" if done >= total else ""
        share = 100 * done // total if total else 100
        print(f"\r{share}%", end=end, file=sys.stderr, flush=True)


def print_line(text: str) -> None:
    """Print one line of an answer."""
    print(harmless(text))


def json_text(
    value: Any, indent: int | None = None, default: Callable[[Any], Any] | None = None
) -> str:
    """Write JSON whose text cannot act on a terminal: what it means stays the same.

    `default` is asked for what stands for values that JSON does not know.
    """
    return escaped(json.dumps(value, ensure_ascii=False, indent=indent, default=default))


def escaped(said: str) -> str:
    """Escape in JSON the characters that act on a terminal, and that it may hold as they are."""
    return _ACTING.sub(lambda found: f"\\u{ord(found[0]):04x}", said)


def print_json(value: Any) -> None:
    """Print one JSON value."""
    print(json_text(value, indent=2))


def print_json_list(rows: Iterable[Any]) -> None:
    """Print a list of any length as it comes, one element a line."""
    lead = "["
    for row in rows:
        print(lead + "\n" + json_text(row), end="")
        lead = ","
    print("[]" if lead == "[" else "\n]")


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], right: str = "") -> None:
    """Print columns under headings; those named in `right` are numbers and stand to the right."""
    shown = [[harmless(cell) for cell in row] for row in rows]
    widths = [max([len(h), *(len(row[i]) for row in shown)]) for i, h in enumerate(headings)]
    numbers = set(right.split())
    for row in [list(headings), *shown]:
        cells = [
            cell.rjust(width) if heading in numbers else cell.ljust(width)
            for cell, width, heading in zip(row, widths, headings, strict=True)
        ]
        print("  ".join(cells).rstrip())


def time_text(instant: Instant | None) -> str:
    """Write a time for people: to the second, in UTC."""
    return "" if instant is None else f"{second_text(instant)}Z"


@lru_cache(maxsize=16)
def time_json(instant: Instant | None) -> str | None:
    """Write a time for programs."""
    return None if instant is None else format_instant(instant)


def outcome_json(line: int, outcome: Outcome) -> dict[str, Any]:
    """Give an outcome as the contract has it."""
    balance = outcome.balance
    return {
        "line": line,
        "key": outcome.key,
        "transaction": outcome.transaction,
        "sequence": outcome.sequence,
        "status": outcome.status.value,
        "code": None if outcome.code is None else outcome.code.value,
        "message": outcome.message,
        "recorded_at": time_json(outcome.recorded_at),
        "duplicate": outcome.duplicate,
        "grants": list(outcome.grants),
        "draws": [{"grant": draw.grant, "quantity": draw.quantity} for draw in outcome.draws],
        "balance": balance and {"available": balance.available, "held": balance.held},
    }
