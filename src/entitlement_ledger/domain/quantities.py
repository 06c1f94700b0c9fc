"""Quantities: whole numbers in an entitlement's smallest unit, within 64 signed bits."""

from __future__ import annotations

import re

QUANTITY_MIN = -(2**63)
QUANTITY_MAX = 2**63 - 1
SCALE_MAX = 18
_SEPARATED = re.compile("[,_]")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}([,_][0-9]{3})+(\.[0-9]*)?")


def fits(quantity: int) -> bool:
    """Say whether a quantity lies in the 64-bit signed range."""
    return QUANTITY_MIN <= quantity <= QUANTITY_MAX


def format_quantity(quantity: int, scale: int = 0, *, grouping: bool = True) -> str:
    """Write a quantity with the decimal point that `scale` asks for, exact to the unit.

    The digits are moved as text: no division and no floating point is involved.
    """
    sign = "-" if quantity < 0 else ""
    digits = str(abs(quantity)).rjust(scale + 1, "0")
    whole, fraction = (digits[:-scale], digits[-scale:]) if scale else (digits, "")
    if grouping:
        whole = f"{int(whole):,}"
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def parse_quantity(text: str, scale: int = 0) -> int:
    """Read what a person typed (`1,250.50`) as a quantity in the smallest unit.

    A comma is no decimal point: `10,00` would be a hundred times what was meant.

    Raises:
        ValueError: not a number or not clearly one, more decimals than `scale` allows, or beyond 64
            bits.
    """
    given = text.strip()
    if _SEPARATED.search(given) and not _GROUPED.fullmatch(given):
        raise ValueError(
            f"{given!r} is not clear: a comma stands between groups of three digits only, "
            "decimals come after a point"
        )
    plain = given.replace(",", "").replace("_", "")
    sign = -1 if plain.startswith("-") else 1
    unsigned = plain[1:] if plain[:1] in ("+", "-") else plain
    whole, _, fraction = unsigned.partition(".")
    if not (whole + fraction).isascii() or not (whole + fraction).isdigit():
        raise ValueError(f"{text.strip()!r} is not a number")
    if len(fraction) > scale:
        raise ValueError(f"at most {scale} decimals" if scale else "whole numbers only")
    if len(whole) > 30:
        raise ValueError("beyond the 64-bit range")
    quantity = sign * int((whole or "0") + fraction.ljust(scale, "0"))
    if not fits(quantity):
        raise ValueError("beyond the 64-bit range")
    return quantity
