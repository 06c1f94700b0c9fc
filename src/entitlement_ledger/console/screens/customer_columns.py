"""The columns of the Customers screen: customers, balances, the latest transactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.content import Content

from entitlement_ledger.answers import Balance, CustomerRow, SubscriptionRow, TransactionRow
from entitlement_ledger.console.drawing import Alphabet, bar, sparkline
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.widgets.paged_table import Column, PagedTable
from entitlement_ledger.console.wording import (
    STATUS_SIGNS,
    amount,
    sign_of,
    signed_status,
    when,
    when_exactly,
)
from entitlement_ledger.harmless import harmless
from entitlement_ledger.overviews import Step, UseOver

WEEKS = 12
"""Over how many weeks the use of a balance is drawn beside it."""

USED = f"used {WEEKS} weeks"
"""The column in which it is."""

_BAR = 8
_NAME_MAX = 40


def colour_of(status: str) -> str:
    """Give the theme colour beside a status; empty where it has none."""
    return STATUS_SIGNS.get(status, ("", ""))[1]


def _lapses(row: Balance) -> str:
    """Give the day on which the next of it lapses; of nothing, nothing lapses."""
    return when(row.expires_next, none="never" if row.granted else "—")[:10]


CUSTOMER_COLUMNS: tuple[Column[CustomerRow], ...] = (
    Column(" ", 1, lambda row: sign_of(row.status),
           style=lambda row: colour_of(row.status), order=lambda row: row.status),
    Column("customer", 8, lambda row: row.id, order=lambda row: row.id, roomy=True),
    Column("name", 12, lambda row: row.name or f"({row.id})",
           order=lambda row: row.name.casefold()),
)  # fmt: skip


def balance_columns(
    letters: Alphabet, used: Mapping[str, Sequence[int]]
) -> tuple[Column[Balance], ...]:
    """Give the columns of balances; `used` is what was used each week, by entitlement."""
    return (
        Column("entitlement", 16, lambda row: row.entitlement, order=lambda row: row.entitlement,
               least=12),
        Column("available", 10, lambda row: amount(row.available, row.scale), right=True,
               order=lambda row: row.available, least=8),
        Column("held", 6, lambda row: amount(row.held, row.scale), right=True, wide_only=True),
        Column("left", _BAR, lambda row: bar(row.available, row.granted, _BAR, letters),
               style=lambda _: "accent", roomy=True),
        Column(USED, len(USED),
               lambda row: sparkline(used.get(row.entitlement, ()), WEEKS, letters),
               style=lambda _: "accent", spare=True),
        Column("lapses", 10, _lapses,
               order=lambda row: row.expires_next or 2**62),
    )  # fmt: skip


def ask_use(
    screen: LedgerScreen, table: PagedTable[Balance], used: dict[str, Sequence[int]]
) -> None:
    """Ask what was used of each balance in the last weeks, where there is room to show it.

    The answer is put into `used`, and the table's rows are shown anew.
    """
    if not table.rows_held or not table.shows(USED):
        return
    moment, customer = screen.moment, table.rows_held[0].customer

    def show(over: UseOver) -> None:
        if table.rows_held and table.rows_held[0].customer == customer:
            used.update({each.entitlement: each.consumed for each in over.uses})
            for row in table.rows_held:
                table.update_row(row)

    screen.ask(
        "use",
        lambda ledger: ledger.use(
            customer, step=Step.WEEK, pieces=WEEKS, at=moment.at, known_at=moment.known_at
        ),
        show,
    )


TRANSACTION_COLUMNS: tuple[Column[TransactionRow], ...] = (
    Column(" ", 1, lambda row: sign_of(row.status), style=lambda row: colour_of(row.status),
           order=lambda row: row.status),
    Column("effective", 10, lambda row: when(row.effective_at)[:10],
           order=lambda row: row.effective_at),
    Column("", 5, lambda row: when(row.effective_at)[11:], wide_only=True),
    Column("type", 9, lambda row: row.type, order=lambda row: row.type, least=7),
    Column("quantity", 9, lambda row: amount(row.quantity, row.scale), right=True,
           order=lambda row: row.quantity or 0, least=7),
    Column("of", 14, lambda row: row.entitlement or row.product or "",
           order=lambda row: row.entitlement or row.product or "", least=7),
    Column("status", 9, lambda row: row.status.replace("_", " "),
           style=lambda row: colour_of(row.status), spare=True),
    Column("by", 14, lambda row: row.actor, wide_only=True, order=lambda row: row.actor),
)  # fmt: skip


def told_subscription(row: SubscriptionRow) -> str:
    """Tell of a subscription in a few words."""
    until = f" to {when(row.until)[:10]}" if row.until is not None else ""
    return f"{row.product}{until}{f', then {row.pending}' if row.pending else ''}"


def told_head(who: CustomerRow, subscriptions: str) -> Content:
    """Tell who a customer is; where there is no subscription, since when.

    In three lines at most, and so of a long name only the beginning.
    """
    since = f"customer since {when_exactly(who.created_at, none='?')[:10]}"
    return Content.assemble(
        (harmless(who.name, width_max=_NAME_MAX) or "(no name)", "bold"), "  ",
        (signed_status(who.status), f"${colour_of(who.status) or 'secondary'}"), "\n",
        (harmless(f"{who.id} · {who.email} · {who.segment}"), "$secondary"), "\n",
        (harmless(subscriptions), "$accent") if subscriptions else (since, "$secondary"),
    )  # fmt: skip
