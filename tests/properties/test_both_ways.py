"""Plain commands are decided from what is left of grants: to the same bytes as by the rules."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from strategies import plain_history
from support import SOAK, START, HandClock, new_store
from test_store_keeps_the_rules import History, Naming

from entitlement_ledger import asking, batching, posting, projecting, remembering
from entitlement_ledger.domain import plain_events
from entitlement_ledger.domain.decide import Outcome, decide
from entitlement_ledger.domain.instants import HOUR
from entitlement_ledger.domain.plain_events import PlainEvent
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.outcomes import Outcomes
from entitlement_ledger.store import loading

Told = tuple[list[Outcome], list[bytes]]

_between = st.lists(
    st.tuples(
        st.integers(1, 10),
        st.sampled_from(["", "read", "read", "read", "remember", "due", "restart"]),
    ),
    min_size=40,
    max_size=40,
)
"""How many lines go into each batch, and what happens before it."""


def _post(
    steps: History,
    cuts: list[tuple[int, str]],
    *,
    plainly: bool,
    counting: Callable[[int], None] = lambda plain: None,
    **how: Any,
) -> Told:
    with tempfile.TemporaryDirectory() as folder:
        clock = HandClock(START - 1000 * HOUR)
        store = new_store(Path(folder), clock)
        clock.now, naming = START, Naming()
        outcomes: list[Outcome] = []
        ledger = Ledger.open(store, clock=clock, plainly=plainly, **how)
        start = plain = 0
        for size, before in cuts:
            if before == "restart":
                ledger.close()
                ledger = Ledger.open(store, clock=clock, plainly=plainly, **how)
            elif before == "due":
                ledger.run_due(now=clock.now + size * HOUR)
            elif before in ("read", "remember"):
                ledger.history(limit=1)
            if before == "remember":
                ledger.remember()
            batch = steps[start : start + size]
            clock.now += sum(wait for wait, _ in batch)
            lines = [naming.given(line) for _, line in batch]
            told = ledger.post(lines, actor='"Ann"')
            assert isinstance(told, Outcomes)
            plain += sum(isinstance(each.recorded, PlainEvent) for each in told)
            outcomes += naming.note(list(told))
            start += size
        # What is imported holds personal data, hashed under keys that are drawn at random.
        bodies = [
            body
            for body in itertools.chain.from_iterable(ledger.bodies())
            if b'"event":"transaction"' in body
        ]
        counting(plain)
        if plainly:
            assert [each for each in ledger.verify() if not each.ok] == []
        ledger.close()
    return outcomes, bodies


@settings(max_examples=6 * SOAK, deadline=None)
@given(
    plain_history,
    _between,
    st.sampled_from([0, 1, 50_000]),
    st.sampled_from([1, 3, 20_000]),
    st.sampled_from([0, 2, 1000]),
    st.sampled_from([(1, 1 << 17), (5, 12), (8192, 3)]),
    st.sampled_from([(1, 1), (3, 2), (32, 5000)]),
)
def test_every_history_gives_the_same_journal_both_ways(
    steps: History,
    cuts: list[tuple[int, str]],
    remembered: int,
    at_once: int,
    since: int,
    behind: tuple[int, int],
    together: tuple[int, int],
) -> None:
    """`at_once` customers, or such who are not active, are few enough to be known beforehand.

    A snapshot is made with the first commits, and anew where more than `since` were concerned.
    `behind` is what the projections must lack to be brought up beside posting, and how much they
    may lack. `together` is how many lines are looked at field by field, and how many bodies are
    written in one go.
    """

    def counting(plain: int) -> None:
        event(f"plain: {plain // 5 * 5} or more")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "CUSTOMERS_AT_ONCE_MAX", at_once)
        patch.setattr(remembering, "COMMITS_BEFORE", 2)
        patch.setattr(remembering, "SINCE_MAX", since)
        patch.setattr(projecting, "BESIDE_LEAST", behind[0])
        patch.setattr(posting, "_BEHIND_MAX", behind[1])
        patch.setattr(posting, "_NOT_FORGOTTEN_MAX", 2 * behind[1])
        patch.setattr(asking, "_MANY", together[0])
        patch.setattr(plain_events, "_AT_ONCE", together[1])
        plainly = _post(steps, cuts, plainly=True, counting=counting, remembered_max=remembered)
    assert plainly == _post(steps, cuts, plainly=False)


@pytest.fixture
def ruled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the keys of the commands that the rules are asked about."""
    keys: list[str] = []

    def note(book: Any, command: Any, *rest: Any) -> Any:
        keys.append(command.key)
        return decide(book, command, *rest)

    monkeypatch.setattr(batching, "decide", note)
    return keys


def test_the_rules_are_asked_about_nothing_plain(tmp_path: Path, ruled: list[str]) -> None:
    line = {"customer": "C1", "entitlement": "PTS", "quantity": 3}
    with Ledger.open(new_store(tmp_path, HandClock()), clock=HandClock()) as ledger:
        ledger.post(
            [
                {"type": "issue", "key": "a", **line},
                {"type": "consume", "key": "b", **line, "quantity": 2},
                {"type": "consume", "key": "c", **line, "customer": "C2"},
                {"type": "consume", "key": "f", **line, "customer": "C3"},
            ],
            actor="tester",
        )
        ledger.post([{"type": "consume", "key": "d", **line, "quantity": 1}], actor="tester")
        assert ruled == ["f"]
        ledger.post([{"type": "consume", "key": "e", **line, "quantity": 1}], actor="tester")
        assert ruled == ["f"]


def test_a_key_of_another_customer_in_the_same_batch_is_a_conflict(tmp_path: Path) -> None:
    line = {"type": "issue", "key": "a", "entitlement": "PTS", "quantity": 3}
    with Ledger.open(new_store(tmp_path, HandClock()), clock=HandClock()) as ledger:
        first, second = ledger.post(
            [{**line, "customer": "C1"}, {**line, "customer": "C2"}], actor="tester"
        )
    assert (first.status, second.code) == ("completed", "key_conflict")


def _step(kind: str, key: str, wait: int = 0, **fields: Any) -> tuple[int, dict[str, Any]]:
    line = {"type": kind, "key": key, "customer": "C1", "entitlement": "PTS", "quantity": 1}
    return wait * HOUR, line | fields


@pytest.mark.parametrize("wait", [0, 2])
@pytest.mark.parametrize("between", ["read", "restart"])
def test_a_hold_that_has_an_end_is_left_to_the_rules(wait: int, between: str) -> None:
    steps = [
        _step("issue", "a", quantity=10),
        _step("hold", "b", quantity=6, until=START + HOUR),
        _step("consume", "c", wait, quantity=2),
        _step("consume", "d", quantity=5),
    ]
    cuts = [(2, ""), (1, between), (1, between)]
    plain, ruled = (_post(steps, cuts, plainly=plainly) for plainly in (True, False))
    assert plain == ruled
    statuses = [each.status for each in plain[0]]
    assert statuses == ["completed", "pending", "completed", "completed" if wait else "refused"]


def test_a_sweep_ahead_of_time_is_not_forgotten() -> None:
    steps = [
        _step("issue", "a", quantity=10, until=START + HOUR),
        _step("issue", "b", quantity=2),
        _step("consume", "c", quantity=1),
        _step("issue", "of somebody else", customer="C2"),
        _step("consume", "d", quantity=5),
    ]
    cuts = [(2, ""), (1, "restart"), (1, "due"), (1, "read")]
    plain, ruled = (_post(steps, cuts, plainly=plainly) for plainly in (True, False))
    assert plain == ruled
