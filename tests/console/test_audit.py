"""The audit screen: a queue gone through by one key, selections, samples, and their papers."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from console_support import make_app, opened, press, screen_text, settled, type_in
from support import HandClock, command, hours, new_store
from textual.pilot import Pilot
from textual.widgets import Input

from entitlement_ledger.answers import (
    CatalogueFilter,
    EventFilter,
    EventReview,
    FindingFilter,
    HistoryFilter,
)
from entitlement_ledger.console.app import ConsoleApp
from entitlement_ledger.console.filters import parse_filter
from entitlement_ledger.console.screens.audit import AuditScreen
from entitlement_ledger.console.screens.audit_paper import PaperScreen
from entitlement_ledger.console.screens.audit_sample import SampleScreen
from entitlement_ledger.console.screens.reason import ReasonScreen
from entitlement_ledger.domain.policy import ApprovalRule
from entitlement_ledger.errors import Cancelled, StoreError
from entitlement_ledger.ledger import Ledger

SIZES = [(80, 24), (120, 40)]
NOTE = "bad [/red][@click=app.leave]x[/] \u202eflip =1+1"
EVE = "\x1b]52;c;aGVsbG8=\x07Eve[/red]"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store in which others than the tester asked for nearly everything."""
    folder = tmp_path_factory.mktemp("audited")
    store, clock = new_store(folder, HandClock()), HandClock()
    with Ledger.open(store, clock=clock) as ledger:
        ledger.post(
            [command("issue", f"k{n}", quantity=n + 1, reference=f"order:{n}") for n in range(120)],
            actor="ann",
        )
        ledger.post([command("issue", "mine", quantity=7)], actor="tester")
        ledger.post([command("issue", "eve", quantity=9, reason=NOTE)], actor=EVE)
        ledger.post([command("consume", "last", quantity=3)], actor="ann")
    return store


@pytest.fixture
def store(made: str, tmp_path: Path) -> str:
    shutil.copytree(Path(made).parent, tmp_path / "copy")
    return str(tmp_path / "copy" / Path(made).name)


def ledger_of(pilot: Pilot[Any]) -> Ledger:
    app = pilot.app
    assert isinstance(app, ConsoleApp) and app.session is not None
    return app.session.ledger


def audit_of(pilot: Pilot[Any]) -> AuditScreen:
    assert isinstance(pilot.app.screen, AuditScreen)
    return pilot.app.screen


def here(pilot: Pilot[Any]) -> int:
    """Give the sequence of the event under the cursor, counted from the newest, which is 0."""
    table = audit_of(pilot).table
    assert table.selected is not None
    return int(table.cursor_row)


def notified(pilot: Pilot[Any]) -> str:
    """Give what toasts have said."""
    return " ".join(each.message for each in pilot.app._notifications)


def marks(ledger: Ledger) -> dict[int, str]:
    """Give the marks of events, by place from the newest of those that were posted."""
    newest = ledger.transaction("last").row.sequence
    return {
        newest - row.sequence: row.review.mark
        for row in ledger.events(EventFilter(), limit=1000).rows
        if row.review is not None
    }


async def test_one_key_reviews_an_event_and_goes_on(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "3")
        shown = screen_text(pilot)
        assert "0 of 135 reviewed" in shown
        assert "nobody has looked at it" in shown and "no signed checkpoint covers it yet" in shown
        assert "○ not reviewed  ○ not sealed yet" in shown
        await press(pilot, "d")
        assert here(pilot) == 1
        await press(pilot, "d")
        assert here(pilot) == 3, "one's own is passed over"
        shown = screen_text(pilot)
        assert "2 of 135 reviewed" in shown
        assert [line[1] for line in shown.splitlines()[3:7]] == ["✓", "✓", "·", "·"]
        assert marks(ledger_of(pilot)) == {0: "reviewed", 1: "reviewed"}
        await press(pilot, "N")
        assert here(pilot) == 3, "above, nothing is left"
        await press(pilot, "n", "n", "N")
        assert here(pilot) == 4
        await press(pilot, "k", "k")
        await press(pilot, "d")
        assert "somebody else must review it; nothing was recorded" in notified(pilot)
        assert marks(ledger_of(pilot)) == {0: "reviewed", 1: "reviewed"}


@pytest.mark.parametrize("size", SIZES)
async def test_a_flag_takes_a_note_which_is_harmless(store: str, size: tuple[int, int]) -> None:
    async with make_app(store).run_test(size=size) as pilot:
        await opened(pilot)
        await press(pilot, "3", "j", "F")
        assert isinstance(pilot.app.screen, ReasonScreen)
        await press(pilot, "enter")
        assert "Say why" in screen_text(pilot)
        pilot.app.screen.query_one("#reason", Input).value = NOTE
        await press(pilot, "enter")
        assert here(pilot) == 3
        await press(pilot, "k", "k")
        shown = screen_text(pilot)
        assert "0 of 135 reviewed · ⚑ 1 flagged" in shown
        assert "⚑ flagged" in shown
        assert "flagged by tester" in shown and "bad [/red][@click=app.leave]x[/] �flip" in shown
        assert not {"\x1b", "\u202e"} & {*shown}
        (row,) = ledger_of(pilot).events(EventFilter(review="flagged")).rows
        assert row.review is not None and row.review.note == NOTE
        await press(pilot, "d")
        assert isinstance(pilot.app.screen, ReasonScreen), "a flag is not taken away by one key"
        await press(pilot, "escape", "r")
        assert "0 of 135 reviewed · ⚑ 1 flagged" in screen_text(pilot)
        assert "flagged" in screen_text(pilot).splitlines()[3]
        await press(pilot, "g", "d")
        assert "nobody reviews those" in notified(pilot)
        await press(pilot, "escape")


async def test_the_queue_holds_only_what_is_left(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "3", "d", "u")
        shown = screen_text(pilot)
        assert "only unreviewed" in shown and "134 left to review" in shown
        assert here(pilot) == 0
        await press(pilot, "d")
        (first, *_) = audit_of(pilot).table.rows_held
        assert first.review is not None, "it is still listed: nothing is asked again"
        assert "2 of 135 reviewed" in screen_text(pilot)
        assert "133 left to review" in screen_text(pilot)
        await press(pilot, "u")
        assert "reviewed" in screen_text(pilot) and "only unreviewed" not in screen_text(pilot)
        await press(pilot, "slash")
        audit_of(pilot).query_one("#filter", Input).value = "review:reviewed actor:ann"
        await settled(pilot)
        assert "1 match" in screen_text(pilot)
        await press(pilot, "enter", "escape")
        assert "match" not in screen_text(pilot)


async def test_the_next_one_is_found_on_later_pages(store: str) -> None:
    with Ledger.open(store, clock=HandClock()) as ledger:
        newest = ledger.transaction("last").row.sequence
        ledger.review_events(range(newest - 110, newest + 1), mark="reviewed", actor="bob")
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "3", "n")
        assert len(audit_of(pilot).table.rows_held) == 136
        assert here(pilot) == 112, "behind the review itself and what it reviewed"
        await press(pilot, "G", "n")
        assert "Nothing further down is left" in notified(pilot)


async def test_many_are_selected_and_marked_once_agreed(store: str) -> None:
    async with make_app(store).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "3", "X")
        assert "Select the first with x" in notified(pilot)
        await press(pilot, "x", "j", "j", "j", "X")
        shown = screen_text(pilot)
        assert "▸ 4 selected" in shown
        assert "1 of your own left out" in notified(pilot)
        assert [line[:2] for line in shown.splitlines()[3:8]] == ["▸·", "▸·", " ·", "▸·", "▸·"]
        await press(pilot, "d")
        assert "Mark 4 selected events as reviewed?" in screen_text(pilot)
        await press(pilot, "enter")
        assert marks(ledger_of(pilot)) == {}, "Cancel has the focus"
        await press(pilot, "d", "tab", "enter")
        assert marks(ledger_of(pilot)) == dict.fromkeys((0, 1, 3, 4), "reviewed")
        (review,) = ledger_of(pilot).events(EventFilter(event="review")).rows
        assert review.after is not None and len(review.after["events"]) == 4
        assert "4 of 135 reviewed" in screen_text(pilot) and "selected" not in screen_text(pilot)
        await press(pilot, "A")
        assert "▸ 95 selected" in screen_text(pilot)
        await press(pilot, "F")
        await type_in(pilot, "all odd")
        await press(pilot, "enter")
        assert len(marks(ledger_of(pilot))) == 99
        await press(pilot, "x", "escape")
        assert "selected" not in screen_text(pilot)


async def test_what_cannot_be_recorded_is_said_and_stays_selected(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "3", "j", "j", "x", "x", "d", "tab", "enter")
        assert "1 of 2 events cannot be reviewed" in notified(pilot)
        assert "▸ 2 selected" in screen_text(pilot)
        assert marks(ledger_of(pilot)) == {}


async def test_a_note_is_kept_where_it_could_not_be_recorded(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: Any, **_options: Any) -> EventReview:
        raise StoreError("the disk is full [/red]")

    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "review_events", fails)
            await press(pilot, "3", "F")
            await type_in(pilot, "too much")
            await press(pilot, "enter")
        assert isinstance(pilot.app.screen, ReasonScreen)
        shown = " ".join(screen_text(pilot).split())
        assert "Not recorded" in shown and "the disk is full [/red]" in shown
        assert pilot.app.screen.query_one("#reason", Input).value == "too much"
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, AuditScreen)
        assert marks(ledger_of(pilot)) == {0: "flagged"}
        await press(pilot, "k", "d")
        assert isinstance(pilot.app.screen, ReasonScreen)
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "review_events", fails)
            await type_in(pilot, "it is right")
            await press(pilot, "enter")
        assert pilot.app.screen.query_one("#reason", Input).value == "it is right"
        await press(pilot, "enter")
        assert marks(ledger_of(pilot)) == {0: "reviewed"}


async def test_what_was_stopped_is_said_and_can_be_tried_again(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_arguments: Any, **_options: Any) -> EventReview:
        raise Cancelled("the query was cancelled")

    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "review_events", stopped)
            await press(pilot, "3", "d")
        assert "stopped" in notified(pilot)
        assert screen_text(pilot).splitlines()[3][1] == "·"
        await press(pilot, "k", "d")
        assert marks(ledger_of(pilot)) == {0: "reviewed"}


async def test_flags_are_taken_away_with_a_note_only(store: str) -> None:
    with Ledger.open(store, clock=HandClock()) as ledger:
        newest = ledger.transaction("last").row.sequence
        ledger.review_events([newest - 1], mark="flagged", actor="bob", note="[/red] odd")
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "3", "j", "x", "x", "d")
        assert isinstance(pilot.app.screen, ReasonScreen)
        shown = " ".join(screen_text(pilot).split())
        assert "Mark 2 selected events as reviewed? 1 of them are flagged" in shown
        assert "[/red] odd" in shown
        await type_in(pilot, "seen")
        await press(pilot, "enter")
        assert marks(ledger_of(pilot)) == {0: "reviewed", 1: "reviewed"}


async def test_what_carries_out_ones_own_proposal_is_left_to_others(store: str) -> None:
    rules = (ApprovalRule(frozenset({"adjust"})),)
    with Ledger.open(store, clock=HandClock(), approvals=rules) as ledger:
        ledger.post([command("adjust", "wish", quantity=5)], actor="tester")
        line = {"type": "approve", "key": "yes", "customer": "C1", "transaction": "wish"}
        ledger.post([{**line, "reason": "seen"}], actor="ann")
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "3", "A")
        assert "3 of your own left out" in notified(pilot)
        await press(pilot, "escape", "n")
        assert here(pilot) == 2


async def test_what_is_sought_ends_where_no_more_comes(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.open(store, clock=HandClock()) as ledger:
        newest = ledger.transaction("last").row.sequence
        ledger.review_events(range(newest - 110, newest + 1), mark="reviewed", actor="bob")

    def fails(*_arguments: Any, **_options: Any) -> Any:
        raise StoreError("the disk is gone")

    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "3")
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "events", fails)
            await press(pilot, "n")
        assert "the disk is gone" in notified(pilot)
        await press(pilot, "G")
        assert len(audit_of(pilot).table.rows_held) == 136, "asked for again"
        assert here(pilot) == 99, "nothing is sought any more"


async def test_another_moment_leaves_the_sample(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "3", "m", "ctrl+s")
        assert "SAMPLE" in screen_text(pilot)
        await press(pilot, "r")
        assert "SAMPLE" in screen_text(pilot)
        await press(pilot, "at")
        pilot.app.screen.query_one("#at", Input).value = "2026-03-02"
        await press(pilot, "enter")
        await settled(pilot)
        assert "SAMPLE" not in screen_text(pilot)
        assert "Another moment: the sample was left" in notified(pilot)
        assert not audit_of(pilot).query_one("#filter", Input).disabled


async def test_keys_answer_while_a_review_is_recorded_and_none_is_lost(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, gate = Ledger.review_events, threading.Event()

    def held_back(self: Ledger, *arguments: Any, **options: Any) -> EventReview:
        assert gate.wait(20)
        return real(self, *arguments, **options)

    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "3")
        monkeypatch.setattr(Ledger, "review_events", held_back)
        for _ in range(4):
            await pilot.press("d")
            await pilot.pause()
        assert here(pilot) == 5
        lines = screen_text(pilot).splitlines()[3:8]
        assert [line[1] for line in lines] == ["…", "…", "·", "…", "…"]
        assert "0 of 135 reviewed" in screen_text(pilot)
        gate.set()
        await settled(pilot)
        assert "4 of 135 reviewed" in screen_text(pilot)
        assert marks(ledger_of(pilot)) == dict.fromkeys((0, 1, 3, 4), "reviewed")
        assert ledger_of(pilot).count_events(EventFilter(event="review")) == 4


@pytest.mark.parametrize("moment", [False, True])
async def test_nothing_is_recorded_where_nothing_may_be(store: str, moment: bool) -> None:
    async with make_app(store, read_only=not moment).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        if moment:
            await press(pilot, "at")
            pilot.app.screen.query_one("#at", Input).value = "2026-03-02"
            await press(pilot, "enter")
            await settled(pilot)
        await press(pilot, "3")
        assert "0 of 135 reviewed" in screen_text(pilot)
        footer = screen_text(pilot).splitlines()[-1]
        assert "Flag" not in footer and "Reviewed" not in footer
        await press(pilot, "d", "F", "x", "d", "F")
        assert isinstance(pilot.app.screen, AuditScreen)
        assert ledger_of(pilot).count_events(EventFilter(event="review")) == 0


async def test_a_sample_is_drawn_reviewed_and_taken_away(store: str, tmp_path: Path) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "3", "e")
        assert isinstance(pilot.app.screen, AuditScreen), "there is nothing to export"
        assert "export" not in {
            each.name for each in audit_of(pilot).console.actions_here(audit_of(pilot))
        }
        await press(pilot, "m")
        form = pilot.app.screen
        assert isinstance(form, SampleScreen)
        form.query_one("#method").value = "monetary"  # type: ignore[attr-defined]
        form.query_one("#size", Input).value = "many"
        form.query_one("#seed", Input).value = "7[/red]"
        await press(pilot, "ctrl+s")
        assert "size: takes a number" in screen_text(pilot)
        form.query_one("#size", Input).value = "12"
        await press(pilot, "ctrl+s")
        assert "entitlement: name one" in screen_text(pilot)
        await type_in(pilot, "NIX")
        await press(pilot, "enter")
        assert "no entitlement 'NIX': check the code" in screen_text(pilot)
        form.query_one("#entitlement", Input).value = "PTS"
        await press(pilot, "ctrl+s")
        drawn = ledger_of(pilot).sample(
            EventFilter(entitlement="PTS"), method="monetary", size=12, seed="7[/red]"
        )
        assert [row.sequence for row in audit_of(pilot).table.rows_held] == drawn.sequences
        shown = screen_text(pilot)
        assert "SAMPLE monetary, seed 7[/red]" in shown
        assert f"0 of {len(drawn.chosen)} reviewed" in shown and "Esc leaves it" in shown
        await press(pilot, "d", "slash")
        assert f"1 of {len(drawn.chosen)} reviewed" in screen_text(pilot)
        assert "e exports it" in screen_text(pilot)
        await press(pilot, "e")
        assert isinstance(pilot.app.screen, PaperScreen)
        folder = tmp_path / "paper"
        pilot.app.screen.query_one("#path", Input).value = str(folder)
        await press(pilot, "enter")
        await settled(pilot)
        assert "✓ Written, and its path copied" in screen_text(pilot)
        assert pilot.app.clipboard == str(folder)
        assert len((folder / "sample.csv").read_text("utf-8").splitlines()) == len(drawn.chosen) + 1
        await press(pilot, "tab", "enter", "enter")
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, AuditScreen)
        assert "SAMPLE" in screen_text(pilot)
        await press(pilot, "escape")
        assert "SAMPLE" not in screen_text(pilot)
        assert "1 of 135 reviewed" in screen_text(pilot)


async def test_a_folder_that_is_there_is_not_touched(store: str, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "3", "m", "ctrl+s", "e")
        pilot.app.screen.query_one("#path", Input).value = str(tmp_path / "there")
        await press(pilot, "ctrl+s")
        assert "exists already and was not touched" in " ".join(screen_text(pilot).split())
        assert [*(tmp_path / "there").iterdir()] == []


async def test_what_is_listed_is_not_called_unreviewed_where_it_is_not(store: str) -> None:
    async with make_app(store).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "3", "u")
        assert "only unreviewed" in screen_text(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "review:flagged")
        assert "only unreviewed" not in screen_text(pilot)


def test_filters_as_they_are_typed() -> None:
    assert parse_filter(EventFilter, "entitlement:PTS over:500 review:flagged late") == EventFilter(
        entitlement="PTS", over=500, review="flagged", text="late"
    )
    for typed, said in (
        ("over:5", "over: is a quantity of one entitlement"),
        ("entitlement:PTS over:-5", "over: takes a quantity in the smallest unit"),
        ("review:maybe", "review: is one of unreviewed, reviewed, flagged"),
    ):
        with pytest.raises(ValueError, match=said):
            parse_filter(EventFilter, typed)


@pytest.mark.parametrize(
    ("kind", "typed", "said"),
    [
        (HistoryFilter, "type:isue", "type: is one of issue, consume"),
        (HistoryFilter, "status:rejected", "partly_reversed, or the code of a refusal"),
        (EventFilter, "status:released", "status: is one of completed, pending, refused"),
        (CatalogueFilter, "status:gone", "status: is one of active, retired"),
    ],
)
def test_a_word_that_is_none_of_those_there_are_is_refused(
    kind: Any, typed: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        parse_filter(kind, typed)


def test_a_finding_is_filtered_by_what_its_state_is_called() -> None:
    assert parse_filter(FindingFilter, "state:taken") == FindingFilter(state="investigating")


def test_a_status_may_be_a_code_and_an_id_is_no_field() -> None:
    only = parse_filter(HistoryFilter, "status:wrong_tier type:upgrade entl:81")
    assert only == HistoryFilter(status="wrong_tier", type="upgrade", text="entl:81")


async def test_what_has_lapsed_tells_what_moved_where_no_balance_does(store: str) -> None:
    with Ledger.open(store, clock=HandClock()) as ledger:
        ledger.post(
            [command("issue", "old", quantity=20, effective_at=hours(-40), expires_at=hours(-30),
                     customer="C2")],
            actor="x",
        )  # fmt: skip
        ledger.run_due()
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "3", "slash", *"what:expire", "enter")
        shown = screen_text(pilot)
        assert "PTS 20 → expired" in shown
        assert "= PTS available: 0 pt" in shown
        row = audit_of(pilot).table.selected
        assert row is not None
        grant = row.postings[0].grant
        assert f"- PTS available of {grant}: 20 pt" in shown
        assert f"+ PTS expired of {grant}: 20 pt" in shown
