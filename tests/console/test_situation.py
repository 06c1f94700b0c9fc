"""The support call: a customer by ticket or invoice, and what they lost, hold and asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from console_support import HOSTILE, make_app, opened, press, screen_text, type_in
from support import START, HandClock, command, hours
from textual.pilot import Pilot

from entitlement_ledger.console.screens.customers import CustomersScreen
from entitlement_ledger.console.screens.situation import SituationScreen
from entitlement_ledger.domain.instants import INSTANT_MAX
from entitlement_ledger.errors import StoreError
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.situations import Situation

SIZES = [(80, 24), (120, 40)]


@pytest.fixture
def called(store: str, tmp_path: Path) -> str:
    """A store with a customer who lost, holds, and asked."""
    with Ledger.open(store, clock=HandClock(START)) as ledger:
        lines = [
            command("issue", "lost", customer="C2", quantity=7, effective_at=hours(-90),
                    expires_at=hours(-80)),
            command("issue", "given", customer="C2", quantity=60, effective_at=hours(-70),
                    expires_at=hours(48), reference="invoice:L-77"),
            command("reverse", "back", customer="C2", transaction="given", quantity=9,
                    effective_at=hours(-60), reason=f"refund {HOSTILE['H1']}"),
            command("hold", "kept", customer="C2", quantity=11, effective_at=hours(-50),
                    reference="order:9"),
        ]  # fmt: skip
        assert not any(each.code for each in ledger.post(lines, actor="shop", history=True))
        tickets = tmp_path / "tickets.csv"
        tickets.write_text(
            "id,customer,status,subject,opened_at,closed_at\n"
            f'TK-501,C2,open,"{HOSTILE["H5"]} gone",{hours(-20)},\n'
            f"TK-77,C2,closed,Charged twice,{hours(-40)},{hours(-30)}\n",
            "utf-8",
        )
        (imported,) = ledger.import_files([tickets], actor="setup")
        assert not imported.problems
    return store


def on(pilot: Pilot[Any]) -> str:
    """Say which customer is shown."""
    screen = pilot.app.screen
    assert isinstance(screen, CustomersScreen)
    return screen.places()[-1]


def words(pilot: Pilot[Any]) -> str:
    return " ".join(screen_text(pilot).replace("│", " ").split())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("typed", ["tk-501", "ticket:TK-50", "L-77", "invoice:L-77"])
async def test_a_customer_is_found_by_ticket_or_invoice(
    called: str, typed: str, size: tuple[int, int]
) -> None:
    async with make_app(called).run_test(size=size) as pilot:
        await opened(pilot)
        await press(pilot, "slash")
        await type_in(pilot, typed)
        assert "1 found" in screen_text(pilot)
        assert on(pilot) == "C2"


@pytest.mark.parametrize("size", SIZES)
async def test_what_was_lost_lapses_is_held_and_asked_is_beside_the_balances(
    called: str, size: tuple[int, int]
) -> None:
    async with make_app(called).run_test(size=size) as pilot:
        await opened(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "TK-501")
        shown = words(pilot)
        assert "◔ lapsing 40 PTS on 2026-03-03" in shown
        assert "✗ lost 9 PTS taken back 2026-02-27" in shown
        assert "▣ held 11 PTS since 2026-02-27" in shown
        assert "● tickets TK-501 [@click=app.leave]" in shown
        await press(pilot, "enter", "o")
        assert isinstance(pilot.app.screen, SituationScreen)
        whole = words(pilot)
        assert "by reverse of shop: refund Bob[/red]" in whole
        assert "7 PTS lapsed 2026-02-26" in whole
        assert "for order:9 (entl:" in whole
        assert "TK-77 Charged twice (closed 2026-02-28, opened 2026-02-27)" in whole
        await press(pilot, "escape")
        assert on(pilot) == "C2"


async def test_a_customer_without_any_of_it_has_no_lines_for_it(called: str) -> None:
    async with make_app(called).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "TK-501")
        assert "tickets" in words(pilot)
        await press(pilot, "escape", "escape", "slash")
        await type_in(pilot, "SUSP")
        assert on(pilot) == "SUSP"
        assert "tickets" not in words(pilot)
        assert "lost" not in words(pilot)


def test_what_was_carried_over_is_not_lost(store: str) -> None:
    with Ledger.open(store, clock=HandClock(START)) as ledger:
        line = {"type": "purchase", "key": "sub", "customer": "C2", "product": "BASIC"}
        (outcome,) = ledger.post([{**line, "effective_at": hours(-30)}], actor="shop", history=True)
        assert outcome.code is None
        ledger.run_due()
        lost = [each for each in ledger.situation("C2").lost if each.entitlement == "PTS"]
        assert [(each.quantity, each.how) for each in lost] == [(3, "expired")]
        told = ledger.burn_down(outcome.grants[0])
        assert (told.carried, told.expired, told.revoked) == (2, 3, 0)


@pytest.mark.parametrize("at", [INSTANT_MAX, INSTANT_MAX - 1])
def test_it_is_told_to_the_end_of_time(called: str, at: int) -> None:
    with Ledger.open(called, clock=HandClock(START)) as ledger:
        assert ledger.situation("C2", at=at).lapsing == ()
        assert ledger.lapses(at, at=at).days == ()
        assert ledger.lapsing_grants(at, at=at).rows == ()


async def test_it_never_stands_under_another_name(
    called: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_app(called).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "TK-501")
        assert "tickets" in words(pilot)

        def fails(*_given: object, **_options: object) -> Situation:
            raise StoreError("the disk is gone")

        monkeypatch.setattr(Ledger, "situation", fails)
        await press(pilot, "escape", "escape", "down")
        assert on(pilot) != "C2"
        assert "tickets" not in words(pilot)


def test_it_is_told_as_of_then(called: str) -> None:
    with Ledger.open(called, clock=HandClock(START)) as ledger:
        then = ledger.situation("C2", at=START - 35 * 3_600_000_000)
        assert [(each.id, each.closed_at) for each in then.tickets] == [("TK-77", None)]
        assert then.tickets[0].status == "open"
        before = ledger.situation("C2", at=START - 55 * 3_600_000_000)
        assert before.holds == ()
        assert [each.quantity for each in before.lost] == [9, 7]
        some = ledger.situation("C2", limit=1)
        assert (len(some.lost), some.more) == (1, ("lost", "tickets"))
