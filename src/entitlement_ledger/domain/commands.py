"""Commands: what somebody asks of the ledger, and the shape that a line must have.

A new type of command is a row in `SHAPES` here and a rule in `rules/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from entitlement_ledger.domain.catalogue import Category
from entitlement_ledger.domain.instants import Instant, parse_instant
from entitlement_ledger.domain.periods import parse_zone
from entitlement_ledger.domain.refusals import Code, Refused
from entitlement_ledger.domain.texts import (
    CUSTOMER_LENGTH_MAX,
    NAME_LENGTH_MAX,
    REASON_LENGTH_MAX,
    clean,
)

JSON = Any
"""A JSON value as Python objects; what it really is, the shape check finds out."""

Line = Mapping[str, JSON] | Refused
"""A command as a JSON object, or why a line could not be read as one."""

RESERVED_PREFIX = "entl:"


class CommandType(StrEnum):
    """What can be asked; each completed one is a transaction of the same type."""

    ISSUE = "issue"
    CONSUME = "consume"
    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"
    ADJUST = "adjust"
    REVERSE = "reverse"
    PURCHASE = "purchase"
    RENEW = "renew"
    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    CANCEL = "cancel"
    APPROVE = "approve"
    REJECT = "reject"
    EXPIRE = "expire"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of the right shape. Fields that its type does not have keep their defaults.

    Attributes:
        body: the fields as given, `key` aside: what makes two commands the same.
        effective_at: when it counts; None is the moment of recording.
        product: what is bought, renewed, changed or cancelled.
        to: the product changed to.
        zone: IANA time zone of a subscription.
        timing: `immediate` or `period_end`.
        carry_over: `none` or `remaining`.
        quantity: may still lie beyond 64 bits: that is refused by rule, not by shape.
    """

    type: CommandType
    key: str
    customer: str
    body: Mapping[str, JSON]
    effective_at: Instant | None = None
    actor: str | None = None
    reason: str | None = None
    reference: str | None = None
    entitlement: str = ""
    quantity: int | None = None
    expires_at: Instant | None = None
    priority: int = 100
    category: Category = Category.PAID
    transaction: str = ""
    grant: str = ""
    product: str = ""
    to: str = ""
    zone: str = "UTC"
    timing: str = "immediate"
    carry_over: str = "none"


REVERSIBLE = frozenset(
    {
        CommandType.ISSUE,
        CommandType.CONSUME,
        CommandType.CAPTURE,
        CommandType.ADJUST,
        CommandType.PURCHASE,
    }
)
"""What can be undone by a `reverse`."""

Reader = Callable[[JSON], object]


def _text(length_max: int) -> Reader:
    def read(value: JSON) -> str:
        if not isinstance(value, str):
            raise ValueError(f"must be text, not {_json_type(value)}")
        if not value:
            raise ValueError("must not be empty")
        return clean(value, length_max)

    return read


def _reason(value: JSON) -> str:
    """A reason may be blank here: whether one is required is a rule, not a shape."""
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {_json_type(value)}")
    return clean(value, REASON_LENGTH_MAX)


def _key(value: JSON) -> object:
    key = _text(NAME_LENGTH_MAX)(value)
    if str(key).startswith(RESERVED_PREFIX):
        raise ValueError(f"must not begin with {RESERVED_PREFIX!r}: such keys belong to the ledger")
    return key


def _instant(value: JSON) -> Instant:
    if not isinstance(value, str):
        raise ValueError(f"must be a time in text, not {_json_type(value)}")
    return parse_instant(value)


def _integer(value: JSON) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"must be a whole number, not {_json_type(value)}")
    return value


def _category(value: JSON) -> Category:
    if value not in ("paid", "promo"):
        raise ValueError("must be 'paid' or 'promo'")
    return Category(value)


def _one_of(*allowed: str) -> Reader:
    def read(value: JSON) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(f"must be {' or '.join(map(repr, allowed))}")
        return value

    return read


def _zone(value: JSON) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {_json_type(value)}")
    return parse_zone(value).key


def _json_type(value: JSON) -> str:
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number with a fraction or exponent",
        str: "text",
        list: "a list",
        dict: "an object",
        type(None): "null",
    }
    return names.get(type(value), "that")


READERS: dict[str, Reader] = {
    "key": _key,
    "customer": _text(CUSTOMER_LENGTH_MAX),
    "effective_at": _instant,
    "actor": _text(NAME_LENGTH_MAX),
    "reason": _reason,
    "reference": _text(NAME_LENGTH_MAX),
    "entitlement": _text(NAME_LENGTH_MAX),
    "quantity": _integer,
    "expires_at": _instant,
    "priority": _integer,
    "category": _category,
    "transaction": _text(NAME_LENGTH_MAX),
    "grant": _text(NAME_LENGTH_MAX),
    "product": _text(NAME_LENGTH_MAX),
    "from": _text(NAME_LENGTH_MAX),
    "to": _text(NAME_LENGTH_MAX),
    "timezone": _zone,
    "timing": _one_of("immediate", "period_end"),
    "carry_over": _one_of("none", "remaining"),
}
"""How each field is read: a field means the same in every type."""

_ATTRIBUTES = {"from": "product", "timezone": "zone"}
"""Fields that a command keeps under another name."""

COMMON_REQUIRED = frozenset({"type", "key", "customer"})
COMMON_OPTIONAL = frozenset({"effective_at", "actor", "reason", "reference"})


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields that one type of command has, beside the common ones."""

    required: frozenset[str]
    optional: frozenset[str]


def _shape(required: str, optional: str = "") -> Shape:
    return Shape(
        COMMON_REQUIRED | frozenset(required.split()),
        COMMON_OPTIONAL | frozenset(optional.split()),
    )


SHAPES: dict[str, Shape] = {
    CommandType.ISSUE: _shape("entitlement quantity", "expires_at priority category"),
    CommandType.CONSUME: _shape("entitlement quantity"),
    # The reason of an adjustment is asked for by rule, so that its lack is recorded.
    CommandType.ADJUST: _shape("entitlement quantity"),
    CommandType.REVERSE: _shape("transaction", "quantity"),
    CommandType.HOLD: _shape("entitlement quantity", "expires_at"),
    CommandType.CAPTURE: _shape("transaction", "quantity"),
    CommandType.RELEASE: _shape("transaction"),
    CommandType.PURCHASE: _shape("product", "timezone"),
    CommandType.RENEW: _shape("product"),
    CommandType.UPGRADE: _shape("from to", "timing carry_over"),
    CommandType.DOWNGRADE: _shape("from to", "timing carry_over"),
    CommandType.APPROVE: _shape("transaction"),
    CommandType.REJECT: _shape("transaction"),
    # One of product and grant, which no shape can say.
    CommandType.CANCEL: _shape("", "product grant timing"),
}


def parse_command(line: JSON) -> Command:
    """Read one JSON object as a command.

    Invalid fields are looked for before missing ones (rule S3); null in an optional field is the
    field not being given (rule S1).

    Raises:
        Refused: `invalid_field` or `missing_field`, naming the field.
    """
    if not isinstance(line, Mapping):
        raise Refused(Code.INVALID_FIELD, f"the line must be an object, not {_json_type(line)}")
    shape = _shape_of(line)
    fields = _fields(line, shape)
    if shape is None:
        raise Refused(Code.MISSING_FIELD, "type is missing")
    missing = sorted(shape.required - line.keys())
    if missing:
        raise Refused(Code.MISSING_FIELD, f"{missing[0]} is missing")
    if line["type"] == CommandType.CANCEL:
        _product_or_grant(fields)
    body = {name: value for name, value in line.items() if name != "key"}
    return Command(type=CommandType(line["type"]), body=body, **fields)


def _fields(line: Mapping[str, JSON], shape: Shape | None) -> dict[str, Any]:
    """Read the fields that are given; with an unknown type, those that any type has."""
    fields: dict[str, Any] = {}
    for name, value in line.items():
        if name == "type":
            continue
        reader = READERS.get(name)
        allowed = shape is None or name in shape.required or name in shape.optional
        if reader is None or not allowed:
            raise _unknown_field(name, None if shape is None else str(line["type"]))
        if value is None and (shape is None or name in shape.optional):
            continue
        try:
            fields[_ATTRIBUTES.get(name, name)] = reader(value)
        except ValueError as error:
            raise Refused(Code.INVALID_FIELD, f"{name} {error}") from None
    return fields


def _product_or_grant(fields: Mapping[str, Any]) -> None:
    if "product" in fields and "grant" in fields:
        raise Refused(Code.INVALID_FIELD, "a cancel names a product or a grant, not both")
    if "product" not in fields and "grant" not in fields:
        raise Refused(Code.MISSING_FIELD, "product or grant is missing")


def _shape_of(line: Mapping[str, JSON]) -> Shape | None:
    """Give the shape of the line's type, or None where the type is not given."""
    if "type" not in line:
        return None
    given = line["type"]
    shape = SHAPES.get(given) if isinstance(given, str) else None
    if shape is None:
        known = ", ".join(SHAPES)
        raise Refused(Code.INVALID_FIELD, f"type must be one of {known}")
    return shape


def _unknown_field(name: str, of_type: str | None) -> Refused:
    shown = name if name.isprintable() and len(name) <= 64 else ascii(name)[:64]
    where = f" of {of_type}" if of_type else ""
    return Refused(Code.INVALID_FIELD, f"{shown} is not a field{where}")
