"""What the writer remembers of the whole store is never older than what was answered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import START, HandClock, command, new_store

from entitlement_ledger import batching, remembering
from entitlement_ledger.domain.decide import Outcome
from entitlement_ledger.domain.instants import HOUR, format_instant
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.store import loading


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A ledger that remembers from the second commit on, and otherwise one customer only."""
    monkeypatch.setattr(remembering, "COMMITS_BEFORE", 2)
    clock = HandClock()
    with Ledger.open(new_store(tmp_path, clock), clock=clock, remembered_max=1) as opened:
        yield opened


def post(ledger: Ledger, *lines: dict[str, Any]) -> list[Outcome]:
    told = [ledger.post([line], actor="a")[0] for line in lines]
    ledger.history(limit=1)
    return told


def given(ledger: Ledger) -> None:
    """Give to two customers, and have it remembered."""
    post(ledger, command("issue", "a", quantity=10))
    post(ledger, command("issue", "b", quantity=10, customer="C2"))
    ledger.remember()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Give what the database is asked about holdings, and about keys."""
    pairs: list[Any] = []
    for name in ("standings", "known_keys"):
        asks = getattr(batching, name)

        def note(connection: Any, sought: Any, asks: Any = asks) -> Any:
            pairs.extend(sought)
            return asks(connection, sought)

        monkeypatch.setattr(batching, name, note)
    return pairs


def test_what_is_remembered_is_not_asked(ledger: Ledger, asked: list[Any]) -> None:
    given(ledger)
    asked.clear()
    (told,) = post(ledger, command("consume", "c", quantity=4))
    assert told.balance is not None and told.balance.available == 6
    assert asked == []


def test_whom_a_command_concerned_since_is_asked_for_again(
    ledger: Ledger, asked: list[Any]
) -> None:
    given(ledger)
    post(ledger, command("consume", "c", quantity=4))
    post(ledger, command("consume", "d", quantity=1, customer="C2"))
    asked.clear()
    (told,) = post(ledger, command("consume", "e", quantity=4))
    assert told.balance is not None and told.balance.available == 2
    assert asked == [("C1", "PTS")]


def test_whom_the_rules_concerned_since_is_asked_for_again(ledger: Ledger) -> None:
    given(ledger)
    post(ledger, command("adjust", "c", quantity=-4, reason="why"))
    (told,) = post(ledger, command("consume", "d", quantity=4))
    assert told.balance is not None and told.balance.available == 2


def test_what_the_projections_lacked_when_it_was_made_is_asked_for_again(ledger: Ledger) -> None:
    post(ledger, command("issue", "a", quantity=10))
    ledger.post([command("consume", "b", quantity=4)], actor="a")
    ledger.remember()
    post(ledger, command("issue", "c", quantity=1, customer="C2"))
    (told,) = post(ledger, command("consume", "d", quantity=4))
    assert told.balance is not None and told.balance.available == 2


def test_a_key_that_was_used_before_or_since_is_known(ledger: Ledger) -> None:
    given(ledger)
    post(ledger, command("consume", "c", quantity=4))
    before, since = post(
        ledger, command("issue", "a", quantity=10), command("consume", "c", quantity=4)
    )
    assert before.duplicate and since.duplicate


def test_who_is_there_is_remembered_and_who_is_not_is_asked_for(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sought: list[str] = []
    asks = loading.load_customers

    def note(connection: Any, book: Any, ids: Any) -> None:
        sought.extend(ids)
        asks(connection, book, ids)

    monkeypatch.setattr(loading, "CUSTOMERS_AT_ONCE_MAX", 2)
    monkeypatch.setattr(batching, "load_customers", note)
    post(ledger, command("issue", "a", quantity=10), command("issue", "b", quantity=10))
    ledger.remember()
    sought.clear()
    (told,) = post(ledger, command("issue", "c", quantity=1, customer="C2"))
    assert (told.status, sought) == ("completed", [])
    (told,) = post(ledger, command("issue", "d", quantity=1, customer="C9"))
    assert (told.code, sought) == ("unknown_customer", ["C9"])
    feed = tmp_path / "customers.csv"
    feed.write_text("id,name,email,segment,status,created_at\nC9,N,n@x.org,plus,active,\n")
    ledger.import_files([feed], actor="a")
    (told,) = post(ledger, command("issue", "e", quantity=1, customer="C9"))
    assert told.status == "completed"


@pytest.mark.parametrize("until", [None, START + HOUR])
def test_what_is_held_is_remembered_where_it_has_no_end(
    ledger: Ledger, asked: list[Any], until: int | None
) -> None:
    ends = {} if until is None else {"expires_at": format_instant(until)}
    both = [command("issue", "a", quantity=10), command("hold", "b", quantity=3, **ends)]
    ledger.post(both, actor="a")
    ledger.history(limit=1)
    post(ledger, command("issue", "c", quantity=1, customer="C2"))
    ledger.remember()
    # Only one customer is remembered otherwise.
    post(ledger, command("consume", "e", quantity=1, customer="C2"))
    asked.clear()
    (told,) = post(ledger, command("consume", "d", quantity=4))
    assert told.balance is not None and (told.balance.available, told.balance.held) == (3, 3)
    assert (("C1", "PTS") in asked) == (until is not None)


def test_after_work_on_the_store_nothing_is_believed(ledger: Ledger, asked: list[Any]) -> None:
    given(ledger)
    ledger._writer.between_commits(lambda: None)
    asked.clear()
    post(ledger, command("consume", "c", quantity=4))
    assert "c" in asked


def test_one_that_is_being_made_is_given_up_where_the_ledger_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "COMMITS_BEFORE", 1)
    with Ledger.open(new_store(tmp_path)) as opened:
        opened.post([command("issue", "a", quantity=10)], actor="a")
        making = opened._writer._memory._making
    assert making is not None and making.ended


def test_of_a_store_that_is_too_large_nothing_is_kept(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(ledger)
    monkeypatch.setattr(remembering, "EVENTS_MAX", 0)
    monkeypatch.setattr(remembering, "SINCE_MAX", 0)
    post(ledger, *(command("consume", f"k{n}", quantity=1) for n in range(9)))
    memory = ledger._writer._memory
    assert (memory._snapshot, memory._making, memory._since.keys) == (None, None, set())
