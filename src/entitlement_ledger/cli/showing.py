"""Showing answers: as the contract's JSON, or as text for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from entitlement_ledger.cli.printing import (
    escaped,
    json_text,
    narrate,
    outcome_json,
    print_json,
    print_json_list,
    print_table,
    time_json,
    time_text,
)
from entitlement_ledger.domain.quantities import format_quantity
from entitlement_ledger.harmless import harmless

if TYPE_CHECKING:
    from entitlement_ledger.answers import (
        Access,
        Balance,
        CheckResult,
        Difference,
        DueWork,
        Imported,
        TransactionRow,
    )
    from entitlement_ledger.domain.decide import Outcome

_SHOWN_MAX = 5
"""How many rows at fault, or customers, are shown to people."""


def imported(each: Imported) -> dict[str, Any]:
    """Give what an import did with one file."""
    return {
        "file": each.file,
        "table": each.table,
        "rows": each.rows,
        "added": each.added,
        "changed": each.changed,
        "problems": list(each.problems),
    }


def due_work(done: DueWork, as_json: bool) -> None:
    """Show what a run of due work recorded, and for whom it could not."""
    if as_json:
        print_json({name: getattr(done, name) for name in done.__struct_fields__})
        return
    counts = [name for name in done.__struct_fields__ if name != "stuck"]
    narrate(", ".join(f"{getattr(done, name)} {name.replace('_', ' ')}" for name in counts))
    if done.stuck:
        first = ", ".join(done.stuck[:_SHOWN_MAX])
        more = ", …" if len(done.stuck) > _SHOWN_MAX else ""
        narrate(
            f"{len(done.stuck)} stuck: {first}{more}: what is due would pass 64 bits or the "
            "year 9999; `entl check missed_renewals` names the subscriptions a day later"
        )


def write_outcomes(numbered: Iterable[tuple[int, Outcome]]) -> None:
    """Write outcomes as JSON Lines, and see to it that the reader gets them now."""
    import msgspec

    lines = [msgspec.json.encode(outcome_json(number, outcome)) for number, outcome in numbered]
    if lines:
        sys.stdout.write(escaped(b"\n".join([*lines, b""]).decode()))
        sys.stdout.flush()


def balances(rows: Sequence[Balance], as_json: bool) -> None:
    """Show balances."""
    if as_json:
        print_json(
            [
                {
                    "customer": row.customer,
                    "entitlement": row.entitlement,
                    "kind": row.kind,
                    "available": row.available,
                    "held": row.held,
                    "expires_next": time_json(row.expires_next),
                }
                for row in rows
            ]
        )
        return
    print_table(
        ("entitlement", "kind", "available", "held", "unit", "expires next"),
        [
            (
                row.entitlement,
                row.kind,
                format_quantity(row.available, row.scale),
                format_quantity(row.held, row.scale),
                row.unit,
                time_text(row.expires_next),
            )
            for row in rows
        ],
        right="available held",
    )


def transaction_json(row: TransactionRow) -> dict[str, Any]:
    """Give a transaction as the contract has it."""
    return {
        "transaction": row.transaction,
        "sequence": row.sequence,
        "type": row.type,
        "status": row.status,
        "code": row.code,
        "customer": row.customer,
        "entitlement": row.entitlement,
        "product": row.product,
        "quantity": row.quantity,
        "effective_at": time_json(row.effective_at),
        "recorded_at": time_json(row.recorded_at),
        "actor": row.actor,
        "role": row.role,
        "reason": row.reason,
        "reference": row.reference,
        "key": row.key,
    }


def history(rows: Iterable[TransactionRow], as_json: bool) -> None:
    """Show transactions."""
    if as_json:
        print_json_list(transaction_json(row) for row in rows)
        return
    print_table(
        ("transaction", "effective", "type", "status", "customer", "quantity", "of", "by", "why"),
        [
            (
                row.transaction,
                time_text(row.effective_at),
                row.type,
                f"{row.status} {row.code}" if row.code else row.status,
                row.customer,
                "" if row.quantity is None else format_quantity(row.quantity, row.scale or 0),
                row.entitlement or row.product or "",
                row.actor,
                " ".join(part for part in (row.reason, row.reference) if part),
            )
            for row in rows
        ],
        right="quantity",
    )


def access(answer: Access, as_json: bool) -> None:
    """Show whether there is access."""
    if as_json:
        print_json(
            {
                "customer": answer.customer,
                "entitlement": answer.entitlement,
                "allowed": answer.allowed,
                "why": answer.why,
                "resources": list(answer.resources),
            }
        )
        return
    print(harmless(f"{'yes' if answer.allowed else 'no'}: {answer.why}"))
    for resource in answer.resources:
        print(harmless(f"  opens {resource}"))


def differences(rows: Sequence[Difference], as_json: bool) -> None:
    """Show what is known otherwise."""
    if as_json:
        names = rows[0].__struct_fields__ if rows else ()
        print_json([{name: getattr(row, name) for name in names} for row in rows])
        return
    print_table(
        ["customer", "entitlement", "available", "held", "because of"],
        [
            [
                row.customer,
                row.entitlement,
                _change(row.available_before, row.available_after, row.scale),
                _change(row.held_before, row.held_after, row.scale),
                ", ".join(row.transactions),
            ]
            for row in rows
        ],
    )


def _change(before: int, after: int, scale: int) -> str:
    return f"{format_quantity(before, scale)} → {format_quantity(after, scale)}"


def first_at_fault(results: Sequence[CheckResult]) -> int | None:
    """Give the first event that verification found altered, lacking or put in, if it could tell."""
    return min(
        (
            fault["sequence"]
            for each in results
            if each.name in ("journal", "checkpoints", "witness")
            for fault in each.examples
            if "sequence" in fault
        ),
        default=None,
    )


def checks(results: Sequence[CheckResult], as_json: bool) -> None:
    """Show what the checks found."""
    if as_json:
        names = ("name", "ok", "violations", "examples")
        rows = [{name: getattr(each, name) for name in names} for each in results]
        print(json_text(rows, indent=2, default=str))
        return
    for each in results:
        verdict = "ok" if each.ok else f"FAILED, {each.violations} at fault"
        print(f"{each.name:<26} {verdict}  protects from {each.protects}")
        for example in each.examples[:_SHOWN_MAX]:
            told = ", ".join(f"{name} {value}" for name, value in example.items())
            print(harmless(f"    {told}"))
        if each.violations > _SHOWN_MAX:
            print(f"    … {each.violations - _SHOWN_MAX:,} more; --json gives more of them")
