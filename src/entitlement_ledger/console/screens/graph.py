"""What the screens share that show something over time: by day, week or month, and their size."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from entitlement_ledger.console.actions import GRAPH, TABLE, bindings_of
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.widgets.paged_table import PagedTable
from entitlement_ledger.harmless import harmless
from entitlement_ledger.overviews import Step

_PADDING = 2


class GraphScreen(LedgerScreen):
    """A picture over time with numbers, and a table."""

    WHERE: ClassVar[tuple[str, ...]] = (GRAPH, TABLE)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(GRAPH)

    def __init__(self) -> None:
        super().__init__()
        self._step = Step.WEEK
        self._pieces = 0

    def make_table(self) -> PagedTable[Any]:
        """Make the table."""
        raise NotImplementedError

    def pieces(self) -> int:
        """Say into how many pieces time is cut for the width that there is."""
        raise NotImplementedError

    def ask_again(self) -> None:
        """Ask for what is shown, in `self._pieces` pieces by `self._step`."""
        raise NotImplementedError

    def draw(self) -> None:
        """Draw what has been answered; nothing has, maybe."""
        raise NotImplementedError

    def compose_body(self) -> ComposeResult:
        """Lay out the title, the picture and the table."""
        yield Static(id="graph-title")
        with Vertical(id="graph-page"):
            yield Static(Content("…"), id="graph")
            yield Static(id="graph-line")
            yield self.make_table()

    def on_mount(self) -> None:
        """Begin in the table."""
        self.query("#rows").focus()

    @property
    def table(self) -> PagedTable[Any]:
        """The table."""
        return self.query_one("#rows", PagedTable)

    @property
    def room(self) -> int:
        """How many cells a line of the picture has."""
        return self.size.width - _PADDING

    def load(self) -> None:
        """Ask, in as many pieces as there is room for."""
        self._pieces = self.pieces()
        self.ask_again()

    def on_resize(self, _event: events.Resize) -> None:
        """Draw anew; ask anew where another number of pieces has room."""
        if self.session is None or not self._pieces:
            return
        if self.pieces() != self._pieces:
            self.load()
        else:
            self.draw()

    def failed(self, message: str) -> None:
        """Say in place of the picture why there is none."""
        self.query_one("#graph", Static).update(Content.assemble((harmless(message), "$error")))

    def _by(self, step: Step) -> None:
        if step is not self._step:
            self._step = step
            self.session_changed()

    def action_by_day(self) -> None:
        """Show it by day."""
        self._by(Step.DAY)

    def action_by_week(self) -> None:
        """Show it by week."""
        self._by(Step.WEEK)

    def action_by_month(self) -> None:
        """Show it by month."""
        self._by(Step.MONTH)
