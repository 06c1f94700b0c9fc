"""An app that shows somebody around: the tour goes along from screen to screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Input

from entitlement_ledger.console.actions import EVERYWHERE
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.theming import ThemedApp

if TYPE_CHECKING:
    from entitlement_ledger.console.keys import MyKeys
    from entitlement_ledger.console.session import Session
    from entitlement_ledger.console.tour import Tour

TOUR_ONLY = frozenset({"tour_next", "tour_back", "leave_tour"})
"""The names of what there is only on the tour."""


class TouringApp(ThemedApp):
    """Has a tour or none, and shows it on whichever screen is in front.

    Attributes:
        tour: where somebody is on the tour, while there is one.
    """

    session: Session | None
    my_keys: MyKeys
    tour: Tour | None = None

    def offer_tour(self) -> None:
        """Say that there is a tour."""
        key = self.my_keys.name(EVERYWHERE, "tour")
        self.notify(f"{key} shows you around in six steps.", markup=False, timeout=10)

    def action_tour(self) -> None:
        """Begin the tour, or begin it again."""
        from entitlement_ledger.console.tour import Tour

        if self.session is not None:
            # What was said before, such as that there is a tour, would lie over it.
            self.clear_notifications()
            self.tour = Tour(trying=self.session.demo and not self.session.read_only)
            self._show_tour()

    def action_tour_next(self) -> None:
        """Go on without doing what the step asks for; from the end, leave."""
        if self.tour is not None and self.tour.ended:
            self.action_leave_tour()
        elif self.tour is not None:
            self.tour.pass_over()
            self._show_tour()

    def action_tour_back(self) -> None:
        """Go to the step before."""
        if self.tour is not None:
            self.tour.go_back()
            self._show_tour()

    def action_leave_tour(self) -> None:
        """Leave the tour."""
        self.tour = None
        self._show_tour()

    def tour_saw(self, done: str) -> None:
        """Go on if this, done in the mode in front, is what the step asks for."""
        if self.tour is not None and self.tour.saw(f"{self.current_mode} {done}"):
            self._show_tour()

    def tour_came_to(self, screen: LedgerScreen) -> None:
        """Show the tour on the screen that has come to the front."""
        self.tour_saw(type(screen).__name__)
        self._show_tour()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """See that something was searched for, or filtered."""
        if event.input.id in ("search", "filter") and event.value.strip():
            from entitlement_ledger.console.tour import SUBMITTED

            self.tour_saw(SUBMITTED)

    def _show_tour(self) -> None:
        screen = self.screen
        if not isinstance(screen, LedgerScreen):
            return
        shown = screen.query("#tour")
        if self.tour is None:
            shown.remove()
            return
        from entitlement_ledger.console.widgets.tour_panel import TourPanel

        panel = shown.first(TourPanel) if shown else TourPanel()
        if not shown:
            screen.mount(panel, before="#status")
        panel.show(self.tour, screen.with_keys)
