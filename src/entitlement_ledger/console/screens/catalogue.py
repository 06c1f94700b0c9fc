"""Catalogue: the entitlements there are and the products that give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.content import Content

from entitlement_ledger.answers import (
    CatalogueFilter,
    CataloguePlace,
    CatalogueRow,
    EntitlementRow,
    Page,
    ProductLineRow,
    ProductRow,
)
from entitlement_ledger.console.actions import CATALOGUE, TABLE, bindings_of
from entitlement_ledger.console.screens.listing import FilteredListing
from entitlement_ledger.console.widgets.paged_table import Column, PagedTable
from entitlement_ledger.console.wording import STATUS_SIGNS, amount, plain, signed_status
from entitlement_ledger.harmless import harmless

if TYPE_CHECKING:
    from entitlement_ledger.ledger import Ledger

Entries = tuple[list[ProductRow], list[EntitlementRow]]
_LAPSES = {
    None: "never lapses",
    "period": "lapses with the period",
    "P1M": "lapses after a month",
    "P1Y": "lapses after a year",
}


def _what(entry: CatalogueRow) -> str:
    if isinstance(entry, EntitlementRow):
        return entry.description
    return ", ".join(dict.fromkeys(line.entitlement for line in entry.lines))


def _kind(entry: CatalogueRow) -> str:
    return entry.kind if isinstance(entry, EntitlementRow) else "product"


COLUMNS: tuple[Column[CatalogueRow], ...] = (
    Column("code", 18, lambda row: row.code, order=lambda row: row.code),
    Column("kind", 8, _kind, order=_kind),
    Column("status", 10, lambda row: signed_status(row.status),
           style=lambda row: STATUS_SIGNS.get(row.status, ("", ""))[1],
           order=lambda row: row.status),
    Column("name", 22, lambda row: row.name, order=lambda row: row.name),
    Column("gives", 20, _what),
)  # fmt: skip


class CatalogueScreen(FilteredListing[CatalogueRow, CatalogueFilter, CataloguePlace]):
    """Products and entitlements above, all of the one under the cursor below."""

    WHERE: ClassVar[tuple[str, ...]] = (CATALOGUE, TABLE)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(CATALOGUE)
    hint = "{search} filter: kind:product status:active words"
    empty = "nothing is in the catalogue yet: `entl import` entitlements and products"

    def __init__(self) -> None:
        super().__init__(CatalogueFilter)
        self._entitlements: dict[str, EntitlementRow] = {}
        self._products: list[ProductRow] = []

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Catalogue",)

    def make_table(self) -> PagedTable[CatalogueRow]:
        """Make the table of products and entitlements."""
        return PagedTable(COLUMNS, key=lambda row: f"{_kind(row)}:{row.code}",
                          copied=lambda row: row.code, id="rows")  # fmt: skip

    def told(self, row: CatalogueRow) -> Content:
        """Tell all of the entry."""
        lines = self._product(row) if isinstance(row, ProductRow) else self._entitlement(row)
        return Content("\n").join(lines)

    def load(self) -> None:
        """Ask for a page, and for what entries tell of one another."""
        super().load()
        self.ask("catalogue", _catalogue, self._know)

    def page(
        self, ledger: Ledger, only: CatalogueFilter, after: CataloguePlace | None
    ) -> Page[CatalogueRow, CataloguePlace]:
        """Ask for a page of the catalogue."""
        return ledger.catalogue(only, after=after, limit=self.rows_wanted(after))

    def count(self, ledger: Ledger, only: CatalogueFilter) -> int:
        """Count what matches."""
        return ledger.count_catalogue(only)

    def _know(self, found: Entries) -> None:
        self._products, entitlements = found
        self._entitlements = {each.code: each for each in entitlements}
        self.show_selected()

    def _product(self, product: ProductRow) -> list[Content]:
        length = product.period or "no end"
        changed = f", version {product.versions}" if product.versions > 1 else ""
        head = f"{product.code}  {product.name}: tier {product.tier}, {length}{changed}"
        told = [Content.assemble((harmless(head), "bold"))]
        told += [plain(f"  {self._given(line)}") for line in product.lines]
        return told if product.lines else [*told, plain("  it gives nothing")]

    def _given(self, line: ProductLineRow) -> str:
        known = self._entitlements.get(line.entitlement)
        scale, unit = (known.scale, known.unit) if known else (0, "")
        rest = "" if line.rollover_max is None else (
            f", rolls over up to {amount(line.rollover_max, scale, unit)}"
        )  # fmt: skip
        until = _LAPSES.get(line.valid_for, f"lapses after {line.valid_for}")
        return (
            f"{amount(line.quantity, scale, unit)} of {line.entitlement}, {line.category}, "
            f"priority {line.priority}, {until}{rest}"
        )

    def _entitlement(self, each: EntitlementRow) -> list[Content]:
        head = f"{each.code}  {each.name}: {each.kind} in {each.unit or 'units'}"
        given_by = [
            product.code
            for product in self._products
            if any(line.entitlement == each.code for line in product.lines)
        ]
        told = [Content.assemble((harmless(head), "bold"))]
        if each.description:
            told.append(plain(f"  {each.description}"))
        if each.scale:
            told.append(plain(f"  the last {each.scale} digits stand after the decimal point"))
        if each.resources:
            told.append(plain(f"  opens {', '.join(each.resources)}"))
        told.append(plain(f"  given by {', '.join(given_by) or 'no product'}"))
        return told


def _catalogue(ledger: Ledger) -> Entries:
    return ledger.products(), ledger.entitlements()
