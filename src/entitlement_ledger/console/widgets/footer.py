"""The footer: what keys do here, as many as there is room for, the most important always."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Footer
from textual.widgets._footer import FooterKey, FooterLabel, KeyGroup

from entitlement_ledger.console.actions import ACTIONS, EVERYWHERE

if TYPE_CHECKING:
    from entitlement_ledger.console.app import ConsoleApp

_FIRST = ("help", "leave", "back", "preview", "start", "search")
"""What is left out last, in this order; after it what is of the screen, by the registry's order."""

_AROUND_KEY, _BEHIND_LABEL = 2, 1


@dataclass(frozen=True, slots=True)
class _Shown:
    """A key with what it does, as the footer shows it."""

    key: str
    called: str
    binding: Binding
    enabled: bool
    tooltip: str


class KeyFooter(Footer):
    """Shows the first key of each action, and what there is no room for is still in the help."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._told: list[list[_Shown]] = []

    def bindings_changed(self, screen: Screen[Any]) -> None:
        """Show what keys do here, even if nobody is looking yet.

        A browser looks once somebody has clicked on it; until then Textual would show nothing.
        """
        self._bindings_ready = True
        if self.is_attached and screen is self.screen:
            self.call_after_refresh(self._tell_again)

    def on_resize(self, _event: events.Resize) -> None:
        """Show as much as there is room for now."""
        if self._bindings_ready:
            self.call_after_refresh(self._tell_again)

    async def _tell_again(self) -> None:
        """Lay it out anew if it is not the same: whatever takes the focus asks for it."""
        if self.is_attached and self._fitting() != self._told:
            await self.recompose()

    def compose(self) -> ComposeResult:
        """Lay out what there is room for, in the order of the registry."""
        if not self._bindings_ready:
            return
        self._told = self._fitting()
        for group in self._told:
            name = group[0].binding.group
            if name is None:
                yield from map(_key, group)
            else:
                with KeyGroup(classes="-compact"):
                    yield from map(_grouped, group)
                yield FooterLabel(name.description)

    def _fitting(self) -> list[list[_Shown]]:
        return fitting(list(self._groups()), self.app.size.width)

    def _groups(self) -> Iterator[list[_Shown]]:
        """Give what the bindings show: those of a group together, each other one alone."""
        shown: dict[str, _Shown] = {}
        keys = cast("ConsoleApp", self.app).my_keys
        for _, binding, enabled, tooltip in self.screen.active_bindings.values():
            first = binding.key == keys.first_of(binding)
            if binding.show and (first or binding.action not in shown):
                called = self.app.get_key_display(binding)
                each = _Shown(binding.key, called, binding, enabled, tooltip)
                shown[binding.action] = each
        in_order = sorted(shown.values(), key=lambda each: _place(each.binding))
        for group, several in groupby(in_order, lambda each: each.binding.group):
            if group is None:
                yield from ([each] for each in several)
            else:
                yield list(several)


def _place(binding: Binding) -> tuple[bool, int]:
    """Say where an action stands: what is everywhere behind what is of the screen."""
    place, _, name = (binding.id or "").partition(".")
    for number, action in enumerate(ACTIONS):
        if action.name == name and place in action.where:
            return place == EVERYWHERE, number
    return False, len(ACTIONS)


def fitting(groups: list[list[_Shown]], width: int) -> list[list[_Shown]]:
    """Leave out the least important groups until the others fit into a width, in cells."""
    left = width
    kept: list[list[_Shown]] = []
    for group in sorted(groups, key=_importance):
        needed = _width(group)
        if needed <= left:
            kept.append(group)
            left -= needed
    return [group for group in groups if group in kept]


def _importance(group: list[_Shown]) -> int:
    first = group[0].binding
    if first.action in _FIRST:
        return _FIRST.index(first.action)
    return len(_FIRST) + _place(first)[0]


def _width(group: list[_Shown]) -> int:
    """Say how many cells a group takes."""
    keys = [cell_len(each.called) for each in group]
    name = group[0].binding.group
    if name is None:
        label = cell_len(group[0].binding.description)
        return keys[0] + _AROUND_KEY + label + _BEHIND_LABEL
    return sum(keys) + _AROUND_KEY + cell_len(name.description) + _BEHIND_LABEL


def _key(each: _Shown) -> FooterKey:
    return _roomy(
        FooterKey(
            each.key,
            each.called,
            each.binding.description,
            each.binding.action,
            disabled=not each.enabled,
            tooltip=each.tooltip,
        )
    )


def _grouped(each: _Shown) -> FooterKey:
    return _roomy(
        FooterKey(
            each.key,
            each.called,
            "",
            each.binding.action,
            disabled=not each.enabled,
            tooltip=each.tooltip or each.binding.description,
            classes="-grouped",
        )
    )


def _roomy(key: FooterKey) -> FooterKey:
    """Say beforehand that it is not compact: to be told later costs more than all the rest."""
    key.set_reactive(FooterKey.compact, False)
    return key
