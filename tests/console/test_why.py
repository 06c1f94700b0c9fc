"""Why a balance is what it is, and why something was refused, in sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from console_support import make_app, opened, press, screen_text
from support import START, HandClock, command, hours, new_store

from entitlement_ledger.console.moment import Moment
from entitlement_ledger.console.screens.why import WhyScreen
from entitlement_ledger.console.why import _REMEDIES, why_balance, why_refused
from entitlement_ledger.domain.instants import HOUR
from entitlement_ledger.domain.refusals import Code
from entitlement_ledger.ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An open ledger in which nothing has been given yet."""
    clock = HandClock()
    return Ledger.open(new_store(tmp_path, clock), clock=clock)


def why(ledger: Ledger, *lines: dict[str, Any], at: int | None = None, of: str = "PTS") -> str:
    """Post commands, each of which has to be accepted, and say why the balance is what it is."""
    with ledger:
        for outcome in ledger.post(list(lines), actor="maria"):
            assert outcome.code is None, outcome.message
        return " ".join(why_balance(ledger.explain("C1", of, at=at)))


def test_a_balance_is_told_from_what_was_given_to_what_is_left(store: str) -> None:
    with Ledger.open(store, clock=HandClock()) as ledger:
        assert why_balance(ledger.explain("C1", "PTS", at=START)) == [
            "C1 has 600 pt of Pts, PTS, available at 2026-03-01 12:00 UTC.",
            "1,000 pt were issued on 2026-02-27 12:00 by tester.",
            "600 pt of that are left and lapse on 2026-04-10 12:00.",
            "350 pt were used on 2026-02-28 12:00 by tester.",
            "50 pt were taken back in a correction on 2026-03-01 11:00 by tester.",
            "Nothing else touched it.",
        ]
        at = START - 36 * HOUR
        assert why_balance(ledger.explain("C1", "PTS", at=at), Moment(at, START))[1:] == [
            "That is what was known at 2026-03-01 12:00 UTC.",
            "1,000 pt were issued on 2026-02-27 12:00 by tester.",
            "1,000 pt of that are left and lapse on 2026-04-10 12:00.",
            "Nothing has touched it since.",
        ]


def test_nothing_given_is_said(ledger: Ledger) -> None:
    told = why(ledger, command("issue", "a", quantity=1, entitlement="CRD"))
    assert told == (
        "C1 has nothing of Pts, PTS, available at 2026-03-01 12:00 UTC. "
        "Nothing of it was ever given."
    )


def test_one_is_spoken_of_in_the_singular(ledger: Ledger) -> None:
    told = why(ledger, command("issue", "a", quantity=100, entitlement="CRD"), of="CRD")
    assert "1.00 pt was issued" in told
    assert "1.00 pt of that is left and never lapses." in told


def test_what_lapsed_unused_is_told_swept_or_not(ledger: Ledger) -> None:
    lines = [
        command("issue", "a", quantity=10, effective_at=hours(-9), expires_at=hours(-1),
                reference="order:7", reason="welcome"),
        command("consume", "b", quantity=4, effective_at=hours(-5)),
        command("issue", "c", entitlement="CRD", quantity=300, effective_at=hours(-9),
                expires_at=hours(-1)),
    ]  # fmt: skip
    with ledger:
        ledger.post(lines, actor="maria")
        before, untouched = (why_balance(ledger.explain("C1", code)) for code in ("PTS", "CRD"))
        assert ledger.run_due().expired == 2
        assert why_balance(ledger.explain("C1", "PTS")) == before
        assert why_balance(ledger.explain("C1", "CRD")) == untouched
    assert untouched[-1] == "Nothing has touched it since."
    assert before[1:] == [
        "10 pt were issued on 2026-03-01 03:00 by maria (order:7: welcome).",
        "6 pt of that lapsed unused on 2026-03-01 11:00.",
        "4 pt were used on 2026-03-01 07:00 by maria.",
        "Nothing else touched it.",
    ]


def test_holds_and_what_came_back_are_told(ledger: Ledger) -> None:
    told = why(
        ledger,
        command("issue", "a", quantity=10, effective_at=hours(-9)),
        command("hold", "b", quantity=6, effective_at=hours(-8)),
        command("hold", "c", quantity=3, effective_at=hours(-7)),
        command("capture", "d", transaction="b", quantity=4, effective_at=hours(-6)),
    )
    for expected in (
        "C1 has 3 pt of Pts, PTS, available, and 3 pt held",
        "4 pt were used out of a hold on 2026-03-01 06:00",
        "6 pt were held on 2026-03-01 04:00",
        "2 pt came back out of a hold on 2026-03-01 06:00",
        "The 3 pt held will be used, or come back.",
    ):
        assert expected in told, told


def test_what_begins_later_and_what_is_spoken_for_is_told(ledger: Ledger) -> None:
    lines = [
        command("issue", "a", quantity=10, effective_at=hours(-9)),
        command("issue", "b", quantity=5, effective_at=hours(48)),
        command("consume", "c", quantity=7, effective_at=hours(0.05)),
    ]
    with ledger:
        assert not any(outcome.code for outcome in ledger.post(lines, actor="maria"))
        told = why_balance(ledger.explain("C1", "PTS"))
        then = Moment(START - HOUR)
        told_then = why_balance(ledger.explain("C1", "PTS", at=then.at), then)
    assert "5 pt more begin to count on 2026-03-03 12:00, given by maria." in told
    assert "Only 3 pt can be drawn now: the rest is spoken for by what counts later." in told
    assert not any("spoken for" in sentence for sentence in told_then)


def test_what_a_purchase_gave_is_not_told_twice(ledger: Ledger) -> None:
    told = why(ledger, command("purchase", "a", product="LIFE", effective_at=hours(-9)))
    assert told.count("7 pt") == 3
    assert "7 pt were given with a purchase on 2026-03-01 03:00 by maria." in told


def test_a_feature_is_had_or_not(ledger: Ledger) -> None:
    told = why(ledger, command("purchase", "a", product="LIFE"), of="FEA")
    assert told.startswith("C1 has Fea, FEA at 2026-03-01 12:00 UTC.")


def test_a_draw_on_many_grants_is_told_once_and_many_draws_together(ledger: Ledger) -> None:
    gives = [
        command("issue", f"g{n}", quantity=10, effective_at=hours(n - 50), expires_at=hours(n - 20))
        for n in range(8)
    ]
    uses = [command("consume", f"u{n}", quantity=15, effective_at=hours(n - 40)) for n in range(4)]
    told = why(ledger, *gives, *uses, command("issue", "last", quantity=2))
    assert "60 pt were used in 4 transactions from 2026-02-27 20:00 to 2026-02-27 23:00" in told
    assert told.count("were issued") == 6
    assert "There are 3 more grants of 30 pt altogether." in told
    assert "10 pt of that lapsed unused" in told


def test_every_refusal_that_is_recorded_has_a_remedy() -> None:
    assert set(_REMEDIES) == set(Code)


def test_a_refusal_tells_what_was_asked_what_there_was_and_what_would_help(store: str) -> None:
    with Ledger.open(store, clock=HandClock()) as ledger:
        assert why_refused(ledger.transaction("d")) == [
            "shop asked to use 9,999 pt of PTS for C1, to count at 2026-03-01 10:00 UTC.",
            "It was refused, insufficient balance: 9,999 pt asked for, 650 can be given at "
            "2026-03-01 10:00 UTC.",
            "It would go through for no more than could be given then, or once more is given "
            "that counts by that time.",
            "Nothing was changed by it.",
        ]


@pytest.mark.parametrize(
    ("line", "asked", "remedy"),
    [
        (command("release", "r", transaction="a"), "to give back what the hold", "a hold that"),
        (command("reverse", "r", transaction="nothing"), "to undo a transaction", "this very"),
        (command("renew", "r", product="BASIC"), "to renew BASIC", "have a subscription"),
        (command("issue", "r", entitlement="OLD", quantity=3), "to give 3 pt of OLD", "still"),
        (command("consume", "r", entitlement="NONE", quantity=3), "to use", "be imported"),
        (command("adjust", "r", quantity=-9999), "to correct PTS by -9,999", "no more than"),
        (command("cancel", "r", grant="entl:99.0"), "to end", "this very customer"),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_whatever_was_asked_can_be_told(
    store: str, line: dict[str, Any], asked: str, remedy: str
) -> None:
    with Ledger.open(store, clock=HandClock()) as ledger:
        (outcome,) = ledger.post([line], actor="x")
        assert outcome.code is not None
        told = why_refused(ledger.transaction("r"))
        assert asked in told[0]
        assert "None" not in " ".join(told)
        assert remedy in told[2]


# In the console


async def test_w_says_why_wherever_there_is_a_why(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "enter", "down", "w")
        assert isinstance(pilot.app.screen, WhyScreen)
        shown = " ".join(screen_text(pilot).replace("│", " ").split())
        assert "350 pt were used on 2026-02-28 12:00 by tester." in shown
        await press(pilot, "y")
        assert pilot.app.clipboard.startswith("C1 has 600 pt of Pts, PTS, available at")
        assert pilot.app.clipboard.endswith("Nothing else touched it.")
        await press(pilot, "escape", "enter", "w")
        assert isinstance(pilot.app.screen, WhyScreen)
        await press(pilot, "escape", "escape", "2", "slash")
        pilot.app.screen.query_one("#filter").value = "status:refused"  # type: ignore[attr-defined]
        await press(pilot, "enter", "w")
        assert "shop asked to use 9,999 pt" in screen_text(pilot)
        await press(pilot, "escape", "enter", "w")
        assert "shop asked to use 9,999 pt" in screen_text(pilot)


async def test_w_on_what_was_not_refused_says_so(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "2", "w")
        assert not isinstance(pilot.app.screen, WhyScreen)
        (said,) = [each.message for each in pilot.app._notifications]
        assert "It was not refused" in said


async def test_why_is_answered_as_of_the_moment(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "at")
        screen = pilot.app.screen
        screen.query_one("#at").value = "2026-02-28"  # type: ignore[attr-defined]
        await press(pilot, "enter", "enter", "down", "w")
        shown = screen_text(pilot)
        assert "Nothing has touched it since." in shown
        assert "350" not in shown
