"""Reports in the console: asked with filters, looked at, written to files."""

from __future__ import annotations

import csv
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from console_support import HOSTILE, make_app, opened, press, screen_text, settled, type_in
from support import HandClock, command, hours
from test_alerts import ledger_of, until
from textual.widgets import Input, Select

from entitlement_ledger.console.app import ConsoleApp
from entitlement_ledger.console.screens.confirm import ConfirmScreen
from entitlement_ledger.console.screens.customers import CustomersScreen
from entitlement_ledger.console.screens.export import ExportScreen
from entitlement_ledger.console.screens.report import ReportScreen
from entitlement_ledger.console.screens.reports import ReportsScreen
from entitlement_ledger.ledger import Ledger


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files without a folder go where they can be thrown away."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


async def test_a_report_is_asked_with_a_filter_and_told_row_by_row(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "7")
        assert isinstance(pilot.app.screen, ReportsScreen)
        shown = screen_text(pilot)
        assert "rollforward" in shown and "asked with  at, known-at, customer" in shown
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, ReportScreen)
        assert "what every customer has" in screen_text(pilot)
        await press(pilot, "slash")
        pilot.app.screen.query_one("#by-at", Input).value = "soon"
        await press(pilot, "enter")
        assert "at: takes a day such as" in screen_text(pilot)
        pilot.app.screen.query_one("#by-at", Input).value = ""
        pilot.app.screen.query_one("#by-customer", Input).value = "C1"
        await press(pilot, "enter")
        table = pilot.app.screen.query_one("#rows")
        assert table.has_focus
        rows: list[Any] = getattr(table, "rows_held")  # noqa: B009
        assert {row.cells[0] for row in rows} == {"C1"}
        assert f"all {len(rows)} rows" in screen_text(pilot)
        pilot.app.screen.query_one("#by-customer", Input).value = "nobody"
        await press(pilot, "slash", "enter")
        assert "no customer 'nobody': check the id" in screen_text(pilot)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, ReportsScreen)


async def test_numbers_stand_right_and_what_is_cut_off_is_told(store: str) -> None:
    with Ledger.open(store, clock=HandClock()) as ledger:
        ledger.post(
            [command("consume", f"n{n}", quantity=1, effective_at=hours(-1)) for n in range(101)],
            actor="x",
        )
    async with make_app(store).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        pilot.app.open_report("statement", customer="C1")  # type: ignore[attr-defined]
        await settled(pilot)
        shown = screen_text(pilot)
        assert "the first 100 rows of more" in shown
        assert "2026-02-27 12:00:00" in shown
        assert " 1,000 " in shown and "-350 " in shown


async def test_two_keys_lead_from_a_customer_to_a_statement_on_disk(
    store: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    monkeypatch.setattr(ConsoleApp, "copy_to_clipboard", lambda _, text: copied.append(text))
    async with make_app(store, read_only=True).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "S")
        assert isinstance(pilot.app.screen, ReportScreen)
        assert pilot.app.screen.query_one("#by-customer", Input).value == "C1"
        await press(pilot, "ctrl+s")
        assert isinstance(pilot.app.screen, ExportScreen)
        await until(pilot, "Written, and its path copied")
        written = here / "statement-C1.html"
        assert copied == [str(written)]
        digest = hashlib.sha256(written.read_bytes()).hexdigest()
        assert digest in screen_text(pilot).replace("\n", "").replace(" ", "")
        assert "4 rows as html" in screen_text(pilot)
        await press(pilot, "enter", "escape")
        assert isinstance(pilot.app.screen, CustomersScreen)


async def test_written_at_once_a_file_that_exists_is_asked_about(store: str, here: Path) -> None:
    there = here / "statement-C1.html"
    there.write_text("mine", "utf-8")
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "S", "ctrl+s")
        assert isinstance(pilot.app.screen, ConfirmScreen)
        assert "exists already. Replace it?" in screen_text(pilot)
        await press(pilot, "enter")
        assert "Nothing was written" in screen_text(pilot)
        assert there.read_text("utf-8") == "mine"


async def test_before_it_is_written_format_and_path_can_be_chosen(store: str, here: Path) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "S", "e")
        assert isinstance(pilot.app.screen, ExportScreen)
        assert "statement-C1.html" in screen_text(pilot)
        assert not list(here.iterdir())
        await press(pilot, "enter")
        await until(pilot, "Written, and its path copied")
        assert [each.name for each in here.iterdir()] == ["statement-C1.html"]


async def test_a_file_that_exists_is_replaced_only_once_somebody_agreed(
    store: str, here: Path
) -> None:
    there = here / "balances.csv"
    there.write_text("mine", "utf-8")
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "7", "enter", "e", "enter")
        assert isinstance(pilot.app.screen, ConfirmScreen)
        assert "exists already. Replace it?" in screen_text(pilot)
        await press(pilot, "enter")
        assert "Nothing was written" in screen_text(pilot)
        assert there.read_text("utf-8") == "mine"
        await press(pilot, "enter", "tab", "enter")
        await until(pilot, "Written, and its path copied")
        with there.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert f"{len(rows)} rows as csv" in screen_text(pilot)
        pilot.app.screen.query_one("#format", Select).value = "parquet"
        await settled(pilot)
        path = pilot.app.screen.query_one("#path", Input)
        assert path.value == "balances.parquet"
        path.value = "no/such/folder.csv"
        await press(pilot, "ctrl+s")
        assert "there is no folder" in screen_text(pilot)


async def test_an_export_that_is_cancelled_leaves_nothing_behind(
    store: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, going_on = threading.Event(), threading.Event()
    as_it_is = Ledger.write_report

    def slowly(
        self: Ledger, *given: Any, progress: Callable[[int, int], None], **options: Any
    ) -> Any:
        def wait(done: int, total: int) -> None:
            writing.set()
            assert going_on.wait(10)
            progress(done, total)

        return as_it_is(self, *given, progress=wait, **options)

    monkeypatch.setattr(Ledger, "write_report", slowly)
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "7", "enter", "e")
        await pilot.press("enter")
        while not writing.is_set():
            await pilot.pause(0.02)
        await pilot.press("escape")
        await pilot.pause()
        assert "stopping" in screen_text(pilot)
        going_on.set()
        await until(pilot, "Cancelled: nothing was left behind.")
        assert list(here.iterdir()) == []
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, ReportScreen)


async def test_a_report_is_found_by_its_name(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "colon")
        await type_in(pilot, "report stat")
        await press(pilot, "enter")
        await settled(pilot)
        assert isinstance(pilot.app.screen, ReportScreen)
        shown = screen_text(pilot)
        assert "customer: say which: this report needs it" in shown
        assert pilot.app.screen.query_one("#by-customer").has_focus
        await type_in(pilot, "C1")
        await press(pilot, "enter")
        assert "all 4 rows" in screen_text(pilot)


async def test_what_is_hostile_in_a_report_is_harmless(store: str) -> None:
    async with make_app(store).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        for report in ("audit-log", "statement"):
            given = {} if report == "audit-log" else {"customer": "H2"}
            pilot.app.open_report(report, **given)  # type: ignore[attr-defined]
            await settled(pilot)
            for left in (0, 70, 140):
                pilot.app.screen.query_one("#rows").scroll_to(x=left, animate=False)
                await pilot.pause()
                assert all(line.isprintable() for line in screen_text(pilot).split("\n"))
            await press(pilot, "space")
            assert all(line.isprintable() for line in screen_text(pilot).split("\n"))
            await press(pilot, "escape")
        assert ledger_of(pilot).count_customers(search="H") >= len(HOSTILE)
