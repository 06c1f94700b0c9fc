"""What a text may be, wherever it comes from (rule S2). It imports nothing."""

from __future__ import annotations

CUSTOMER_LENGTH_MAX = 64
NAME_LENGTH_MAX = 512
REASON_LENGTH_MAX = 4096


def clean(value: str, length_max: int) -> str:
    """Give the text, which may be kept.

    Raises:
        ValueError: it is too long, holds NUL, or cannot be written as UTF-8; it says so.
    """
    if len(value) > length_max:
        raise ValueError(f"has {len(value)} characters, at most {length_max} are allowed")
    if "\x00" in value:
        raise ValueError("holds a NUL character")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair") from None
    return value
