"""The panel that shows a step of the tour above the status line."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content
from textual.widgets import Static

from entitlement_ledger.console.tour import STEPS, Tour
from entitlement_ledger.harmless import harmless

_KEYS = "{tour_next} next · {tour_back} back · {leave_tour} leaves"
_END_KEYS = "{tour_back} back · {leave_tour} leaves"


class TourPanel(Static):
    """Shows where somebody is on the tour; all keys go on to what is above."""

    def __init__(self) -> None:
        super().__init__(id="tour")

    def show(self, tour: Tour, with_keys: Callable[[str], str]) -> None:
        """Show the step; `with_keys` puts the user's keys into a text."""
        place = "✓" if tour.ended else f"{tour.place + 1}/{len(STEPS)}"
        keys = with_keys(_END_KEYS if tour.ended else _KEYS)
        lines = [
            Content.assemble(
                (f" TOUR {place} ", "bold $background on $accent"),
                (f" {tour.title}  ", "bold $foreground"),
                (harmless(keys), "$secondary"),
            )
        ]
        if tour.reached:
            lines.append(Content.assemble((f"✓ {tour.reached}", "$success")))
        lines.append(Content(harmless(with_keys(tour.asks))))
        self.update(Content("\n").join(lines))
