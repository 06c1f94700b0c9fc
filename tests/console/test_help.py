"""Help and palette: everything that can be done, and everything that there is, found by typing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from console_support import make_app, opened, press, screen_text, settled, type_in
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from entitlement_ledger.console.app import ConsoleApp
from entitlement_ledger.console.moment import NOW, Moment
from entitlement_ledger.console.palette import _transactions
from entitlement_ledger.console.screens.detail import TransactionScreen
from entitlement_ledger.console.screens.form import FormScreen
from entitlement_ledger.console.screens.help import HelpScreen
from entitlement_ledger.console.screens.report import ReportScreen
from entitlement_ledger.ledger import Ledger


async def until(pilot: Pilot[Any], true: Callable[[], bool]) -> None:
    """Wait until something holds, such as that a palette has found what is typed."""
    for _ in range(400):
        if true():
            return
        await pilot.pause(0.02)
    raise AssertionError(screen_text(pilot))


def listed(pilot: Pilot[Any]) -> list[str]:
    """Give the lines of the help's list."""
    keys = pilot.app.screen.query_one("#help-keys", OptionList)
    return [str(option.prompt) for option in keys.options]


async def test_help_is_in_groups_and_says_where_keys_are_changed(store: str) -> None:
    app = make_app(store, keys={"issue": "f"})
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "question_mark")
        lines = listed(pilot)
        groups = [line for line in lines if line in ("this screen", "tables", "everywhere")]
        assert groups == ["this screen", "tables", "everywhere"]
        issue = lines.index("f             Issue a grant to the customer.")
        assert issue < lines.index("tables") < lines.index("s             Sort by the next column.")
        assert "Keys of your own: [keys] in" in screen_text(pilot)
        assert "(entl config" in screen_text(pilot)


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("undo", "No key does that"),
        ("grant", "this screen"),
        ("GRANT ISSUE", "i             Issue a grant to the customer."),
        ("q", "this key"),
        ("ctrl+p", "this key"),
        ("leave the console", "everywhere"),
    ],
)
async def test_help_is_found_by_key_name_or_sentence(store: str, typed: str, first: str) -> None:
    async with make_app(store).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "question_mark")
        await type_in(pilot, typed)
        lines = listed(pilot)
        assert first in "\n".join(lines[:2])
        assert all(line for line in lines)


async def test_enter_does_what_is_chosen_and_escape_does_nothing(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        app = pilot.app
        await opened(pilot)
        await press(pilot, "question_mark")
        await type_in(pilot, "issue")
        await press(pilot, "escape")
        assert app.screen.query_one("#search", Input)
        await press(pilot, "question_mark")
        await type_in(pilot, "issue")
        await press(pilot, "enter")
        assert isinstance(app.screen, FormScreen)
        await press(pilot, "escape", "question_mark")
        await type_in(pilot, "go to the history of")
        await press(pilot, "enter")
        assert app.current_mode == "ledger"
        await press(pilot, "question_mark")
        await type_in(pilot, "go to the first")
        await press(pilot, "backspace", "backspace", "backspace", "backspace", "backspace")
        await press(pilot, "down", "enter")
        table = app.screen.query_one("#rows")
        assert getattr(table, "cursor_row", 0) == getattr(table, "row_count", 0) - 1


async def test_what_no_key_does_is_not_done_by_enter(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "question_mark")
        await type_in(pilot, "qqq")
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, HelpScreen)


async def test_help_fits_and_scrolls_at_the_least_size(store: str) -> None:
    async with make_app(store).run_test(size=(60, 20)) as pilot:
        await opened(pilot)
        await press(pilot, "question_mark", *["pagedown"] * 6)
        text = screen_text(pilot)
        assert "Leave the console." in text
        assert "Keys of your own" in text
        assert "type to search" in text


async def palette(pilot: Pilot[Any], typed: str) -> None:
    await press(pilot, "colon")
    await type_in(pilot, typed)


@pytest.mark.parametrize(
    ("typed", "label"),
    [
        ("c2 na", "Customer C2 · C2 Name · c2@example.com · active"),
        ("susp@example", "Customer SUSP"),
        ("order:7", "Transaction entl:"),
        ("Bob[/red]", "Customer H1 · Bob[/red]"),
        ("[@click", "Customer H5 · [@click=app.leave]click[/]"),
    ],
)
async def test_the_palette_finds_what_is_in_the_ledger(store: str, typed: str, label: str) -> None:
    async with make_app(store).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await palette(pilot, typed)
        await until(pilot, lambda: label in screen_text(pilot))
        assert "\x1b" not in screen_text(pilot)


async def test_what_the_palette_finds_is_opened(store: str) -> None:
    async with make_app(store).run_test(size=(120, 40)) as pilot:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        await opened(pilot)
        assert app.session is not None
        drawn = app.session.ledger.transaction("b").row
        for typed in (drawn.transaction, drawn.transaction.upper(), "order:7"):
            await palette(pilot, typed)
            await until(pilot, lambda: f"Transaction {drawn.transaction}" in screen_text(pilot))
            await press(pilot, "enter")
            assert isinstance(app.screen, TransactionScreen)
            await settled(pilot)
            assert "order:7" in screen_text(pilot)
            await press(pilot, "escape", "3")
        await palette(pilot, "c2@example")
        await until(pilot, lambda: "Customer C2" in screen_text(pilot))
        await press(pilot, "enter")
        await settled(pilot)
        assert app.current_mode == "customers"
        assert "c2@example.com" in screen_text(pilot)
        await palette(pilot, "rollforward")
        await press(pilot, "enter")
        assert isinstance(app.screen, ReportScreen)


async def test_a_screen_is_found_by_its_name(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await palette(pilot, "alerts")
        await until(pilot, lambda: "Go to what the rules noticed (4)" in screen_text(pilot))
        await press(pilot, "enter")
        assert pilot.app.current_mode == "alerts"


async def test_the_palette_offers_a_few_and_keys_answer_while_it_asks(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[int] = []
    held, asked = threading.Event(), Ledger.customers

    def slow(self: Ledger, **named: Any) -> Any:
        limits.append(named["limit"])
        held.wait(20)
        return asked(self, **named)

    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        monkeypatch.setattr(Ledger, "customers", slow)
        try:
            await pilot.press("colon", "c", "2")
            await until(pilot, lambda: bool(limits))
            await pilot.press("space", "n")
            await pilot.pause()
            assert pilot.app.screen.query_one(Input).value == "c2 n"
        finally:
            held.set()
        await until(pilot, lambda: "Customer C2" in screen_text(pilot))
        assert max(limits) <= 10


async def test_the_palette_offers_no_transaction_that_a_moment_does_not_have(store: str) -> None:
    async with make_app(store).run_test(size=(120, 40)) as pilot:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        await opened(pilot)
        session = app.session
        assert session is not None
        row = session.ledger.transaction("b").row
        for moment, count in (
            (NOW, 1),
            (Moment(row.effective_at, row.recorded_at), 1),
            (Moment(row.effective_at - 1, None), 0),
            (Moment(None, row.recorded_at - 1), 0),
        ):
            session.moment = moment
            offered = _transactions(session, row.transaction.upper(), session.ledger)
            assert [each.transaction for each in offered] == [row.transaction] * count, moment
