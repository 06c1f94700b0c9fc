"""Making text from outside harmless to a terminal.

Control characters, escape sequences and the marks that turn the direction of writing would act on
the terminal even where they are only to be shown. Each is replaced by a visible sign.
"""

from __future__ import annotations

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def harmless(text: str, *, width_max: int | None = None) -> str:
    """Give text in which every character can be printed, cut to a width with an ellipsis.

    `width_max` counts characters, not terminal cells.
    """
    shown = (
        text if text.isprintable() else "".join(c if c.isprintable() else REPLACEMENT for c in text)
    )
    if width_max is not None and len(shown) > width_max:
        return shown[: max(width_max - 1, 0)] + "…"
    return shown
