"""A line for a path, which is completed from what is there."""

from __future__ import annotations

import asyncio
import os
from itertools import islice
from pathlib import Path

from textual.suggester import Suggester

from entitlement_ledger.console.widgets.text_input import TextInput

_LOOKED_AT_MAX = 10_000


class PathSuggester(Suggester):
    """Completes a path by the first entry, in order of names, that goes on like it."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """Give the whole path; a folder ends in `/`, so that typing goes on in it."""
        return await asyncio.to_thread(completed, value)


def completed(typed: str) -> str | None:
    """Complete a path as typed; None where there is nothing to go on with."""
    begun, slash, last = typed.rpartition("/")
    if not typed or not last:
        return None
    try:
        folder = Path(begun + slash or ".").expanduser()
        with os.scandir(folder) as entries:
            found = min(
                (
                    each.name + ("/" if each.is_dir() else "")
                    for each in islice(entries, _LOOKED_AT_MAX)
                    # A name that would act on the terminal can be typed, and is not offered.
                    if each.name.startswith(last) and each.name.isprintable()
                ),
                default=None,
            )
    except (OSError, RuntimeError, ValueError):
        return None
    return None if found is None else f"{begun}{slash}{found}"


class PathInput(TextInput):
    """A line for a path; the right arrow key takes what is offered."""

    def __init__(self, *, id: str, placeholder: str = "", value: str = "") -> None:
        super().__init__(value, placeholder=placeholder, suggester=PathSuggester(), id=id)

    @property
    def path(self) -> Path | None:
        """The path, with `~` for the home folder; None where the line is empty."""
        typed = self.value.strip()
        if not typed:
            return None
        try:
            return Path(typed).expanduser()
        except RuntimeError:
            # There is no such user: the name is taken as it is.
            return Path(typed)
