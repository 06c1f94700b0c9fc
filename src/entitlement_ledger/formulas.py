"""Making text from outside harmless to a spreadsheet.

A spreadsheet takes a cell that begins with `=`, and some other signs, for a formula, and some of
them also where white space or signs that cannot be seen come first. An apostrophe before it says
that it is text.
"""

from __future__ import annotations

import re

MARK = "'"
"""What is put before such a text."""

_STARTS = "=+@\uff1d\uff0b\uff0d\uff20"
_BREAKS = r"\t\r\n"
_UNSEEN = (
    (0x00, 0x20), (0x7F, 0xA0), (0xAD, 0xAD), (0x34F, 0x34F), (0x600, 0x605), (0x61C, 0x61C),
    (0x6DD, 0x6DD), (0x70F, 0x70F), (0x890, 0x891), (0x8E2, 0x8E2), (0x115F, 0x1160),
    (0x1680, 0x1680), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2000, 0x200F), (0x2028, 0x202F),
    (0x205F, 0x206F), (0x2800, 0x2800), (0x3000, 0x3000), (0x3164, 0x3164), (0xE000, 0xF8FF),
    (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0xFFFE, 0xFFFF),
    (0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x1345F), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF), (0xF0000, 0x10FFFF),
)  # fmt: skip
"""Ranges of characters that are no mark on the paper: white space, control, format, private use.

Written down, and not asked of the Unicode tables of this Python: the same text has to be written
the same way by the database and by every version of the program.
"""


def _sign(code: int) -> str:
    """Write a character so that both Python and the database read the same pattern."""
    return f"\\x{code:02x}" if code <= 0xFF else chr(code)


_SKIPPED = "".join(f"{_sign(first)}-{_sign(last)}" for first, last in _UNSEEN)

DANGEROUS = f"^(?:[{_BREAKS}]|[{_SKIPPED}]*[{_STARTS}\\-])"
"""A regular expression for the beginning of such a text, as Python and RE2 both read it."""

PLAIN_RANGES = (("0", ":"), ("A", "["), ("a", "{"))
"""Half-open ranges of first characters that are harmless: most texts need no closer look."""

_dangerous = re.compile(DANGEROUS)


def without_formula(text: str) -> str:
    """Give text that no spreadsheet takes for a formula."""
    return MARK + text if _dangerous.match(text) else text
