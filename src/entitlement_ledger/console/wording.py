"""Wording: every text from the store becomes harmless text of a known width here."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.content import Content

from entitlement_ledger.domain.instants import Instant, second_text
from entitlement_ledger.domain.quantities import format_quantity
from entitlement_ledger.harmless import harmless

STATUS_SIGNS = {
    "completed": ("✓", "success"),
    "refused": ("✗", "error"),
    "reversed": ("↶", "warning"),
    "partly_reversed": ("↶", "warning"),
    "active": ("●", "success"),
    "suspended": ("◐", "warning"),
    "closed": ("○", "error"),
    "usable": ("●", "success"),
    "used up": ("○", "secondary"),
    "scheduled": ("◔", "warning"),
    "expired": ("✗", "error"),
}
"""A sign and a theme colour beside the word, never instead of it."""


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Give harmless text of a width in terminal cells at most; what is cut is shown to be cut.

    To the right it is filled up to that width.
    """
    shown = harmless(text)
    if cell_len(shown) > width:
        shown = set_cell_size(shown, max(width - 1, 0)).rstrip() + "…"
    return " " * max(width - cell_len(shown), 0) + shown if right else shown


def filled(text: str, width: int) -> str:
    """Give harmless text of exactly a width in terminal cells, for what stands in columns."""
    return set_cell_size(fit(text, width), width)


def cell(text: str, width: int, *, right: bool = False, style: str = "") -> Text:
    """Give a table's cell. Never markup: a customer may be called `Bob[/red]`."""
    return Text(fit(text, width, right=right), style=style, no_wrap=True, end="")


def plain(text: str) -> Content:
    """Give text for a widget; never markup."""
    return Content(harmless(text))


def when(instant: Instant | None, *, none: str = "") -> str:
    """Write a time to the minute, in UTC."""
    return none if instant is None else second_text(instant)[:-3]


def when_exactly(instant: Instant | None, *, none: str = "") -> str:
    """Write a time to the second, in UTC."""
    return none if instant is None else f"{second_text(instant)} UTC"


def amount(quantity: int | None, scale: int | None, unit: str | None = None) -> str:
    """Write a quantity with its decimal point and unit."""
    if quantity is None:
        return ""
    return f"{format_quantity(quantity, scale or 0)} {unit or ''}".rstrip()


def signed(quantity: int, scale: int | None) -> str:
    """Write a quantity with its sign."""
    return f"{'+' if quantity > 0 else ''}{format_quantity(quantity, scale or 0)}"


def sign_of(status: str) -> str:
    """Give the sign of a status."""
    return STATUS_SIGNS.get(status, ("·", ""))[0]


def signed_status(status: str) -> str:
    """Give a status with its sign."""
    return f"{sign_of(status)} {status.replace('_', ' ')}"
