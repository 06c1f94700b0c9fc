"""Subscriptions over the calendar, through the store, as due work finds them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import HandClock, new_store

from entitlement_ledger.domain.instants import DAY, HOUR, format_instant, parse_instant
from entitlement_ledger.domain.quantities import QUANTITY_MAX
from entitlement_ledger.ledger import Ledger

LINE = {"entitlement": "PTS", "quantity": 10, "valid_for": "period", "priority": 100,
        "category": "paid", "rollover_max": None}  # fmt: skip


@pytest.fixture
def clock() -> HandClock:
    return HandClock(parse_instant("2026-01-01T00:00:00Z"))


@pytest.fixture
def ledger(tmp_path: Path, clock: HandClock) -> Iterator[Ledger]:
    with Ledger.open(new_store(tmp_path, clock), clock=clock) as ledger:
        yield ledger


def sell(
    ledger: Ledger, folder: Path, code: str, tier: int, period: str | None, **line: Any
) -> None:
    product = {"code": code, "name": code, "tier": tier, "period": period,
               "lines": [{**LINE, **line}]}  # fmt: skip
    (folder / "products.json").write_text(json.dumps([product]))
    (loaded,) = ledger.import_files([folder / "products.json"], actor="x")
    assert not loaded.problems


def post(ledger: Ledger, type: str, key: str, **fields: Any) -> Any:
    (outcome,) = ledger.post([{"type": type, "key": key, "customer": "C1", **fields}], actor="x")
    return outcome


def close(ledger: Ledger, folder: Path) -> None:
    """Let the customer be closed."""
    (folder / "customers.csv").write_text(
        "id,name,email,segment,status,created_at\nC1,n,e,s,closed,\n"
    )
    ledger.import_files([folder / "customers.csv"], actor="x")


def starts(ledger: Ledger) -> list[str]:
    rows = reversed(ledger.history(limit=1000).rows)
    grants = [grant for row in rows for grant in ledger.transaction(row.transaction).grants]
    return [format_instant(grant.effective_from)[:16] for grant in grants]


def test_periods_are_counted_from_the_anchor_for_five_years(
    ledger: Ledger, tmp_path: Path, clock: HandClock
) -> None:
    sell(ledger, tmp_path, "M", 1, "P1M")
    clock.now = parse_instant("2026-01-31T10:00:00Z")
    post(ledger, "purchase", "buy", product="M")
    clock.now += 5 * 366 * DAY
    assert ledger.run_due().renewed == 60
    days = [start[5:10] for start in starts(ledger)]
    assert days[:5] == ["01-31", "02-28", "03-31", "04-30", "05-31"]
    assert days[25] == "02-29"
    assert ledger.run_due().renewed == 0


def test_a_period_keeps_its_local_hour_in_the_subscriptions_zone(
    ledger: Ledger, tmp_path: Path, clock: HandClock
) -> None:
    sell(ledger, tmp_path, "M", 1, "P1M")
    clock.now = parse_instant("2026-03-10T08:00:00+01:00")
    post(ledger, "purchase", "buy", product="M", timezone="Europe/Berlin")
    clock.now = parse_instant("2026-11-20T00:00:00Z")
    ledger.run_due()
    assert starts(ledger)[:2] == ["2026-03-10T07:00", "2026-04-10T06:00"]
    assert starts(ledger)[-1] == "2026-11-10T07:00"


def test_a_purchase_takes_the_product_as_it_was_and_a_change_touches_no_grant(
    ledger: Ledger, tmp_path: Path, clock: HandClock
) -> None:
    sell(ledger, tmp_path, "M", 1, "P1M", quantity=10)
    clock.now += 10 * DAY
    first = post(ledger, "purchase", "buy", product="M")
    clock.now += 5 * DAY
    sell(ledger, tmp_path, "M", 1, "P1M", quantity=99)
    late = {"effective_at": format_instant(clock.now - DAY), "customer": "C2"}
    (outcome,) = ledger.post([{"type": "purchase", "key": "late", "product": "M", **late}],
                             actor="x")  # fmt: skip
    assert outcome.event is not None
    assert [grant.quantity for grant in outcome.event.grants] == [10]
    assert ledger.transaction(first.transaction).grants[0].quantity == 10
    clock.now += 30 * DAY
    ledger.run_due()
    assert [each.available for each in ledger.balances("C1", "PTS")] == [99]


def test_what_is_left_rolls_over_once_up_to_the_maximum(
    ledger: Ledger, tmp_path: Path, clock: HandClock
) -> None:
    sell(ledger, tmp_path, "M", 1, "P1M", rollover_max=4)
    post(ledger, "purchase", "buy", product="M")
    post(ledger, "consume", "use", entitlement="PTS", quantity=3)
    post(ledger, "renew", "ahead", product="M")
    clock.now = parse_instant("2026-02-02T00:00:00Z")
    done = ledger.run_due()
    assert (done.renewed, done.rolled_over) == (0, 1)
    assert [each.available for each in ledger.balances("C1", "PTS")] == [14]
    assert ledger.run_due().rolled_over == 0
    rolled = next(
        grant
        for row in ledger.history().rows
        for grant in ledger.transaction(row.transaction).grants
        if grant.parent
    )
    assert rolled.quantity == 4
    late = post(ledger, "consume", "late", entitlement="PTS", quantity=4,
                effective_at="2026-01-31T00:00:00Z")  # fmt: skip
    assert late.code == "insufficient_balance"


def test_an_upgrade_at_the_periods_end_happens_then(
    ledger: Ledger, tmp_path: Path, clock: HandClock
) -> None:
    sell(ledger, tmp_path, "M", 1, "P1M")
    sell(ledger, tmp_path, "L", 2, "P1M", quantity=25)
    post(ledger, "purchase", "buy", product="M")
    clock.now += 5 * DAY
    first = post(ledger, "upgrade", "up", **{"from": "M", "to": "L"}, timing="period_end")
    assert first.status == "pending"
    second = post(ledger, "cancel", "end", product="M", timing="period_end")
    assert second.status == "pending"
    assert ledger.transaction("up").row.status == "released"
    third = post(ledger, "upgrade", "up again", **{"from": "M", "to": "L"}, timing="period_end")
    assert third.status == "pending"
    assert [each.available for each in ledger.balances("C1", "PTS")] == [10]
    clock.now = parse_instant("2026-02-10T00:00:00Z")
    assert ledger.run_due().changed == 1
    assert ledger.transaction("up again").row.status == "completed"
    assert [each.available for each in ledger.balances("C1", "PTS")] == [25]
    assert post(ledger, "renew", "old", product="M").code == "not_subscribed"


def test_carrying_over_keeps_expiry_priority_and_category(
    ledger: Ledger, tmp_path: Path, clock: HandClock
) -> None:
    sell(ledger, tmp_path, "M", 1, "P1M", priority=7, category="promo")
    sell(ledger, tmp_path, "L", 2, "P1M", quantity=25)
    bought = post(ledger, "purchase", "buy", product="M")
    post(ledger, "consume", "use", entitlement="PTS", quantity=3)
    clock.now += HOUR
    changed = post(ledger, "upgrade", "up", **{"from": "M", "to": "L"}, carry_over="remaining")
    old = ledger.transaction(bought.transaction).grants[0]
    carried = next(g for g in ledger.transaction(changed.transaction).grants if g.parent)
    assert carried.parent == old.id
    assert (carried.quantity, carried.priority, carried.category, carried.expires_at) == (
        7, old.priority, old.category, old.expires_at,
    )  # fmt: skip


@pytest.mark.parametrize("ended", ["cancel", "upgrade"])
def test_what_has_ended_takes_no_command_that_counts_before(
    ledger: Ledger, tmp_path: Path, clock: HandClock, ended: str
) -> None:
    sell(ledger, tmp_path, "M", 1, "P1M")
    sell(ledger, tmp_path, "L", 2, "P1M")
    sell(ledger, tmp_path, "XL", 3, None)
    post(ledger, "purchase", "buy", product="M")
    clock.now += 9 * DAY
    before = format_instant(clock.now - 4 * DAY)
    fields = {"product": "M"} if ended == "cancel" else {"from": "M", "to": "L"}
    assert post(ledger, ended, "end", **fields).status == "completed"
    had = ledger.balances("C1", "PTS")
    for late in (
        {"type": "renew", "product": "M"},
        {"type": "upgrade", "from": "M", "to": "XL"},
        {"type": "cancel", "product": "M"},
        {"type": "cancel", "product": "M", "timing": "period_end"},
    ):
        answer = post(ledger, key=str(late), effective_at=before, **late)
        assert answer.code == "not_subscribed", late
    assert ledger.balances("C1", "PTS") == had


def test_reversing_a_purchase_takes_what_its_ended_subscription_still_gives(
    ledger: Ledger, tmp_path: Path, clock: HandClock
) -> None:
    sell(ledger, tmp_path, "M", 1, "P1M")
    post(ledger, "purchase", "buy", product="M")
    post(ledger, "cancel", "end", product="M", timing="period_end")
    ledger.run_due(now=clock.now + 40 * DAY)
    clock.now += DAY
    assert post(ledger, "reverse", "undo", transaction="buy").status == "completed"
    assert [each.available for each in ledger.balances("C1", "PTS")] == [0]
    assert all(each.ok for each in ledger.check())


def test_that_takes_what_a_later_period_of_it_gives_as_well(
    ledger: Ledger, tmp_path: Path, clock: HandClock
) -> None:
    sell(ledger, tmp_path, "M", 1, "P1M")
    post(ledger, "purchase", "buy", product="M")
    clock.now += 40 * DAY
    ledger.run_due()
    post(ledger, "cancel", "end", product="M", timing="period_end")
    ledger.run_due(now=clock.now + 40 * DAY)
    assert [each.available for each in ledger.balances("C1", "PTS")] == [10]
    early = format_instant(clock.now - 30 * DAY)
    undone = post(ledger, "reverse", "undo", transaction="buy", effective_at=early)
    assert undone.status == "completed"
    assert [each.available for each in ledger.balances("C1", "PTS")] == [0]


def test_nothing_that_has_lapsed_is_rolled_over(
    ledger: Ledger, tmp_path: Path, clock: HandClock
) -> None:
    sell(ledger, tmp_path, "M", 1, "P1M", valid_for="P3D", rollover_max=5)
    post(ledger, "purchase", "buy", product="M")
    clock.now = parse_instant("2026-02-02T00:00:00Z")
    ledger.run_due()
    assert [each.available for each in ledger.balances("C1", "PTS")] == [10]


def test_a_closed_customer_is_not_changed_at_the_periods_end(
    ledger: Ledger, tmp_path: Path, clock: HandClock
) -> None:
    sell(ledger, tmp_path, "M", 1, "P1M")
    sell(ledger, tmp_path, "L", 2, "P1M", quantity=25)
    post(ledger, "purchase", "buy", product="M")
    post(ledger, "upgrade", "up", **{"from": "M", "to": "L"}, timing="period_end")
    close(ledger, tmp_path)
    clock.now += 40 * DAY
    ledger.run_due()
    assert ledger.transaction("up").row.status == "released"
    assert [each.available for each in ledger.balances("C1", "PTS")] == [0]


def test_an_upgrade_at_once_of_what_has_not_begun_begins_at_once(
    ledger: Ledger, tmp_path: Path, clock: HandClock
) -> None:
    sell(ledger, tmp_path, "M", 1, "P1M", valid_for=None)
    sell(ledger, tmp_path, "L", 2, "P1M", quantity=25)
    begins = clock.now + 40 * DAY
    post(ledger, "purchase", "buy", product="M", effective_at=format_instant(begins))
    clock.now += DAY
    post(ledger, "upgrade", "up", **{"from": "M", "to": "L"}, carry_over="remaining")
    carried, new = ledger.transaction("up").grants
    assert (new.quantity, new.effective_from) == (25, clock.now)
    assert (carried.quantity, carried.effective_from) == (10, begins)
    (kept,) = [each for each in ledger.subscriptions("C1") if each.product == "L"]
    assert kept.anchor == clock.now
    for at, available in ((clock.now, 25), (begins, 10)):
        assert [each.available for each in ledger.balances("C1", "PTS", at=at)] == [available]


def test_what_a_rollover_done_ahead_takes_can_be_drawn_no_more(
    ledger: Ledger, tmp_path: Path, clock: HandClock
) -> None:
    sell(ledger, tmp_path, "M", 1, "P1M", rollover_max=3)
    post(ledger, "purchase", "buy", product="M")
    ledger.run_due(now=clock.now + 32 * DAY)
    assert post(ledger, "consume", "all", entitlement="PTS", quantity=8).code == (
        "insufficient_balance"
    )
    assert post(ledger, "consume", "rest", entitlement="PTS", quantity=7).status == "completed"
    assert [each.available for each in ledger.balances("C1", "PTS", at=clock.now + 32 * DAY)] == [
        13
    ]


def test_a_closed_customer_is_not_renewed_and_may_be_cancelled(
    ledger: Ledger, tmp_path: Path, clock: HandClock
) -> None:
    sell(ledger, tmp_path, "M", 1, "P1M")
    post(ledger, "purchase", "buy", product="M")
    close(ledger, tmp_path)
    clock.now += 100 * DAY
    assert ledger.run_due().renewed == 0
    assert post(ledger, "renew", "r", product="M").code == "customer_closed"
    assert post(ledger, "cancel", "c", product="M").status == "completed"


def test_a_purchase_is_reversed_whole_and_only_untouched(ledger: Ledger, tmp_path: Path) -> None:
    sell(ledger, tmp_path, "M", 1, "P1M")
    post(ledger, "purchase", "a", product="M")
    assert post(ledger, "reverse", "r1", transaction="a").status == "completed"
    assert ledger.transaction("a").row.status == "reversed"
    assert post(ledger, "reverse", "r2", transaction="a").code == "already_resolved"
    post(ledger, "purchase", "b", product="M")
    post(ledger, "consume", "use", entitlement="PTS", quantity=1)
    assert post(ledger, "reverse", "r3", transaction="b").code == "not_reversible"


@pytest.mark.parametrize("undo", [{"type": "cancel", "product": "M"},
                                  {"type": "reverse", "transaction": "early"}])  # fmt: skip
def test_a_scheduled_subscription_that_was_undone_stands_in_nobodys_way(
    ledger: Ledger, tmp_path: Path, clock: HandClock, undo: dict[str, str]
) -> None:
    sell(ledger, tmp_path, "M", 1, "P1M")
    later = format_instant(clock.now + 40 * DAY)
    post(ledger, "purchase", "early", product="M", effective_at=later)
    assert post(ledger, key="undo", **undo).status == "completed"
    assert post(ledger, "cancel", "nothing", product="M").code == "not_subscribed"
    assert post(ledger, "purchase", "now", product="M").status == "completed"
    assert post(ledger, "cancel", "gone", product="M").draws
    again = post(ledger, "purchase", "again", product="M", effective_at=later)
    assert again.status == "completed"
    (drawn,) = post(ledger, "cancel", "it", product="M").draws
    assert drawn.grant == again.grants[0]


def test_that_a_purchase_is_touched_goes_before_quantity_and_time(
    ledger: Ledger, tmp_path: Path, clock: HandClock
) -> None:
    sell(ledger, tmp_path, "M", 1, "P1M")
    post(ledger, "purchase", "buy", product="M")

    def code(key: str, **fields: Any) -> str | None:
        outcome = post(ledger, "reverse", key, transaction="buy", reason="x", **fields)
        return None if outcome.code is None else str(outcome.code)

    early = format_instant(clock.now - HOUR)
    assert code("part", quantity=0) == "not_reversible"
    assert code("early", effective_at=early) == "invalid_time"
    assert code("late", effective_at=format_instant(clock.now + 90 * DAY)) == "invalid_time"
    post(ledger, "consume", "one", entitlement="PTS", quantity=1)
    assert code("touched", effective_at=early) == "not_reversible"
    post(ledger, "reverse", "back", transaction="one", reason="x")
    assert code("whole") is None
    assert code("again") == "already_resolved"
    assert code("again, in part", quantity=0) == "not_reversible"


def test_who_is_stuck_with_what_cannot_be_recorded_is_named(
    ledger: Ledger, tmp_path: Path, clock: HandClock
) -> None:
    sell(ledger, tmp_path, "M", 1, "P1M", quantity=QUANTITY_MAX, valid_for=None)
    post(ledger, "purchase", "buy", product="M")
    assert ledger.run_due().stuck == ()
    clock.now += 32 * DAY
    done = ledger.run_due()
    assert (done.renewed, done.stuck) == (0, ("C1",))
