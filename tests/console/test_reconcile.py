"""Reconcile in the console: a run from a file, both sides of what differs, and its proposals."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from billing_support import sold, write
from console_support import HOSTILE, make_app, opened, press, screen_text, settled, type_in
from support import HandClock, command, hours
from test_alerts import ledger_of, until
from textual.pilot import Pilot
from textual.widgets import Input, Select

from entitlement_ledger.console.app import ConsoleApp
from entitlement_ledger.console.screens.confirm import ConfirmScreen
from entitlement_ledger.console.screens.detail import TransactionScreen
from entitlement_ledger.console.screens.discrepancy import DiscrepancyScreen
from entitlement_ledger.console.screens.feed import FeedScreen
from entitlement_ledger.console.screens.reconcile import ReconcileScreen
from entitlement_ledger.console.screens.reconciled import RunScreen
from entitlement_ledger.console.screens.value import ValueScreen
from entitlement_ledger.console.widgets.path_input import completed
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.reconciliations import Against


@pytest.fixture
def sales(store: str, tmp_path: Path) -> Path:
    """Make a file of invoice lines: one is given short, one not at all, of one nothing was sold."""
    with Ledger.open(store, clock=HandClock()) as ledger:
        ledger.post(
            [
                command("issue", "I1", quantity=6, effective_at=hours(-9), reference="invoice:I1"),
                command("issue", "I3", quantity=4, effective_at=hours(-9), reference="invoice:I3"),
                command("issue", "I4", quantity=5, effective_at=hours(-9), reference="invoice:I4"),
            ],
            actor="shop",
        )
    return write(
        tmp_path / "sales.csv",
        [sold("I1", 10, at=-9), sold("I2", 125, at=-8, entitlement="CRD"), sold("I4", 5, at=-9)],
    )


async def run_file(pilot: Pilot[None], path: Path) -> None:
    """Reconcile a file with the keys that a person presses."""
    await press(pilot, "6", "n")
    assert isinstance(pilot.app.screen, FeedScreen)
    pilot.app.screen.query_one("#file", Input).value = str(path)
    await press(pilot, "ctrl+s")


def go_to(pilot: Pilot[None], table: str, text: str) -> None:
    """Put the cursor of a table on the row that has a text."""
    shown = pilot.app.screen.query_one(table)
    rows: list[Any] = getattr(shown, "rows_held")  # noqa: B009 - of any kind of row
    place = next(n for n, row in enumerate(rows) if text in str(row))
    shown.move_cursor(row=place, animate=False)  # type: ignore[attr-defined]


async def test_a_file_is_reconciled_and_both_sides_lead_to_the_transaction(
    store: str, sales: Path
) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "6")
        assert "no file has been reconciled yet: n begins one" in screen_text(pilot)
        await run_file(pilot, sales)
        assert isinstance(pilot.app.screen, RunScreen)
        shown = screen_text(pilot)
        for expected in (
            "✓ matched",
            "✗ missing here",
            "✗ missing there",
            "✗ amount",
            "3 lines",
            "● new",
            "invoice:I2",
            "there, and not here",
        ):
            assert expected in shown, shown  # fmt: skip
        go_to(pilot, "#classes", "'amount'")
        await settled(pilot)
        assert "10 of PTS sold, 6 given by entl:" in screen_text(pilot)
        await press(pilot, "enter", "enter")
        assert isinstance(pilot.app.screen, DiscrepancyScreen)
        shown = screen_text(pilot)
        for expected in ("≠ compared     6 pt", "10 pt", "≠ quantity", "= what", "line 2"):
            assert expected in shown, shown
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, TransactionScreen)
        await until(pilot, "invoice:I1")
        await press(pilot, "escape", "escape", "escape", "escape")
        assert isinstance(pilot.app.screen, ReconcileScreen)
        assert "one run" in screen_text(pilot) and "✗ 3" in screen_text(pilot)


async def test_a_proposal_is_shown_confirmed_and_posted_once(store: str, sales: Path) -> None:
    async with make_app(store).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await run_file(pilot, sales)
        await press(pilot, "enter", "enter")
        shown = screen_text(pilot)
        assert "issue: entitlement CRD, quantity 125" in shown, shown
        assert "≠ compared     nothing" in shown and "1.25 pt (125)" in shown
        assert "- CRD available: 12.50 pt" in shown and "+ CRD available: 13.75 pt" in shown
        before = ledger_of(pilot).count_history()
        await press(pilot, "p")
        assert isinstance(pilot.app.screen, ConfirmScreen)
        assert "13.75 pt" in screen_text(pilot)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, DiscrepancyScreen)
        assert ledger_of(pilot).count_history() == before
        await press(pilot, "p", "tab", "enter")
        assert "Recorded as entl:" in screen_text(pilot)
        assert ledger_of(pilot).count_history() == before + 1
        await press(pilot, "p")
        assert isinstance(pilot.app.screen, DiscrepancyScreen)
        await press(pilot, "escape", "enter")
        assert "It was posted as entl:" in screen_text(pilot)
        await press(pilot, "escape", "escape", "escape")
        await run_file(pilot, sales)
        shown = screen_text(pilot)
        assert "since run 1: 0 new, 2 ageing" in shown and "◔ run 1" in shown, shown
        go_to(pilot, "#classes", "'resolved'")
        await settled(pilot)
        assert "✓ gone" in screen_text(pilot) and "invoice:I2" in screen_text(pilot)


async def test_a_proposal_that_would_be_refused_is_not_offered(store: str, sales: Path) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await run_file(pilot, sales)
        go_to(pilot, "#classes", "'missing_there'")
        await press(pilot, "enter", "enter")
        assert "p Post" in screen_text(pilot)
        ledger_of(pilot).post([command("reverse", "r", transaction="I3", reason="x")], actor="y")
        await press(pilot, "r")
        assert "already_resolved" in screen_text(pilot)
        assert "p Post" not in screen_text(pilot)
        await press(pilot, "p")
        assert isinstance(pilot.app.screen, DiscrepancyScreen)


async def test_every_bad_line_is_named_and_what_was_typed_stays(store: str, tmp_path: Path) -> None:
    lines = [sold(f"I{n}", "x") for n in range(30)] + ["\x1b]0;t\x07,C1,,PTS,1,0,EUR,[b]paid,now"]
    path = write(tmp_path / "bad.csv", lines)
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await run_file(pilot, path)
        form = pilot.app.screen
        assert isinstance(form, FeedScreen)
        shown = screen_text(pilot)
        assert "problems, and nothing was kept" in shown
        assert "line 2, column quantity" in shown
        assert "line 32" not in shown
        await press(pilot, "end")
        assert "line 32, column" in screen_text(pilot)
        assert "\x1b" not in screen_text(pilot)
        assert form.query_one("#file", Input).value == str(path)
        assert ledger_of(pilot).runs() == []


async def test_a_form_that_cannot_be_used_says_why(store: str, tmp_path: Path) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "6", "n", "ctrl+s")
        assert "file: say which" in screen_text(pilot)
        await type_in(pilot, "none.csv")
        pilot.app.screen.query_one("#since", Input).value = "yesterday"
        await press(pilot, "ctrl+s")
        assert "since: takes a day such as 2026-03-01" in screen_text(pilot)
        assert pilot.app.screen.query_one("#since").has_focus
        pilot.app.screen.query_one("#since", Input).value = "2026-03-01"
        await press(pilot, "ctrl+s")
        assert "none.csv is not a file" in screen_text(pilot)
        pilot.app.screen.query_one("#against", Select).value = "cam"
        await press(pilot, "ctrl+s")
        assert "customers have no period" in screen_text(pilot)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, ReconcileScreen)


async def test_a_run_that_is_cancelled_keeps_nothing_but_what_was_typed(
    store: str, sales: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, going_on = threading.Event(), threading.Event()
    as_it_is = Ledger.reconcile

    def slowly(
        self: Ledger, *given: Any, progress: Callable[[int, int], None], **options: Any
    ) -> Any:
        def wait(done: int, total: int) -> None:
            progress(done // 2, total)
            reading.set()
            assert going_on.wait(10)
            progress(done, total)

        return as_it_is(self, *given, progress=wait, **options)

    monkeypatch.setattr(Ledger, "reconcile", slowly)
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "6", "n")
        form = pilot.app.screen
        form.query_one("#file", Input).value = str(sales)
        await pilot.press("ctrl+s")
        while not reading.is_set():
            await pilot.pause(0.02)
        await pilot.pause(0.15)
        assert "reading, 49%" in screen_text(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert "stopping" in screen_text(pilot)
        going_on.set()
        await until(pilot, "Cancelled: nothing was kept")
        assert form.query_one("#file", Input).value == str(sales)
        assert ledger_of(pilot).runs() == []
        await press(pilot, "ctrl+s")
        assert isinstance(pilot.app.screen, RunScreen)


async def test_a_period_and_a_mapping_are_passed_on(store: str, tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    header = "Line,Client,product,entitlement,quantity,amount,currency,status,invoiced_at"
    write(path, [sold("I7"), sold("I8", at=999)])
    path.write_text("\n".join([header, *path.read_text("utf-8").splitlines()[1:], ""]), "utf-8")
    mapping = tmp_path / "names.toml"
    mapping.write_text('[columns]\ninvoice_line = "Line"\ncustomer = "Client"\n', "utf-8")
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "6", "n")
        for name, typed in (
            ("file", path),
            ("mapping", mapping),
            ("since", "2026-03-01"),
            ("until", "2026-04-01T00:00:00Z"),
        ):
            pilot.app.screen.query_one(f"#{name}", Input).value = str(typed)  # fmt: skip
        await press(pilot, "ctrl+s")
        assert isinstance(pilot.app.screen, RunScreen), screen_text(pilot)
        (run,) = ledger_of(pilot).runs()
        assert (run.lines, run.outside) == (2, 1)
        assert "2026-03-01 until 2026-04-01" in screen_text(pilot)


async def test_read_only_shows_runs_and_neither_makes_nor_posts(store: str, sales: Path) -> None:
    with Ledger.open(store, clock=HandClock()) as ledger:
        ledger.reconcile(sales, Against.BILLING, actor="fin")
    async with make_app(store, read_only=True).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "6", "n")
        assert isinstance(pilot.app.screen, ReconcileScreen)
        await press(pilot, "enter", "enter", "enter")
        shown = screen_text(pilot)
        assert "This is what it would do" in shown and "p Post" not in shown
        await press(pilot, "p")
        assert isinstance(pilot.app.screen, DiscrepancyScreen)


async def test_what_is_hostile_in_a_file_is_harmless_on_every_screen(
    store: str, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "[b]\x1b]0;t\x07.csv",
        [sold(f'"{shown[:60]}{n}"', customer=f'"{shown[:50]}"')
         for n, shown in enumerate(HOSTILE.values()) if "\n" not in shown],
    )  # fmt: skip
    async with make_app(store).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await run_file(pilot, path)
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        if not isinstance(app.screen, RunScreen):
            raise AssertionError(screen_text(pilot))
        assert all(line.isprintable() for line in screen_text(pilot).split("\n"))
        for row in ("52;c", "esreveR"):
            go_to(pilot, "#rows", row)
            app.screen.query_one("#rows").focus()
            await press(pilot, "enter", "space")
            assert isinstance(app.screen, ValueScreen)
            assert all(line.isprintable() for line in screen_text(pilot).split("\n"))
            await press(pilot, "escape")
            assert isinstance(app.screen, DiscrepancyScreen)
            assert all(line.isprintable() for line in screen_text(pilot).split("\n"))
            await press(pilot, "escape")
        await press(pilot, "escape", "escape")
        assert "[b]" in screen_text(pilot) and "\x1b" not in screen_text(pilot)


def test_a_path_is_completed_from_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sales").mkdir()
    (tmp_path / "sales" / "may.csv").touch()
    (tmp_path / "s\x1b[31m").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert completed("sa") == "sales/"
    assert completed("sales/m") == "sales/may.csv"
    assert completed("~/sa") == "~/sales/"
    assert completed("s\x1b") is None
    for nothing in ("", "sales/", "none/x", "~nobody-of-that-name/x", "x\0y"):
        assert completed(nothing) is None
