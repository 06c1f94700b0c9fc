"""What the store adds to the rules must not change an answer: batches, sweeps, restarts."""

from __future__ import annotations

import copy
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st
from model import Model
from strategies import WATCHED, as_given, closings, history, watched_history
from support import (
    CUSTOMERS,
    ENTITLEMENTS,
    PRODUCTS,
    SOAK,
    START,
    HandClock,
    Pure,
    new_store,
    policy_of,
)

from entitlement_ledger.domain.decide import Outcome
from entitlement_ledger.domain.instants import HOUR
from entitlement_ledger.domain.policy import ANYTHING, Policy
from entitlement_ledger.errors import InputError
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.store.due import due_holdings
from entitlement_ledger.sweeping import sweep

History = list[tuple[int, dict[str, Any]]]
Answer = tuple[Any, ...]

_few = settings(max_examples=8 * SOAK, deadline=None)


@contextmanager
def fresh() -> Iterator[tuple[Ledger, HandClock]]:
    with tempfile.TemporaryDirectory() as folder:
        clock = HandClock(START - 1000 * HOUR)
        store = new_store(Path(folder), clock)
        with Ledger.open(store, clock=clock) as ledger:
            yield ledger, clock


def answers(outcomes: Sequence[Outcome]) -> list[Answer]:
    """Give what must be alike; ids hold sequence numbers, which imports and sweeps take too."""
    told = []
    for each in outcomes:
        draws = [draw.quantity for draw in each.draws]
        told.append((each.status, each.code, each.duplicate, draws, each.balance))
    return told


class Naming:
    """Writes lines as they are given; a grant is named by the key that gave it."""

    def __init__(self) -> None:
        self._grants: dict[str, str] = {}

    def given(self, line: dict[str, Any]) -> dict[str, Any]:
        return as_given(line, self._grants)

    def note(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        for each in outcomes:
            if each.key is not None and each.grants:
                self._grants.setdefault(each.key, each.grants[0])
        return outcomes


def pure_answers(
    steps: History, *, renewing: bool = False, policy: Policy = ANYTHING
) -> list[Answer]:
    pure, naming = Pure(policy=policy), Naming()
    outcomes: list[Outcome] = []
    for number, (wait, line) in enumerate(steps):
        pure.now += wait
        if renewing and number % 5 == 4:
            pure.renew()
        outcomes += naming.note(pure.post(naming.given(line)))
    return answers(outcomes)


def without_grants(steps: History) -> History:
    """Leave out lines that name a grant: in one batch nobody knows its id yet."""
    return [(wait, line) for wait, line in steps if "grant" not in line]


@_few
@given(history, st.integers(1, 7))
def test_one_by_one_with_restarts_is_like_the_rules_alone(steps: History, every: int) -> None:
    """After each restart all is posted again with the next line, as after a crash."""
    with tempfile.TemporaryDirectory() as folder:
        clock = HandClock(START - 1000 * HOUR)
        store = new_store(Path(folder), clock)
        clock.now = START
        ledger, naming = Ledger.open(store, clock=clock), Naming()
        outcomes: list[Outcome] = []
        posted: list[dict[str, Any]] = []
        again: list[dict[str, Any]] = []
        for number, (wait, line) in enumerate(steps):
            clock.now += wait
            posted.append(naming.given(line))
            outcomes += naming.note(ledger.post([*again, posted[-1]], actor="tester")[-1:])
            again = []
            if number % every == 0:
                ledger.close()
                ledger, again = Ledger.open(store, clock=clock), [*posted]
        ledger.close()
    assert answers(outcomes) == pure_answers(steps)


@_few
@given(watched_history, st.integers(1, 7))
def test_what_waits_for_a_second_person_waits_through_restarts(steps: History, every: int) -> None:
    policy, naming = policy_of(WATCHED), Naming()
    with tempfile.TemporaryDirectory() as folder:
        clock = HandClock(START - 1000 * HOUR)
        store = new_store(Path(folder), clock)
        clock.now = START
        outcomes: list[Outcome] = []
        for start in range(0, len(steps), every):
            with Ledger.open(store, clock=clock, approvals=policy.approvals) as ledger:
                for wait, line in steps[start : start + every]:
                    clock.now += wait
                    outcomes += naming.note(ledger.post([naming.given(line)], actor="tester"))
                # All checks take as long as dozens of lines: in the middle, and at the end.
                if start + every >= len(steps) or start // every == len(steps) // every // 2:
                    assert _failed(ledger) == []
    assert answers(outcomes) == pure_answers(steps, policy=policy)


@_few
@given(history)
def test_one_batch_is_like_one_by_one_at_the_same_moment(steps: History) -> None:
    still = [(0, line) for _, line in without_grants(steps)]
    with fresh() as (ledger, clock):
        clock.now = START
        outcomes = ledger.post([as_given(line, {}) for _, line in still], actor="tester")
    assert answers(outcomes) == pure_answers(still)


@_few
@given(history, st.sets(st.integers(0, 40), min_size=1, max_size=6))
def test_sweeping_early_late_or_never_changes_no_answer(steps: History, sweeps: set[int]) -> None:
    with fresh() as (ledger, clock):
        clock.now, naming = START, Naming()
        outcomes: list[Outcome] = []
        for number, (wait, line) in enumerate(steps):
            clock.now += wait
            if number % 5 == 4:
                ledger.run_due()
            if number in sweeps:
                _sweep_only(ledger, clock.now + 30 * HOUR)
            outcomes += naming.note(ledger.post([naming.given(line)], actor="tester"))
        swept = _balances(ledger, clock)
        _sweep_only(ledger, clock.now + 100 * HOUR)
        assert _balances(ledger, clock) == swept
        assert _sweep_only(ledger, clock.now + 100 * HOUR) == 0
        _no_account_is_negative(ledger)
        assert _failed(ledger) == []
        assert [each for each in ledger.verify() if not each.ok] == []
    assert answers(outcomes) == pure_answers(steps, renewing=True)


def _sweep_only(ledger: Ledger, until: int) -> int:
    """Sweep without renewing, which would give new grants."""
    with ledger._read() as connection:
        pairs = due_holdings(connection, until)
    return len(sweep(ledger._writer, pairs, until, lambda done, total: None))


def _failed(ledger: Ledger) -> list[str]:
    """Give the checks that fail; what is due is done now and then only, which is no fault here."""
    late = {"due_work", "missed_renewals"}
    return [each.name for each in ledger.check() if not each.ok and each.name not in late]


def _balances(ledger: Ledger, clock: HandClock) -> list[Any]:
    begun = _begun(ledger, clock)
    moments = range(begun, clock.now + 60 * HOUR, 12 * HOUR)
    told: list[Any] = [
        ledger.balances(customer, "PTS", at=at) for customer in ("C1", "C2") for at in moments
    ]
    for at in moments[-3:] if any(told) else ():
        # What moved is told as it was recorded; all else is read.
        parts = ledger.explain("C1", "PTS", at=at).parts
        told.append([msgspec.structs.replace(part, moves=()) for part in parts])
    return told


def _begun(ledger: Ledger, clock: HandClock) -> int:
    rows = ledger.history(limit=10_000).rows
    return min((row.effective_at for row in rows if row.status != "refused"), default=clock.now)


def _no_account_is_negative(ledger: Ledger) -> None:
    totals: dict[tuple[str, str], dict[int, int]] = {}
    for row in ledger.history(limit=10_000).rows:
        for leg in ledger.transaction(row.transaction).postings:
            if leg.account != "issuance":
                moves = totals.setdefault((leg.grant, leg.account), {})
                moves[leg.effective_at] = moves.get(leg.effective_at, 0) + leg.quantity
    for place, moves in totals.items():
        total = 0
        for at in sorted(moves):
            total += moves[at]
            assert total >= 0, place


@_few
@given(history, st.sets(st.integers(1, 39), max_size=5))
def test_splitting_a_batch_anywhere_changes_no_answer(steps: History, cuts: set[int]) -> None:
    lines = [as_given(line, {}) for _, line in without_grants(steps)]
    places = [0, *sorted(cut for cut in cuts if cut < len(lines)), len(lines)]
    with fresh() as (ledger, clock):
        clock.now = START
        outcomes: list[Outcome] = []
        for start, end in itertools.pairwise(places):
            outcomes += ledger.post(lines[start:end], actor="tester")
    with fresh() as (ledger, clock):
        clock.now = START
        assert answers(ledger.post(lines, actor="tester")) == answers(outcomes)


_moment = st.tuples(st.integers(0, 39), st.integers(-60, 120).map(lambda hour: hour * HOUR))


@_few
@given(history, st.lists(_moment, min_size=20, max_size=20), st.sets(st.integers(0, 40)))
def test_what_was_known_of_any_moment_at_any_moment_is_the_models(
    steps: History, asked: list[tuple[int, int]], sweeps: set[int]
) -> None:
    """The model is kept as it was after each line: what it says is what was known then."""
    model, kept = Model(CUSTOMERS, ENTITLEMENTS, PRODUCTS), []
    with fresh() as (ledger, clock):
        clock.now, naming = START, Naming()
        for number, (wait, line) in enumerate(steps):
            clock.now += wait + 1
            if number in sweeps:
                _sweep_only(ledger, clock.now + 30 * HOUR)
            if number % 5 == 4:
                ledger.run_due()
                model.due(clock.now)
            naming.note(ledger.post([naming.given(line)], actor="tester"))
            model.post(line, clock.now)
            kept.append((clock.now, copy.deepcopy(model)))
        begun = _begun(ledger, clock)
        for number, hour in asked:
            known_at, then = kept[min(number, len(kept) - 1)]
            _as_known(ledger, then, max(START + hour, begun), known_at)


def _as_known(ledger: Ledger, model: Model, at: int, known_at: int) -> None:
    for customer in CUSTOMERS:
        told = {
            each.entitlement: (each.available, each.held)
            for each in ledger.balances(customer, at=at, known_at=known_at)
        }
        for entitlement in ENTITLEMENTS:
            expected = model.balance(customer, entitlement, at)
            assert told.get(entitlement, (0, 0)) == expected, (customer, entitlement, at, known_at)


@_few
@given(history)
def test_a_preview_gives_what_posting_then_gives_and_records_nothing(steps: History) -> None:
    lines = [as_given(line, {}) for _, line in without_grants(steps)]
    half = len(lines) // 2
    with fresh() as (ledger, clock):
        clock.now = START
        ledger.post(lines[:half], actor="tester")
        before = ledger.status()
        previewed = ledger.preview(lines[half:], actor="tester")
        assert ledger.status() == before
        assert ledger.post(lines[half:], actor="tester") == previewed


@_few
@given(history)
def test_posting_the_same_again_records_nothing(steps: History) -> None:
    lines = [as_given(line, {}) for _, line in without_grants(steps)]
    with fresh() as (ledger, clock):
        clock.now = START
        first = ledger.post(lines, actor="tester")
        events = ledger.status().events
        clock.now += HOUR
        again = ledger.post(lines, actor="somebody else")
        assert ledger.status().events == events
    for once, twice in zip(first, again, strict=True):
        assert (once.status, once.code, once.transaction) == (
            twice.status,
            twice.code,
            twice.transaction,
        )
        assert twice.duplicate == (once.transaction is not None)


@settings(max_examples=4 * SOAK, deadline=None)
@given(history, closings)
def test_archiving_changes_no_answer_of_any_time_and_verifies(
    steps: History, ends: dict[int, int]
) -> None:
    """The model, which knows that periods are closed and nothing of files, says what is right."""
    model = Model(CUSTOMERS, ENTITLEMENTS, PRODUCTS)
    with fresh() as (ledger, clock):
        clock.now, naming = START, Naming()
        outcomes: list[Outcome] = []
        expected, archived = [], 0
        for number, (wait, line) in enumerate(steps):
            clock.now += wait + 1
            until = clock.now - ends.get(number, 0)
            if number in ends and until > (model.closed or 0):
                ledger.run_due(now=until - 1)
                model.due(until - 1)
                before = _told(ledger, clock)
                if _archived(ledger, until):
                    archived += 1
                    model.close(until)
                    assert _told(ledger, clock) == before
            outcomes += naming.note(ledger.post([naming.given(line)], actor="tester"))
            expected.append(model.post(line, clock.now))
        event("archives: " + str(archived))
        assert [(each.status, each.code) for each in outcomes] == [
            (each.status, each.code) for each in expected
        ]
        for at in range(_begun(ledger, clock), clock.now + 60 * HOUR, 12 * HOUR):
            _as_known(ledger, model, at, clock.now)
        assert [each for each in ledger.verify() if not each.ok] == []
        assert _failed(ledger) == []
        before = _told(ledger, clock)
        ledger.rebuild()
        assert _told(ledger, clock) == before
        assert [each for each in ledger.verify() if not each.ok] == []


def _archived(ledger: Ledger, until: int) -> bool:
    try:
        ledger.archive(until, actor="tester")
    except InputError as error:
        assert "nothing to archive" in str(error)
        return False
    return True


def _told(ledger: Ledger, clock: HandClock) -> tuple[list[Any], list[Any]]:
    """Give every balance at every instant, and every posting."""
    rows = ledger.history(limit=10_000).rows
    legs = [ledger.transaction(row.transaction).postings for row in rows]
    return _balances(ledger, clock), legs
