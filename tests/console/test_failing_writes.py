"""When writing fails, the console says so once, keeps what was typed, and can try again."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from console_support import make_app, opened, press, screen_text
from test_forms import fill, ledger_of
from textual.pilot import Pilot
from textual.widgets import Input

from entitlement_ledger.console.screens.reason import ReasonScreen
from entitlement_ledger.errors import StoreError
from entitlement_ledger.ledger import Ledger


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow: as on a full disk, writing fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def moved_away(store: str) -> Iterator[None]:
    """Take a store from where it is, as when its disk is unplugged."""
    file = Path(store)
    away = file.rename(file.with_name("elsewhere.duckdb"))
    try:
        yield
    finally:
        away.rename(file)


def words(pilot: Pilot[Any]) -> str:
    return " ".join(screen_text(pilot).split())


def typed(pilot: Pilot[Any]) -> dict[str, str]:
    return {each.id or "": each.value for each in pilot.app.screen.query(Input)}


async def fails_then_works(pilot: Pilot[Any], fault: Any, said: str) -> None:
    """Confirm a form while writing fails, and again once it works."""
    await press(pilot, "i")
    await fill(pilot, entitlement="PTS", quantity="40", reference="ticket:T-1")
    await press(pilot, "ctrl+s")
    before = typed(pilot)
    assert before["quantity"] == "40"
    with fault:
        for _ in range(2):
            pilot.app.screen.query_one("#confirm").focus()
            await press(pilot, "enter")
            assert said in words(pilot)
            assert words(pilot).count("What you typed is kept: try again.") == 1
            assert "Traceback" not in words(pilot)
            assert typed(pilot) == before
            assert not pilot.app._notifications
        await press(pilot, "ctrl+s")
        assert typed(pilot) == before
    if not pilot.app.screen.query_one("#deciding").display:
        await press(pilot, "ctrl+s")
    pilot.app.screen.query_one("#confirm").focus()
    await press(pilot, "enter")
    assert "Recorded as" in words(pilot)
    await press(pilot, "enter")
    (balance,) = ledger_of(pilot).balances("C1", "PTS")
    assert balance.available == 640


async def test_a_full_disk_is_told_and_the_form_is_posted_once_there_is_room(store: str) -> None:
    async with make_app(store).run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        await fails_then_works(pilot, full_disk(), "no space left for")
    with Ledger.open(store) as ledger:
        assert sum(row.reference == "ticket:T-1" for row in ledger.history().rows) == 1


async def test_a_store_that_is_gone_is_told_and_the_form_is_posted_once_it_is_back(
    store: str,
) -> None:
    async with make_app(store).run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        await fails_then_works(pilot, moved_away(store), "is not there any more: put it back")
    with Ledger.open(store) as ledger:
        assert sum(row.reference == "ticket:T-1" for row in ledger.history().rows) == 1


async def test_a_witness_that_cannot_be_written_does_not_record_twice(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_app(store).run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        witness = ledger_of(pilot)._witness
        with monkeypatch.context() as broken:

            def fail(_seen: object) -> None:
                raise StoreError("the witness cannot be written: No space left on device")

            broken.setattr(witness, "append", fail)
            await press(pilot, "i")
            await fill(pilot, entitlement="PTS", quantity="40", reference="ticket:T-1")
            await press(pilot, "ctrl+s", "tab", "enter")
            assert "the witness cannot be written" in words(pilot)
            assert typed(pilot)["reason"] == "asked for"
        pilot.app.screen.query_one("#confirm").focus()
        await press(pilot, "enter", "enter")
        (balance,) = ledger_of(pilot).balances("C1", "PTS")
        assert balance.available == 640


async def test_a_reason_that_could_not_be_recorded_is_asked_for_again_as_it_was(
    store: str,
) -> None:
    async with make_app(store).run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        ledger = ledger_of(pilot)
        await press(pilot, "4", "r")
        found = ledger.findings()
        assert found
        await press(pilot, "t", *"seen")
        with full_disk():
            await press(pilot, "enter")
            screen = pilot.app.screen
            assert isinstance(screen, ReasonScreen)
            assert "no space left for" in words(pilot)
            assert typed(pilot) == {"reason": "seen"}
        await press(pilot, "enter")
        assert not isinstance(pilot.app.screen, ReasonScreen)
        assert [each.state for each in ledger.findings()].count("investigating") == 1


async def test_a_report_for_which_there_is_no_room_leaves_its_form_as_it_was(
    store: str, tmp_path: Path
) -> None:
    async with make_app(store).run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "7", "enter", "e")
        path = tmp_path / "balances.csv"
        pilot.app.screen.query_one("#path", Input).value = str(path)
        with full_disk():
            await press(pilot, "ctrl+s")
            assert "Traceback" not in words(pilot)
            assert "space" in words(pilot) or "too large" in words(pilot)
            assert typed(pilot)["path"] == str(path)
        assert not path.exists()
        await press(pilot, "ctrl+s")
        assert path.exists()
