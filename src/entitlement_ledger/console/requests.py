"""What forms ask for: which fields each has, and how they are read as a person types them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from entitlement_ledger.answers import EntitlementRow, ProductRow
from entitlement_ledger.domain.instants import format_instant, parse_instant
from entitlement_ledger.domain.quantities import parse_quantity


class Form(msgspec.Struct, frozen=True):
    """One kind of command as a form.

    Attributes:
        fields: in the order in which they are asked for; reason and reference follow.
        whole: an empty quantity means all of it.
    """

    title: str
    fields: tuple[str, ...]
    quantity: str = "how much, above zero"
    whole: bool = False


FORMS: dict[str, Form] = {
    "issue": Form("Issue", ("entitlement", "quantity", "expires_at", "category")),
    "consume": Form("Consume", ("entitlement", "quantity")),
    "hold": Form("Hold", ("entitlement", "quantity", "expires_at")),
    "adjust": Form("Adjust", ("entitlement", "quantity"), "+ gives, - takes away"),
    "purchase": Form("Purchase", ("product", "timezone")),
    "renew": Form("Renew", ("product",)),
    "upgrade": Form("Upgrade", ("from", "to", "timing", "carry_over")),
    "downgrade": Form("Downgrade", ("from", "to", "timing", "carry_over")),
    "cancel": Form("Cancel", ("product", "timing")),
    "capture": Form("Capture", ("quantity",), "empty: all that is held", whole=True),
    "release": Form("Release", ()),
    "reverse": Form("Reverse", ("quantity",), "empty: all that is left", whole=True),
    "approve": Form("Approve", ()),
    "reject": Form("Reject", ()),
}

CHOICES: dict[str, tuple[str, ...]] = {
    "category": ("paid", "promo"),
    "timing": ("immediate", "period_end"),
    "carry_over": ("none", "remaining"),
}
"""Fields with few values; the first is the one that is meant unless something else is chosen."""

PRODUCT_FIELDS = ("product", "from", "to")


class Catalogue(msgspec.Struct, frozen=True):
    """What can be chosen, and what the customer has of it."""

    entitlements: dict[str, EntitlementRow]
    products: dict[str, ProductRow]
    subscribed: tuple[str, ...]


_AT_FAULT: dict[str, tuple[str, ...]] = {
    "unknown_entitlement": ("entitlement",),
    "entitlement_retired": ("entitlement", "product", "to"),
    "not_consumable": ("entitlement",),
    "insufficient_balance": ("quantity",),
    "invalid_quantity": ("quantity",),
    "exceeds_held": ("quantity",),
    "exceeds_original": ("quantity",),
    "invalid_time": ("expires_at", "timezone", "timing"),
    "reason_required": ("reason",),
    "unknown_product": ("product", "to"),
    "not_subscribed": ("product", "from"),
    "already_subscribed": ("product", "to"),
    "wrong_tier": ("to",),
}
"""Which field a refusal is about, by its code: the first of these that a form has."""


def at_fault(kind: str, code: str, message: str) -> str | None:
    """Name the field of a form that a refusal is about; None where it is about none."""
    fields = (*FORMS[kind].fields, "reason", "reference")
    # What is wrong with a field itself begins with its name.
    named = message.partition(" ")[0] if code in ("invalid_field", "missing_field") else ""
    return next((each for each in (named, *_AT_FAULT.get(code, ())) if each in fields), None)


def called(name: str) -> str:
    """Give what a field is called on the screen."""
    return name.replace("_at", "").replace("_", " ")


class FieldError(ValueError):
    """A field that cannot be used: which one, and what to type instead."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def command_of(
    kind: str, given: Mapping[str, Any], typed: Mapping[str, str], scale: int | None
) -> Mapping[str, Any]:
    """Make the command that a form asks for, from what is given and what was typed.

    Raises:
        FieldError: the first field that cannot be used.
    """
    command: dict[str, Any] = {"type": kind, **given}
    for name in FORMS[kind].fields:
        value = _value(kind, name, typed.get(name, "").strip(), scale)
        if value is not None:
            command[name] = value
    reason, reference = typed.get("reason", "").strip(), typed.get("reference", "").strip()
    if not reason:
        raise FieldError("reason", "say why: an auditor will ask")
    command["reason"] = reason
    if reference:
        command["reference"] = reference
    return command


def _value(kind: str, name: str, text: str, scale: int | None) -> str | int | None:
    """Read one field; None where it is left empty and may be."""
    if name == "quantity":
        whole = FORMS[kind].whole and not text
        return None if whole else _quantity(kind, text, scale or 0)
    if name in ("expires_at", "timezone"):
        if not text:
            return None
        return _expiry(text) if name == "expires_at" else text
    if not text:
        raise FieldError(name, "choose one")
    return text


def _quantity(kind: str, typed: str, scale: int) -> int:
    try:
        quantity = parse_quantity(typed, scale)
    except ValueError as error:
        raise FieldError("quantity", str(error) if typed else "say how much") from None
    if quantity == 0 or (kind != "adjust" and quantity < 0):
        needed = "above or below zero" if kind == "adjust" else "above zero"
        raise FieldError("quantity", f"must be {needed}")
    return quantity


def _expiry(typed: str) -> str:
    """Read a day, at whose begin in UTC it ends, or a whole time."""
    try:
        return format_instant(parse_instant(typed if "T" in typed else f"{typed}T00:00:00Z"))
    except ValueError:
        raise FieldError(
            "expires_at", "takes a day such as 2027-03-01, or a time with an offset"
        ) from None
