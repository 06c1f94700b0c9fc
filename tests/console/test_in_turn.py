"""Keys that come faster than what they do: each goes where the one before has led."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from console_support import make_app, opened, screen_text, settled
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from entitlement_ledger.console.screens.audit import AuditScreen
from entitlement_ledger.console.screens.customers import CustomersScreen
from entitlement_ledger.console.screens.detail import ExplanationScreen, TransactionScreen
from entitlement_ledger.console.screens.form import FormScreen
from entitlement_ledger.console.screens.help import HelpScreen
from entitlement_ledger.console.screens.ledger import LedgerHistoryScreen
from entitlement_ledger.console.screens.situation import SituationScreen
from entitlement_ledger.console.screens.why import WhyScreen
from entitlement_ledger.errors import InputError
from entitlement_ledger.ledger import Ledger

_CHARACTERS = {"slash": "/", "question_mark": "?"}

Hold = Callable[[str], None]


def at_once(pilot: Pilot[Any], *keys: str) -> None:
    """Send keys as a terminal does whose line was stuck: all in one."""
    for key in keys:
        send(pilot, events.Key(key, _CHARACTERS.get(key, key if len(key) == 1 else None)))


def send(pilot: Pilot[Any], event: events.Event) -> None:
    driver = pilot.app._driver
    assert driver is not None
    event.set_sender(pilot.app)
    driver.send_message(event)


async def a_while(pilot: Pilot[Any]) -> None:
    """Let all go on that does not wait for what is held back."""
    for _ in range(20):
        await pilot.pause(0.01)


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    """Give what lets questions go on that are held back; at the end, they do in any case."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch, let_go: threading.Event) -> Hold:
    """Hold a question of the ledger's back from now on."""

    def patch(question: str) -> None:
        asked = getattr(Ledger, question)

        def slow(self: Ledger, *given: Any, **named: Any) -> Any:
            assert let_go.wait(20)
            return asked(self, *given, **named)

        monkeypatch.setattr(Ledger, question, slow)

    return patch


async def test_what_is_typed_in_one_go_is_done_one_after_the_other(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        at_once(pilot, "slash", "h", "3", "enter", "enter", "o")
        await settled(pilot)
        assert isinstance(pilot.app.screen, SituationScreen)
        assert "H3" in pilot.app.screen.places()
        at_once(pilot, "escape", "2", "enter", "escape", "question_mark")
        await settled(pilot)
        assert isinstance(pilot.app.screen, HelpScreen)
        assert isinstance(pilot.app.screen_stack[-2], LedgerHistoryScreen)


async def test_enter_takes_what_was_searched_for_not_what_was_there(
    store: str, hold: Hold, let_go: threading.Event
) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        hold("customers")
        at_once(pilot, "slash", "h", "3", "enter", "enter", "enter")
        await a_while(pilot)
        assert isinstance(pilot.app.screen, CustomersScreen)
        assert pilot.app.screen.query_one("#search", Input).value == "h3"
        assert pilot.app.focused is pilot.app.screen.query_one("#list")
        let_go.set()
        await settled(pilot)
        assert isinstance(pilot.app.screen, ExplanationScreen)
        assert pilot.app.screen.places()[-2:] == ("H3", "PTS")


async def test_a_key_on_the_balances_is_about_the_customer_under_the_cursor(
    store: str, hold: Hold, let_go: threading.Event
) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        hold("balances")
        at_once(pilot, "G", "k", "k", "w")
        await a_while(pilot)
        shown = pilot.app.screen
        assert isinstance(shown, CustomersScreen)
        name = shown.places()[-1]
        assert name == "H6"
        let_go.set()
        await settled(pilot)
        assert isinstance(pilot.app.screen, WhyScreen)
        assert f"Why? {name}, PTS" in screen_text(pilot)


async def test_enter_waits_for_the_rows_of_the_screen_it_follows(
    store: str, hold: Hold, let_go: threading.Event
) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        hold("history")
        at_once(pilot, "2", "down", "enter")
        await a_while(pilot)
        assert isinstance(pilot.app.screen, LedgerHistoryScreen)
        let_go.set()
        await settled(pilot)
        assert isinstance(pilot.app.screen, TransactionScreen)
        below = pilot.app.screen_stack[-2]
        assert isinstance(below, LedgerHistoryScreen)
        second = below.table.rows_held[1].transaction
        assert pilot.app.screen.places()[-1] == second, "the one that the arrow key went to"


async def test_what_is_typed_for_a_form_is_in_the_form(
    store: str, hold: Hold, let_go: threading.Event
) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        hold("entitlements")
        at_once(pilot, "i", "3", "2")
        await a_while(pilot)
        assert isinstance(pilot.app.screen, CustomersScreen)
        let_go.set()
        await settled(pilot)
        assert isinstance(pilot.app.screen, FormScreen)
        assert pilot.app.screen.query_one("#quantity", Input).value == "32"


async def test_esc_gives_up_a_screen_that_does_not_come_and_what_was_typed_for_it(
    store: str, hold: Hold, let_go: threading.Event
) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        hold("entitlements")
        at_once(pilot, "i", "2", "q")
        await a_while(pilot)
        at_once(pilot, "escape")
        await a_while(pilot)
        assert isinstance(pilot.app.screen, CustomersScreen)
        at_once(pilot, "3")
        await a_while(pilot)
        assert isinstance(pilot.app.screen, AuditScreen), "keys answer again"
        let_go.set()
        await settled(pilot)
        assert isinstance(pilot.app.screen, AuditScreen)


async def test_what_was_typed_for_a_screen_that_failed_does_nothing_elsewhere(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise InputError("no such thing")

    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        monkeypatch.setattr(Ledger, "entitlements", fails)
        at_once(pilot, "i", "3", "3")
        await settled(pilot)
        assert isinstance(pilot.app.screen, CustomersScreen)
        assert [each.message for each in pilot.app._notifications] == ["no such thing"]
        at_once(pilot, "3")
        await settled(pilot)
        assert isinstance(pilot.app.screen, AuditScreen)


async def test_what_is_everywhere_does_not_wait_for_rows(
    store: str, hold: Hold, let_go: threading.Event
) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        hold("customers")
        at_once(pilot, "slash", "h", "3", "enter")
        await a_while(pilot)
        at_once(pilot, "3")
        await a_while(pilot)
        assert isinstance(pilot.app.screen, AuditScreen)
        at_once(pilot, "1", "slash", "x")
        await a_while(pilot)
        assert pilot.app.screen.query_one("#search", Input).value == "x"
        let_go.set()
        await settled(pilot)
        assert isinstance(pilot.app.screen, CustomersScreen)


async def test_a_paste_keeps_its_place_among_keys(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        at_once(pilot, "slash", "h")
        send(pilot, events.Paste("3"))
        at_once(pilot, "enter", "o")
        await settled(pilot)
        assert isinstance(pilot.app.screen, SituationScreen)
        assert "H3" in pilot.app.screen.places()
