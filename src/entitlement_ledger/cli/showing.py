"""Showing answers: as the contract's JSON, or as text for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from entitlement_ledger.cli.printing import (
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
        Explanation,
        GrantPart,
        Imported,
        TransactionDetail,
        TransactionRow,
    )
    from entitlement_ledger.domain.decide import Outcome


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


def due_work(done: DueWork) -> dict[str, int]:
    """Give what a run of due work recorded."""
    return {name: getattr(done, name) for name in done.__struct_fields__}


def write_outcomes(numbered: Iterable[tuple[int, Outcome]]) -> None:
    """Write outcomes as JSON Lines, and see to it that the reader gets them now."""
    lines = [
        json.dumps(outcome_json(number, outcome), ensure_ascii=False)
        for number, outcome in numbered
    ]
    if lines:
        sys.stdout.write("\n".join(lines) + "\n")
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


def _transaction_json(row: TransactionRow) -> dict[str, Any]:
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
        print_json_list(_transaction_json(row) for row in rows)
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


def transaction(detail: TransactionDetail, as_json: bool) -> None:
    """Show one transaction with postings, event, before and after."""
    if as_json:
        print_json(_detail_json(detail))
        return
    row = detail.row
    facts = [
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
        ("reversed by", ", ".join(detail.reversed_by)),
        ("history", "migrated from another system" if detail.history else None),
        ("hash", detail.hash),
    ]
    for name, value in facts:
        if value:
            print(f"{name:<12} {harmless(value)}")
    for change in detail.balances:
        before, after = (
            format_quantity(n, change.scale)
            for n in (change.available_before, change.available_after)
        )
        print(f"{'available':<12} {harmless(change.entitlement)}: {before} -> {after}")
        if change.held_before or change.held_after:
            before, after = (
                format_quantity(n, change.scale) for n in (change.held_before, change.held_after)
            )
            print(f"{'held':<12} {harmless(change.entitlement)}: {before} -> {after}")
    if detail.postings:
        print()
        print_table(
            ("grant", "entitlement", "account", "quantity", "effective"),
            [
                (
                    leg.grant,
                    leg.entitlement,
                    leg.account,
                    format_quantity(leg.quantity, row.scale or 0),
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
        **_transaction_json(detail.row),
        "message": detail.message,
        "history": detail.history,
        "target": detail.target,
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


def explanation(explained: Explanation, as_json: bool) -> None:
    """Show a balance grant by grant, in burn order."""
    balance = explained.balance
    if as_json:
        print_json(
            {
                "customer": balance.customer,
                "entitlement": balance.entitlement,
                "kind": balance.kind,
                "at": time_json(explained.at),
                "available": balance.available,
                "held": balance.held,
                "expires_next": time_json(balance.expires_next),
                "grants": [_part_json(part) for part in explained.parts],
                "next_draw": _next_draw(explained),
            }
        )
        return

    def shown(quantity: int) -> str:
        return format_quantity(quantity, balance.scale)

    print(
        harmless(
            f"{balance.customer} has {shown(balance.available)} {balance.unit} "
            f"of {balance.entitlement} available and {shown(balance.held)} held "
            f"at {time_text(explained.at)}."
        )
    )
    print()
    print_table(
        (
            "draws",
            "grant",
            "state",
            "granted",
            "available",
            "held",
            "consumed",
            "expired",
            "revoked",
            "category",
            "priority",
            "from",
            "expires",
            "by",
            "why",
        ),
        [
            (
                "" if part.next_draw is None else f"{part.next_draw}.",
                part.grant.id,
                part.state,
                *(
                    shown(n)
                    for n in (
                        part.grant.quantity,
                        part.available,
                        part.held,
                        part.consumed,
                        part.expired,
                        part.revoked,
                    )
                ),
                part.grant.category,
                str(part.grant.priority),
                time_text(part.grant.effective_from),
                time_text(part.grant.expires_at) or "never",
                part.actor,
                " ".join(text for text in (part.reason, part.reference) if text),
            )
            for part in explained.parts
        ],
        right="granted available held consumed expired revoked priority",
    )
    moves = [(part.grant.id, move) for part in explained.parts for move in part.moves]
    if moves:
        print()
        print_table(
            ("effective", "grant", "quantity", "to", "by", "transaction", "actor"),
            [
                (
                    time_text(move.effective_at),
                    grant,
                    shown(move.quantity),
                    move.account,
                    move.type,
                    move.transaction,
                    move.actor,
                )
                for grant, move in sorted(moves, key=lambda each: each[1].effective_at)
            ],
            right="quantity",
        )
    print()
    first = next((part for part in explained.parts if part.next_draw == 1), None)
    if first is None:
        print("Nothing can be drawn.")
    else:
        print(f"The next draw takes from {first.grant.id}, which can give {shown(first.gives)}.")


def _next_draw(explained: Explanation) -> list[dict[str, Any]]:
    """Give the grants in the order in which draws would take from them, and what each can give."""
    return [
        {"grant": part.grant.id, "quantity": part.gives}
        for part in explained.parts
        if part.next_draw is not None
    ]


def _part_json(part: GrantPart) -> dict[str, Any]:
    return {
        "grant": part.grant.id,
        "transaction": part.grant.transaction,
        "parent": part.grant.parent,
        "actor": part.actor,
        "reason": part.reason,
        "reference": part.reference,
        "quantity": part.grant.quantity,
        "priority": part.grant.priority,
        "category": part.grant.category,
        "effective_from": time_json(part.grant.effective_from),
        "expires_at": time_json(part.grant.expires_at),
        "available": part.available,
        "held": part.held,
        "consumed": part.consumed,
        "expired": part.expired,
        "revoked": part.revoked,
        "state": part.state,
        "next_draw": part.next_draw,
        "gives": part.gives,
        "moves": [
            {
                "transaction": move.transaction,
                "type": move.type,
                "actor": move.actor,
                "account": move.account,
                "quantity": move.quantity,
                "effective_at": time_json(move.effective_at),
            }
            for move in part.moves
        ],
    }


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


def checks(results: Sequence[CheckResult], as_json: bool) -> None:
    """Show what the checks found."""
    if as_json:
        names = ("name", "ok", "violations", "examples")
        rows = [{name: getattr(each, name) for name in names} for each in results]
        print(json.dumps(rows, ensure_ascii=False, indent=2, default=str))
        return
    for each in results:
        verdict = "ok" if each.ok else f"FAILED, {each.violations} at fault"
        print(f"{each.name:<26} {verdict}  protects from {each.protects}")
        for example in each.examples:
            told = ", ".join(f"{name} {value}" for name, value in example.items())
            print(harmless(f"    {told}"))
