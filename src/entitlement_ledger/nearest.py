"""Suggesting what was probably meant by a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], *, otherwise: str) -> str:
    """Give the end of a sentence: which known name is like this one.

    Where none is, it ends with `otherwise`, which says what there is, or with nothing.
    """
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), 1)
    if near:
        return f": did you mean {near[0]}?"
    return f": {otherwise}" if otherwise else ""
