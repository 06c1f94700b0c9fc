"""A stylesheet that reads a style once for each theme.

Textual reads all styles of all widgets again whenever a screen comes up for the first time, though
neither they nor the colours are others: 20 milliseconds, twice a screen. Its version is pinned.
"""

from __future__ import annotations

from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet

_SOURCES_MAX = 512
"""More than there are widgets and screens with styles of their own."""


class LastingStylesheet(Stylesheet):
    """Keeps what it has read for as long as the colours stay the same."""

    def __init__(self, *, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(_SOURCES_MAX)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take colours; where they are those that there were, what was read still holds."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Read what has not been read with these colours.

        Raises:
            StylesheetError: a style cannot be read; the rules stay those that there were.
        """
        self.parse()
