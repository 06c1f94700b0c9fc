"""Showing one transaction: as JSON, or as text for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from entitlement_ledger.cli.printing import print_json, print_table, time_json, time_text
from entitlement_ledger.cli.showing import transaction_json
from entitlement_ledger.domain.quantities import format_quantity
from entitlement_ledger.harmless import harmless

if TYPE_CHECKING:
    from entitlement_ledger.answers import BalanceChange, TransactionDetail, TransactionRow


def transaction(detail: TransactionDetail, as_json: bool) -> None:
    """Show one transaction with postings, event, before and after."""
    if as_json:
        print_json(_detail_json(detail))
        return
    for name, value in _facts(detail):
        if value:
            print(f"{name:<12} {harmless(value)}")
    for change in detail.balances:
        for account, moved in _before_after(change):
            print(f"{account:<12} {harmless(change.entitlement)}: {moved}")
    if detail.postings:
        print()
        _print_postings(detail)


def _facts(detail: TransactionDetail) -> list[tuple[str, str | None]]:
    row = detail.row
    return [
        ("transaction", f"{row.transaction} (sequence {row.sequence})"),
        ("type", row.type),
        ("status", f"{row.status} {row.code}: {detail.message}" if row.code else row.status),
        ("customer", row.customer),
        ("entitlement", row.entitlement),
        ("product", row.product),
        ("quantity", None if row.quantity is None else _quantity(row)),
        ("effective", time_text(row.effective_at)),
        ("recorded", time_text(row.recorded_at)),
        ("actor", f"{row.actor} ({row.role})" if row.role else row.actor),
        ("reason", row.reason),
        ("reference", row.reference),
        ("key", row.key),
        ("about", detail.target),
        ("proposal", _proposal(detail)),
        ("reversed by", ", ".join(detail.reversed_by)),
        ("history", "migrated from another system" if detail.history else None),
        ("hash", detail.hash),
    ]


def _proposal(detail: TransactionDetail) -> str | None:
    if not detail.proposal:
        return None
    return "awaits a second person" if detail.row.status == "pending" else "has been decided"


def _before_after(change: BalanceChange) -> Iterator[tuple[str, str]]:
    def moved(before: int, after: int) -> str:
        return " -> ".join(format_quantity(n, change.scale) for n in (before, after))

    yield "available", moved(change.available_before, change.available_after)
    if change.held_before or change.held_after:
        yield "held", moved(change.held_before, change.held_after)


def _print_postings(detail: TransactionDetail) -> None:
    print_table(
        ("grant", "entitlement", "account", "quantity", "effective"),
        [
            (
                leg.grant,
                leg.entitlement,
                leg.account,
                format_quantity(leg.quantity, detail.scale_of(leg.entitlement)),
                time_text(leg.effective_at),
            )
            for leg in detail.postings
        ],
        right="quantity",
    )


def _quantity(row: TransactionRow) -> str:
    return f"{format_quantity(row.quantity or 0, row.scale or 0)} {row.unit or ''}".rstrip()


def _detail_json(detail: TransactionDetail) -> dict[str, Any]:
    return {
        **transaction_json(detail.row),
        "message": detail.message,
        "history": detail.history,
        "target": detail.target,
        "proposal": detail.proposal,
        "reversed_by": list(detail.reversed_by),
        "grants": [
            {
                "grant": grant.id,
                "entitlement": grant.entitlement,
                "quantity": grant.quantity,
                "priority": grant.priority,
                "category": grant.category,
                "effective_from": time_json(grant.effective_from),
                "expires_at": time_json(grant.expires_at),
                "parent": grant.parent,
            }
            for grant in detail.grants
        ],
        "draws": [{"grant": draw.grant, "quantity": draw.quantity} for draw in detail.draws],
        "postings": [
            {
                "grant": leg.grant,
                "entitlement": leg.entitlement,
                "account": leg.account,
                "quantity": leg.quantity,
                "effective_at": time_json(leg.effective_at),
            }
            for leg in detail.postings
        ],
        "before": {
            change.entitlement: {"available": change.available_before, "held": change.held_before}
            for change in detail.balances
        },
        "after": {
            change.entitlement: {"available": change.available_after, "held": change.held_after}
            for change in detail.balances
        },
        "event": json.loads(detail.body),
        "hash": detail.hash,
    }
