"""How well each text of a theme stands out from what is behind it, as WCAG 2 measures it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.color import Color
from textual.theme import Theme

READABLE, HIGH = 4.5, 7.0
"""The ratios that are asked of text (level AA) and of high contrast (level AAA)."""

INKS = ("foreground", "primary", "secondary", "accent", "success", "warning", "error")
GROUNDS = ("background", "surface", "panel")
MARKS = ("primary", "accent", "warning")
"""What is behind the cursor, a selection, chips and the marks of the status line."""

PAIRS = (
    *((ink, ground) for ink in INKS for ground in GROUNDS),
    *(("background", mark) for mark in MARKS),
)
"""Every text and what can be behind it: the console and its themes use no other pair."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The contrast of a text, from 1 to 21, and of what is behind it."""

    ink: str
    ground: str
    ratio: float

    def __str__(self) -> str:
        """Name the two."""
        return f"{self.ink} on {self.ground}"


def contrast(ink: Color, ground: Color) -> float:
    """Give the ratio of two opaque colours, from 1 (the same) to 21 (black on white)."""
    dark, light = sorted((_luminance(ink), _luminance(ground)))
    return (light + 0.05) / (dark + 0.05)


def measure(theme: Theme) -> list[Measured]:
    """Measure every pair of a theme that was read from a file, the lowest first."""
    colours = {name: Color.parse(str(getattr(theme, name))) for pair in PAIRS for name in pair}
    measured = [
        Measured(ink, ground, contrast(colours[ink], colours[ground])) for ink, ground in PAIRS
    ]
    return sorted(measured, key=lambda each: each.ratio)


def warning_of(theme: Theme) -> str | None:
    """Say in a line which texts of a theme are hard to read, or give None."""
    low = [each for each in measure(theme) if each.ratio < READABLE]
    if not low:
        return None
    more = f", and {len(low) - 1} more" if len(low) > 1 else ""
    return (
        f"{theme.name}: {low[0]} is hard to read, {low[0].ratio:.1f} of {READABLE}{more} "
        f"(entl themes --check)"
    )


def _luminance(colour: Color) -> float:
    parts = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in colour.normalized
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
