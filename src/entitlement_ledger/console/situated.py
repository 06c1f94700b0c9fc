"""A customer's situation in words: in a few lines beside the balances, and whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from textual.content import Content

from entitlement_ledger.console.wording import amount, fit, when
from entitlement_ledger.harmless import harmless
from entitlement_ledger.overviews import Lapsing
from entitlement_ledger.situations import Loss, OpenHold, Situation, Ticket

_NAME = 9
_SHOWN = 2
_SIGNS = {"lapsing": ("◔", "warning"), "lost": ("✗", "error"), "held": ("▣", "accent"),
          "tickets": ("●", "warning")}  # fmt: skip
_CLOSED = ("○", "secondary")


def lines(told: Situation, width: int) -> Content:
    """Tell a situation in lines of a width: what there is nothing of has none.

    Each names the first few, and how many more there are.
    """
    found = [
        ("lapsing", [_lapsing(each) for each in told.lapsing], "lapsing" in told.more),
        ("lost", [_loss(each) for each in told.lost], "lost" in told.more),
        ("held", [_hold(each) for each in told.holds], "holds" in told.more),
        ("tickets", [_ticket(each) for each in told.tickets], "tickets" in told.more),
    ]
    open_ = any(each.closed_at is None for each in told.tickets)
    signs = {**_SIGNS, "tickets": _SIGNS["tickets"] if open_ else _CLOSED}
    shown = [_line(name, signs[name], said, width, more=more) for name, said, more in found if said]
    return Content("\n").join(shown)


def _line(
    name: str, sign: tuple[str, str], said: Sequence[str], width: int, *, more: bool
) -> Content:
    rest = len(said) - _SHOWN
    end = f"  +{rest}{' or more' if more else ''}" if rest > 0 else ""
    room = width - _NAME - 2 - len(end)
    return Content.assemble(
        (f"{sign[0]} {name:<{_NAME}}", f"${sign[1]}"),
        fit("; ".join(said[:_SHOWN]), room).rstrip(),
        (end, "$secondary"),
    )


def whole(told: Situation) -> Content:
    """Tell a situation whole, under headings."""
    parts = [
        *_part(f"Lapses within {told.days} days", "nothing", map(_lapsing, told.lapsing)),
        *_part("Lost", "nothing", map(_loss, told.lost)),
        *_part("Held", "nothing", map(_hold, told.holds)),
        *_part("Tickets", "none", map(_ticket, told.tickets)),
    ]
    if told.more:
        names = ", ".join(told.more)
        parts.append(Content.assemble((f"\nNot all of these is shown: {names}", "$warning")))
    return Content("\n").join(parts)


def _part(heading: str, nothing: str, said: Iterable[str]) -> Iterator[Content]:
    yield Content.assemble("\n", (heading, "bold $primary"))
    shown = list(said)
    for each in shown:
        yield Content(harmless(f"  {each}"))
    if not shown:
        yield Content.assemble((f"  {nothing}", "$secondary"))


def _lapsing(each: Lapsing) -> str:
    return f"{amount(each.quantity, each.scale)} {each.entitlement} on {when(each.day)[:10]}"


def _loss(each: Loss) -> str:
    what = f"{amount(each.quantity, each.scale)} {each.entitlement}"
    if each.transaction is None:
        how = "lapsed" if each.how == "expired" else "taken back"
        return f"{what} {how} {when(each.at)[:10]}"
    why = f": {each.reason}" if each.reason else ""
    return f"{what} taken back {when(each.at)[:10]} by {each.type} of {each.actor}{why}"


def _hold(each: OpenHold) -> str:
    until = f" until {when(each.expires_at)}" if each.expires_at is not None else ""
    of = f" for {each.reference}" if each.reference else ""
    what = f"{amount(each.quantity, each.scale)} {each.entitlement}"
    return f"{what} since {when(each.since)}{until}{of} ({each.transaction})"


def _ticket(each: Ticket) -> str:
    closed = f"closed {when(each.closed_at)[:10]}" if each.closed_at is not None else each.status
    return f"{each.id} {each.subject} ({closed}, opened {when(each.opened_at)[:10]})"
