"""Customers and their subscriptions as of another time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import START, HandClock, command, hours, new_store, write_feeds

from entitlement_ledger.domain.instants import HOUR
from entitlement_ledger.ledger import Ledger


@pytest.fixture
def clock() -> HandClock:
    return HandClock(START - 1000 * HOUR)


@pytest.fixture
def ledger(tmp_path: Path, clock: HandClock) -> Iterator[Ledger]:
    with Ledger.open(new_store(tmp_path, clock), clock=clock) as opened:
        yield opened


def _import(ledger: Ledger, folder: Path, status: str) -> None:
    write_feeds(folder)
    (folder / "customers.csv").write_text(
        "id,name,email,segment,status,created_at\n"
        f"C1,C1 Name,c1@example.com,{status}-segment,{status},2025-01-01T00:00:00Z\n"
        "NEW,New Name,new@example.com,plus,active,2025-01-01T00:00:00Z\n",
        "utf-8",
    )
    assert not any(each.problems for each in ledger.import_files([folder], actor="setup"))


def _status(ledger: Ledger, customer: str, **then: int) -> tuple[str, str]:
    (row,) = (each for each in ledger.customers(**then) if each.id == customer)  # type: ignore[arg-type]
    return row.status, row.segment


def test_a_customer_has_the_status_of_then(
    ledger: Ledger, clock: HandClock, tmp_path: Path
) -> None:
    clock.now = START
    _import(ledger, tmp_path / "first", "suspended")
    clock.now = START + 2 * HOUR
    _import(ledger, tmp_path / "second", "closed")
    assert _status(ledger, "C1") == ("closed", "closed-segment")
    assert _status(ledger, "C1", at=START + 2 * HOUR - 1) == ("suspended", "suspended-segment")
    assert _status(ledger, "C1", at=START) == ("suspended", "suspended-segment")
    assert _status(ledger, "C1", at=START - 1) == ("active", "plus")
    assert _status(ledger, "C1", at=START + 3 * HOUR, known_at=START) == (
        "suspended",
        "suspended-segment",
    )
    assert _status(ledger, "C1", at=START - 1, known_at=START + 3 * HOUR) == ("active", "plus")


def test_who_was_not_known_then_is_not_listed(
    ledger: Ledger, clock: HandClock, tmp_path: Path
) -> None:
    clock.now = START
    _import(ledger, tmp_path / "first", "suspended")
    assert "NEW" in {each.id for each in ledger.customers()}
    assert "NEW" not in {each.id for each in ledger.customers(known_at=START - 1)}
    known = ledger.count_customers()
    assert ledger.count_customers(known_at=START - 1) == known - 1
    assert [each.id for each in ledger.customers(search="new", known_at=START)] == ["NEW"]
    # Recorded later than `at`, but known: it has what was recorded first.
    assert _status(ledger, "NEW", at=START - HOUR) == ("active", "plus")


def test_subscriptions_are_those_of_then(ledger: Ledger, clock: HandClock) -> None:
    clock.now = START
    lines = [
        command("purchase", "buy", product="BASIC", effective_at=hours(-10)),
        command("upgrade", "more", **{"from": "BASIC", "to": "PLUS"}, effective_at=hours(-5)),
        command("cancel", "end", product="PLUS", effective_at=hours(-2), reason="asked for"),
    ]
    for number, line in enumerate(lines):
        clock.now = START + number * HOUR
        (done,) = ledger.post([line], actor="x")
        assert done.code is None, done.message

    def products(at: int | None, known_at: int | None = None) -> list[str]:
        return [each.product for each in ledger.subscriptions("C1", at=at, known_at=known_at)]

    assert products(None) == []
    assert products(START - 11 * HOUR) == []
    assert products(START - 10 * HOUR) == ["BASIC"]
    assert products(START - 5 * HOUR - 1) == ["BASIC"]
    assert products(START - 5 * HOUR) == ["PLUS"]
    assert products(START - 2 * HOUR) == []
    assert products(START - 4 * HOUR, known_at=START) == ["BASIC"]
    assert products(None, known_at=START) == ["BASIC"]
    assert products(None, known_at=START + HOUR) == ["PLUS"]
    assert products(START - 11 * HOUR, known_at=START + HOUR) == []


def test_what_was_to_happen_then_is_told(ledger: Ledger, clock: HandClock) -> None:
    clock.now = START
    ledger.post([command("purchase", "buy", product="BASIC", effective_at=hours(-2))], actor="x")
    clock.now = START + HOUR
    ledger.post(
        [command("cancel", "end", product="BASIC", timing="period_end", reason="asked")],
        actor="x",
    )
    (now,) = ledger.subscriptions("C1")
    (then,) = ledger.subscriptions("C1", at=START)
    assert now.pending is not None
    assert then.pending is None
    assert (then.product, then.anchor, then.until) == (now.product, now.anchor, now.until)
