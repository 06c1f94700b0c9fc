"""Looking for garbage, or rather not."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_MANY_LINES = 1_000


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
        gc.enable()
