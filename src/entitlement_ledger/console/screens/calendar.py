"""A calendar of expiries: what lapses on which day of a month, for one customer or for all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import DataTable, Static

from entitlement_ledger.console.actions import CALENDAR, TABLE, bindings_of
from entitlement_ledger.console.charts import day_of
from entitlement_ledger.console.drawing import Alphabet, month_grid, short, sparkline
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.widgets.paged_table import Column, PagedTable
from entitlement_ledger.console.wording import amount
from entitlement_ledger.counted import counted
from entitlement_ledger.domain.instants import (
    DAY,
    INSTANT_MAX,
    INSTANT_MIN,
    Instant,
    second_text,
    to_datetime,
)
from entitlement_ledger.harmless import harmless
from entitlement_ledger.overviews import Lapses, Lapsing

if TYPE_CHECKING:
    from entitlement_ledger.ledger import Ledger

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CELL, _WIDE_CELL = 5, 9
_WIDE, _TALL = 110, 30

COLUMNS: tuple[Column[Lapsing], ...] = (
    Column("day", 5, lambda row: day_of(row.day)[5:], order=lambda row: row.day),
    Column("grants", 6, lambda row: f"{row.grants:,}", right=True, order=lambda row: row.grants),
    Column("lapses", 11, lambda row: amount(row.quantity, row.scale), right=True,
           order=lambda row: row.quantity),
    Column("held", 8, lambda row: amount(row.held, row.scale), right=True, wide_only=True,
           order=lambda row: row.held),
    Column("unit", 8, lambda row: row.unit, wide_only=True),
    Column("of", 8, lambda row: row.entitlement, order=lambda row: row.entitlement),
)  # fmt: skip


class DaysTable(PagedTable[Lapsing]):
    """The days of a month; left and right go by month."""

    @property
    def _calendar(self) -> CalendarScreen:
        return cast("CalendarScreen", self.screen)

    def action_cursor_left(self) -> None:
        """Go to the month before."""
        self._calendar.action_earlier()

    def action_cursor_right(self) -> None:
        """Go to the next month."""
        self._calendar.action_later()


class CalendarScreen(LedgerScreen):
    """A month as a grid, and beside it what lapses by day and entitlement."""

    WHERE: ClassVar[tuple[str, ...]] = (CALENDAR, TABLE)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(CALENDAR)

    def __init__(self, customer: str | None = None) -> None:
        super().__init__()
        self.of_customer = customer
        self._asked_month: Instant | None = None
        self._lapses: Lapses | None = None

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Customers", *([self.of_customer] if self.of_customer else []), "what lapses")

    def compose_body(self) -> ComposeResult:
        """Lay out the month beside its days."""
        yield Static(id="month-title")
        with Horizontal(id="month-page"):
            with Vertical(id="month"):
                yield Static(Content("…"), id="grid")
                yield Static(id="legend")
            yield DaysTable(COLUMNS, key=_key, id="rows")

    def on_mount(self) -> None:
        """Begin in the table of days."""
        self.query("#rows").focus()

    @property
    def table(self) -> DaysTable:
        """The table of days."""
        return self.query_one("#rows", DaysTable)

    def load(self) -> None:
        """Ask for the month; as long as none was gone to, that of the moment."""
        moment, month, customer = self.moment, self._asked_month, self.of_customer

        def question(ledger: Ledger) -> Lapses:
            return ledger.lapses(month, customer, at=moment.at, known_at=moment.known_at)

        self.ask("month", question, self._show)

    def _show(self, found: Lapses) -> None:
        selected = self.table.selected
        keep = _key(selected) if selected else None
        if keep not in [_key(each) for each in found.days]:
            # The first that is still to lapse, where there is one.
            coming = [each for each in found.days if each.day + DAY > found.at]
            keep = _key(coming[0]) if coming else None
        self._lapses = found
        self.table.show_rows(found.days, more=False, keep=keep)
        self._draw()

    def failed(self, message: str) -> None:
        """Say in place of the month why it is not told."""
        self.query_one("#grid", Static).update(Content.assemble((harmless(message), "$error")))

    def on_resize(self, _event: events.Resize) -> None:
        """Draw anew: a wide terminal shows numbers in the days."""
        self._draw()

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """Mark the day that the cursor has come to."""
        self._draw()

    def _draw(self) -> None:
        found = self._lapses
        if found is None:
            return
        row = self.table.selected
        whose = f"of {self.of_customer}" if self.of_customer else "of all customers"
        grants = sum(each.grants for each in found.days)
        said = f"{counted(grants, 'grant')} {'lapses' if grants == 1 else 'lapse'}"
        if not grants:
            said = "nothing lapses"
        if found.more:
            said = f"more than {grants:,} grants lapse, not all are listed"
        month = second_text(found.since)[:7]
        self.query_one("#month-title", Static).update(
            Content.assemble(
                (f"{month}  ", "bold"),
                harmless(f"{said}, {whose} · "),
                (f"today {day_of(found.at)} UTC", "$secondary"),
            )
        )
        wide = self.size.width >= _WIDE
        self.set_class(wide, "wide")
        grid = _grid(
            found,
            None if row is None else row.day,
            self.console.letters,
            cell=_WIDE_CELL if wide else _CELL,
            apart=self.size.height >= _TALL,
        )
        self.query_one("#grid", Static).update(grid)
        self.query_one("#legend", Static).update(self._legend())

    def _legend(self) -> Content:
        levels = self.console.letters.levels
        lines = (
            f"{levels[0]} few grants … {levels[-1]} most, of any day",
            "> the day of the cursor   * today",
            self.with_keys("{earlier} {later} months   {today} today"),
            "Enter lists the grants of the day",
        )
        return Content.assemble(("\n".join(lines), "$secondary"))

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """List the grants that lapse on the day under the cursor."""
        row = self.table.selected
        if row is not None:
            from entitlement_ledger.console.screens.calendar_day import LapsingScreen

            self.app.push_screen(LapsingScreen(row.day, self.of_customer, self.places()))

    @property
    def _month(self) -> Instant | None:
        """When the month begins that was gone to, or else that is shown."""
        if self._asked_month is not None:
            return _begin(self._asked_month)
        return None if self._lapses is None else self._lapses.since

    def _go(self, instant: Instant) -> None:
        if INSTANT_MIN <= instant <= INSTANT_MAX:
            self._asked_month = instant
            self.load()

    def action_earlier(self) -> None:
        """Go to the month before."""
        month = self._month
        if month is not None:
            self._go(month - 1)

    def action_later(self) -> None:
        """Go to the next month."""
        month = self._month
        if month is not None:
            self._go(month + 31 * DAY)

    def action_today(self) -> None:
        """Go to the month in which today is."""
        self._asked_month = None
        self.load()


def _key(row: Lapsing) -> str:
    return f"{row.day} {row.entitlement}"


def _begin(instant: Instant) -> Instant:
    """Give when the month of an instant begins; where the next one is asked for, that is near."""
    return instant - (to_datetime(instant).day - 1) * DAY - instant % DAY


def _grid(
    found: Lapses, chosen: Instant | None, letters: Alphabet, *, cell: int, apart: bool
) -> Content:
    """Draw a month: by day a sign for how many grants lapse, and signs for today and the cursor.

    A wide cell has the number, too; `apart` leaves a line empty between weeks.
    """
    begin = to_datetime(found.since)
    counts = _by_day(found.days)
    days = range(1, 32)
    drawn = sparkline([counts.get(day, 0) for day in days], len(days), letters)
    marks = dict(zip(days, drawn, strict=True))
    today = (found.at - found.since) // DAY + 1 if found.since <= found.at < found.until else 0
    marked = 0 if chosen is None else to_datetime(chosen).day
    lines = [Content.assemble(("".join(f" {each:<{cell - 1}}" for each in _WEEKDAYS), "bold"))]
    for week in month_grid(begin.year, begin.month):
        cells: list[str | tuple[str, str]] = []
        for day in week:
            if not day:
                cells.append(" " * cell)
                continue
            count = counts.get(day, 0)
            sign = ">" if day == marked else "*" if day == today else " "
            style = "bold reverse" if day == marked else "bold $accent" if count else "$secondary"
            number = short(count, 0, cell - _CELL) if count and cell > _CELL else ""
            text = f"{sign}{day:>2}{marks[day]}{number}"
            cells += [(text, style), " " * (cell - len(text))]
        lines += [Content.assemble(*cells), *([Content("")] if apart else [])]
    return Content("\n").join(lines)


def _by_day(rows: Iterable[Lapsing]) -> dict[int, int]:
    """Give how many grants lapse on each day of the month."""
    counts: dict[int, int] = {}
    for row in rows:
        day = to_datetime(row.day).day
        counts[day] = counts.get(day, 0) + row.grants
    return counts
