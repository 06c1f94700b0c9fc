"""An app that says a thing once: a toast takes the place of the same one that is still seen."""

from __future__ import annotations

from textual.app import App
from textual.notifications import Notify


class ToastingApp(App[None]):
    """Shows no toast twice at a time."""

    def on_notify(self, message: Notify) -> None:
        """Take away the same toast, before Textual shows the new one."""
        new = message.notification
        for old in list(self._notifications):
            if (old.message, old.title, old.severity) == (new.message, new.title, new.severity):
                self._unnotify(old, refresh=False)
