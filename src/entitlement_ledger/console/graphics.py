"""With which characters the console draws: what is set, else what the terminal can surely show."""

from __future__ import annotations

import os
import sys

from entitlement_ledger.console.drawing import AUTO, Alphabet, alphabet
from entitlement_ledger.settings import Settings


def letters_of(settings: Settings) -> Alphabet:
    """Choose the alphabet by the setting, and by the terminal where that leaves it open."""
    graphics = settings.console.get("graphics", AUTO)
    if "web" in os.environ.get("TEXTUAL_DRIVER", ""):
        # It is drawn by a browser, whatever the terminal is that it was started from.
        return alphabet(graphics, encoding="utf-8", terminal=None)
    encoding = getattr(sys.__stderr__, "encoding", None)
    return alphabet(graphics, encoding=encoding, terminal=os.environ.get("TERM"))
