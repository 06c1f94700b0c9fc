"""Describing answers in text with colours from the theme, a word beside each colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from textual.content import Content

from entitlement_ledger.answers import (
    BalanceChange,
    EntitlementRow,
    Explanation,
    GrantMove,
    GrantPart,
    TransactionDetail,
)
from entitlement_ledger.console.drawing import BLOCKS, Alphabet, bar
from entitlement_ledger.console.wording import (
    STATUS_SIGNS,
    amount,
    filled,
    fit,
    signed,
    signed_status,
    when,
    when_exactly,
)
from entitlement_ledger.domain.events import transaction_id
from entitlement_ledger.harmless import harmless

if TYPE_CHECKING:
    from entitlement_ledger.domain.decide import Outcome
    from entitlement_ledger.domain.subscriptions import Change

_NAME_WIDTH = 13
_BAR = 20
_MOVES_MAX = 4


def status(status: str) -> tuple[str, str]:
    """Give a status with its sign, and how it is styled."""
    colour = STATUS_SIGNS.get(status, ("", "secondary"))[1] or "secondary"
    return signed_status(status), f"bold ${colour}"


def facts(told: Iterable[tuple[str, str | None]]) -> list[Content]:
    """Show facts, each behind its name; those without a value are left out."""
    return [
        Content.assemble((f"{name:<{_NAME_WIDTH}}", "$secondary"), harmless(value))
        for name, value in told
        if value
    ]


def _heading(text: str) -> Content:
    return Content.assemble("\n", (text, "bold $primary"))


def change(name: str, before: str, after: str) -> Content:
    """Show one thing before and after, as a difference with signs."""
    if before == after:
        return Content.assemble(("  = ", "$secondary"), harmless(f"{name}: {after}"))
    lines: list[Content | tuple[str, str]] = []
    if before:
        lines += [("  - ", "bold $error"), (harmless(f"{name}: {before}"), "$error")]
    if before and after:
        lines.append(Content("\n"))
    if after:
        lines += [("  + ", "bold $success"), (harmless(f"{name}: {after}"), "$success")]
    return Content.assemble(*lines)


def balance_changes(changes: Iterable[BalanceChange]) -> list[Content]:
    """Show what was available and held, before and after."""
    return [
        change(f"{each.entitlement} {name}", *(amount(n, each.scale, each.unit) for n in pair))
        for each in changes
        for name, pair in (
            ("available", (each.available_before, each.available_after)),
            ("held", (each.held_before, each.held_after)),
        )
        if name == "available" or any(pair)
    ]


def _waits_for(detail: TransactionDetail) -> str | None:
    waits = detail.proposal and detail.row.status == "pending"
    return "a second person to approve or reject it" if waits else None


def transaction(detail: TransactionDetail) -> Content:
    """Describe one transaction."""
    row = detail.row
    lines = [
        Content.assemble(
            (harmless(f"{row.type} "), "bold"),
            (amount(row.quantity, row.scale, row.unit), "bold"),
            harmless(f" {row.entitlement or row.product or ''}  "),
            status(row.status),
            (f"  {row.code}: {harmless(detail.message)}" if row.code else "", "$error"),
        ),
        Content(""),
        *facts(
            (
                ("customer", row.customer),
                ("asked by", f"{row.actor} ({row.role})" if row.role else row.actor),
                ("reason", row.reason or "—"),
                ("reference", row.reference or "—"),
                ("effective", when_exactly(row.effective_at)),
                ("recorded", when_exactly(row.recorded_at)),
                ("about", detail.target),
                ("reversed by", ", ".join(detail.reversed_by)),
                ("key", row.key),
                ("id", f"{row.transaction}, event {row.sequence}"),
                ("waits for", _waits_for(detail)),
                ("origin", "migrated from another system" if detail.history else None),
            )
        ),
    ]
    if detail.balances:
        lines += [_heading("Before → after"), *balance_changes(detail.balances)]
    if detail.grants:
        lines += [_heading("Grants given"), *_grants_given(detail)]
    if detail.draws:
        lines += [_heading("Drawn, in this order"), *_draws(detail)]
    if detail.postings:
        lines += [_heading("Postings"), *_postings(detail)]
    lines += [_heading("Event"), *facts([("SHA-256", detail.hash)])]
    return Content("\n").join(lines)


def _grants_given(detail: TransactionDetail) -> Iterator[Content]:
    for grant in detail.grants:
        quantity = amount(grant.quantity, detail.scale_of(grant.entitlement))
        yield Content(
            harmless(
                f"  {grant.id}  {quantity} {grant.entitlement}  {grant.category}, "
                f"priority {grant.priority}, from {when(grant.effective_from)}, "
                f"lapses {when(grant.expires_at, none='never')}"
            )
        )


def _draws(detail: TransactionDetail) -> Iterator[Content]:
    of = {leg.grant: leg.entitlement for leg in detail.postings}
    for place, draw in enumerate(detail.draws, 1):
        quantity = amount(draw.quantity, detail.scale_of(of.get(draw.grant)))
        yield Content(harmless(f"  {place}. {draw.grant}  {quantity}"))


def _postings(detail: TransactionDetail) -> Iterator[Content]:
    for leg in detail.postings:
        quantity = signed(leg.quantity, detail.scale_of(leg.entitlement))
        yield Content(
            f"  {filled(leg.grant, 12)} {filled(leg.account, 10)} "
            f"{fit(quantity, 14, right=True)}  {when_exactly(leg.effective_at)}"
        )


def outcome(
    answered: Outcome, catalogue: Mapping[str, EntitlementRow], *, happened: bool
) -> Content:
    """Describe what a command did, or would do: before → after, and the grants it touches."""
    made = answered.event
    if answered.code is not None or made is None:
        return Content.assemble((f"✗ {answered.code}: ", "bold $error"), harmless(answered.message))

    def told(quantity: int, entitlement: str) -> str:
        known = catalogue.get(entitlement)
        return amount(quantity, known.scale if known else 0, known.unit if known else "")

    recorded = harmless(f"✓ Recorded as {answered.transaction}, {made.status}.")
    lines = [
        Content.assemble((recorded if happened else "This is what it would do:", "bold $success"))
    ]
    if made.proposal:
        lines.append(Content("  waits for a second person: nothing is changed until then"))
    for each in made.balances:
        for name in ("available", "held"):
            before, after = getattr(each.before, name), getattr(each.after, name)
            if name == "available" or before or after:
                code = each.entitlement
                lines.append(change(f"{code} {name}", told(before, code), told(after, code)))
    for grant in made.grants:
        ends = when(grant.expires_at, none="never")
        name = grant.id if happened else "a new grant"
        quantity = told(grant.quantity, grant.entitlement)
        lines.append(
            Content(
                harmless(
                    f"  gives {name}: {quantity} of {grant.entitlement}, "
                    f"{grant.category}, lapses {ends}"
                )
            )
        )
    codes = {posting.grant: posting.entitlement for posting in made.postings}
    taken = {
        posting.grant
        for posting in made.postings
        if posting.account == "available" and posting.quantity < 0
    }
    for draw in answered.draws:
        returned = made.type in ("release", "reverse") and draw.grant not in taken
        verb = "back to" if returned and not made.grants else "from"
        quantity = told(draw.quantity, codes.get(draw.grant, ""))
        lines.append(Content(harmless(f"  {quantity} {verb} {draw.grant}")))
    lines += [
        Content(harmless(f"  {transaction_id(each.target)} is {each.status} from then on"))
        for each in made.resolves
    ]
    lines += [
        Content(harmless(f"  at {when(waiting.at)}: {_waiting(waiting, each.product)}"))
        for each in made.subscriptions
        for waiting in each.waiting()
    ]
    return Content("\n").join(lines)


def _waiting(change: Change, product: str) -> str:
    """Tell what is to happen at a period's end."""
    to = "" if change.product is None else f" to {change.product}"
    return f"{change.type} {change.grant or product}{to}"


def explanation(explained: Explanation, letters: Alphabet = BLOCKS) -> Content:
    """Describe a balance grant by grant, in burn order."""
    balance = explained.balance
    lines = [
        Content.assemble(
            (harmless(balance.name or balance.entitlement), "bold"),
            harmless(f"  {balance.entitlement}, {balance.kind}"),
        ),
        Content(
            harmless(
                f"{amount(balance.available, balance.scale, balance.unit)} available, "
                f"{amount(balance.held, balance.scale, balance.unit)} held "
                f"at {when_exactly(explained.at)}"
            )
        ),
        Content.assemble(
            (bar(balance.available, balance.granted, _BAR, letters), "$accent"),
            f"  of {amount(balance.granted, balance.scale, balance.unit)} in usable grants",
        ),
    ]
    first = next((part for part in explained.parts if part.next_draw == 1), None)
    lines.append(
        Content.assemble(("Nothing can be drawn now.", "$warning"))
        if first is None
        else Content(
            f"The next draw takes from {first.grant.id}, "
            f"which can give {amount(first.gives, balance.scale, balance.unit)}."
        )
    )
    lines.append(_heading("Grants, in the order in which they are drawn"))
    drawn = sorted(explained.parts, key=lambda part: part.next_draw or len(explained.parts) + 1)
    lines += [_part(part, balance.scale) for part in drawn]
    return Content("\n").join(lines)


def _part(part: GrantPart, scale: int) -> Content:
    grant = part.grant
    order = f"{part.next_draw:>3}. " if part.next_draw else "     "
    went = [
        f"{amount(n, scale)} {name}"
        for name, n in (
            ("available", part.available),
            ("held", part.held),
            ("consumed", part.consumed),
            ("expired", part.expired),
            ("revoked", part.revoked),
        )
        if n
    ]
    why = " ".join(text for text in (part.reason, part.reference) if text)
    return Content.assemble(
        order,
        (f"{grant.id:<10}", "bold"),
        status(part.state),
        harmless(f"  {amount(grant.quantity, scale)} = {' + '.join(went) or '0'}"),
        "\n       ",
        (
            harmless(
                f"{grant.category}, priority {grant.priority}, {when(grant.effective_from)[:10]} "
                f"to {when(grant.expires_at, none='ever')[:10]}, by {part.actor}"
                f"{': ' + why if why else ''}"
            ),
            "$secondary",
        ),
        *(
            Content.assemble("\n       ", harmless(_move(move, scale)))
            for move in part.moves[-_MOVES_MAX:]
        ),
        f"\n       and {len(part.moves) - _MOVES_MAX} more before"
        if len(part.moves) > _MOVES_MAX
        else "",
    )


def _move(move: GrantMove, scale: int) -> str:
    """Tell what one transaction did to a grant."""
    return (
        f"{when(move.effective_at)} {amount(move.quantity, scale)} {move.account} "
        f"by {move.type} {move.transaction}, {move.actor}"
    )


def value(said: Any) -> str:
    """Write a value of a record in a line."""
    if said is None:
        return ""
    if isinstance(said, list):
        return "; ".join(value(each) for each in said) or "(none)"
    if isinstance(said, dict):
        return ", ".join(f"{name} {value(each)}" for name, each in said.items() if each is not None)
    return f"{said:,}" if isinstance(said, int) else str(said)
