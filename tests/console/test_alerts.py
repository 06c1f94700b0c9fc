"""Alerts and Checks: what the rules noticed, its review, and the checks with their verdicts."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest
from console_support import HOSTILE, make_app, opened, press, screen_text, settled, type_in
from support import HandClock, command, hours, new_store
from textual.pilot import Pilot

from entitlement_ledger.answers import Finding
from entitlement_ledger.console.app import ConsoleApp
from entitlement_ledger.console.screens.alerts import FindingScreen
from entitlement_ledger.console.screens.detail import TransactionScreen
from entitlement_ledger.console.screens.reason import ReasonScreen
from entitlement_ledger.console.widgets.paged_table import PagedTable
from entitlement_ledger.ledger import Ledger

EVE = "\x1b]0;eve\x07[/red]"


@pytest.fixture
def noticed(tmp_path: Path) -> str:
    """Make a store in which an actor with a hostile name gave six customers the same amount."""
    clock = HandClock()
    store = new_store(tmp_path, clock)
    (tmp_path / "more").mkdir()
    rows = "".join(f'{name},"{shown}",,s,active,\n' for name, shown in HOSTILE.items())
    header = "id,name,email,segment,status,created_at\n"
    (tmp_path / "more" / "customers.csv").write_text(header + rows, "utf-8")
    with Ledger.open(store, clock=clock) as ledger:
        ledger.import_files([tmp_path / "more"], actor="setup")
        ledger.post([command("issue", "a", quantity=1000, effective_at=hours(-48))], actor="x")
        ledger.post(
            [
                command("adjust", f"g{number}", customer=customer, quantity=77, actor=EVE,
                        reason=f"[b]parcel {number}", reference=f"order:{number}",
                        effective_at=hours(-4 + number / 60))
                for number, customer in enumerate(HOSTILE)
            ],
            actor="setup",
            history=True,
        )  # fmt: skip
    return store


@pytest.fixture
def many(tmp_path: Path) -> str:
    """Make a store in which five actors each gave twelve customers the same amount."""
    clock = HandClock()
    store = new_store(tmp_path, clock)
    (tmp_path / "more").mkdir()
    rows = "".join(f"X{number},Name,,s,active,\n" for number in range(12))
    header = "id,name,email,segment,status,created_at\n"
    (tmp_path / "more" / "customers.csv").write_text(header + rows, "utf-8")
    given = [
        command("adjust", f"{actor}{number}", customer=f"X{number}", quantity=77 + place,
                actor=actor, reason=f"parcel {number}", reference=f"order:{number}",
                effective_at=hours(-200 + 30 * place + number / 60))
        for place, actor in enumerate(("eve", "zoe", "joe", "bob", "mallory"))
        for number in range(12)
    ]  # fmt: skip
    with Ledger.open(store, clock=clock) as ledger:
        ledger.import_files([tmp_path / "more"], actor="setup")
        ledger.post([command("issue", "a", quantity=1000, effective_at=hours(-248))], actor="x")
        ledger.post(given, actor="setup", history=True)
        ledger.suspicious()
    return store


def ledger_of(pilot: Pilot[None]) -> Ledger:
    """Give the ledger that the console has open."""
    app = pilot.app
    assert isinstance(app, ConsoleApp) and app.session is not None
    return app.session.ledger


def selected_id(pilot: Pilot[None]) -> str:
    """Give the id of the finding under the cursor."""
    found = pilot.app.screen.query_one("#rows", PagedTable).selected
    assert isinstance(found, Finding)
    return found.id


async def until(pilot: Pilot[None], text: str) -> None:
    """Wait until a text is on the screen."""
    for _ in range(200):
        await settled(pilot)
        if text in screen_text(pilot):
            return
    raise AssertionError(screen_text(pilot))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_finding_is_seen_taken_and_dismissed_with_a_reason(
    noticed: str, size: tuple[int, int]
) -> None:
    async with make_app(noticed).run_test(size=size) as pilot:
        await opened(pilot)
        await press(pilot, "4")
        assert "nothing open: r runs the rules" in screen_text(pilot)
        await press(pilot, "r")
        await until(pilot, "1 open of 1 finding")
        assert "6 customers were given exactly 77 PTS" in screen_text(pilot)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, FindingScreen)
        assert "\x1b" not in screen_text(pilot)
        await press(pilot, "t")
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, ReasonScreen)
        assert "Say why" in screen_text(pilot)
        await type_in(pilot, "looks odd")
        await press(pilot, "enter")
        assert "taken, assigned to tester" in screen_text(pilot)
        assert "investigating by tester: looks odd" in screen_text(pilot)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, TransactionScreen)
        await press(pilot, "escape", "escape", "D")
        await type_in(pilot, "a campaign")
        await press(pilot, "enter")
        assert "nothing open" in screen_text(pilot)
        ledger = ledger_of(pilot)
        (found,) = ledger.findings(dismissed=True)
        assert found.state == "dismissed"
        _, steps = ledger.finding(found.id)
        assert [step.reason for step in steps] == ["looks odd", "a campaign"]


async def test_thinking_better_of_it_records_nothing(noticed: str) -> None:
    async with make_app(noticed).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "4", "r")
        await until(pilot, "1 open of 1 finding")
        await press(pilot, "C", "escape", "n")
        assert "1 open of 1 finding" in screen_text(pilot)
        assert "1 findings" not in screen_text(pilot)
        ledger = ledger_of(pilot)
        (found,) = ledger.findings()
        assert ledger.finding(found.id)[1] == []


async def test_read_only_shows_findings_and_reviews_nothing(noticed: str) -> None:
    with Ledger.open(noticed, clock=HandClock()) as ledger:
        assert len(ledger.suspicious()) == 1
    async with make_app(noticed, read_only=True).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "4")
        assert "1 open of 1 finding" in screen_text(pilot)
        await press(pilot, "t", "C", "D")
        assert not isinstance(pilot.app.screen, ReasonScreen)


async def test_the_checks_run_one_after_another_and_lead_to_what_is_at_fault(noticed: str) -> None:
    with duckdb.connect(noticed) as connection:
        connection.execute(
            "UPDATE live_postings SET quantity = -9 WHERE account = 'issuance' AND sequence = "
            "(SELECT sequence FROM transactions WHERE key = 'a')"
        )
    async with make_app(noticed).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "5")
        await until(pilot, "2 checks fail")
        text = screen_text(pilot)
        assert "✗ fails" in text and "protects from a transaction that makes or loses" in text
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, TransactionScreen)
        await press(pilot, "escape", "r")
        await until(pilot, "2 checks fail")


async def test_sound_checks_hold(store: str) -> None:
    async with make_app(store).run_test(size=(120, 40), notifications=True) as pilot:
        await opened(pilot)
        await press(pilot, "5")
        await until(pilot, "checks hold")
        await press(pilot, "escape")
        assert "checks hold" in screen_text(pilot), "nothing was running that could be stopped"
        await press(pilot, "j", "j", "enter")
        assert "Holds." in screen_text(pilot), "there is nothing to go to"
        await press(pilot, "r")
        await until(pilot, "checks hold")
        assert pilot.app.screen.query_one("#rows", PagedTable).cursor_row == 2


@pytest.mark.parametrize(
    ("question", "keys"),
    [
        ("check", ("5",)),
        ("suspicious", ("4", "r")),
        ("report_rows", ("7", "enter")),
    ],
)
async def test_to_stop_one_question_interrupts_no_other(
    noticed: str, monkeypatch: pytest.MonkeyPatch, question: str, keys: tuple[str, ...]
) -> None:
    asking: list[int] = []
    stopped: list[int | None] = []
    let_go, asked = threading.Event(), getattr(Ledger, question)

    def slow(self: Ledger, *given: Any, **named: Any) -> Any:
        asking.append(threading.get_ident())
        let_go.wait(20)
        return asked(self, *given, **named)

    async with make_app(noticed).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, *keys[:-1])
        monkeypatch.setattr(Ledger, question, slow)
        monkeypatch.setattr(Ledger, "interrupt", lambda _, thread=None: stopped.append(thread))
        try:
            await pilot.press(keys[-1])
            for _ in range(200):
                if asking:
                    break
                await pilot.pause(0.02)
            await pilot.press("escape")
            await pilot.pause()
            assert stopped == asking[:1] != []
        finally:
            let_go.set()
        await settled(pilot)


async def test_findings_are_filtered_where_they_are_stored(
    noticed: str,
) -> None:
    with Ledger.open(noticed, clock=HandClock()) as ledger:
        assert len(ledger.suspicious()) == 1
    async with make_app(noticed).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "4")
        assert "1 open of 1 finding" in screen_text(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "rule:same_amount EXACTLY 77")
        await press(pilot, "enter")
        assert "1 match: rule:same_amount EXACTLY 77" in screen_text(pilot)
        assert "6 customers were given exactly 77 PTS" in screen_text(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "actor:nobody")
        assert "0 match" in screen_text(pilot)
        assert "6 customers were given" not in screen_text(pilot)
        await press(pilot, "escape", "escape")
        assert "1 open of 1 finding" in screen_text(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "state:shut")
        assert "state: is one of open, investigating" in screen_text(pilot)


async def test_the_cursor_stays_where_findings_are_worked_through(
    many: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entitlement_ledger.console.screens.paged.PAGE", 3)
    async with make_app(many).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "4")
        ledger = ledger_of(pilot)
        names = [each.id for each in ledger.findings()]
        assert len(names) >= 5
        assert f"{len(names)} open of {len(names)} findings" in screen_text(pilot)
        for name in names[1:4]:
            await press(pilot, "n")
            assert selected_id(pilot) == name
        await press(pilot, "D")
        await type_in(pilot, "a campaign")
        await press(pilot, "enter")
        assert selected_id(pilot) == names[4], "the next one took its place"
        await press(pilot, "t")
        await type_in(pilot, "odd")
        await press(pilot, "enter")
        assert selected_id(pilot) == names[4]
        assert f"{len(names) - 2} open of {len(names) - 1} findings" in screen_text(pilot)
        assert f"▲ {len(names) - 2} findings" in screen_text(pilot).splitlines()[-2]


async def test_what_is_found_where_nothing_may_be_recorded_is_shown_and_not_kept(
    noticed: str,
) -> None:
    async with make_app(noticed, read_only=True).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "4", "r")
        await until(pilot, "1 found, and not kept")
        assert "6 customers were given exactly 77 PTS" in screen_text(pilot)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, FindingScreen)
        await until(pilot, "▸✓ 2026-03-01 08:05 adjust 77 PTS H6")
