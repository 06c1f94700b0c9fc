"""The console by behaviour: what a person sees after pressing keys."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from console_support import (
    HOSTILE,
    make_app,
    opened,
    press,
    screen_text,
    settled,
    type_in,
)
from support import HandClock, command, hours
from textual.pilot import Pilot
from textual.widgets import Input

from entitlement_ledger.console.app import ConsoleApp
from entitlement_ledger.console.screens.first import FirstScreen
from entitlement_ledger.console.screens.form import FormScreen
from entitlement_ledger.console.screens.help import HelpScreen
from entitlement_ledger.console.screens.paged import PagedScreen
from entitlement_ledger.console.widgets.paged_table import PagedTable
from entitlement_ledger.ledger import Ledger

SIZES = [(80, 24), (120, 40)]


async def test_a_customer_is_found_by_a_part_of_name_or_email(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "c2 na")
        assert "1 found" in screen_text(pilot)
        assert "C2 Name" in screen_text(pilot)
        await press(pilot, "enter")
        assert pilot.app.focused is pilot.app.screen.query_one("#list")
        await press(pilot, "escape")
        assert "10 customers" in screen_text(pilot)


async def test_the_selected_customer_shows_what_they_hold(store: str) -> None:
    async with make_app(store).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        shown = screen_text(pilot)
        for expected in ("600", "12.50", "████", "2026-04-10", "refused", "all 5", "C1 Name"):
            assert expected in shown, shown


@pytest.mark.parametrize("size", SIZES)
async def test_the_latest_transactions_are_those_that_took_effect_last(
    store: str, size: tuple[int, int]
) -> None:
    """Whenever they were recorded; of what, and in which year, is told at 80 columns, too."""
    with Ledger.open(store, clock=HandClock()) as ledger:
        late = command("issue", "late", entitlement="CRD", quantity=77, effective_at=hours(-9000))
        ledger.post([late], actor="tester")
    async with make_app(store).run_test(size=size) as pilot:
        await opened(pilot)
        latest = pilot.app.screen.query_one("#latest", PagedTable)
        assert [row.key for row in latest.rows_held] == ["e", "d", "c", "b", "a", "late"]
        await press(pilot, "enter", "tab", "end")
        line = next(each for each in screen_text(pilot).splitlines() if "0.77" in each)
        assert "2025-02-19" in line
        assert "CRD" in line
        refused = next(each for each in screen_text(pilot).splitlines() if "9,999" in each)
        assert "✗" in refused


async def test_a_store_that_nobody_sealed_says_so(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert "○ not sealed yet" in screen_text(pilot)


async def test_postings_stand_in_columns(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "2", "end", "enter", "G")
        (issuance,) = (each for each in screen_text(pilot).splitlines() if " issuance " in each)
        (available,) = (each for each in screen_text(pilot).splitlines() if " available  " in each)
        assert issuance.index("-5") == available.index("+5")


async def test_enter_drills_in_and_escape_comes_back_to_the_same_row(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "2", "j", "j", "enter")
        assert "asked by" in screen_text(pilot)
        await press(pilot, "escape")
        table = pilot.app.screen.query_one("#rows")
        assert getattr(table, "cursor_row", None) == 2


@pytest.mark.parametrize("kind", ["issue", "adjust"])
async def test_a_change_is_previewed_confirmed_and_found_in_the_audit_trail(
    store: str, kind: str
) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, kind[0])
        form = pilot.app.screen
        assert isinstance(form, FormScreen)
        await press(pilot, "escape", "enter", "down", kind[0])
        await type_in(pilot, "40" if kind == "issue" else "-40")
        for field, text in (("reason", "parcel late"), ("reference", "ticket:T-1")):
            pilot.app.screen.query_one(f"#{field}", Input).focus()
            await type_in(pilot, text)
        await press(pilot, "enter")
        after = "640" if kind == "issue" else "560"
        assert f"{after} pt" in screen_text(pilot)
        focused = pilot.app.focused
        assert focused is not None
        assert focused.id == "withdraw"
        assert ledger_of(pilot).count_history() == 11
        assert "^s Preview" in screen_text(pilot)
        await press(pilot, "tab", "enter")
        assert "Recorded as entl:" in screen_text(pilot)
        assert "^s Preview" not in screen_text(pilot)
        assert ledger_of(pilot).count_history() == 12
        await press(pilot, "enter")
        assert f"{after}" in screen_text(pilot)
        await press(pilot, "3")
        shown = screen_text(pilot)
        assert "parcel late" in shown
        assert "ticket:T-1" in shown
        assert "12 transactions" in shown


async def test_confirming_needs_more_than_one_enter(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "escape", "enter", "down", "i")
        await type_in(pilot, "5")
        pilot.app.screen.query_one("#reason", Input).value = "why"
        await settled(pilot)
        await press(pilot, "ctrl+s", "enter", "enter")
        assert ledger_of(pilot).count_history() == 11


def ledger_of(pilot: Pilot[Any]) -> Ledger:
    """Give the ledger that the console has open; a second could not be opened beside it."""
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    assert app.session is not None
    return app.session.ledger


async def test_what_cannot_be_asked_for_is_said_and_what_was_typed_is_kept(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "escape", "enter", "down", "a")
        await type_in(pilot, "-9999")
        await press(pilot, "ctrl+s")
        assert "reason: say why" in screen_text(pilot)
        await type_in(pilot, "because")
        await press(pilot, "ctrl+s")
        assert "insufficient_balance" in screen_text(pilot)
        assert pilot.app.screen.query_one("#quantity", Input).value == "-9999"
        assert ledger_of(pilot).count_history() == 11


async def test_a_form_that_failed_posts_once_when_tried_again(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from entitlement_ledger.errors import StoreError

    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "escape", "enter", "down", "i")
        await type_in(pilot, "7")
        pilot.app.screen.query_one("#reason", Input).value = "why"
        await settled(pilot)
        await press(pilot, "ctrl+s", "tab")
        post = Ledger.post

        def fails_after(self: Ledger, *args: object, **named: object) -> object:
            post(self, *args, **named)  # type: ignore[arg-type]
            raise StoreError("the line was cut")

        monkeypatch.setattr(Ledger, "post", fails_after)
        await press(pilot, "enter")
        assert "the line was cut" in screen_text(pilot)
        monkeypatch.setattr(Ledger, "post", post)
        await pilot.pause(0.3)  # a button takes no second press while it still shows the first
        await press(pilot, "enter")
        assert "Recorded as" in screen_text(pilot), screen_text(pilot)
        assert ledger_of(pilot).count_history() == 12


async def test_read_only_has_no_key_that_records(store: str) -> None:
    async with make_app(store, read_only=True).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert "READ-ONLY" in screen_text(pilot)
        assert "Issue" not in screen_text(pilot)
        await press(pilot, "i", "a")
        assert not isinstance(pilot.app.screen, FormScreen)


async def test_a_filter_is_over_the_whole_ledger_and_counts(store: str) -> None:
    async with make_app(store).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "2", "slash")
        await type_in(pilot, "type:consume order")
        assert "1 match" in screen_text(pilot)
        await press(pilot, "escape", "escape")
        assert "11 in all" in screen_text(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "colour:red")
        assert "colour: is no field" in screen_text(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_shows_hostile_text_harmlessly(
    store: str, size: tuple[int, int]
) -> None:
    async with make_app(store).run_test(size=size) as pilot:
        await opened(pilot)
        for number in range(4, 4 + len(HOSTILE)):
            await press(pilot, "1")
            pilot.app.screen.query_one("#list").focus()
            for _ in range(number if number == 4 else 1):
                await press(pilot, "down")
            _harmless(pilot_text := screen_text(pilot))
            assert pilot_text
            await press(pilot, "i")
            _harmless(screen_text(pilot))
            await press(pilot, "escape")
        for mode in ("2", "3"):
            await press(pilot, mode)
            for _ in HOSTILE:
                _harmless(screen_text(pilot))
                await press(pilot, "enter")
                _harmless(screen_text(pilot))
                await press(pilot, "escape", "space")
                _harmless(screen_text(pilot))
                await press(pilot, "escape", "down")
        assert isinstance(pilot.app, ConsoleApp)
        assert pilot.app._exit is False


def _harmless(shown: str) -> None:
    assert all(character.isprintable() for character in shown.replace("\n", "")), ascii(shown)


async def test_a_key_press_does_not_wait_for_a_query(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, asked = threading.Event(), threading.Event()
    history = Ledger.history

    def slow(self: Ledger, *args: object, **named: object) -> object:
        asked.set()
        assert held.wait(timeout=20)
        return history(self, *args, **named)  # type: ignore[arg-type]

    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        monkeypatch.setattr(Ledger, "history", slow)
        await pilot.press("2")
        while not asked.is_set():
            await pilot.pause(0.01)
        await pilot.press("slash")
        await pilot.press("x", "y", "z")
        assert pilot.app.screen.query_one("#filter", Input).value == "xyz"
        await pilot.press("escape")
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(pilot.app.screen, HelpScreen)
        held.set()
        await settled(pilot)


@pytest.mark.parametrize("where", ["asking", "showing"])
async def test_a_fault_of_the_program_is_told_and_nobody_is_left_waiting(
    store: str, where: str, faults: list[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_named: object) -> None:
        raise KeyError("[/red]\x1b")

    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        if where == "asking":
            monkeypatch.setattr(Ledger, "count_history", fail)
        else:
            monkeypatch.setattr(PagedScreen, "_show_count", fail)
        await press(pilot, "2")
        (told,) = {each.message for each in pilot.app._notifications}
        assert told == "a fault of this program, please report it: KeyError: '[/red]\\x1b'"
        assert faults and {type(each) for each in faults} == {KeyError}
        faults.clear()
        monkeypatch.undo()
        await press(pilot, "r", "8")
        assert "Catalogue" in screen_text(pilot)


async def test_a_fault_while_the_store_is_opened_is_told(
    store: str, faults: list[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_ledger: Ledger) -> None:
        raise KeyError("sealed")

    monkeypatch.setattr(Ledger, "vouched", fail)
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        while not isinstance(pilot.app.screen, FirstScreen):
            await pilot.pause(0.02)
        await settled(pilot)
        assert "a fault of this program" in " ".join(screen_text(pilot).split())
        faults.clear()


async def test_an_old_answer_never_lands_after_a_newer_question(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = threading.Event()
    customers = Ledger.customers

    def first_is_slow(self: Ledger, *, search: str = "", **named: object) -> object:
        found = customers(self, search=search, **named)  # type: ignore[arg-type]
        if search == "c":
            assert held.wait(timeout=20)
        return found

    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        monkeypatch.setattr(Ledger, "customers", first_is_slow)
        await pilot.press("slash", "c", "2")
        await pilot.pause(0.3)
        held.set()
        await settled(pilot)
        assert "1 found: c2" in screen_text(pilot)
        rows = pilot.app.screen.query_one("#list")
        assert [row.id for row in getattr(rows, "rows_held", [])] == ["C2"]


async def test_help_is_searchable_and_the_palette_does_what_a_key_does(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "question_mark")
        await type_in(pilot, "balance")
        shown = screen_text(pilot)
        assert "Correct the customer's balance." in shown
        assert "Leave the console." not in shown
        await press(pilot, "escape", "colon")
        await type_in(pilot, "audit trail")
        await press(pilot, "enter")
        assert "Audit" in screen_text(pilot).splitlines()[0]


async def test_a_store_that_cannot_be_opened_is_told_with_its_reason(
    tmp_path: object,
) -> None:
    app = make_app(str(tmp_path) + "/none.duckdb")
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(500):
            # The screen that offers what can be done instead is whole: then nothing is under way.
            if app.problem is not None and app.screen.query("#path"):
                break
            await pilot.pause(0.02)
        await settled(pilot)
    assert app.problem is not None
    assert "no store at" in str(app.problem)
    assert app.problem.exit_code == 3


async def test_the_cursor_stays_on_its_row_when_the_ledger_is_asked_again(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "down", "down", "down")
        before = screen_text(pilot).splitlines()[0]
        await press(pilot, "r")
        table = pilot.app.screen.query_one("#list")
        assert getattr(table, "cursor_row", None) == 3
        assert screen_text(pilot).splitlines()[0] == before
        await pilot.resize_terminal(100, 30)
        await settled(pilot)
        assert getattr(table, "cursor_row", None) == 3


async def test_a_backup_is_made_while_the_console_is_open(store: str) -> None:
    async with make_app(store).run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        await press(pilot, "B")
        (told,) = pilot.app._notifications
        assert told.message.startswith("Backed up to")
        (folder,) = Path(store).parent.glob("ledger-backup-*")
        restored = Path(store).with_name("restored.duckdb")
        Ledger.restore(str(restored), folder)
        with Ledger.open(str(restored), read_only=True, clock=HandClock()) as ledger:
            assert ledger.balances("C1", "PTS")[0].available == 600
            assert all(each.ok for each in ledger.verify())
        assert isinstance(pilot.app, ConsoleApp)
        assert pilot.app.session is not None
        pilot.app.session.ledger.close()
    async with make_app(store, read_only=True).run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        await press(pilot, "B")
        assert len(list(Path(store).parent.glob("ledger-backup-*"))) == 1
        assert not pilot.app._notifications, "the key is not there at all"
