"""An app that knows its actions: it shows their keys, and does them by name."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from entitlement_ledger.console.actions import CHANGES, EVERYWHERE, Action, actions_of
from entitlement_ledger.console.keys import MyKeys
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.settings import settings_path


class HelpingApp(App[None]):
    """Has the registry's actions, with the keys that somebody gave them."""

    my_keys: MyKeys
    read_only: bool

    def actions_here(self, screen: Screen[Any]) -> list[Action]:
        """Give the registry's actions that a screen has."""
        where = screen.WHERE if isinstance(screen, LedgerScreen) else ()
        return [
            self.my_keys.shown(action, EVERYWHERE, *where)
            for action in actions_of(EVERYWHERE, *where)
            if not (self.read_only and action.name in CHANGES)
            if all(each.check_action(action.name, ()) is not False for each in (self, screen))
        ]

    async def run_registered(self, action: Action) -> None:
        """Do what a key would do, on what has the focus, its screen, or the app."""
        name = f"action_{action.name}"
        holders: list[Widget | App[None] | None] = [self.screen.focused, self.screen, self]
        for holder in holders:
            if holder is not None and hasattr(holder, name):
                await self.run_action(action.name, holder)
                return

    def action_help(self) -> None:
        """Show the keys of this screen."""
        if isinstance(self.screen, ModalScreen):
            return
        from entitlement_ledger.console.screens.help import HelpScreen

        note = f"Keys of your own: [keys] in {settings_path()} (entl config path)"
        self.push_screen(HelpScreen(self.actions_here(self.screen), note), self._chosen_in_help)

    def _chosen_in_help(self, action: Action | None) -> None:
        if action is not None:
            self.call_later(self.run_registered, action)
