"""What a form's fields ask for, read as a person types them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from entitlement_ledger.answers import EntitlementRow
from entitlement_ledger.domain.instants import format_instant, parse_instant
from entitlement_ledger.domain.quantities import parse_quantity


class FieldError(ValueError):
    """A field that cannot be used: which one, and what to type instead."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields of a form as typed; times are a day, or RFC 3339 with an offset."""

    quantity: str
    reason: str
    reference: str
    expires_at: str = ""
    category: str | None = None


def command_of(
    kind: str, customer: str, entitlement: EntitlementRow | None, typed: Typed, key: str
) -> Mapping[str, Any]:
    """Make the command that a form asks for.

    Raises:
        FieldError: the first field that cannot be used.
    """
    if entitlement is None:
        raise FieldError("entitlement", "choose an entitlement")
    command: dict[str, Any] = {
        "type": kind,
        "key": key,
        "customer": customer,
        "entitlement": entitlement.code,
        "quantity": _quantity(kind, typed.quantity, entitlement),
    }
    if typed.expires_at.strip():
        command["expires_at"] = _expiry(typed.expires_at.strip())
    if typed.category is not None:
        command["category"] = typed.category
    if not typed.reason.strip():
        raise FieldError("reason", "say why: an auditor will ask")
    command["reason"] = typed.reason.strip()
    if typed.reference.strip():
        command["reference"] = typed.reference.strip()
    return command


def _quantity(kind: str, typed: str, entitlement: EntitlementRow) -> int:
    try:
        quantity = parse_quantity(typed, entitlement.scale)
    except ValueError as error:
        raise FieldError("quantity", str(error) if typed.strip() else "say how much") from None
    if quantity == 0 or (kind == "issue" and quantity < 0):
        needed = "above zero" if kind == "issue" else "above or below zero"
        raise FieldError("quantity", f"must be {needed}")
    return quantity


def _expiry(typed: str) -> str:
    """Read a day, at whose begin in UTC the grant lapses, or a whole time."""
    try:
        return format_instant(parse_instant(typed if "T" in typed else f"{typed}T00:00:00Z"))
    except ValueError:
        raise FieldError(
            "expires_at", "takes a day such as 2027-03-01, or a time with an offset"
        ) from None
