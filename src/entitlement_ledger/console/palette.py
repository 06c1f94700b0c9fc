"""The palette: the registry's actions that the screen in front has, reports, and themes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

from entitlement_ledger.console.actions import key_names

if TYPE_CHECKING:
    from entitlement_ledger.console.app import ConsoleApp


class ActionProvider(Provider):
    """Offers what keys do, by name."""

    def _offers(self) -> Iterator[tuple[str, str, IgnoreReturnCallbackType]]:
        app = cast("ConsoleApp", self.app)
        for action in app.actions_here(self.screen):
            if action.name != "command_palette":
                label = f"{action.help.rstrip('.')} ({key_names(action)})"
                yield label, action.label, partial(app.run_registered, action)
        if app.session is not None:
            for report in app.session.ledger.reports():
                opens = partial(app.open_report, report.name)
                yield f"Report {report.name}: {report.answers}", "", opens
        for theme in sorted(app.our_themes):
            yield f"Theme {theme}", "", partial(setattr, app, "theme", theme)

    async def discover(self) -> Hits:
        """Offer everything before anything is typed."""
        for label, note, call in self._offers():
            yield DiscoveryHit(label, call, help=note)

    async def search(self, query: str) -> Hits:
        """Offer what matches."""
        matcher = self.matcher(query)
        for label, note, call in self._offers():
            score = matcher.match(label)
            if score > 0:
                yield Hit(score, matcher.highlight(label), call, help=note)
