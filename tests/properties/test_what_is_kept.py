"""What is kept in memory between reads is never older than what was answered."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from strategies import history
from support import ENTITLEMENTS, SOAK, START, HandClock, command, hours, new_store
from test_store_keeps_the_rules import History, Naming

from entitlement_ledger.answers import HistoryFilter
from entitlement_ledger.domain.instants import HOUR
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.store import views
from entitlement_ledger.store.catalogue import CatalogueCache, Described

_codes = st.sampled_from(["PTS", "NEW"])
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("import"), _codes, st.integers(0, 4)),
        st.tuples(st.just("post"), _codes, st.integers(1, 9)),
        st.tuples(st.sampled_from(["rebuild", "restart"]), st.none(), st.none()),
    ),
    min_size=3,
    max_size=10,
)
"""After each of them is read."""


def _load(ledger: Ledger, folder: Path, code: str, scale: int) -> None:
    file = folder / "entitlements.csv"
    file.write_text(
        "code,name,description,kind,unit,scale,resources,status\n"
        f"{code},Name {scale},,points,unit {scale},{scale},,active\n"
    )
    (loaded,) = ledger.import_files([file], actor="x")
    assert not loaded.problems


@settings(max_examples=12 * SOAK, deadline=None)
@given(_steps, st.sampled_from([0, 50_000]))
def test_the_catalogue_is_read_as_it_was_last_imported(
    steps: list[tuple[str, Any, Any]], remembered: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        store = new_store(Path(name))
        scales: dict[str, int] = {}
        had: dict[str, int] = {}
        ledger = Ledger.open(store, remembered_max=remembered)
        for number, (what, code, value) in enumerate(steps):
            if what == "import":
                _load(ledger, Path(name), code, value)
                scales[code] = value
            elif what == "post":
                (told,) = ledger.post(
                    [command("issue", f"k{number}", entitlement=code, quantity=value)], actor="x"
                )
                assert (told.code is None) == (code in scales or code in ENTITLEMENTS)
                had[code] = had.get(code, 0) + (value if told.code is None else 0)
            elif what == "rebuild":
                ledger.rebuild()
            else:
                ledger.close()
                ledger = Ledger.open(store, remembered_max=remembered)
            _reads_as_imported(ledger, scales, had)
        asked, known = ledger.catalogue_remembered()
        assert asked >= known
        assert remembered or not known
        ledger.close()


def _reads_as_imported(ledger: Ledger, scales: dict[str, int], had: dict[str, int]) -> None:
    balances = {each.entitlement: each for each in ledger.balances("C1")}
    assert {code: each.available for code, each in balances.items()} == {
        code: quantity for code, quantity in had.items() if quantity
    }
    shown = {row.entitlement: row for row in ledger.history(HistoryFilter(customer="C1")).rows}
    for code, scale in scales.items():
        written = (f"unit {scale}", scale)
        if code in balances:
            assert (balances[code].unit, balances[code].scale) == written
            assert balances[code].name == f"Name {scale}"
        if code in shown:
            assert (shown[code].unit, shown[code].scale) == written


def test_the_catalogue_is_kept_between_reads_unless_it_is_told_not_to(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    for remembered, known in ((0, 0), (1, 3)):
        with Ledger.open(store, remembered_max=remembered) as ledger:
            ledger.post([command("issue", "give", quantity=5)], actor="x")
            for _ in range(4):
                ledger.balances("C1")
            assert ledger.catalogue_remembered() == (4, known)


def test_what_was_read_before_a_change_is_not_kept_after_it() -> None:
    cache = CatalogueCache()
    old = {"PTS": Described("PTS", "Points", "points", "u", 0)}
    reader = cache.reader()
    cache.changed()
    cache.keep(old, reader.changes)
    assert cache.kept([]) is None
    cache.keep(old, cache.reader().changes)
    assert cache.kept(["PTS"]) == old
    assert cache.kept(["PTS", "one that somebody has seen"]) is None


@pytest.mark.parametrize("what", ["posted", "imported"])
def test_a_read_beside_one_that_brings_the_projections_up_sees_all_that_was_answered(
    tmp_path: Path, what: str
) -> None:
    """Between the writing of projections and its commit another reader comes along."""
    with Ledger.open(new_store(tmp_path)) as ledger:
        ledger.post([command("issue", "a", quantity=5)], actor="x")
        ledger.balances("C1")
        if what == "posted":
            ledger.post([command("issue", "b", quantity=2)], actor="x")
            expected = ("pt", 7)
        else:
            _load(ledger, tmp_path, "PTS", 3)
            expected = ("unit 3", 5)
        seen: list[tuple[str, int]] = []

        def read() -> None:
            (balance,) = ledger.balances("C1")
            seen.append((balance.unit, balance.available))

        beside = threading.Thread(target=read)

        def before_the_commit(_connection: Any) -> None:
            if not beside.ident:
                beside.start()
                beside.join(0.3)

        event.listen(ledger._engine, "commit", before_the_commit)
        read()
        beside.join()
    assert seen == [expected] * 2


def test_history_begins_with_what_was_posted_while_its_beginning_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = HandClock(START - 1000 * HOUR)
    with Ledger.open(new_store(tmp_path, clock), clock=clock) as ledger:
        clock.now = START
        ledger.post([command("issue", "a", quantity=5)], actor="x")
        brought_up = ledger._writer.catch_up

        def then_another() -> None:
            brought_up()
            monkeypatch.undo()
            earlier = command("issue", "b", quantity=2, effective_at=hours(-5))
            ledger.post([earlier], actor="x")

        monkeypatch.setattr(ledger._writer, "catch_up", then_another)
        assert [each.available for each in ledger.balances("C1")] == [5]
        (then,) = ledger.balances("C1", at=START - 4 * HOUR)
        assert then.available == 2


@settings(max_examples=8 * SOAK, deadline=None)
@given(history)
def test_a_page_of_one_customer_is_that_of_any_other_filter(steps: History) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = HandClock(START - 1000 * HOUR)
        store = new_store(Path(folder), clock)
        clock.now, naming = START, Naming()
        with Ledger.open(store, clock=clock) as ledger:
            for wait, line in steps:
                clock.now += wait
                naming.note(ledger.post([naming.given(line)], actor="x"))
            for customer in ("C1", "C2", "NOBODY"):
                by_itself = HistoryFilter(customer=customer)
                beside = HistoryFilter(customer=customer, known_at=clock.now)
                assert ledger.history(by_itself) == ledger.history(beside)
                for after in (None, 5, 9, 14):
                    page = ledger.history(by_itself, after=after, limit=2)
                    assert page == ledger.history(beside, after=after, limit=2)


def test_what_became_of_transactions_is_told_alike_by_customer(tmp_path: Path) -> None:
    clock = HandClock(START - 1000 * HOUR)
    with Ledger.open(new_store(tmp_path, clock), clock=clock) as ledger:
        clock.now = START
        lines = [
            command("issue", "whole", quantity=10),
            command("issue", "part", quantity=10),
            command("hold", "captured", quantity=1),
            command("hold", "released", quantity=1),
            command("hold", "ended", quantity=1, expires_at=hours(1)),
            command("hold", "open", quantity=1),
            command("consume", "refused", quantity=1000),
            command("capture", "a", transaction="captured"),
            command("release", "b", transaction="released"),
            command("reverse", "c", transaction="part", quantity=4),
            command("consume", "drawn", quantity=2),
            command("reverse", "d", transaction="drawn"),
        ]
        ledger.post(lines, actor="x")
        clock.now = START + 2 * HOUR
        rows = ledger.history(HistoryFilter(customer="C1")).rows
        assert rows == ledger.history(HistoryFilter(customer="C1", known_at=clock.now)).rows
    assert {row.key: row.status for row in rows} == {
        "whole": "completed",
        "part": "partly_reversed",
        "captured": "completed",
        "released": "released",
        "ended": "expired",
        "open": "pending",
        "refused": "refused",
        "a": "completed",
        "b": "completed",
        "c": "completed",
        "drawn": "reversed",
        "d": "completed",
    }


def test_a_customer_of_many_transactions_is_paged_like_one_of_few(tmp_path: Path) -> None:
    with Ledger.open(new_store(tmp_path)) as ledger:
        seen: list[int] = []
        for more in (views.FEW - 1, 1, 1):
            made = len(seen)
            lines = [command("issue", f"k{made + n}", quantity=1) for n in range(more)]
            seen += [each.sequence or 0 for each in ledger.post(lines, actor="x")]
            whole = ledger.history(HistoryFilter(customer="C1"), limit=len(seen))
            assert [row.sequence for row in whole.rows] == seen[::-1]
            assert whole.next_after is None
            page = ledger.history(HistoryFilter(customer="C1"), after=seen[-1], limit=10)
            assert [row.sequence for row in page.rows] == seen[-2:-12:-1]
            assert page.next_after == seen[-11]
