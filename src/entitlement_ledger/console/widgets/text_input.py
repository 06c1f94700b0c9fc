"""A line to type in. What it holds may come from outside, as a path or a customer's id does."""

from __future__ import annotations

from rich.highlighter import Highlighter
from rich.text import Text
from textual.suggester import Suggester
from textual.widgets import Input

from entitlement_ledger.harmless import harmless


class TextInput(Input):
    """A line whose value stays as it is, and is shown without what would act on the terminal."""

    def __init__(
        self, value: str = "", *, placeholder: str = "", id: str, suggester: Suggester | None = None
    ) -> None:
        super().__init__(
            value,
            placeholder=placeholder,
            highlighter=_Shown(),
            suggester=suggester,
            id=id,
            compact=True,
        )


class _Shown(Highlighter):
    """Replaces each character by one that can be shown: the cursor stays where it is."""

    def highlight(self, text: Text) -> None:
        """Replace them in place."""
        text.plain = harmless(text.plain)
