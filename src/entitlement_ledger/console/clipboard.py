"""Copying: to the terminal's clipboard by OSC 52, and into a file for where that reaches nobody.

A terminal never says whether it does what OSC 52 asks, so nobody can know whether it did.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textual import events
from textual.app import App

from entitlement_ledger.console.actions import EVERYWHERE
from entitlement_ledger.harmless import harmless
from entitlement_ledger.settings import state_folder

if TYPE_CHECKING:
    from entitlement_ledger.console.keys import MyKeys
    from entitlement_ledger.console.opening import Opening


class CopyingApp(App[None]):
    """An app in which everything that is copied goes the way the settings say."""

    opening: Opening
    my_keys: MyKeys

    def copy_to_clipboard(self, text: str) -> None:
        """Copy text, and say where it is now."""
        how = self.opening.settings.console.get("clipboard", "both")
        kept = pasteable(text)
        if how != "file":
            super().copy_to_clipboard(kept)
        if how == "osc52":
            self._said("Copied, if the terminal can.")
            return
        try:
            file = shortened(keep(kept, state_folder()))
        except OSError as error:
            why = f"{error.filename} cannot be written: {error.strerror}"
            self._said(f"Not copied into a file: {why}", "error" if how == "file" else "warning")
            return
        self._said(f"Copied into {file}" if how == "file" else f"Copied; it is in {file}, too")

    async def on_event(self, event: events.Event) -> None:
        """Take from what is pasted into a line what would act on the terminal."""
        if isinstance(event, events.Paste):
            event.text = pasteable(event.text)
        await super().on_event(event)

    def _said(
        self, text: str, severity: Literal["information", "warning", "error"] = "information"
    ) -> None:
        self.notify(harmless(text), severity=severity, markup=False, timeout=4)

    def action_help_quit(self) -> None:
        """Say what leaves: Ctrl-C copies what is marked, and nothing is."""
        key = self.my_keys.name(EVERYWHERE, "leave")
        self._said(f"Ctrl-C copies what the mouse has marked; {key} leaves.")


def pasteable(text: str) -> str:
    """Give text that does nothing of its own accord where it is pasted; tabs and lines stay."""
    return "\n".join(
        "\t".join(harmless(part) for part in line.split("\t")) for line in text.split("\n")
    )


def keep(text: str, folder: Path) -> Path:
    """Write what was copied last into the file for it, whole, for nobody else to read.

    Raises:
        OSError: it cannot be written; what was copied before is still there.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / "clipboard.txt"
    # A temporary file of this kind can be read by its owner alone from the beginning.
    handle, beside = tempfile.mkstemp(prefix="clipboard.", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as opened:
            opened.write(text)
        Path(beside).replace(file)
    except OSError as error:
        Path(beside).unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(file)) from None
    return file


def shortened(path: Path) -> str:
    """Write a path with `~` for the home folder."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (RuntimeError, ValueError):
        return str(path)
