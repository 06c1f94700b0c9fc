"""Everything that one row holds, whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from entitlement_ledger.harmless import harmless


class ValueScreen(ModalScreen[None]):
    """Names and values, nothing cut."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,space,enter,q", "dismiss", "Close"),
    ]

    def __init__(self, values: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._values = values

    def compose(self) -> ComposeResult:
        """Lay out the names and values."""
        with VerticalScroll(classes="dialog"):
            for name, value in self._values:
                yield Static(
                    Content.assemble(
                        (name.strip() or "·", "bold $primary"), "\n", harmless(value) or "—"
                    ),
                    classes="value",
                )
            yield Static(Content.assemble(("Esc closes", "$secondary")))
