"""The console as of another moment: what is shown then, and that nothing can be posted."""

from __future__ import annotations

from typing import Any

import pytest
from console_support import HOSTILE, make_app, opened, press, screen_text, settled, type_in
from support import START, HandClock, command, hours
from textual.pilot import Pilot
from textual.widgets import Input

from entitlement_ledger.answers import Balance, EventFilter, HistoryFilter
from entitlement_ledger.console.actions import CHANGES
from entitlement_ledger.console.app import ConsoleApp
from entitlement_ledger.console.moment import NOW, Moment, told, typed
from entitlement_ledger.console.screens.customers import CustomersScreen
from entitlement_ledger.console.screens.form import FormScreen
from entitlement_ledger.console.screens.travelling import CompareScreen, TravelScreen
from entitlement_ledger.console.travel import compared, in_order, narrowed, prefilled, read_moment
from entitlement_ledger.domain.instants import DAY, HOUR, INSTANT_MAX, SECOND, parse_instant
from entitlement_ledger.errors import InputError
from entitlement_ledger.ledger import Ledger


@pytest.fixture
def late(store: str) -> str:
    """Make it known an hour later that 40 points had been used a day before."""
    with Ledger.open(store, clock=HandClock(START + HOUR)) as ledger:
        (done,) = ledger.post(
            [command("consume", "late", quantity=40, effective_at=hours(-12), actor="late shop")],
            actor="x",
        )
        assert done.code is None, done.message
    return store


async def go(pilot: Pilot[Any], at: str = "", known_at: str = "") -> None:
    await press(pilot, "at")
    assert isinstance(pilot.app.screen, TravelScreen)
    pilot.app.screen.query_one("#at", Input).value = at
    pilot.app.screen.query_one("#known-at", Input).value = known_at
    await press(pilot, "enter")


# What is typed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-02-28", parse_instant("2026-02-28T00:00:00Z")),
        (" 2026-02-28T13:00:00+01:00 ", parse_instant("2026-02-28T12:00:00Z")),
        ("-30d", START - 30 * DAY),
        ("-12h", START - 12 * HOUR),
        ("+2w", START + 14 * DAY),
        ("-90m", START - 90 * 60 * SECOND),
        ("", None),
    ],
)
def test_a_moment_is_a_day_a_time_or_so_long_ago(text: str, expected: int | None) -> None:
    assert read_moment(text, "", START) == Moment(expected)
    assert read_moment("", text, START + 7) == Moment(None, expected)


@pytest.mark.parametrize(
    "text", ["yesterday", "-30", "30d", "-1y", "2026-02-30", "-٣d", "-999999w"]
)
def test_what_is_no_moment_is_said_with_its_name(text: str) -> None:
    with pytest.raises(InputError, match=r"^known at: "):
        read_moment("", text, START)


@pytest.mark.parametrize(
    ("time", "as_typed", "as_told"),
    [
        ("2026-06-30T00:00:00Z", "2026-06-30", "2026-06-30 00:00 UTC"),
        ("2026-06-30T09:30:05Z", "2026-06-30T09:30:05Z", "2026-06-30 09:30:05 UTC"),
        ("2026-06-30T09:30:00.000001Z",) + ("2026-06-30T09:30:00.000001Z",) * 2,
    ],
)
def test_a_moment_is_told_exactly_and_can_be_typed_again(
    time: str, as_typed: str, as_told: str
) -> None:
    instant = parse_instant(time)
    assert (typed(instant), told(instant)) == (as_typed, as_told)
    assert read_moment(typed(instant), "", START).at == instant


def test_filters_leave_out_what_was_not_yet_and_what_was_not_yet_known() -> None:
    both = Moment(START, START + HOUR)
    assert narrowed(HistoryFilter(), both) == HistoryFilter(until=START + 1, known_at=START + HOUR)
    asked = HistoryFilter(until=START - HOUR, known_at=START)
    assert narrowed(asked, both) == asked
    assert narrowed(HistoryFilter(), Moment(INSTANT_MAX)).until == INSTANT_MAX
    assert narrowed(EventFilter(), both) == EventFilter(known_at=START + HOUR)
    assert narrowed(EventFilter(), Moment(START)) == EventFilter(known_at=START)
    assert narrowed(EventFilter(actor="x"), NOW) == EventFilter(actor="x")


def test_a_report_is_asked_as_of_the_moment() -> None:
    moment = Moment(parse_instant("2026-02-28T00:00:00Z"), parse_instant("2026-03-01T00:00:00Z"))
    told_at = {"at": "2026-02-28", "known-at": "2026-03-01"}
    assert prefilled(moment, ("at", "since", "until", "known-at")) == told_at
    assert prefilled(moment, ("since", "until")) == {"until": "2026-02-28T00:00:00.000001Z"}
    assert not any(prefilled(NOW, ("at", "until", "known-at")).values())


def test_two_moments_are_compared_by_account() -> None:
    def row(code: str, available: int, held: int) -> Balance:
        return Balance("C1", code, code, "points", "pt", 0, available, held, 0, None)

    rows = compared([row("A", 5, 0), row("B", 1, 2)], [row("A", 5, 0), row("C", 4, 0)])
    found = [(each.entitlement, each.account, each.difference, each.sign[0]) for each in rows]
    assert found == [
        ("A", "available", 0, "="),
        ("B", "available", -1, "▼"),
        ("B", "held", -2, "▼"),
        ("C", "available", 4, "▲"),
    ]


def test_the_earlier_moment_comes_first() -> None:
    past, then = Moment(START - HOUR), Moment(START - HOUR, START)
    assert in_order(NOW, past, START) == in_order(past, NOW, START) == (past, NOW)
    assert in_order(past, then, START) == (then, past)
    future = Moment(START + HOUR)
    assert in_order(future, NOW, START) == (NOW, future)


# What the ledger tells


def test_history_and_events_know_only_what_was_recorded_by_then(late: str) -> None:
    with Ledger.open(late, clock=HandClock()) as ledger:
        known = HistoryFilter(known_at=START)
        assert ledger.count_history() == ledger.count_history(known) + 1
        assert "late" not in [row.key for row in ledger.history(known).rows]
        rows = ledger.history(HistoryFilter(customer="C1", known_at=START)).rows
        assert [row.key for row in rows] == ["e", "d", "c", "b", "a"]
        assert ledger.count_events() == ledger.count_events(EventFilter(known_at=START)) + 1
        assert ledger.count_events(EventFilter(known_at=START - 1)) == 0
        newest = ledger.events(EventFilter(known_at=START), limit=1).rows[0]
        assert newest.recorded_at == START
        assert ledger.events(EventFilter(actor="late shop", known_at=START)).rows == ()


def test_an_explanation_tells_only_what_was_known(late: str) -> None:
    with Ledger.open(late, clock=HandClock()) as ledger:
        for known_at, expected in ((START, 1), (START + HOUR, 2)):
            told = ledger.explain("C1", "PTS", at=START - HOUR - 1, known_at=known_at)
            (part,) = told.parts
            assert len(part.moves) == expected
            assert sum(move.quantity for move in part.moves) == part.consumed


# What the console shows


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_everything_is_shown_as_of_then_and_comes_back(
    store: str, size: tuple[int, int]
) -> None:
    async with make_app(store).run_test(size=size) as pilot:
        await opened(pilot)
        assert "AS OF" not in screen_text(pilot)
        before = screen_text(pilot)
        await go(pilot, "2026-02-28")
        shown = screen_text(pilot)
        assert "⏱ AS OF 2026-02-28 00:00 UTC · @ changes, nothing can be posted" in shown
        assert "1,000" in shown
        assert "12.50" not in shown
        assert "1 by then" in shown
        await press(pilot, "enter", "down", "enter")
        assert "1,000 pt available" in screen_text(pilot)
        assert "350" not in screen_text(pilot)
        await press(pilot, "escape", "2")
        assert "AS OF" in screen_text(pilot)
        assert "1 by then" in screen_text(pilot)
        assert "✗" not in screen_text(pilot)
        await press(pilot, "3")
        assert "nothing was recorded by then" in screen_text(pilot)
        await press(pilot, "4")
        page = " ".join(screen_text(pilot).split())
        assert "⏱ This page is of now, not as of 2026-02-28 00:00 UTC · @ changes" in page
        assert "nothing open" in page
        await press(pilot, "8")
        page = screen_text(pilot)
        assert "in all" in page
        assert "by then" not in page
        await press(pilot, "1", "at")
        assert pilot.app.screen.query_one("#at", Input).value == "2026-02-28"
        await press(pilot, "tab", "tab", "tab", "enter")
        await pilot.pause(0.3)
        await press(pilot, "escape", "escape")
        assert screen_text(pilot) == before


async def test_what_was_known_is_another_question_than_what_was(late: str) -> None:
    async with make_app(late).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert "560" in screen_text(pilot)
        await go(pilot, known_at="2026-03-01T12:00:00Z")
        shown = screen_text(pilot)
        assert "AS OF now · known at 2026-03-01 12:00 UTC" in shown
        assert "600" in shown
        assert "560" not in shown
        await press(pilot, "2")
        assert "11 by then" in screen_text(pilot)
        await go(pilot, "2026-03-01", "2026-03-01T12:30:00Z")
        shown = screen_text(pilot)
        assert "⏱ AS OF 2026-03-01 00:00 UTC · known at 2026-03-01 12:30 UTC" in shown
        assert "posted" in shown


async def test_a_moment_of_which_nothing_can_be_told_is_said_and_kept(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        for at, known_at, expected in (
            ("2020-01-01", "", "history begins at 2026-02-27T12:00:00"),
            ("", "-1h", "knowledge begins at 2026-03-01T12:00:00"),
            ("soon", "", "at: takes a day such as 2026-03-01, or a time"),
        ):
            await go(pilot, at, known_at)
            dialog = pilot.app.screen
            assert isinstance(dialog, TravelScreen)
            assert expected in screen_text(pilot)
            assert dialog.query_one("#at", Input).value == at
            assert dialog.query_one("#known-at", Input).value == known_at
            await press(pilot, "escape")
            assert "AS OF" not in screen_text(pilot)


async def test_nothing_can_be_posted_as_of_then(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        assert "Issue" in screen_text(pilot)
        await go(pilot, "-1d")
        assert "Issue" not in screen_text(pilot)
        assert not CHANGES & {action.name for action in app.actions_here(app.screen)}
        await press(pilot, "i", "a", "u")
        assert not isinstance(app.screen, FormScreen)
        await go(pilot)
        assert "Issue" in screen_text(pilot)
        await press(pilot, "i")
        assert isinstance(app.screen, FormScreen)


async def test_where_nothing_was_reconciled_the_moment_is_why_none_begins(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "6")
        assert "n begins one" in screen_text(pilot)
        await go(pilot, "-1d")
        assert "none begins as of another time" in screen_text(pilot)
        assert "read only" not in screen_text(pilot)


async def test_read_only_stays_so_when_it_is_now_again(store: str) -> None:
    async with make_app(store, read_only=True).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await go(pilot, "-1d")
        await go(pilot)
        await press(pilot, "i")
        assert not isinstance(pilot.app.screen, FormScreen)


async def test_a_form_has_to_be_finished_first(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "i")
        form = pilot.app.screen
        form.query_one("#preview").focus()
        await press(pilot, "at")
        assert pilot.app.screen is form
        await press(pilot, "2", "at")
        assert not isinstance(pilot.app.screen, TravelScreen)
        await press(pilot, "1", "escape", "at")
        assert isinstance(pilot.app.screen, TravelScreen)


async def test_a_report_goes_along_and_keeps_what_was_asked(store: str) -> None:
    async with make_app(store).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await go(pilot, "2026-02-28")
        await press(pilot, "7", "enter")
        assert pilot.app.screen.query_one("#by-at", Input).value == "2026-02-28"
        assert "1,000" in screen_text(pilot)
        await go(pilot, "2026-02-28T18:00:00Z")
        assert pilot.app.screen.query_one("#by-at", Input).value == "2026-02-28T18:00:00Z"
        assert "650" in screen_text(pilot)
        await go(pilot)
        assert pilot.app.screen.query_one("#by-at", Input).value == ""
        assert "600" in screen_text(pilot)


async def test_two_moments_are_seen_side_by_side(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "equals_sign")
        assert isinstance(pilot.app.screen, CompareScreen)
        await press(pilot, "enter")
        assert "Say which other time" in screen_text(pilot)
        await type_in(pilot, "2026-02-28")
        await press(pilot, "enter")
        lines = [" ".join(line.split()) for line in screen_text(pilot).splitlines()]
        assert any("PTS available 1,000 600 -400 ▼" in line for line in lines), lines
        assert any("CRD available 0.00 12.50 +12.50 ▲" in line for line in lines), lines
        await type_in(pilot, "x")
        await press(pilot, "enter")
        assert "at: takes a day" in screen_text(pilot)
        await press(pilot, "escape")
        await go(pilot, "2026-02-28")
        await press(pilot, "equals_sign", "enter")
        lines = [" ".join(line.split()) for line in screen_text(pilot).splitlines()]
        assert any("before: 2026-02-28 00:00 UTC after: now" in line for line in lines), lines
        assert any("PTS available 1,000 600 -400 ▼" in line for line in lines), lines


async def test_the_dialogs_show_hostile_text_harmlessly(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        for name in HOSTILE:
            app.open_customer(name)
            await settled(pilot)
            for key in ("equals_sign", "w"):
                await press(pilot, key)
                assert name in screen_text(pilot)
                _harmless(screen_text(pilot))
                await press(pilot, "escape")
        assert isinstance(app.screen, CustomersScreen)
        app.push_screen(CompareScreen(app.screen, "C\x1b[31m[/red]\u202e"))
        await settled(pilot)
        await type_in(pilot, "-1d")
        await press(pilot, "enter")
        assert "no customer" in screen_text(pilot)
        _harmless(screen_text(pilot))


def _harmless(shown: str) -> None:
    assert all(character.isprintable() for character in shown.replace("\n", "")), ascii(shown)


async def test_a_key_of_my_own_is_named_on_the_banner(store: str) -> None:
    async with make_app(store, keys={"travel": "f6"}).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "f6")
        await type_in(pilot, "-1d")
        await press(pilot, "enter")
        assert "f6 changes" in screen_text(pilot)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize("keys", [(), ("at",), ("equals_sign", "enter"), ("enter", "down", "w")])
def test_it_looks_as_it_did(
    snap_compare: Any, store: str, keys: tuple[str, ...], size: tuple[int, int]
) -> None:
    async def run_before(pilot: Pilot[Any]) -> None:
        await opened(pilot)
        await go(pilot, "2026-02-28T18:00:00Z", "2026-03-01T12:00:00Z")
        await press(pilot, *keys)

    assert snap_compare(make_app(store), terminal_size=size, run_before=run_before)
