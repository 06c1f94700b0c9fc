"""The frame of every screen: where you are above, what the store is below."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from entitlement_ledger.console.session import Session
from entitlement_ledger.console.wording import plain
from entitlement_ledger.harmless import harmless


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


class StatusLine(Static):
    """Says which store this is, who is asking, and what may be done."""

    def show(self, session: Session | None, note: str = "") -> None:
        """Show the session; before there is one, what is being waited for."""
        if session is None:
            self.update(Content.assemble((harmless(note or "opening the store…"), "$warning")))
            return
        marks: list[Content | tuple[str, str]] = []
        if session.demo:
            marks.append((" DEMO ", "bold $background on $warning"))
        if session.read_only:
            marks.append((" READ-ONLY ", "bold $background on $accent"))
        words = [session.name, session.who, f"{session.transactions:,} transactions"]
        parts = [*marks, (" " if marks else "") + harmless(" · ".join(words))]
        if note:
            parts.append((f" · {harmless(note)}", "$warning"))
        self.update(Content.assemble(*parts))
