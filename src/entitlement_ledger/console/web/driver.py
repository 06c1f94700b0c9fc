"""The driver of a console that is shown in a browser: it ends when nobody is there any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.drivers.web_driver import WebDriver

if TYPE_CHECKING:
    from entitlement_ledger.console.app import ConsoleApp

SERVED_DRIVER = "entitlement_ledger.console.web.driver:ServedDriver"
"""What TEXTUAL_DRIVER says in a console that is served."""


class ServedDriver(WebDriver):
    """Leaves the console once its server says so, or is gone."""

    def run_input_thread(self) -> None:
        """Read what is typed; its end is that of the server, however that came about."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._leave()

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        """Leave as `q` does, so that no query is waited for."""
        if packet_type == "quit":
            self._leave()
        else:
            super().on_meta(packet_type, payload)

    def write(self, data: str) -> None:
        """Write to the server."""
        try:
            super().write(data)
        except BrokenPipeError:
            self._leave()

    def write_meta(self, data: dict[str, object]) -> None:
        """Write to the server."""
        try:
            super().write_meta(data)
        except BrokenPipeError:
            self._leave()

    def _leave(self) -> None:
        console = cast("ConsoleApp", self._app)
        console.call_later(console.action_leave)
