"""Customers: find one as you type, and see what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import DataTable, Input, Static

from entitlement_ledger.answers import (
    Balance,
    CustomerRow,
    HistoryFilter,
    SubscriptionRow,
    TransactionRow,
)
from entitlement_ledger.console.actions import CUSTOMERS, TABLE, bindings_of
from entitlement_ledger.console.screens.customer_columns import (
    CUSTOMER_COLUMNS,
    TRANSACTION_COLUMNS,
    ask_use,
    balance_columns,
    told_head,
    told_subscription,
)
from entitlement_ledger.console.screens.customer_forms import CustomerForms
from entitlement_ledger.console.screens.situation import SituationScreen, ask_situation
from entitlement_ledger.console.screens.why import ask_why_balance, ask_why_refused
from entitlement_ledger.console.travel import narrowed
from entitlement_ledger.console.widgets.paged_table import PagedTable
from entitlement_ledger.console.widgets.text_input import TextInput
from entitlement_ledger.counted import counted
from entitlement_ledger.harmless import harmless

_PAGE = 100
_LATEST = 50
_OF_SUBSCRIPTIONS = ("renew", "upgrade", "downgrade", "cancel")
"""The forms that are about a subscription that there is."""


class CustomersScreen(CustomerForms):
    """Customers on the left; on the right what the selected one has, and what happened last."""

    WHERE: ClassVar[tuple[str, ...]] = (CUSTOMERS, TABLE)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(CUSTOMERS)

    def __init__(self) -> None:
        super().__init__()
        self._customer: CustomerRow | None = None
        self._wanted: str | None = None
        self._subscribed: tuple[str, ...] = ()
        self._used: dict[str, Sequence[int]] = {}

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Customers", *([self._customer.id] if self._customer else []))

    def compose_body(self) -> ComposeResult:
        """Lay out the list and the selected customer."""
        with Horizontal(id="customers"):
            with Vertical(id="find"):
                yield TextInput(
                    placeholder=self.with_keys("name, id, ticket, invoice {search}"), id="search"
                )
                yield Static(id="found")
                yield PagedTable(CUSTOMER_COLUMNS, key=lambda row: row.id, id="list")
            with Vertical(id="customer"):
                yield Static(id="head")
                columns = balance_columns(self.console.letters, self._used)
                yield PagedTable(columns, key=lambda row: row.entitlement, id="balances")
                yield Static(id="situation")
                yield Static(Content("latest transactions"), id="latest-title")
                yield PagedTable(TRANSACTION_COLUMNS, key=lambda row: row.transaction, id="latest")

    def on_mount(self) -> None:
        """Begin with the list, so that keys are keys; `/` goes to the search."""
        self.query_one("#head", Static).update(Content(""))
        self.query_one("#list", PagedTable).focus()

    @property
    def search(self) -> str:
        """What is searched for."""
        return self.query_one("#search", Input).value

    def load(self) -> None:
        """Ask for the customers that the search finds."""
        asked = self._wanted_now()
        search, known_at = self.search, self.moment.known_at
        self.ask(
            "list",
            lambda ledger: (
                ledger.customers(**asked),
                ledger.count_customers(search=search, known_at=known_at),
            ),
            self._show_list,
        )

    def _wanted_now(self) -> dict[str, Any]:
        then = self.moment
        return {"search": self.search, "limit": _PAGE, "at": then.at, "known_at": then.known_at}

    def show_customer(self, customer: str) -> None:
        """Go to one customer, whatever was searched for."""
        self._wanted = customer
        self.console.keys_wait_for(self, "list")
        search = self.query_one("#search", Input)
        if search.value == customer:
            self.load()
        else:
            search.value = customer

    def _show_list(self, found: tuple[list[CustomerRow], int]) -> None:
        rows, count = found
        keep = self._wanted or (self._customer.id if self._customer else None)
        self._wanted = None
        self.query_one("#list", PagedTable).show_rows(rows, more=len(rows) < count, keep=keep)
        self.query_one("#found", Static).update(self._chip(count))
        if not rows:
            self._customer = None
            self._show_head()
            ask_situation(self, self.query_one("#situation", Static), None)
            for table in ("#balances", "#latest"):
                self.query_one(table, PagedTable).show_rows([], more=False)
            self.query_one("#latest-title", Static).update(Content("nobody is selected"))

    def _chip(self, count: int) -> Content:
        if self.search:
            text = f" {count:,} found: {self.search} "
            return Content.assemble((harmless(text), "$background on $accent"))
        if not count:
            return Content.assemble(("no customers: import some", "$warning"))
        return Content.assemble((counted(count, "customer"), "$secondary"))

    def on_paged_table_more_wanted(self, _message: PagedTable.MoreWanted) -> None:
        """Ask for the next page of customers: no other table here has one."""
        table: PagedTable[CustomerRow] = self.query_one("#list", PagedTable)
        asked, after = self._wanted_now(), table.rows_held[-1].id
        self.ask(
            "more",
            lambda ledger: ledger.customers(**asked, after=after),
            lambda rows: table.add_rows_held(rows, more=len(rows) == _PAGE),
        )

    def on_input_changed(self, _event: Input.Changed) -> None:
        """Search as it is typed."""
        self.drop("more")
        self.load()

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        """Go from the search to what it found."""
        self.query_one("#list", PagedTable).focus()
        self.console.keys_wait_for(self, "list")

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Show the customer under the cursor."""
        if event.data_table.id == "list":
            selected = self.query_one("#list", PagedTable).selected
            if selected is not None:
                if self._customer is None or self._customer.id != selected.id:
                    # Not under another's name, whatever becomes of the question.
                    ask_situation(self, self.query_one("#situation", Static), None)
                self._customer = selected
                self._show_head()
                self._load_customer(selected.id)

    def _load_customer(self, customer: str) -> None:
        moment = self.moment
        only = narrowed(HistoryFilter(customer=customer), moment)
        self.ask(
            "customer",
            lambda ledger: (
                ledger.balances(customer, at=moment.at, known_at=moment.known_at),
                ledger.latest(only, limit=_LATEST + 1),
                ledger.subscriptions(customer, at=moment.at, known_at=moment.known_at),
            ),
            self._show_customer,
        )

    def _show_customer(
        self, found: tuple[list[Balance], list[TransactionRow], list[SubscriptionRow]]
    ) -> None:
        balances, latest, subscriptions = found
        self._used.clear()
        self.drop("use")
        self._subscribed = tuple(each.product for each in subscriptions)
        self._show_head("; ".join(map(told_subscription, subscriptions)))
        self.query_one("#balances", PagedTable).show_rows(balances, more=False)
        self._ask_use()
        who = self._customer.id if self._customer is not None and balances else None
        ask_situation(self, self.query_one("#situation", Static), who)
        rows = latest[:_LATEST]
        self.query_one("#latest", PagedTable).show_rows(rows, more=False)
        self.query_one("#latest-title", Static).update(Content(self._title(len(latest))))

    def _title(self, count: int) -> str:
        """Say how many of the latest transactions are listed, and whether there are more."""
        now = self.moment.is_now
        if not count:
            return f"no transactions {'yet' if now else 'by then'}"
        shown = min(count, _LATEST)
        listed = counted(shown, "transaction") if now else f"{shown} by then"
        if count > _LATEST:
            return f"latest {listed}, more in the ledger"
        return listed if count == 1 else f"all {listed}"

    def on_resize(self, _event: events.Resize) -> None:
        """Ask for what there is room for now, once the tables have their new widths."""
        if not self._used:
            self.call_after_refresh(self._ask_use)

    def _ask_use(self) -> None:
        ask_use(self, self.query_one("#balances", PagedTable), self._used)

    def _show_head(self, subscriptions: str = "") -> None:
        self.show_places()
        head, who = self.query_one("#head", Static), self._customer
        if who is None:
            hint = self.with_keys("Nobody selected: press {search} and type")
            head.update(Content.assemble((hint, "$secondary")))
            return
        head.update(told_head(who, subscriptions))

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Drill in: from the list to the balances, from there to the reasons."""
        table = event.data_table
        if table.id == "list":
            self.query_one("#balances", PagedTable).focus()
        elif isinstance(table, PagedTable):
            # Of the customer under the cursor, not of the one before.
            self.when_landed("customer", partial(self._open_row, table))

    def _open_row(self, table: PagedTable[Balance] | PagedTable[TransactionRow]) -> None:
        from entitlement_ledger.console.screens.detail import ExplanationScreen, TransactionScreen

        row = table.selected
        if isinstance(row, Balance):
            self.app.push_screen(ExplanationScreen(row.customer, row.entitlement))
        elif isinstance(row, TransactionRow):
            self.app.push_screen(TransactionScreen(row.transaction))

    def action_search(self) -> None:
        """Type what to search for."""
        # At once, not after what was typed meanwhile: over a slow line keys come together.
        self.set_focus(self.query_one("#search", Input))

    def action_back(self) -> None:
        """Go back to the list; stop what takes long; then clear the search."""
        listed, search = self.query_one("#list", PagedTable), self.query_one("#search", Input)
        if self.focused is not listed:
            listed.focus()
        elif any([self.stop(slot) for slot in ("list", "more")]):  # noqa: C419 - both
            stopped = self.with_keys("stopped: {reload} asks again")
            self.query_one("#found", Static).update(Content.assemble((stopped, "$warning")))
        elif search.value:
            search.value = ""

    def open_form_for(self, kind: str) -> None:
        """Open a form for the selected customer."""
        who = self._selected()
        if who is not None:
            self.when_landed("customer", partial(self._open_form_of, kind, who.id))

    def _selected(self) -> CustomerRow | None:
        """Give the selected customer; say what to do where there is none."""
        if self._customer is None:
            hint = self.with_keys("Select a customer first: press {search} and type.")
            self.notify(hint, markup=False)
        return self._customer

    def _open_form_of(self, kind: str, customer: str) -> None:
        if kind in _OF_SUBSCRIPTIONS and not self._subscribed:
            hint = self.with_keys("There is no subscription: {customers.purchase} opens one.")
            self.notify(hint, markup=False)
            return
        selected = self.query_one("#balances", PagedTable).selected
        given = {"entitlement": selected.entitlement} if isinstance(selected, Balance) else {}
        if len(self._subscribed) == 1 and kind != "purchase":
            given |= {"product": self._subscribed[0], "from": self._subscribed[0]}
        self.open_form(kind, customer, given)

    def action_statement(self) -> None:
        """Show the selected customer's statement."""
        who = self._selected()
        if who is not None:
            self.console.open_report("statement", customer=who.id)

    def action_why(self) -> None:
        """Say why the selected balance is what it is, or why a transaction was refused."""
        self.when_landed("customer", self._ask_why)

    def _ask_why(self) -> None:
        latest = self.query_one("#latest", PagedTable)
        row = latest.selected if self.focused is latest else None
        balance = self.query_one("#balances", PagedTable).selected
        if isinstance(row, TransactionRow):
            ask_why_refused(self, row)
        elif isinstance(balance, Balance):
            ask_why_balance(self, balance.customer, balance.entitlement)
        else:
            self.notify("There is no balance to explain.", markup=False)

    def action_situation(self) -> None:
        """Show all that the selected customer lost, holds, asked, and what lapses."""
        who = self._selected()
        if who is not None:
            self.app.push_screen(SituationScreen(who.id))

    def action_view(self) -> None:
        """Show the use of the selected balance over time."""
        self.when_landed("customer", self._view)

    def _view(self) -> None:
        balance = self.query_one("#balances", PagedTable).selected
        if isinstance(balance, Balance):
            from entitlement_ledger.console.screens.graph_use import UseScreen

            screen = UseScreen(balance.customer, balance.entitlement, balance.scale)
            self.app.push_screen(screen)
        else:
            self.notify("There is no balance to be seen over time.", markup=False)

    def action_lapses(self) -> None:
        """Show on a calendar what lapses for the selected customer."""
        who = self._selected()
        if who is not None:
            from entitlement_ledger.console.screens.calendar import CalendarScreen

            self.app.push_screen(CalendarScreen(who.id))

    def action_compare(self) -> None:
        """Compare the selected customer's balances with those of another time."""
        who = self._selected()
        if who is not None:
            from entitlement_ledger.console.screens.travelling import CompareScreen

            self.app.push_screen(CompareScreen(self, who.id))
