"""The frame of every screen: where you are above, what the store is below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

from entitlement_ledger.console.moment import NOW, Moment
from entitlement_ledger.console.session import Session
from entitlement_ledger.console.wording import plain
from entitlement_ledger.counted import counted
from entitlement_ledger.harmless import harmless

if TYPE_CHECKING:
    from entitlement_ledger.answers import Vouched


WIDTH_LEAST, HEIGHT_LEAST = 60, 20
"""The columns and lines that every screen needs."""

WIDTHS = [(0, "-too-narrow"), (WIDTH_LEAST, "-narrow"), (80, "-common")]
HEIGHTS = [(0, "-too-low"), (HEIGHT_LEAST, "-high")]
"""What a screen is called, for its style, from how many columns and lines on."""


class Breadcrumb(Static):
    """Says where you are."""

    def show(self, *places: str) -> None:
        """Show the way from the program to here."""
        parts: list[Content | tuple[str, str]] = [("Entitlement Ledger", "bold $primary")]
        for place in places:
            parts += [
                ("  \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}  ", "$secondary"),
                plain(place),
            ]
        self.update(Content.assemble(*parts))


class Banner(Static):
    """Says that another moment than now is shown; of now it says nothing, and takes no room."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._told = NOW
        self.display = False

    def show(self, moment: Moment, hint: str, *, of_now: bool) -> bool:
        """Show a moment, and whether the screen is of now all the same; say whether it is new."""
        words = (
            f"⏱ This page is of now, not as of {moment.words} · {hint}"
            if of_now
            else f"⏱ AS OF {moment.words} · {hint}, nothing can be posted"
        )
        self.update(Content(words))
        self.display = not moment.is_now
        before, self._told = self._told, moment
        return moment != before


def is_covered(size: Size) -> bool:
    """Say whether there is too little room for a screen, so that it is covered."""
    return size.width < WIDTH_LEAST or size.height < HEIGHT_LEAST


class TooSmall(Static):
    """Covers a screen for which there is no room; else it is not seen."""

    def render(self) -> Content:
        """Say how much room is needed, and how much there is."""
        width, height = self.app.size
        return Content(f"{WIDTH_LEAST} by {HEIGHT_LEAST} are needed, this is {width} by {height}")


def _trust(vouched: Vouched) -> list[str | tuple[str, str]]:
    """Say whether the seal holds, what waits to be looked at, and how much there is."""
    told: list[str | tuple[str, str]] = []
    if not vouched.seal_holds:
        told.append((" · ✗ the last checkpoint does not hold: entl verify", "bold $error"))
    elif vouched.sealed is not None:
        told.append((f" · ✓ sealed {vouched.sealed:,}", "$success"))
    else:
        told.append(" · ○ not sealed yet")
    if vouched.findings_open:
        told.append((f" · ▲ {counted(vouched.findings_open, 'finding')}", "$warning"))
    return [*told, f" · {counted(vouched.transactions, 'transaction')}"]


class StatusLine(Static):
    """Says which store this is, who is asking, and what may be done."""

    def show(self, session: Session | None, note: str = "") -> None:
        """Show the session; before there is one, what is being waited for."""
        if session is None:
            self.update(Content.assemble((harmless(note or "opening the store…"), "$warning")))
            return
        marks: list[str | tuple[str, str]] = []
        if session.demo:
            marks.append((" DEMO ", "bold $background on $warning"))
        if session.read_only:
            marks.append((" READ-ONLY ", "bold $background on $accent"))
        words = harmless(f"{session.name} · {session.who}")
        parts = [*marks, (" " if marks else "") + words]
        if session.vouched is not None:
            parts += _trust(session.vouched)
        if note:
            parts.append((f" · {harmless(note)}", "$warning"))
        self.update(Content.assemble(*parts))
