"""Telling of an event of the audit trail: in a row, and whole, with its review and its proof."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from textual.content import Content

from entitlement_ledger.answers import EventReview, EventRow, PostingRow
from entitlement_ledger.console.screens import describing
from entitlement_ledger.console.wording import amount, when, when_exactly
from entitlement_ledger.counted import counted
from entitlement_ledger.domain.events import REVIEW
from entitlement_ledger.harmless import harmless
from entitlement_ledger.reviews import FLAGGED, REVIEWED, ProofStatus

_LISTED_MAX = 12
_UNREVIEWED = ("○", "secondary", "not reviewed")
_MARKS = {REVIEWED: ("✓", "success"), FLAGGED: ("⚑", "error")}
"""A sign and a theme colour beside the word, never instead of it."""

_PROOFS = {
    "sealed": ("✓", "success", "sealed"),
    "unsealed": ("○", "warning", "not sealed yet"),
    "fails": ("✗", "error", "PROOF FAILS"),
}


def is_review(row: EventRow) -> bool:
    """Say whether an event is a review itself, which nobody reviews."""
    return row.event == REVIEW


def sign_of(row: EventRow) -> str:
    """Give the sign of how an event is marked; a review has none."""
    if is_review(row):
        return " "
    return "·" if row.review is None else _MARKS[row.review.mark][0]


def colour_of(row: EventRow) -> str:
    """Give the theme colour beside that sign."""
    return "" if row.review is None else _MARKS[row.review.mark][1]


def what(row: EventRow) -> str:
    """Say what kind of event it is."""
    if row.event == "archive":
        return row.event
    return row.what if is_review(row) or row.event == "transaction" else f"{row.event} {row.what}"


def difference(row: EventRow) -> str:
    """Give what changed, in a few words."""
    if row.code:
        return f"✗ {row.code}"
    if row.event != "transaction":
        after = row.after or {}
        if row.event == "archive":
            return f"{counted(after['events'], 'event')} archived"
        if is_review(row):
            count = len(after["events"])
            marked = "" if count == 1 else f"{count:,} events"
            return ": ".join(part for part in (marked, row.reason or "") if part)
        changed = [name for name in after if (row.before or {}).get(name) != after[name]]
        return ", ".join(changed) if row.before else "new"
    arrived = [leg for leg in row.moved if leg.quantity > 0]
    if arrived:
        return ", ".join(
            f"{leg.entitlement} {amount(leg.quantity, row.scale_of(leg.entitlement))} → "
            f"{leg.account}"
            for leg in arrived
        )
    return ", ".join(
        f"{each.entitlement} {amount(each.available_before, each.scale)} → "
        f"{amount(each.available_after, each.scale)}"
        for each in row.balances
    )


def event(row: EventRow, proof: ProofStatus | None) -> Content:
    """Describe an event: what changed, by whom, why, who has looked at it, and its proof.

    `proof` is None as long as nobody knows.
    """
    lines = [_heading(row, proof), *_differences(row), *describing.facts(_asked(row))]
    if not is_review(row):
        lines += describing.facts([("review", _review(row.review))])
    lines += describing.facts([("proof", _proof(proof)), *_rest(row)])
    return Content("\n").join(lines)


def _heading(row: EventRow, proof: ProofStatus | None) -> Content:
    kind = row.event if row.event != "transaction" else ""
    parts: list[Content | str | tuple[str, str]] = [
        (harmless(f"{row.what} {kind} ".replace("  ", " ")), "bold"),
        (harmless(row.subject), "bold"),
        "  ",
        describing.status(row.status),
    ]
    if not is_review(row):
        sign, colour, word = (
            _UNREVIEWED if row.review is None else (*_MARKS[row.review.mark], row.review.mark)
        )
        parts.append((f"  {sign} {word}", f"bold ${colour}"))
    if proof is not None:
        sign, colour, word = _PROOFS[proof.state]
        parts.append((f"  {sign} {word}", f"bold ${colour}"))
    return Content.assemble(*parts)


def _differences(row: EventRow) -> Iterator[Content]:
    before, after = row.before or {}, row.after or {}
    names = sorted({*before, *after})
    yield from describing.balance_changes(row.balances)
    yield from map(partial(_leg, row), row.moved)
    if not names and not row.balances:
        yield Content.assemble(("  nothing was changed", "$secondary"))
    for name in names:
        yield describing.change(name, *(_listed(each.get(name)) for each in (before, after)))


def _leg(row: EventRow, leg: PostingRow) -> Content:
    """Tell what one leg took from an account of a grant, or put into it."""
    scale, unit = row.scale_of(leg.entitlement), row.unit_of(leg.entitlement)
    sign, colour = ("-", "error") if leg.quantity < 0 else ("+", "success")
    said = (
        f"{leg.entitlement} {leg.account} of {leg.grant}: {amount(abs(leg.quantity), scale, unit)}"
    )
    return Content.assemble((f"  {sign} ", f"bold ${colour}"), (harmless(said), f"${colour}"))


def _listed(value: Any) -> str:
    """Tell a value; of many, the first ones and how many there are."""
    if isinstance(value, list) and len(value) > _LISTED_MAX:
        first = describing.value(value[:_LISTED_MAX])
        return f"{first}; and {len(value) - _LISTED_MAX:,} more"
    return describing.value(value)


def _asked(row: EventRow) -> list[tuple[str, str | None]]:
    return [
        ("asked by", f"{row.actor} ({row.role})" if row.role else row.actor),
        ("proposed by", row.proposer),
        ("approved by", row.approver),
        ("reason", row.reason or "—"),
        ("reference", row.reference or "—"),
    ]


def _rest(row: EventRow) -> list[tuple[str, str | None]]:
    return [
        ("recorded", when_exactly(row.recorded_at)),
        ("effective", when_exactly(row.effective_at)),
        ("refused", row.code),
        ("note", row.message),
        ("event", f"{row.sequence}"),
    ]


def _review(review: EventReview | None) -> str:
    if review is None:
        return "nobody has looked at it"
    note = f": {review.note}" if review.note else ""
    return f"{review.mark} by {review.actor}, {when(review.recorded_at)}{note}"


def _proof(proof: ProofStatus | None) -> str:
    if proof is None:
        return "…"
    if proof.state == "unsealed":
        return "no signed checkpoint covers it yet"
    if proof.state == "fails":
        return f"✗ {proof.why}: run `entl verify`"
    until = f", up to {when(proof.sealed_at)}" if proof.sealed_at is not None else ""
    return f"signed checkpoint over {proof.size:,} events{until}"
