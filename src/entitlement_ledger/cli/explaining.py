"""Showing where a balance comes from: as JSON, or as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entitlement_ledger.cli.printing import print_json, print_table, time_json, time_text
from entitlement_ledger.domain.quantities import format_quantity
from entitlement_ledger.harmless import harmless

if TYPE_CHECKING:
    from entitlement_ledger.answers import Explanation, GrantPart

_GRANTS = (
    "draws", "grant", "state", "granted", "available", "held", "consumed", "expired", "revoked",
    "category", "priority", "from", "expires", "by", "why",
)  # fmt: skip
_MOVES = ("effective", "grant", "quantity", "to", "by", "transaction", "actor")


def explanation(explained: Explanation, as_json: bool) -> None:
    """Show a balance grant by grant, in burn order."""
    if as_json:
        print_json(_explanation_json(explained))
        return
    balance, scale = explained.balance, explained.balance.scale
    available, held = (format_quantity(n, scale) for n in (balance.available, balance.held))
    print(
        harmless(
            f"{balance.customer} has {available} {balance.unit} of {balance.entitlement} "
            f"available and {held} held at {time_text(explained.at)}."
        )
    )
    print()
    print_table(
        _GRANTS,
        [_grant(part, scale) for part in explained.parts],
        right="granted available held consumed expired revoked priority",
    )
    moves = _moves(explained)
    if moves:
        print()
        print_table(_MOVES, moves, right="quantity")
    print()
    first = next((part for part in explained.parts if part.next_draw == 1), None)
    if first is None:
        print("Nothing can be drawn.")
    else:
        can_give = format_quantity(first.gives, scale)
        print(f"The next draw takes from {first.grant.id}, which can give {can_give}.")


def _grant(part: GrantPart, scale: int) -> tuple[str, ...]:
    grant = part.grant
    accounts = (part.available, part.held, part.consumed, part.expired, part.revoked)
    return (
        "" if part.next_draw is None else f"{part.next_draw}.",
        grant.id,
        part.state,
        *(format_quantity(quantity, scale) for quantity in (grant.quantity, *accounts)),
        grant.category,
        str(grant.priority),
        time_text(grant.effective_from),
        time_text(grant.expires_at) or "never",
        part.actor,
        " ".join(text for text in (part.reason, part.reference) if text),
    )


def _moves(explained: Explanation) -> list[tuple[str, ...]]:
    """Give what was done to the grants, oldest first."""
    found = [(part.grant.id, move) for part in explained.parts for move in part.moves]
    return [
        (
            time_text(move.effective_at),
            grant,
            format_quantity(move.quantity, explained.balance.scale),
            move.account,
            move.type,
            move.transaction,
            move.actor,
        )
        for grant, move in sorted(found, key=lambda each: each[1].effective_at)
    ]


def _explanation_json(explained: Explanation) -> dict[str, Any]:
    balance = explained.balance
    return {
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
