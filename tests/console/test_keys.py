"""My keys: what the settings say of keys is what works, and what footer and help show."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest
from console_support import make_app, opened, press, screen_text, settled, type_in
from textual.widgets import Input

from entitlement_ledger.console import screens
from entitlement_ledger.console.actions import ACTIONS, EVERYWHERE, actions_of
from entitlement_ledger.console.keys import TOGETHER, read_keys
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.screens.form import FormScreen
from entitlement_ledger.errors import InputError

FILE = Path("settings.toml")


def refused(**said: str) -> str:
    with pytest.raises(InputError) as caught:
        read_keys({name.replace("__", "."): keys for name, keys in said.items()}, FILE)
    message = str(caught.value)
    assert message.startswith("settings.toml: keys: ")
    assert "\n" not in message
    return message


def screen_classes() -> list[type[LedgerScreen]]:
    for module in pkgutil.iter_modules(screens.__path__, f"{screens.__name__}."):
        importlib.import_module(module.name)
    found: list[type[LedgerScreen]] = []
    left: list[type[LedgerScreen]] = [LedgerScreen]
    while left:
        kind = left.pop()
        left += kind.__subclasses__()
        if kind.WHERE and kind.__module__.startswith(screens.__name__):
            found.append(kind)
    return found


def test_what_is_seen_together_is_what_the_screens_say() -> None:
    assert {kind.WHERE for kind in screen_classes()} == set(TOGETHER)


def test_no_key_of_the_registry_does_two_things_on_one_screen() -> None:
    for where in TOGETHER:
        keys = [key for action in actions_of(EVERYWHERE, *where) for key in action.keys.split(",")]
        assert len(keys) == len(set(keys)), where


def test_no_screen_has_an_action_in_two_of_its_places() -> None:
    # A binding is called by one place: keys of the other would have no effect.
    for action in ACTIONS:
        for where in TOGETHER:
            assert len({*action.where} & {EVERYWHERE, *where}) <= 1, (action.name, where)


async def test_a_key_of_mine_works_and_the_old_one_does_not(store: str) -> None:
    app = make_app(store, keys={"issue": "f", "go_ledger": "f8"})
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "i", "2")
        assert app.current_mode == "customers"
        assert not isinstance(app.screen, FormScreen)
        await press(pilot, "f")
        assert isinstance(app.screen, FormScreen)
        await press(pilot, "escape", "f8")
        assert app.current_mode == "ledger"


async def test_footer_help_and_palette_show_my_keys(store: str) -> None:
    app = make_app(store, keys={"issue": "ctrl+n", "ledger.search": "f"})
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        footer = screen_text(pilot).splitlines()[-1]
        assert "^n Issue" in footer
        assert "/ Search" in footer
        await press(pilot, "question_mark")
        assert "ctrl+n        Issue a grant" in screen_text(pilot)
        await press(pilot, "escape", "2")
        assert "f Filter" in screen_text(pilot).splitlines()[-1]
        await press(pilot, "3")
        assert "/ Filter" in screen_text(pilot).splitlines()[-1]
        await press(pilot, "1", "colon")
        await type_in(pilot, "issue a grant")
        assert "Issue a grant to the customer (ctrl+n)" in screen_text(pilot)


async def test_hints_name_my_keys(store: str) -> None:
    keys = {"search": "f", "back": "ctrl+b", "command_palette": "f9"}
    async with make_app(store, keys=keys).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        assert "name, id, ticket, invoice f" in screen_text(pilot)
        await press(pilot, "2", "f")
        await type_in(pilot, "type:issue")
        assert "ctrl+b clears" in screen_text(pilot)
        await press(pilot, "ctrl+b", "ctrl+b", "question_mark")
        await type_in(pilot, "qqq")
        assert "try the palette, f9" in screen_text(pilot)


async def test_the_order_of_the_footer_stays(store: str) -> None:
    labels = ("Search", "Issue", "Adjust", "Back")
    app = make_app(store, keys={"issue": "f"})
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        footer = screen_text(pilot).splitlines()[-1]
        places = [footer.index(label) for label in labels]
        assert places == sorted(places)


async def test_letters_stay_text_and_a_key_that_is_none_works_while_typing(store: str) -> None:
    app = make_app(store, keys={"adjust": "c", "issue": "f5"})
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "c2 n")
        assert app.screen.query_one("#search", Input).value == "c2 n"
        assert not isinstance(app.screen, FormScreen)
        await press(pilot, "f5")
        assert isinstance(app.screen, FormScreen)


async def test_a_table_has_my_keys_too(store: str) -> None:
    app = make_app(store, keys={"cursor_down": "z"})
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        table = app.screen.query_one("#list")
        before = getattr(table, "cursor_row", None)
        await press(pilot, "j")
        assert getattr(table, "cursor_row", None) == before
        await press(pilot, "z")
        assert getattr(table, "cursor_row", None) != before


async def test_quitting_has_only_the_key_that_is_asked_for(store: str) -> None:
    app = make_app(store, keys={"leave": "f10"})
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("q", "ctrl+q")
        await settled(pilot)
        assert app.is_running
        await pilot.press("f10")
        assert app.return_code == 0
        assert not app.is_running


def test_two_actions_may_change_places() -> None:
    mine = read_keys({"issue": "a", "adjust": "i"}, FILE).said
    assert mine == {"customers.issue": "a", "customers.adjust": "i"}


def test_one_place_wins_over_all_places() -> None:
    mine = read_keys({"ledger.search": "f", "search": "z"}, FILE).said
    assert mine["ledger.search"] == "f"
    assert mine["customers.search"] == mine["audit.search"] == "z"


def test_keys_are_called_as_a_keyboard_calls_them() -> None:
    mine = read_keys({"issue": "#,ctrl+n", "help": "f1, ?"}, FILE).said
    assert mine == {"customers.issue": "number_sign,ctrl+n", "everywhere.help": "f1,question_mark"}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"issue": "a"}, "a would do two things, customers.issue and customers.adjust"),
        ({"issue": "?"}, "? would do two things, customers.issue and everywhere.help"),
        ({"sort": "i"}, "i would do two things, customers.issue and table.sort"),
        ({"take": "n"}, "n would do two things, alerts.next_open and review.take"),
        ({"isue": "x"}, "isue is not an action: did you mean issue?"),
        ({"zzz": "x"}, "zzz is not an action: `entl config keys` lists them"),
        ({"ledger__issue": "x"}, "ledger.issue is not an action: issue is one of customers"),
        ({"issue": "ctrl+N"}, "ctrl+N is not a key: did you mean ctrl+n?"),
        ({"issue": "shift+z"}, "shift+z is not a key: did you mean Z?"),
        ({"issue": "F5"}, "F5 is not a key: did you mean f5?"),
        ({"issue": "hyperspace"}, "hyperspace is not a key"),
        ({"issue": "crtl+n"}, "crtl+n is not a key: did you mean ctrl+n?"),
        ({"issue": ""}, "nothing is not a key"),
        ({"issue": "ctrl+i"}, "terminals send ctrl+i as tab"),
        ({"issue": "enter"}, "tables and fields need enter for themselves"),
        ({"preview": "v"}, "v is typed, or edits, where text is entered"),
        ({"preview": "ctrl+k"}, "ctrl+k is typed, or edits, where text is entered"),
    ],
)
def test_what_cannot_be_a_key_is_told_in_a_line(said: dict[str, str], message: str) -> None:
    assert message in refused(**said)
