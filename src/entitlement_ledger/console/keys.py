"""My keys: the table `[keys]` of the settings, laid over the keys of the registry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from textual.binding import Binding, BindingsMap
from textual.keys import Keys

from entitlement_ledger.console.actions import (
    ACTIONS,
    ALERTS,
    AUDIT,
    CALENDAR,
    CATALOGUE,
    CHECKS,
    CUSTOMERS,
    DAY_OF_LAPSES,
    DETAIL,
    DISCREPANCY,
    EVERYWHERE,
    EXPORT,
    FEED,
    FINDING,
    FIRST,
    FORM,
    GRAPH,
    LEDGER,
    RECONCILE,
    REPORT,
    REPORTS,
    REVIEW,
    RUN,
    TABLE,
    TRANSACTION,
    Action,
    actions_of,
    character_of,
    key_names,
)
from entitlement_ledger.errors import InputError
from entitlement_ledger.nearest import nearest

_FIXED = frozenset(
    {
        "enter", "tab", "shift+tab", "up", "down", "left", "right", "pageup", "pagedown", "home",
        "end", "ctrl+home", "ctrl+end", "backspace", "delete", "ctrl+c",
    }
)  # fmt: skip
"""What tables and fields need for themselves, whatever they are in."""

TOGETHER: tuple[tuple[str, ...], ...] = (
    (CUSTOMERS, TABLE),
    (LEDGER, TABLE),
    (AUDIT, TABLE),
    (ALERTS, REVIEW, TABLE),
    (CHECKS, TABLE),
    (RECONCILE, TABLE),
    (REPORTS, TABLE),
    (CATALOGUE, TABLE),
    (DETAIL,),
    (DETAIL, TRANSACTION),
    (DISCREPANCY, TABLE),
    (EXPORT,),
    (FEED,),
    (FINDING, REVIEW, TABLE),
    (FIRST,),
    (FORM,),
    (GRAPH, TABLE),
    (CALENDAR, TABLE),
    (DAY_OF_LAPSES, TABLE),
    (REPORT, TABLE),
    (RUN, TABLE),
)
"""For each screen, the places whose actions it has: said here, so that none has to be imported."""

_SENT_AS = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+h": "backspace",
            "ctrl+left_square_bracket": "escape"}  # fmt: skip
"""Keys that a terminal cannot tell from others."""

_MODIFIERS = frozenset(["alt", "ctrl", "hyper", "meta", "shift", "super"])
_NAMED = frozenset(key.value for key in Keys if key.value[0].isalnum())


@dataclass(frozen=True, slots=True)
class MyKeys:
    """Which keys do what.

    Attributes:
        said: by `PLACE.NAME`, as bindings are called, the keys that are not those of the registry.
    """

    said: Mapping[str, str] = field(default_factory=dict)

    def shown(self, action: Action, *where: str) -> Action:
        """Give an action with the keys that it has in the first of some places that has it."""
        place = next(place for place in where if place in action.where)
        return replace(action, keys=self.said.get(f"{place}.{action.name}", action.keys))

    def name(self, place: str, name: str) -> str:
        """Say, for a hint, how the first key of an action is called."""
        (action,) = (each for each in actions_of(place) if each.name == name)
        return key_names(self.shown(action, place)).split()[0]

    def first_of(self, binding: Binding) -> str | None:
        """Give the key that is shown for an action of the registry, by one of its bindings."""
        place, _, name = (binding.id or "").partition(".")
        keys = self.said.get(binding.id or "")
        for action in actions_of(place) if keys is None else ():
            if action.name == name:
                keys = action.keys
        return None if keys is None else keys.split(",")[0]

    def rebind(self, bindings: BindingsMap) -> BindingsMap:
        """Give bindings with these keys, in the same order.

        Textual's own keymap is laid over bindings only after those have been left out that a line
        of text takes for itself. By the keys of the registry, that is: an action that has a letter
        there could not be done while typing, whatever its key is now.
        """
        mine = {binding.id for _, binding in bindings if binding.id in self.said}
        if not mine:
            return bindings
        taken = {key for name in mine for key in self.said[name or ""].split(",")}
        made: dict[str, list[Binding]] = {}
        done: set[str] = set()
        for key, binding in bindings:
            name = binding.id or ""
            if name not in self.said:
                # What has no name is Textual's own: it gives way to what is asked for here.
                if name or key not in taken:
                    made.setdefault(key, []).append(binding)
            elif name not in done:
                done.add(name)
                for new in self.said[name].split(","):
                    made.setdefault(new, []).append(binding.with_key(new, key_display=None))
        return BindingsMap.from_keys(made)


def read_keys(said: Mapping[str, str], path: Path) -> MyKeys:
    """Read the table `[keys]`; `path` is the file that it is in.

    Raises:
        InputError: an action or a key is not known, a key cannot be given away, or does two things.
    """
    if not said:
        return MyKeys()
    try:
        everywhere: dict[str, str] = {}
        single: dict[str, str] = {}
        for name, keys in said.items():
            place, dot, inner = name.rpartition(".")
            for action in _actions(place, inner):
                read = _keys(name, keys, action)
                into = single if dot else everywhere
                into |= {
                    f"{each}.{action.name}": read
                    for each in action.where
                    if not place or each == place
                }
        mine = MyKeys({**everywhere, **single})
        _look_for_clashes(mine)
    except InputError as error:
        raise InputError(f"{path}: keys: {error}") from None
    return mine


def has_action(place: str, name: str) -> bool:
    """Say whether a place has an action of a name."""
    return any(action.name == name for action in actions_of(place))


def _actions(place: str, name: str) -> list[Action]:
    """Give the actions of a name, in one place if one is named."""
    named = [action for action in ACTIONS if action.name == name]
    whole = f"{place}.{name}" if place else name
    if not named:
        known = {action.name: None for action in ACTIONS}
        near = nearest(name, known, otherwise="`entl config keys` lists them")
        raise InputError(f"{whole} is not an action{near}")
    places = [each for action in named for each in action.where]
    if place and place not in places:
        has = ", ".join(places)
        raise InputError(f"{whole} is not an action: {name} is one of {has}")
    return [action for action in named if not place or place in action.where]


def _keys(name: str, text: str, action: Action) -> str:
    """Read the keys of one action, separated by commas."""
    keys = [_key(name, each.strip()) for each in text.split(",")]
    if _usable_while_typing(action.keys.split(",")) and not _usable_while_typing(keys):
        raise InputError(
            f"{name}: {text} is typed, or edits, where text is entered: "
            f"name one that is not, as {key_names(action).split()[-1]} is"
        )
    return ",".join(dict.fromkeys(keys))


def _key(name: str, text: str) -> str:
    """Read one key, and call it as Textual does."""
    *modifiers, base = text.split("+") if len(text) > 1 else [text]
    character = base if len(base) == 1 and base.isprintable() else character_of(base)
    if character is not None:
        (base,) = BindingsMap([(character, "")]).key_to_bindings
    key = "+".join([*sorted(modifiers), base])
    shifted = modifiers == ["shift"] and character is not None
    if (
        not (character is not None or base in _NAMED)
        or not set(modifiers) <= _MODIFIERS
        or shifted
        or (modifiers and base.isupper())
    ):
        meant = base.upper() if shifted else text.lower()
        close = nearest(meant, [*_NAMED, *([meant] if shifted else [])], otherwise="")
        raise InputError(f"{name}: {text or 'nothing'} is not a key{close}")
    if key in _SENT_AS:
        raise InputError(f"{name}: terminals send {text} as {_SENT_AS[key]}: take another key")
    if key in _FIXED:
        raise InputError(f"{name}: tables and fields need {text} for themselves: take another key")
    return key


def _usable_while_typing(keys: Iterable[str]) -> bool:
    """Say whether one of some keys reaches its action while a line of text has the focus."""
    without_text = [key for key in keys if character_of(key) is None]
    if not without_text:
        return False
    from textual.widgets import Input

    edits = {key for key, _ in BindingsMap(Input.BINDINGS)}
    return any(key not in edits for key in without_text)


def _look_for_clashes(mine: MyKeys) -> None:
    for places in TOGETHER:
        where = (EVERYWHERE, *places)
        seen: dict[str, tuple[str, bool]] = {}
        for action in actions_of(*where):
            place = next(place for place in where if place in action.where)
            name = f"{place}.{action.name}"
            rebound = name in mine.said
            for key in mine.shown(action, *where).keys.split(","):
                other, other_rebound = seen.setdefault(key, (name, rebound))
                if other != name and (rebound or other_rebound):
                    raise InputError(
                        f"{_called(key)} would do two things, {other} and {name}: "
                        "give one of them another key"
                    )


def _called(key: str) -> str:
    return key_names(replace(ACTIONS[0], keys=key))
