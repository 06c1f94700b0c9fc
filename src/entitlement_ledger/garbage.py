"""Looking for garbage, or rather not."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_MANY_LINES = 1_000


def look_seldom() -> None:
    """Look for garbage less often than Python would by itself.

    A batch makes many small records that all live on, and a screen thousands of pieces; to look
    through all that there is holds a key back for a tenth of a second. What is new is looked
    through a little at a time: of 50,000 pieces it would hold up whoever posts for 5 milliseconds.
    """
    gc.set_threshold(5_000, 200, 50)


@contextmanager
def no_garbage(lines: int) -> Iterator[None]:
    """Let nobody look for garbage while many records are made that all live on.

    What is looked through grows with what is made: it took a third of a large batch.
    """
    if lines < _MANY_LINES or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        # Into the oldest generation without looking through it, or else that would be next.
        gc.freeze()
        gc.unfreeze()
        gc.enable()
