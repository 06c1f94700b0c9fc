"""Answers to "why?", in sentences that can be read out: of a balance, and of a refusal.

Pure: answers go in, plain sentences come out. Text from outside is in them as it came; whoever
shows them makes it harmless. Times are told in UTC, to the minute.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from entitlement_ledger.answers import (
    Explanation,
    GrantMove,
    GrantPart,
    TransactionDetail,
    TransactionRow,
)
from entitlement_ledger.console.moment import NOW, Moment, told
from entitlement_ledger.console.wording import amount, signed, when
from entitlement_ledger.domain.instants import parse_instant
from entitlement_ledger.domain.refusals import Code

_GRANTS_MAX = 6
_DEEDS_MAX = 3
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)

_CAME = {
    "issue": "issued",
    "adjust": "given in a correction",
    "purchase": "given with a purchase",
    "renew": "given with a renewal",
    "upgrade": "given with an upgrade",
    "downgrade": "given with a downgrade",
    "approve": "given once a second person had approved it",
}
"""How a grant came to be, by the type of the transaction that it is from."""

_WENT = {"consumed": "used", "held": "held", "revoked": "taken back"}
"""What became of a quantity, by the account that it was moved into."""

_IN = {
    "adjust": "in a correction",
    "reverse": "in a reversal",
    "capture": "out of a hold",
    "cancel": "in a cancellation",
    "renew": "in a renewal",
    "upgrade": "in an upgrade",
    "downgrade": "in a downgrade",
    "approve": "once a second person had approved it",
}
"""Why, by the type of the transaction, where the account alone does not say it."""

_REMEDIES = {
    Code.INVALID_FIELD: "Send it again with that field put right.",
    Code.MISSING_FIELD: "Send it again with that field.",
    Code.KEY_CONFLICT: "Send it under a key of its own: this one stands for another command.",
    Code.UNKNOWN_CUSTOMER: "The customer has to be imported first, or the id corrected.",
    Code.UNKNOWN_ENTITLEMENT: "The entitlement has to be imported first, or its code corrected.",
    Code.UNKNOWN_PRODUCT: "The product has to be imported first, or its code corrected.",
    Code.UNKNOWN_TRANSACTION: "It has to name a transaction or a grant of this very customer.",
    Code.CUSTOMER_SUSPENDED: "The customer would have to be active again.",
    Code.CUSTOMER_CLOSED: "The customer would have to be open again; "
    "what they were given can only be reversed, released or cancelled.",
    Code.ENTITLEMENT_RETIRED: "It would have to be for something that is still given.",
    Code.NOT_CONSUMABLE: "A feature is taken away by ending its grant or its subscription.",
    Code.NOT_A_HOLD: "It has to name a hold that was accepted.",
    Code.NOT_REVERSIBLE: "Correct it by another transaction: this one cannot be undone.",
    Code.REASON_REQUIRED: "Send it again with a reason.",
    Code.INVALID_QUANTITY: "Send it again with another quantity.",
    Code.INVALID_TIME: "Send it again with a time at which it may count.",
    Code.PERIOD_CLOSED: "It would have to count after the closed period.",
    Code.ALREADY_RESOLVED: "There is nothing left to do: look at what was done before.",
    Code.EXCEEDS_HELD: "Ask for no more than the hold keeps.",
    Code.EXCEEDS_ORIGINAL: "Ask for no more than is left to be undone.",
    Code.NOT_SUBSCRIBED: "The customer would have to have a subscription to it, with a period.",
    Code.ALREADY_SUBSCRIBED: "The subscription that there is would have to end first.",
    Code.WRONG_TIER: "An upgrade goes to a higher tier, a downgrade to a lower one.",
    Code.NOT_PERMITTED: "Somebody whose role may do it has to ask.",
    Code.OWN_PROPOSAL: "Somebody else than who proposed it has to decide.",
    Code.NOT_PENDING: "It has to name a proposal on which nobody has decided yet.",
    Code.INSUFFICIENT_BALANCE: "It would go through for no more than could be given then, "
    "or once more is given that counts by that time.",
}
"""What would have to be different, by the code of a refusal."""

_ASKED = {
    "issue": "to give {quantity} of {what}",
    "consume": "to use {quantity} of {what}",
    "hold": "to hold {quantity} of {what}",
    "adjust": "to correct {what} by {signed}",
    "capture": "to use what the hold {target} keeps",
    "release": "to give back what the hold {target} keeps",
    "reverse": "to undo {target}",
    "purchase": "to open a subscription to {what}",
    "renew": "to renew {what}",
    "upgrade": "to upgrade to {what}",
    "downgrade": "to downgrade to {what}",
    "cancel": "to end {what}",
    "approve": "to approve {target}",
    "reject": "to turn down {target}",
}


@dataclass(frozen=True, slots=True)
class _Deed:
    """What one transaction moved into one account, of however many grants."""

    move: GrantMove
    quantity: int


def why_balance(explained: Explanation, moment: Moment = NOW) -> list[str]:
    """Say why a balance is what it is; `moment` is what it was asked as of."""
    parts = sorted(explained.parts, key=lambda part: part.grant.effective_from)
    sentences = [_headline(explained)]
    if moment.known_at is not None:
        sentences.append(f"That is what was known at {told(moment.known_at)}.")
    if not parts:
        return [*sentences, "Nothing of it was ever given."]
    sentences += _grants(explained, parts)
    deeds = list(_deeds(parts))
    for account in ("consumed", "held", "available", "revoked"):
        of_it = [deed for deed in deeds if deed.move.account == account]
        sentences += _told_deeds(explained, account, of_it)
    sentences += _limits(explained, moment)
    sentences.append("Nothing else touched it." if deeds else "Nothing has touched it since.")
    return sentences


def _headline(explained: Explanation) -> str:
    balance = explained.balance
    code = balance.entitlement
    name = code if balance.name in ("", code) else f"{balance.name}, {code},"
    at = f"{when(explained.at)} UTC"
    if balance.kind == "feature":
        has = "has" if balance.available > 0 else "does not have"
        return f"{balance.customer} {has} {name.rstrip(',')} at {at}."
    available = _quantity(explained, balance.available) if balance.available else "nothing"
    held = f", and {_quantity(explained, balance.held)} held" if balance.held else ""
    return f"{balance.customer} has {available} of {name} available{held} at {at}."


def _quantity(explained: Explanation, quantity: int) -> str:
    return amount(quantity, explained.balance.scale, explained.balance.unit)


def _were(explained: Explanation, quantity: int) -> str:
    return f"{_quantity(explained, quantity)} {'was' if _one(explained, quantity) else 'were'}"


def _one(explained: Explanation, quantity: int) -> bool:
    """Say whether a quantity is exactly one, which is spoken of in the singular."""
    one: int = 10**explained.balance.scale
    return quantity == one


def _grants(explained: Explanation, parts: Sequence[GrantPart]) -> Iterator[str]:
    """Tell where it came from: first what still counts, and the oldest of many others together."""
    counting = [part for part in parts if part.held or part.state in ("usable", "scheduled")]
    gone = [part for part in parts if part not in counting]
    named = (counting + gone[::-1])[:_GRANTS_MAX]
    for part in (*counting, *gone):
        if part in named:
            yield _origin(explained, part)
            yield from _left(explained, part)
    rest = [part for part in parts if part not in named]
    if rest:
        given = sum(part.grant.quantity for part in rest)
        lapsed = sum(map(_lapsed, rest))
        unused = f"; {_quantity(explained, lapsed)} of that lapsed unused" if lapsed else ""
        count = f"{len(rest)} more grant{'s' if len(rest) > 1 else ''}"
        yield (
            f"There {'are' if len(rest) > 1 else 'is'} {count} of {_quantity(explained, given)}"
            f" altogether{unused}."
        )


def _origin(explained: Explanation, part: GrantPart) -> str:
    grant = part.grant
    if part.state == "scheduled":
        begins = "begins" if _one(explained, grant.quantity) else "begin"
        return (
            f"{_quantity(explained, grant.quantity)} more {begins} to count on "
            f"{when(grant.effective_from)}, given by {part.actor}{_because(part)}."
        )
    first = (move for move in part.moves if _is_origin(part, move))
    kind = next((move.type for move in first), "issue")
    came = "carried over" if grant.parent is not None else _CAME.get(kind, "given")
    return (
        f"{_were(explained, grant.quantity)} {came} on {when(grant.effective_from)} "
        f"by {part.actor}{_because(part)}."
    )


def _is_origin(part: GrantPart, move: GrantMove) -> bool:
    """Say whether a move is the one by which the grant was given."""
    return move.transaction == part.grant.transaction and move.account == "available"


def _because(part: GrantPart | TransactionRow) -> str:
    said = ": ".join(text for text in (part.reference, part.reason) if text)
    return f" ({said})" if said else ""


def _lapsed(part: GrantPart) -> int:
    """Give what lapsed unused of a grant, swept or not."""
    return part.expired + (part.available if part.state == "expired" else 0)


def _left(explained: Explanation, part: GrantPart) -> Iterator[str]:
    """Tell what is left of a grant, and when that lapses or lapsed."""
    ends = part.grant.expires_at
    lapsed = _lapsed(part)
    if lapsed:
        yield f"{_quantity(explained, lapsed)} of that lapsed unused on {when(ends)}."
    elif part.available and part.state == "usable":
        one = _one(explained, part.available)
        lapses = "never lapse" if ends is None else f"lapse on {when(ends)}"
        if one:
            lapses = lapses.replace("lapse", "lapses")
        left = f"{_quantity(explained, part.available)} of that"
        yield f"{left} {'is' if one else 'are'} left and {lapses}."


def _deeds(parts: Sequence[GrantPart]) -> Iterator[_Deed]:
    """Give what was done since, oldest first, each transaction once for each account.

    What expired is told with its grant.
    """
    moved: dict[tuple[str, str], _Deed] = {}
    for part in parts:
        for move in part.moves:
            if move.account == "expired" or _is_origin(part, move):
                continue
            key = (move.transaction, move.account)
            before = moved[key].quantity if key in moved else 0
            moved[key] = _Deed(move, before + move.quantity)
    yield from sorted(moved.values(), key=lambda deed: deed.move.effective_at)


def _told_deeds(explained: Explanation, account: str, deeds: Sequence[_Deed]) -> Iterator[str]:
    """Tell what was moved into an account: a few one by one, many together."""
    if len(deeds) <= _DEEDS_MAX:
        for deed in deeds:
            move = deed.move
            why = f" {_IN[move.type]}" if move.type in _IN else ""
            yield (
                f"{_became(explained, account, deed.quantity)}{why} on {when(move.effective_at)} "
                f"by {move.actor}."
            )
        return
    first, last = deeds[0].move, deeds[-1].move
    total = sum(deed.quantity for deed in deeds)
    yield (
        f"{_became(explained, account, total)} in {len(deeds)} transactions from "
        f"{when(first.effective_at)} to {when(last.effective_at)}, the last by {last.actor}."
    )


def _became(explained: Explanation, account: str, quantity: int) -> str:
    if account == "available":
        return f"{_quantity(explained, quantity)} came back"
    return f"{_were(explained, quantity)} {_WENT[account]}"


def _limits(explained: Explanation, moment: Moment) -> Iterator[str]:
    """Tell what of a balance is not to be had at once."""
    balance = explained.balance
    if balance.held:
        yield f"The {_quantity(explained, balance.held)} held will be used, or come back."
    gives = sum(part.gives for part in explained.parts)
    if moment.at is None and gives < balance.available:
        yield (
            f"Only {_quantity(explained, gives)} can be drawn now: "
            "the rest is spoken for by what counts later."
        )


def why_refused(detail: TransactionDetail) -> list[str]:
    """Say why a transaction was refused, and what would have to be different."""
    row = detail.row
    assert row.code is not None, "it was refused"
    message = _INSTANT.sub(lambda found: f"{when(parse_instant(found[0]))} UTC", detail.message)
    return [
        f"{row.actor} asked {_asked(detail)} for {row.customer}{_because(row)}, "
        f"to count at {when(row.effective_at)} UTC.",
        f"It was refused, {row.code.replace('_', ' ')}: {message}.",
        _REMEDIES[Code(row.code)],
        "Nothing was changed by it.",
    ]


def _asked(detail: TransactionDetail) -> str:
    row = detail.row
    quantity = "some" if row.quantity is None else amount(row.quantity, row.scale, row.unit)
    return _ASKED.get(row.type, row.type).format(
        quantity=quantity,
        signed="something" if row.quantity is None else signed(row.quantity, row.scale),
        what=row.entitlement or row.product or "something",
        target=detail.target or "a transaction",
    )
