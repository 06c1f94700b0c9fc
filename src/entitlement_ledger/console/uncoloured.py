"""Without colours: what stood out by its ground is reversed, everything else is as the terminal is.

Textual shows greys where `NO_COLOR` is set, which are colours too.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

from rich.color import Color as TerminalColour
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter, Monochrome

from entitlement_ledger.console.contrast import contrast

_STANDS_OUT = 3.0
"""From which contrast with the screen's own ground on another one stands out.

What is only another shade is below it: every text can be read on those. Cursors are above it.
"""


class Uncoloured(LineFilter):
    """Takes the colours away, and reverses what only they told apart."""

    def __init__(self, ground: Callable[[], str]) -> None:
        super().__init__()
        self._ground = ground

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Give segments that have no colour."""
        ground = self._ground()
        return [
            Segment(text, None if style is None else _plain(style, ground), control)
            for text, style, control in segments
        ]


@lru_cache(4096)
def _plain(style: Style, ground: str) -> Style:
    stands_out = style.bgcolor is not None and _stands_out(style.bgcolor, ground)
    reverse = stands_out != bool(style.reverse)
    # What the mouse finds below it stays.
    return style.without_color + Style(reverse=reverse, meta=style.meta or None)


@lru_cache(256)
def _stands_out(colour: TerminalColour, ground: str) -> bool:
    if colour.is_default:
        return False
    return contrast(Color.from_rich_color(colour), Color.parse(ground)) >= _STANDS_OUT


class UncolouredApp(App[None]):
    """Sends no colours to a terminal that is to have none."""

    def __init__(self) -> None:
        # Textual takes an empty one for a wish too (no-color.org: "not an empty string").
        if os.environ.get("NO_COLOR") == "":
            del os.environ["NO_COLOR"]
        super().__init__()

    def leave_out_colours(self) -> None:
        """Leave out every colour where Textual would show greys."""
        if self.no_color:
            kept = [each for each in self._filters if not isinstance(each, Monochrome)]
            self._filters = [*kept, Uncoloured(self._screen_ground)]

    def _screen_ground(self) -> str:
        return self.current_theme.background or "#000000"
