"""What the screens share that filter the whole ledger and show it by keyset pages."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from entitlement_ledger.answers import Page
from entitlement_ledger.console.filters import Filter, parse_filter
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.travel import narrowed
from entitlement_ledger.console.widgets.paged_table import PagedTable
from entitlement_ledger.console.widgets.text_input import TextInput
from entitlement_ledger.harmless import harmless

Row = TypeVar("Row")
Place = TypeVar("Place")
PAGE = 100
_KEPT_MAX = 1000
"""How many rows are asked for at once at most."""
_SLOTS = ("page", "count", "more")


class PagedScreen(LedgerScreen, Generic[Row, Filter, Place]):
    """A table over the whole ledger, in the order of the places that its rows have.

    Where it is asked again, as much is asked for as was listed, and the cursor stays where it is.
    """

    hint = ""
    empty = ""
    when_stopped = "stopped: {reload} asks again"
    nothing_then = "nothing by then"

    def __init__(self, filter_type: type[Filter]) -> None:
        super().__init__()
        self._filter_type: type[Filter] = filter_type
        self._only: Filter = filter_type()
        self._next_after: Place | None = None
        self._first_page = PAGE
        self._listed_by: object = None
        """What is listed was asked for by this filter."""
        self._asked_by: object = None

    def make_table(self) -> PagedTable[Row]:
        """Make the table."""
        raise NotImplementedError

    def page(self, ledger: Any, only: Filter, after: Place | None) -> Page[Row, Place]:
        """Ask for a page."""
        raise NotImplementedError

    def count(self, ledger: Any, only: Filter) -> int:
        """Count what the filter matches."""
        raise NotImplementedError

    def compose_body(self) -> ComposeResult:
        """Lay out the filter over the table."""
        with Horizontal(id="filter-line"):
            yield TextInput(placeholder=self.with_keys(self.hint), id="filter")
            yield Static(id="chip")
        yield self.make_table()

    def on_mount(self) -> None:
        """Begin in the table, so that keys are keys."""
        self.query("#rows").focus()

    @property
    def table(self) -> PagedTable[Row]:
        """The table."""
        return self.query_one("#rows", PagedTable)

    @property
    def typed(self) -> str:
        """What is filtered by."""
        return self.query_one("#filter", Input).value.strip()

    def wanted(self) -> Filter:
        """Give the filter, less what was not yet, or not yet known, at the moment shown."""
        return narrowed(self._only, self.moment)

    def load(self) -> None:
        """Ask for the first page and, beside it, for the number of matches."""
        only = self.wanted()
        held = len(self.table.rows_held) if self.asked_by(only) == self._listed_by else 0
        self._first_page = max(PAGE, min(held, _KEPT_MAX))
        self.drop("more")
        self._chip("…")
        self._asked_by = self.asked_by(only)
        self.ask("page", lambda ledger: self.page(ledger, only, None), self._show_first)
        self.ask("count", lambda ledger: self.count(ledger, only), self._show_count)

    def asked_by(self, only: Filter) -> object:
        """Give what says that the same is listed again, so that the cursor can stay."""
        return only

    def rows_wanted(self, after: Place | None) -> int:
        """Say how many rows the page behind a place is to have."""
        return self._first_page if after is None else PAGE

    def _show_first(self, page: Page[Row, Place]) -> None:
        again = self._asked_by == self._listed_by
        self._listed_by, self._next_after = self._asked_by, page.next_after
        self.table.show_rows(page.rows, more=page.next_after is not None, stay=again)

    def _show_count(self, count: int) -> None:
        typed, now = self.typed, self.moment.is_now or self.of_now
        if typed:
            self._chip(
                f" {count:,} match: {typed}   {self.with_keys('{back}')} clears ",
                "$background on $accent",
            )
        elif count:
            self._chip(self.in_all(count) if now else f"{count:,} by then")
        elif not now:
            self._chip(self.nothing_then, "$warning")
        else:
            self._chip(self.with_keys(self.empty), "$warning")

    def in_all(self, count: int) -> str:
        """Say how much there is where nothing is filtered."""
        return f"{count:,} in all"

    def _chip(self, text: str, style: str = "$secondary") -> None:
        self.query_one("#chip", Static).update(Content.assemble((harmless(text), style)))

    def on_paged_table_more_wanted(self, _message: PagedTable.MoreWanted) -> None:
        """Ask for the next page."""
        only, after = self.wanted(), self._next_after
        self.ask(
            "more", lambda ledger: self.page(ledger, only, after), self._show_more, self.no_more
        )

    def no_more(self, message: str) -> None:
        """Say why the next page does not come; it can be asked for again."""
        self.table.more_failed()
        self.failed(message)

    def _show_more(self, page: Page[Row, Place]) -> None:
        self._next_after = page.next_after
        self.table.add_rows_held(page.rows, more=page.next_after is not None)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed; what is not yet a filter waits for its end."""
        try:
            only = parse_filter(self._filter_type, event.value)
        except ValueError as error:
            self.drop("page")
            self.drop("count")
            self._chip(str(error), "$error")
            return
        if only != self._only or not event.value:
            self._only = only
            self.load()

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        """Go from the filter to what it left."""
        self.table.focus()
        self.console.keys_wait_for(self, "page")

    def action_search(self) -> None:
        """Type a filter."""
        # At once, not after what was typed meanwhile: over a slow line keys come together.
        self.set_focus(self.query_one("#filter", Input))

    def action_back(self) -> None:
        """Leave the filter; stop what takes long; then clear the filter."""
        typed = self.query_one("#filter", Input)
        if self.focused is typed:
            self.table.focus()
        elif any([self.stop(slot) for slot in _SLOTS]):  # noqa: C419 - each of them
            self._chip(self.with_keys(self.when_stopped), "$warning")
        elif typed.value:
            typed.value = ""
