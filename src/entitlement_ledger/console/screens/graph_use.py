"""The use of one entitlement by one customer over time, and the grants that it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import DataTable, Static

from entitlement_ledger.answers import Explanation, GrantPart
from entitlement_ledger.console import charts
from entitlement_ledger.console.drawing import Alphabet, bar
from entitlement_ledger.console.screens.graph import GraphScreen
from entitlement_ledger.console.widgets.paged_table import Column, PagedTable
from entitlement_ledger.console.wording import STATUS_SIGNS, amount, fit, signed_status, when
from entitlement_ledger.harmless import harmless
from entitlement_ledger.overviews import Use, UseOver

if TYPE_CHECKING:
    from entitlement_ledger.ledger import Ledger

_GRANTS_MAX = 200
_BAR = 10
_STATES = ("usable", "scheduled", "used up", "ended", "expired")
"""In which order grants are listed."""


def _columns(scale: int, letters: Alphabet) -> tuple[Column[GrantPart], ...]:
    def left(row: GrantPart) -> int:
        return row.available + row.held if row.state in ("usable", "used up") else 0

    return (
        Column("grant", 10, lambda row: row.grant.id, order=lambda row: row.grant.effective_from),
        Column("state", 11, lambda row: signed_status(row.state),
               style=lambda row: STATUS_SIGNS.get(row.state, ("", ""))[1],
               order=lambda row: row.state),
        Column("left", 10, lambda row: amount(left(row), scale), right=True, order=left),
        Column("of", 10, lambda row: amount(row.grant.quantity, scale), right=True,
               order=lambda row: row.grant.quantity),
        Column("share", _BAR, lambda row: bar(left(row), row.grant.quantity, _BAR, letters),
               style=lambda _: "accent", spare=True),
        Column("from", 10, lambda row: when(row.grant.effective_from)[:10], wide_only=True,
               order=lambda row: row.grant.effective_from),
        Column("lapses", 10, lambda row: when(row.grant.expires_at, none="never")[:10],
               order=lambda row: row.grant.expires_at or 2**62),
    )  # fmt: skip


class UseScreen(GraphScreen):
    """What was used in each day, week or month; Enter on a grant shows how it was used up."""

    def __init__(self, customer: str, entitlement: str, scale: int) -> None:
        super().__init__()
        self._customer, self._entitlement, self._scale = customer, entitlement, scale
        self._use: tuple[UseOver, Explanation] | None = None

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Customers", self._customer, self._entitlement, "use")

    def make_table(self) -> PagedTable[GrantPart]:
        """Make the table of grants."""
        columns = _columns(self._scale, self.console.letters)
        return PagedTable(columns, key=lambda row: row.grant.id, id="rows")

    def pieces(self) -> int:
        """Say how many columns with their numbers there is room for."""
        return charts.pieces_that_fit(self.room)

    def ask_again(self) -> None:
        """Ask for the use and the grants together."""
        moment, step, pieces = self.moment, self._step, self._pieces
        whose = (self._customer, self._entitlement)

        def question(ledger: Ledger) -> tuple[UseOver, Explanation]:
            at, known_at = moment.at, moment.known_at
            used = ledger.use(*whose, step=step, pieces=pieces, at=at, known_at=known_at)
            return used, ledger.explain(*whose, at=at, known_at=known_at)

        self.ask("graph", question, self._show)

    def _show(self, found: tuple[UseOver, Explanation]) -> None:
        self._use = found
        self.draw()
        selected = self.table.selected
        parts = sorted(found[1].parts, key=_rank)
        self.table.show_rows(
            parts[:_GRANTS_MAX], more=False, keep=selected.grant.id if selected else None
        )
        whole = len(parts) <= _GRANTS_MAX
        count = f"all {len(parts)}" if whole else f"{_GRANTS_MAX} of {len(parts)}"
        line = f"grants, {count} · Enter shows how one was used up"
        self.query_one("#graph-line", Static).update(Content(line))

    def draw(self) -> None:
        """Draw what was used as columns, and write what else moved below them."""
        if self._use is None:
            return
        over, explained = self._use
        (use,) = over.uses
        balance = explained.balance
        span = f" · {charts.told_span(over.span)}"
        left = f" · {amount(balance.available, balance.scale, balance.unit)} left"
        name = balance.name or balance.entitlement
        title = fit(name, max(self.room - len(span) - len(left), 8)).rstrip() + harmless(left)
        self.query_one("#graph-title", Static).update(
            Content.assemble((title, "bold"), (span, "$secondary"))
        )
        self.query_one("#graph", Static).update(Content("\n").join(self._lines(over, use)))

    def _lines(self, over: UseOver, use: Use) -> list[Content]:
        height = min(max((self.size.height - 12) // 2, 3), 14)
        room = self.room - charts.GUTTER - charts.TOTAL
        drawn, column = charts.chart(use.consumed, use.scale, room, height, self.console.letters)
        if not any(use.consumed):
            nothing = (
                f"{'':>{charts.GUTTER}}nothing was used in these {charts.pieces_of(over.span)}"
            )
            drawn = [Content.assemble((nothing, "$warning"))]
        total = (f"{'total':>{charts.TOTAL}}", "$secondary")
        rows = [("consumed", use.consumed), ("issued", use.issued), ("expired", use.expired),
                ("revoked", use.revoked)]  # fmt: skip
        return [
            *drawn,
            Content.assemble(charts.labels(over.span, column), total),
            *(charts.numbers(name, values, use.scale, column) for name, values in rows),
        ]

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """Show how the grant under the cursor was used up."""
        part = self.table.selected
        if isinstance(part, GrantPart):
            from entitlement_ledger.console.screens.graph_grant import BurnDownScreen

            self.app.push_screen(BurnDownScreen(part.grant.id, self.places()))


def _rank(part: GrantPart) -> tuple[int, int, int]:
    """Order grants: those that can be drawn first, in burn order, then by state, newest first."""
    return (_STATES.index(part.state), part.next_draw or 0, -part.grant.effective_from)
