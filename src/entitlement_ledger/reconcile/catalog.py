"""The catalogue: what the two sides do not have alike, and what no product explains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import msgspec

from entitlement_ledger.domain.catalogue import CatalogueStatus, Entitlement, Product
from entitlement_ledger.domain.events import transaction_id
from entitlement_ledger.reconcile.sides import Draft
from entitlement_ledger.reconciliations import ENTITLEMENT, INVOICE, PRODUCT, Class, Side

Versions = Mapping[str, Sequence[Product]]
"""The versions of products, oldest first, by code."""

_OF_PRODUCT = ("name", "tier", "period", "status")
_OF_LINE = ("valid_for", "priority", "category", "rollover_max")
_OF_ENTITLEMENT = ("name", "description", "kind", "unit", "scale", "resources", "status")


@dataclass(slots=True)
class Compared:
    """What came of a comparison: how many lines agree, and the rest."""

    matched: int = 0
    found: list[Draft] = field(default_factory=list)

    def compare(
        self, reference: str, ours: Mapping[str, Any], theirs: Mapping[str, Any], line: int
    ) -> bool:
        """Compare fields; tell those that differ, and say whether all agree."""
        differing = [name for name in theirs if _plain(ours[name]) != _plain(theirs[name])]
        for name in differing:
            mine, other = _plain(ours[name]), _plain(theirs[name])
            why = f"{name} is {_said(other)} there, {_said(mine)} here: import the catalogue"
            self.found.append(
                Draft(
                    Class.AMOUNT,
                    reference,
                    None,
                    mine,
                    other,
                    why,
                    (name,),
                    None,
                    (Side(reference, status=f"{name} {_said(mine)}"),),
                    (Side(reference, status=f"{name} {_said(other)}", line=line),),
                )
            )
        return not differing

    def tell(
        self, class_: Class, reference: str, quantity: int | None, why: str, line: int | None = None
    ) -> None:
        """Tell what one side has and the other has not."""
        side = (Side(reference, quantity, line=line),)
        here = class_ is Class.MISSING_THERE
        self.found.append(
            Draft(
                class_,
                reference,
                None,
                quantity if here else None,
                None if here else quantity,
                why,
                (str(line), str(quantity)) if class_ is Class.DUPLICATE else (),
                None,
                side if here else (),
                () if here else side,
            )
        )


def compare_products(rows: Iterable[Any], ours: Mapping[str, Product]) -> Compared:
    """Compare the lines of products; rows are kept lines, one for each line of each product."""
    done = Compared()
    products: dict[str, list[Any]] = {}
    for row in rows:
        known = products.setdefault(row.product, [])
        if known and _nth(known[0]) != _nth(row):
            why = f"line {row.line} has the code of line {known[0].line} again"
            done.tell(Class.DUPLICATE, f"{PRODUCT}{row.product}", row.quantity, why, row.line)
        else:
            known.append(row)
    for code, lines in products.items():
        product = ours.get(code)
        if product is None:
            for row in lines:
                place = f"{PRODUCT}{code}/{row.entitlement}"
                why = f"it is sold there, and not known here: {row.entitlement or 'no lines'}"
                done.tell(Class.MISSING_HERE, place, row.quantity, why, row.line)
        else:
            _compare_product(done, lines, product)
    for product in ours.values():
        if product.code not in products and product.status is not CatalogueStatus.RETIRED:
            for line in product.lines:
                place = f"{PRODUCT}{product.code}/{line.entitlement}"
                why = "the product is sold here, and not there"
                done.tell(Class.MISSING_THERE, place, line.quantity, why)
    return done


def _compare_product(done: Compared, rows: Sequence[Any], product: Product) -> None:
    """Compare what a product is, and what it gives; it may give one entitlement in two lines."""
    terms = msgspec.json.decode(rows[0].terms)
    reference = f"{PRODUCT}{product.code}"
    of_it = {name: terms[name] for name in _OF_PRODUCT}
    alike = done.compare(reference, msgspec.structs.asdict(product), of_it, rows[0].line)
    theirs: dict[str, list[Any]] = {}
    for row in rows:
        theirs.setdefault(row.entitlement, []).append(row)
    ours: dict[str, list[dict[str, Any]]] = {}
    for each in product.lines:
        ours.setdefault(each.entitlement, []).append(msgspec.structs.asdict(each))
    for entitlement in [*theirs, *(each for each in ours if each not in theirs)]:
        place = f"{reference}/{entitlement}"
        there, here = theirs.get(entitlement, []), ours.get(entitlement, [])
        if not entitlement:
            done.matched += alike
        pairs: Iterator[tuple[Any, Any]] = zip_longest(there, here)
        for row, line in pairs:
            if line is None and entitlement:
                why = f"the product gives {entitlement} there only"
                done.tell(Class.MISSING_HERE, place, row.quantity, why, row.line)
            elif row is None:
                why = f"the product gives {entitlement} here only"
                done.tell(Class.MISSING_THERE, place, line["quantity"], why)
            elif line is not None:
                terms = msgspec.json.decode(row.terms)
                of_line = {"quantity": row.quantity, **{each: terms[each] for each in _OF_LINE}}
                done.matched += done.compare(place, line, of_line, row.line) and alike


def compare_entitlements(rows: Iterable[Any], ours: Mapping[str, Entitlement]) -> Compared:
    """Compare entitlements; rows are kept lines, one for each."""
    done = Compared()
    codes: dict[str, Any] = {}
    for row in rows:
        reference, mine = f"{ENTITLEMENT}{row.reference}", ours.get(row.reference)
        first = codes.setdefault(row.reference, row)
        if first is not row:
            why = f"line {row.line} has the code of line {first.line} again"
            done.tell(Class.DUPLICATE, reference, None, why, row.line)
        elif mine is None:
            done.tell(Class.MISSING_HERE, reference, None, "there, and not known here", row.line)
        else:
            terms = msgspec.json.decode(row.terms)
            theirs = {name: terms[name] for name in _OF_ENTITLEMENT if name in terms}
            fields = msgspec.structs.asdict(mine)
            done.matched += done.compare(reference, fields, theirs, row.line)
    for code, mine in ours.items():
        if code not in codes and mine.status is not CatalogueStatus.RETIRED:
            done.tell(Class.MISSING_THERE, f"{ENTITLEMENT}{code}", None, "here, and not there")
    return done


def unexplained_grants(
    rows: Iterable[Any], versions: Versions, theirs: Iterable[Any]
) -> Iterator[Draft]:
    """Tell what was given of a product though no version of it gives that.

    Rows are of `given_of_products`; `theirs` are the lines of the file. What an older version gave
    is explained by it; what the newest gives must be in the file.
    """
    told: dict[tuple[str, str], list[int]] = {}
    for row in theirs:
        told.setdefault((row.product, row.entitlement), []).append(row.quantity or 0)
    for row in rows:
        parts = told.get((row.product, row.entitlement), [])
        sold = sum(parts) or None
        whole = any(each and row.quantity % each == 0 for each in (*parts, sold))
        if whole or explained(versions, row, newest=False):
            continue
        first = transaction_id(row.sequence)
        why = (
            f"{row.quantity} of {row.entitlement} given for {row.product}, which gives "
            f"{sold or 'nothing'} of it: by {first}" + _more(row.grants)
        )
        one = row.grants == 1
        yield Draft(
            Class.MISSING_THERE,
            f"{INVOICE}{row.name}"
            if one and row.name
            else f"{PRODUCT}{row.product}/{row.entitlement}",
            row.customer if one else None,
            row.quantity,
            sold,
            why,
            (row.product, row.entitlement, str(row.quantity), first),
            None,
            (Side(row.entitlement, row.quantity, at=row.moment, transaction=first),),
            () if sold is None else (Side(row.entitlement, sold),),
        )


def unexplained_lines(rows: Iterable[Any], versions: Versions) -> Iterator[Draft]:
    """Tell what was sold of a product though no version of it gives that.

    Rows are of `sold_of_products`. Whether the ledger gave what was sold is another question.
    """
    for row in rows:
        if explained(versions, row, newest=True):
            continue
        known = "no such product" if row.product not in versions else "another quantity or none"
        why = (
            f"{row.quantity} of {row.entitlement} sold as {row.product}, of which the catalogue "
            f"knows {known}: line {row.line}" + _more(row.lines)
        )
        yield Draft(
            Class.UNEXPLAINED,
            f"{PRODUCT}{row.product}/{row.entitlement}",
            None,
            None,
            row.quantity,
            why,
            (str(row.quantity),),
            None,
            (),
            (Side(row.name, row.quantity, line=row.line),),
        )


def explained(versions: Versions, row: Any, *, newest: bool) -> bool:
    """Say whether a version gives the quantity, or a whole part of it.

    Without `newest` only versions before the newest count.
    """
    known = versions.get(row.product, ())
    for product in known[: None if newest else -1]:
        given = [each.quantity for each in product.lines if each.entitlement == row.entitlement]
        # A product may give one entitlement in two lines, which are sold as one or as two.
        if given and any(not (row.quantity or 0) % each for each in (*given, sum(given))):
            return True
    return False


def _more(count: int) -> str:
    return f" and {count - 1} more" if count > 1 else ""


def _nth(row: Any) -> int:
    """Say which product of the file a line belongs to."""
    return int(msgspec.json.decode(row.terms)["nth"])


def _plain(value: Any) -> Any:
    """Give a value as both sides can be compared by: text, a number, or nothing."""
    if isinstance(value, list | tuple):
        return ";".join(value)
    return value


def _said(value: Any) -> str:
    return "nothing" if value in (None, "") else str(value)
