"""The events of the audit trail as they are printed: a row each, or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from entitlement_ledger.cli import printing
from entitlement_ledger.domain.quantities import format_quantity
from entitlement_ledger.harmless import harmless

if TYPE_CHECKING:
    from entitlement_ledger.answers import BalanceChange, EventRow

_TABLE_ROWS = 1000


def print_events(rows: Iterator[EventRow], quantities: Mapping[int, int] | None = None) -> None:
    """Print a table for each page, so that no more than that is held."""
    page = [*islice(rows, _TABLE_ROWS)]
    _print_page(page, quantities)
    while len(page) == _TABLE_ROWS and (page := [*islice(rows, _TABLE_ROWS)]):
        print()
        _print_page(page, quantities)


def _print_page(rows: Sequence[EventRow], quantities: Mapping[int, int] | None) -> None:
    headings = ["event", "recorded", "by", "what", "subject", "change", "review"]
    shown = [
        [
            str(row.sequence),
            printing.time_text(row.recorded_at),
            row.actor,
            row.what if row.event == "transaction" else f"{row.event} {row.what}",
            row.subject,
            f"{row.status} {row.code}" if row.code else _changes(row),
            _review_text(row),
            *([f"{quantities[row.sequence]:,}"] if quantities else []),
        ]
        for row in rows
    ]
    printing.print_table(
        [*headings, *(["moved"] if quantities else [])], shown, right="event moved"
    )


def _changes(row: EventRow) -> str:
    """Tell balances before and after; where these tell nothing, what was moved."""
    arrived = [
        f"{leg.entitlement} {format_quantity(leg.quantity, row.scale_of(leg.entitlement))} "
        f"-> {leg.account}"
        for leg in row.moved
        if leg.quantity > 0
    ]
    return ", ".join(arrived or map(_change, row.balances))


def _change(each: BalanceChange) -> str:
    before, after = (
        format_quantity(n, each.scale) for n in (each.available_before, each.available_after)
    )
    return f"{each.entitlement} {before} -> {after}"


def _review_text(row: EventRow) -> str:
    if row.review is None:
        return ""
    note = f": {row.review.note}" if row.review.note else ""
    return harmless(f"{row.review.mark} by {row.review.actor}{note}")


def event_json(row: EventRow) -> dict[str, Any]:
    """Give an event as the audit trail tells it, with its review."""
    review = row.review
    return {
        "sequence": row.sequence,
        "event": row.event,
        "what": row.what,
        "subject": row.subject,
        "status": row.status,
        "code": row.code,
        "actor": row.actor,
        "role": row.role,
        "approver": row.approver,
        "proposer": row.proposer,
        "reason": row.reason,
        "reference": row.reference,
        "recorded_at": printing.time_json(row.recorded_at),
        "effective_at": printing.time_json(row.effective_at),
        "message": row.message,
        "balances": [
            {name: getattr(each, name) for name in each.__struct_fields__} for each in row.balances
        ],
        "before": row.before,
        "after": row.after,
        "review": None
        if review is None
        else {
            "mark": review.mark,
            "actor": review.actor,
            "note": review.note,
            "recorded_at": printing.time_json(review.recorded_at),
            "sequence": review.sequence,
        },
    }
