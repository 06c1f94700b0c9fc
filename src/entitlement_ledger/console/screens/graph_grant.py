"""The burn-down of one grant: what was left of it over time, and how long that may last."""

from __future__ import annotations

from textual import events
from textual.content import Content

from entitlement_ledger.console import charts
from entitlement_ledger.console.drawing import bar
from entitlement_ledger.console.screens.detail import DetailScreen
from entitlement_ledger.console.screens.why import ask_why_balance
from entitlement_ledger.console.wording import amount, fit, signed, when
from entitlement_ledger.domain.instants import DAY
from entitlement_ledger.harmless import harmless
from entitlement_ledger.overviews import PACE_DAYS, BurnDown, LeftChange

_PADDING = 5
_PIECES_MAX = 96
_CHANGES = 50
_BAR = 20
_HEADER = f"  {'newest first':<16} {'change':>11} {'left':>11}  by what"


class BurnDownScreen(DetailScreen):
    """What was left of a grant from its beginning to now, or to its end."""

    def __init__(self, grant: str, below: tuple[str, ...]) -> None:
        super().__init__()
        self._grant, self._below = grant, below
        self._pieces = 0
        self._told: BurnDown | None = None

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return (*self._below, self._grant)

    def pieces(self) -> int:
        """Say how many columns there is room for."""
        return min(max(self.size.width - charts.GUTTER - _PADDING, 1), _PIECES_MAX)

    def load(self) -> None:
        """Ask for the curve, in as many pieces as there is room for."""
        moment, grant, self._pieces = self.moment, self._grant, self.pieces()
        pieces = self._pieces
        self.ask(
            "detail",
            lambda ledger: ledger.burn_down(
                grant, pieces=pieces, changes=_CHANGES, at=moment.at, known_at=moment.known_at
            ),
            self._show,
        )

    def on_resize(self, _event: events.Resize) -> None:
        """Draw anew; ask anew where another number of pieces has room."""
        if self._told is None:
            return
        if self.pieces() != self._pieces:
            self.load()
        else:
            self._show(self._told)

    def _show(self, told: BurnDown) -> None:
        self._told = told
        height = min(max(self.size.height - 17, 4), 14)
        room = max(self.size.width - _PADDING, 20)
        grant = told.grant
        title = f"{grant.id}  {amount(grant.quantity, told.scale, told.unit)} {grant.entitlement}"
        lines = [
            Content.assemble(
                (harmless(title), "bold"),
                harmless(f"  of {told.customer}"),
                ("  times are UTC", "$secondary"),
            ),
            *self._picture(told, height),
            *(Content(harmless(sentence)) for sentence in sentences(told)),
            Content.assemble("\n", (_HEADER, "bold $secondary")),
            *(Content(fit(_change(each, told.scale), room).rstrip()) for each in told.changes),
        ]
        if told.more:
            lines.append(Content.assemble(("  and more before", "$secondary")))
        if not told.changes:
            lines.append(Content.assemble(("  nothing yet", "$secondary")))
        self.show(Content("\n").join(lines))

    def _picture(self, told: BurnDown, height: int) -> list[Content]:
        letters = self.console.letters
        drawn = bar(told.left, told.grant.quantity, _BAR, letters)
        left = f" {amount(told.left, told.scale, told.unit)} left"
        held = f", {amount(told.held, told.scale)} of it held" if told.held else ""
        line = Content.assemble((drawn, "$accent"), harmless(left + held))
        if not told.curve:
            return [line]
        room = self._pieces // len(told.curve) * len(told.curve)
        chart, column = charts.chart(
            told.curve, told.scale, room, height, letters, told.grant.quantity
        )
        begins, ends = when(told.grant.effective_from), when(told.until - 1)
        width = column * len(told.curve)
        between = " " * max(width - len(begins) - len(ends), 3)
        axis = f"{'left':>{charts.GUTTER - 1}} {begins}{between}{ends}"
        return [line, *chart, Content.assemble((axis, "$secondary"))]

    def copied(self) -> str:
        """Give the grant's id."""
        return self._grant

    def customer(self) -> str | None:
        """Give whose grant it is."""
        return None if self._told is None else self._told.customer

    def action_why(self) -> None:
        """Say why the balance that it is a part of is what it is."""
        if self._told is not None:
            ask_why_balance(self, self._told.customer, self._told.grant.entitlement)


def sentences(told: BurnDown) -> list[str]:
    """Tell what became of a grant, when it lapses, and how long what is left may last."""

    def quantity(number: int) -> str:
        return amount(number, told.scale, told.unit)

    grant, ends = told.grant, told.grant.expires_at
    lapsed = ends is not None and ends <= told.at
    went = [
        f"{quantity(number)} {what}"
        for number, what in (
            (told.consumed, "used"),
            (told.revoked, "taken back"),
            (told.carried, "carried over"),
            (told.expired, "lapsed"),
        )
        if number
    ]
    of_it = "nothing of it is gone" if not went else f"of it {', '.join(went)}"
    lines = [f"Given {quantity(grant.quantity)} from {when(grant.effective_from)} on; {of_it}."]
    if grant.effective_from > told.at:
        lines.append("It is still to begin.")
    elif lapsed:
        lines.append(f"It lapsed on {when(ends)}.")
    elif told.left:
        until = "It never lapses." if ends is None else f"It lapses on {when(ends)}."
        lines.append(f"{quantity(told.left)} left. {until}")
    else:
        lines.append(f"Nothing is left since {when(told.until - 1)}.")
    pace = told.pace
    if pace is not None:
        whole = told.at - pace.since == PACE_DAYS * DAY
        lately = f"in the last {PACE_DAYS} days" if whole else f"since {when(pace.since)}"
        rest = f"At this pace, {quantity(pace.drawn)} {lately}, "
        if pace.lapses is not None:
            rest += f"{quantity(pace.lapses)} will lapse unused."
        elif pace.runs_out is None:
            rest += "what is left will not run out before the year 10000."
        else:
            rest += f"it runs out on {charts.day_of(pace.runs_out)}."
        lines.append(rest)
    return lines


def _change(change: LeftChange, scale: int) -> str:
    what = "the end of a hold" if change.type is None else f"{change.type} {change.transaction}"
    by = "" if change.actor is None else f" by {change.actor}"
    quantities = f"{signed(change.change, scale):>11} {amount(change.left, scale):>11}"
    return f"  {when(change.at)} {quantities}  {what}{by}"
