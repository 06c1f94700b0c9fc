"""How many transactions of each type there were over time, under the Ledger's filter."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import DataTable, Static

from entitlement_ledger.answers import HistoryFilter
from entitlement_ledger.console import charts
from entitlement_ledger.console.drawing import Alphabet, bar, sparkline
from entitlement_ledger.console.screens.graph import GraphScreen
from entitlement_ledger.console.travel import narrowed
from entitlement_ledger.console.widgets.paged_table import Column, PagedTable
from entitlement_ledger.harmless import harmless
from entitlement_ledger.overviews import REFUSED, CountsOver, Step, TypeCounts

ALL = "all"
_SHARE = 10
_WIDE, _MEDIUM = 100, 76
_PIECES = {Step.DAY: (60, 30, 14), Step.WEEK: (52, 26, 13), Step.MONTH: (36, 24, 12)}
"""Into how many pieces time is cut in a wide, a usual and a narrow terminal."""


def percent(part: int, whole: int) -> str:
    """Write a share with one decimal, cut and not rounded: 12.5%. Something is never 0.0%."""
    thousandths = part * 1000 // whole if whole else 0
    if part and not thousandths:
        return "<0.1%"
    return f"{thousandths // 10}.{thousandths % 10}%"


def _columns(letters: Alphabet, whole: int) -> tuple[Column[TypeCounts], ...]:
    return (
        Column("type", 9, lambda row: f"✗ {row.type}" if row.type == REFUSED else row.type,
               style=lambda row: "error" if row.type == REFUSED else "",
               order=lambda row: row.type),
        Column("total", 9, lambda row: f"{row.total:,}", right=True, order=lambda row: row.total),
        Column("share", 6, lambda row: percent(row.total, whole), right=True,
               order=lambda row: row.total),
        Column("of all", _SHARE, lambda row: bar(row.total, whole, _SHARE, letters),
               style=lambda _: "accent"),
        Column("over time", 14, lambda row: sparkline(row.counts, len(row.counts), letters),
               style=lambda _: "accent"),
    )  # fmt: skip


class CountsScreen(GraphScreen):
    """One row a type, with its course; above, that of the row under the cursor in columns."""

    def __init__(self, only: HistoryFilter, typed: str) -> None:
        super().__init__()
        self._only, self._typed = only, typed
        self._counts: CountsOver | None = None

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Ledger", "over time")

    def make_table(self) -> PagedTable[TypeCounts]:
        """Make the table of types."""
        return PagedTable(_columns(self.console.letters, 0), key=lambda row: row.type, id="rows")

    def pieces(self) -> int:
        """Say how many pieces the course of a type has in a table of this width."""
        wide, usual, narrow = _PIECES[self._step]
        width = self.size.width
        return wide if width >= _WIDE else usual if width >= _MEDIUM else narrow

    def ask_again(self) -> None:
        """Ask for the counts as of the moment that is shown."""
        only, step, pieces = narrowed(self._only, self.moment), self._step, self._pieces
        # A filter of the moment's own is its end: what comes after is not there to be counted.
        at = self.moment.at
        self.ask(
            "graph",
            lambda ledger: ledger.counts(only, step=step, pieces=pieces, at=at),
            self._show,
        )

    def _show(self, counts: CountsOver) -> None:
        self._counts = counts
        selected = self.table.selected
        rows = list(counts.types)
        pieces = zip(*(each.counts for each in rows), strict=True)
        whole = TypeCounts(ALL, tuple(map(sum, pieces)))
        self.table.use_columns(_columns(self.console.letters, whole.total))
        self.table.show_rows(
            [whole, *rows] if rows else [], more=False, keep=selected.type if selected else None
        )
        self.draw()

    def draw(self) -> None:
        """Draw the course of the type under the cursor, and say what it is counted from."""
        counts = self._counts
        if counts is None:
            return
        filtered = f" · filter: {self._typed}" if self._typed else ""
        self.query_one("#graph-title", Static).update(
            Content.assemble(
                ("transactions ", "bold"),
                (charts.told_span(counts.span), "$secondary"),
                (harmless(filtered), "$accent"),
            )
        )
        outside = [
            f"{number:,} {when} these {counts.span.step.value}s are not counted"
            for number, when in ((counts.before, "before"), (counts.after, "after"))
            if number
        ]
        row: TypeCounts | None = self.table.selected
        lines = [] if row is None else self._course(counts, row)
        if row is None:
            lines = [Content.assemble(("nothing matches in this time", "$warning"))]
        self.query_one("#graph", Static).update(Content("\n").join(lines))
        line = " · ".join(outside) or "all that match are counted"
        self.query_one("#graph-line", Static).update(Content(line))

    def _course(self, counts: CountsOver, row: TypeCounts) -> list[Content]:
        height = min(max((self.size.height - 12) // 2, 3), 14)
        room = self.room - charts.GUTTER
        drawn, column = charts.chart(row.counts, 0, room, height, self.console.letters)
        most = max(row.counts)
        span = counts.span
        which = charts.named(span.step, span.begins[row.counts.index(most)])
        said = f"{row.type}: {row.total:,}, most {most:,} in {which}, "
        said += f"{row.counts[-1]:,} in the last {span.step.value}"
        return [*drawn, charts.labels(span, column), Content(harmless(said))]

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """Draw the course of the row that the cursor has come to."""
        self.draw()
