"""Events are reviewed in the journal: who, what, when; as known then; never one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import START, HandClock, command, new_store

from entitlement_ledger.answers import EventFilter
from entitlement_ledger.domain.instants import HOUR
from entitlement_ledger.domain.policy import ApprovalRule
from entitlement_ledger.errors import InputError
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.reviews import TOGETHER_MAX, ReviewCounts

RULES = (ApprovalRule(frozenset({"adjust"})),)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store(tmp_path: Path, clock: HandClock) -> str:
    """A store in which ann has asked for five things from event `first` on."""
    clock.now = START - 1000 * HOUR
    store = new_store(tmp_path, clock)
    clock.now = START
    with opened(store, clock) as ledger:
        ledger.post(
            [
                command("issue", "a", quantity=10),
                command("issue", "b", quantity=500),
                command("consume", "no", quantity=10**9),
                command("issue", "c", quantity=70, entitlement="CRD", customer="C2"),
                command("purchase", "p", product="BASIC", customer="C2"),
            ],
            actor="ann",
        )
    return store


def opened(store: str, clock: HandClock, **options: Any) -> Ledger:
    return Ledger.open(store, clock=clock, approvals=RULES, **options)


def first_of(ledger: Ledger) -> int:
    return ledger.transaction("a").row.sequence


def listed(ledger: Ledger, **asked: Any) -> list[int]:
    """Give the sequences that a filter lists, less what was imported, from 0 on."""
    first = first_of(ledger)
    rows = ledger.events(EventFilter(**asked)).rows
    return [row.sequence - first for row in rows if row.sequence >= first]


def test_the_newest_mark_counts_and_each_is_an_event(store: str, clock: HandClock) -> None:
    with opened(store, clock) as ledger:
        first = first_of(ledger)
        whole = ledger.review_counts().events
        done = ledger.review_events([first + 1, first, first], mark="reviewed", actor="bob")
        clock.now += HOUR
        flagged = ledger.review_events([first + 1], mark="flagged", actor="eve", note=" too much ")
        assert listed(ledger, review="reviewed") == [0]
        assert listed(ledger, review="flagged") == [1]
        assert listed(ledger, review="unreviewed") == [4, 3, 2]
        assert ledger.review_counts() == ReviewCounts(whole - 2, 1, 1)
        assert ledger.review_counts(EventFilter(what="consume")) == ReviewCounts(1, 0, 0)
        (row,) = ledger.events(EventFilter(review="flagged")).rows
        assert row.review == flagged
        assert (flagged.mark, flagged.actor, flagged.note) == ("flagged", "eve", "too much")
        (newer, older) = ledger.events(EventFilter(event="review")).rows
        assert (older.sequence, older.what, older.subject) == (
            done.sequence, "reviewed", f"{first} and 1 more"
        )  # fmt: skip
        assert (older.before, older.after) == (
            None, {"mark": "reviewed", "events": [first, first + 1]}
        )  # fmt: skip
        assert newer.before == {"reviewed": [first + 1]}
        assert newer.reason == "too much"


def test_an_earlier_moment_has_the_marks_of_then(store: str, clock: HandClock) -> None:
    with opened(store, clock) as ledger:
        first = first_of(ledger)
        clock.now = START + HOUR
        ledger.review_events([first], mark="reviewed", actor="bob")
        clock.now = START + 2 * HOUR
        ledger.review_events([first], mark="flagged", actor="bob", note="no")
        for known_at, mark in ((START, None), (START + HOUR, "reviewed"), (None, "flagged")):
            (row,) = ledger.events_of([first], known_at=known_at)
            assert (row.review and row.review.mark) == mark
            reviewed = listed(ledger, review=mark or "unreviewed", known_at=known_at)
            assert 0 in reviewed
        counts = ledger.review_counts(EventFilter(known_at=START + HOUR))
        assert (counts.reviewed, counts.flagged) == (1, 0)
        counts = ledger.review_counts_of([first, first + 1], known_at=START + HOUR)
        assert counts == ReviewCounts(1, 1, 0)


@pytest.mark.parametrize(
    ("actor", "mark", "note", "places", "said"),
    [
        ("bob", "checked", None, [0], "'checked' is no mark: there are reviewed and flagged"),
        ("bob", "flagged", "  ", [0], "a flag needs a note: say what is wrong"),
        ("bob", "reviewed", None, [], "no event is named: there is nothing to review"),
        ("bob", "reviewed", None, [99], "is not in the journal: check the number; nothing was"),
        ("bob", "reviewed", None, [0, 5], "1 of 2 events cannot be reviewed: event "),
        ("bob", "reviewed", None, [5], "is a review itself, which nobody reviews; nothing was"),
        ("ann", "reviewed", None, [0], "is what ann asked for: somebody else must review it"),
        ("ann", "reviewed", None, [-1, 0, 2], "2 of 3 events cannot be reviewed: event "),
        ("sue", "reviewed", None, [0], "sue may not review: it takes supervisor or auditor or"),
        ("bob", "reviewed", None, range(TOGETHER_MAX + 1), "more than the 10,000 that one review"),
    ],
)  # fmt: skip
def test_what_cannot_be_reviewed_is_refused_whole(
    store: str, clock: HandClock, actor: str, mark: str, note: str | None, places: Any, said: str
) -> None:
    roles = {"bob": "auditor", "ann": "supervisor", "sue": "support"}
    with opened(store, clock, roles=roles) as ledger:
        first = first_of(ledger)
        ledger.review_events([first + 4], mark="reviewed", actor="bob")
        events = ledger.status().events
        wanted = [first + place for place in places]
        with pytest.raises(InputError) as refused:
            ledger.review_events(wanted, mark=mark, actor=actor, note=note)
        assert said in str(refused.value)
        assert "\n" not in str(refused.value)
        assert ledger.status().events == events
        assert listed(ledger, review="reviewed") == [4]
    with opened(store, clock, read_only=True) as ledger, pytest.raises(InputError):
        ledger.review_events([first], mark="reviewed", actor="bob")


def test_an_auditor_filters_by_what_was_moved(store: str, clock: HandClock) -> None:
    with opened(store, clock) as ledger:
        assert listed(ledger, entitlement="PTS") == [4, 2, 1, 0], "asked for, or moved"
        assert listed(ledger, entitlement="PTS", over=0) == [4, 1, 0]
        assert listed(ledger, entitlement="PTS", over=10) == [1]
        assert listed(ledger, entitlement="CRD", over=2) == [4, 3]
        assert listed(ledger, status="refused") == [2]
        assert listed(ledger, customer="C2", actor="ann", what="purchase") == [4]
        assert ledger.count_events(EventFilter(entitlement="PTS", over=10)) == 1


def test_a_second_person_is_named(store: str, clock: HandClock) -> None:
    with opened(store, clock) as ledger:
        for key, quantity in (("yes", 5), ("no2", 6), ("wait", 7)):
            ledger.post([command("adjust", key, quantity=quantity)], actor="ann")
        clock.now += HOUR
        for type, key in (("approve", "yes"), ("reject", "no2")):
            line = {"type": type, "key": f"d-{key}", "customer": "C1", "transaction": key}
            ledger.post([{**line, "reason": "seen"}], actor="bob")
        names = {
            key: ledger.transaction(key).row.sequence for key in ("yes", "no2", "d-yes", "wait")
        }

        def of(key: str, known_at: int | None = None) -> tuple[str | None, str | None]:
            (row,) = ledger.events_of([names[key]], known_at=known_at)
            return row.proposer, row.approver

        assert of("yes") == (None, "bob")
        assert of("yes", clock.now - 1) == (None, None)
        assert of("d-yes") == ("ann", "bob")
        assert of("no2") == of("wait") == (None, None)


def test_nobody_reviews_what_carries_out_their_own_proposal(store: str, clock: HandClock) -> None:
    with opened(store, clock) as ledger:
        ledger.post([command("adjust", "wish", quantity=5)], actor="ann")
        line = {"type": "approve", "key": "yes", "customer": "C1", "transaction": "wish"}
        ledger.post([{**line, "reason": "seen"}], actor="bob")
        proposal, approval = (ledger.transaction(key).row.sequence for key in ("wish", "yes"))
        for mine in (proposal, approval):
            with pytest.raises(InputError, match="is what ann asked for: somebody else must"):
                ledger.review_events([mine], mark="reviewed", actor="ann")
        with pytest.raises(InputError, match=f"event {approval} is what bob asked for"):
            ledger.review_events([approval], mark="reviewed", actor="bob")
        assert ledger.own_events([proposal, approval], "ann") == [proposal, approval]
        ledger.review_events([proposal], mark="reviewed", actor="bob")
        ledger.review_events([approval], mark="reviewed", actor="eve")


def test_a_flag_is_not_taken_away_without_a_word(store: str, clock: HandClock) -> None:
    with opened(store, clock) as ledger:
        first = first_of(ledger)
        ledger.review_events([first + 1, first + 2], mark="flagged", actor="bob", note="odd")
        said = f"2 of 3 events are flagged, the first is {first + 1}: say in a note why"
        with pytest.raises(InputError, match=said):
            ledger.review_events(range(first, first + 3), mark="reviewed", actor="bob", note=" ")
        with pytest.raises(InputError, match=f"event {first + 1} is flagged: say in a note why"):
            ledger.review_events([first + 1], mark="reviewed", actor="bob")
        assert listed(ledger, review="flagged") == [2, 1]
        assert listed(ledger, review="reviewed") == []
        ledger.review_events(range(first, first + 3), mark="reviewed", actor="bob", note="seen")
        assert listed(ledger, review="reviewed") == [2, 1, 0]


def test_an_event_that_is_not_there_is_named(store: str, clock: HandClock) -> None:
    with opened(store, clock) as ledger:
        first = first_of(ledger)
        with pytest.raises(InputError, match="event 999 is not in the journal: check the number"):
            ledger.events_of([first, 999])


def test_reviews_outlive_a_rebuild_and_an_archive(store: str, clock: HandClock) -> None:
    with opened(store, clock) as ledger:
        first = first_of(ledger)
        for number in range(3):
            clock.now += HOUR
            mark = ("reviewed", "flagged", "reviewed")[number]
            ledger.review_events([first + number, first], mark=mark, actor="bob", note="why")
        clock.now += 100 * HOUR
        ledger.run_due()
        before = ledger.events(EventFilter(entitlement="PTS")).rows
        assert ledger.archive(START + HOUR, actor="x").events > 5
        ledger.post([command("issue", "later", quantity=1)], actor="ann")
        (review,) = ledger.events(EventFilter(event="review"), limit=1).rows
        assert ledger.proof_status(first).state == "unsealed"
        ledger.rebuild()
        assert ledger.events(EventFilter(entitlement="PTS")).rows[1:] == before
        assert [each.name for each in ledger.verify() if not each.ok] == []
        assert ledger.events(EventFilter(event="review"), limit=1).rows == (review,)
        ledger.review_events([first + 1], mark="reviewed", actor="eve", note="agreed")
        assert ledger.review_counts().flagged == 0


def test_a_proof_is_told_apart_from_one_that_fails(
    store: str, clock: HandClock, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    with opened(store, clock, signing_key=key) as ledger:
        first = first_of(ledger)
        assert ledger.proof_status(first).state == "unsealed"
        ledger.checkpoint()
        status = ledger.proof_status(first)
        assert (status.state, status.size, status.sealed_at) == ("sealed", first + 4, START)
        assert ledger.proof_status(first + 4).state == "sealed"
        ledger.review_events([first], mark="reviewed", actor="bob")
        assert ledger.proof_status(first + 5).state == "unsealed"
    with duckdb.connect(store) as connection:
        connection.execute("UPDATE live_journal SET body = replace(body::VARCHAR, '10', '90')::BLOB"
                           f" WHERE sequence = {first}")  # fmt: skip
    with opened(store, clock, signing_key=key, read_only=True) as ledger:
        assert "does not lead to the root" in ledger.proof_status(first).why
        assert ledger.proof_status(first + 1).state == "sealed"
    key.unlink()
    with opened(store, clock, signing_key=key, read_only=True) as ledger:
        assert ledger.proof_status(first + 1).state == "sealed", "nobody says who must have signed"
    with opened(store, clock, signing_key=key) as ledger:
        ledger.checkpoint()
        assert "is not signed by" in ledger.proof_status(first + 1).why
