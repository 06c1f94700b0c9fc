"""Rules go by what is usual here: for this actor, for others, for this customer."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from support import HandClock, command, hours, new_store

from entitlement_ledger.answers import Finding
from entitlement_ledger.domain.instants import HOUR
from entitlement_ledger.domain.policy import ApprovalRule
from entitlement_ledger.domain.quantities import QUANTITY_MAX
from entitlement_ledger.ledger import Ledger

MANY = [f"D{number}" for number in range(60)]
DAY = 24
LATER = 400 * DAY


def found(folder: Path, rule: str, lines: Iterable[dict[str, Any]], **names: str) -> list[Finding]:
    """Post lines as history, a year later, for customers who may have names; run one rule."""
    clock = HandClock()
    store = new_store(folder, clock)
    rows = "".join(f"{each},{names.get(each, 'Name')},,s,active,\n" for each in MANY)
    (folder / "more").mkdir(parents=True)
    header = "id,name,email,segment,status,created_at\n"
    (folder / "more" / "customers.csv").write_text(header + rows)
    clock.now += LATER * HOUR
    limit = [ApprovalRule(frozenset({"adjust"}), above=2000)]
    with Ledger.open(store, clock=clock, approvals=limit) as ledger:
        ledger.import_files([folder / "more"], actor="cam")
        in_order = sorted(lines, key=lambda line: str(line["effective_at"]))
        outcomes = ledger.post(in_order, actor="test", history=True)
        assert {each.code for each in outcomes} <= {None, "insufficient_balance"}, outcomes
        return ledger.suspicious([rule] if rule else [])


def adjust(key: str, hour: float, quantity: int, **more: Any) -> dict[str, Any]:
    return command("adjust", key, quantity=quantity, effective_at=hours(hour),
    **{"reason": f"because of {key}", "reference": f"order:{key}", **more})  # fmt: skip


def consume(key: str, hour: float, quantity: int = 1, **more: Any) -> dict[str, Any]:
    return command("consume", key, quantity=quantity, effective_at=hours(hour), **more)


def reverse(key: str, hour: float, target: str, **more: Any) -> dict[str, Any]:
    return command("reverse", key, transaction=target, effective_at=hours(hour), reason="no",
                   **more)  # fmt: skip


def given(quantity: int = 100_000, customer: str = "C1") -> dict[str, Any]:
    return command("issue", f"given:{customer}", quantity=quantity, customer=customer,
                   effective_at=hours(0), actor="shop")  # fmt: skip


def often(day: int, key: str) -> list[dict[str, Any]]:
    """Give three draws hours apart."""
    return [consume(f"{key}{n}", day * DAY + 5 * n) for n in range(3)]


def burst(day: int, key: str) -> list[dict[str, Any]]:
    return [consume(f"{key}{n}", day * DAY + n / 60) for n in range(8)]


def test_many_draws_at_once_are_a_burst_for_whoever_draws_often_but_not_at_once(
    tmp_path: Path,
) -> None:
    past = [line for day in range(1, 10) for line in often(day, f"o{day}:")]
    (burst_,) = found(tmp_path, "burst", [given(), *past, *burst(20, "b")])
    assert len(burst_.transactions) == 8


def test_a_burst_is_one_again_the_second_time(tmp_path: Path) -> None:
    past = [line for day in range(1, 10) for line in often(day, f"o{day}:")]
    lines = [given(), *past, *burst(20, "b"), *burst(30, "c")]
    assert len(found(tmp_path, "burst", lines)) == 2


def test_whoever_always_draws_at_once_makes_no_burst(tmp_path: Path) -> None:
    lines = [given(), *(line for day in range(1, 10) for line in burst(day, f"b{day}:"))]
    assert not found(tmp_path, "burst", lines)


def test_a_large_day_of_whoever_draws_now_little_now_much_is_no_outflow(tmp_path: Path) -> None:
    others = [
        line
        for who in MANY[:30]
        for line in (given(customer=who), consume(f"u{who}", 5, 100, customer=who))
    ]
    uneven = [consume(f"d{day}", day * DAY, (2, 300)[day % 5 == 0]) for day in range(1, 25)]
    even = [consume(f"e{day}", day * DAY, 60, customer="D59") for day in range(1, 25)]
    lines = [given(), given(customer="D59"), *others, *uneven, *even]
    lines += [consume("big", 30 * DAY, 1000), consume("too big", 30 * DAY, 1000, customer="D59")]
    assert [each.customer for each in found(tmp_path, "outflow", lines)] == ["D59"]


def test_quantities_may_be_as_large_as_they_can_be(tmp_path: Path) -> None:
    past = [consume(f"d{day}", day * DAY, 10**15, customer="D1") for day in range(1, 12)]
    past += [consume(f"o{n}", n, 1) for n in range(1, 40)]
    lines = [
        given(),
        given(8 * 10**18, "D1"),
        *past,
        consume("all", 20 * DAY, 5 * 10**18, customer="D1"),
    ]
    lines += [adjust("gift", 30 * DAY, 4 * 10**18, customer="D1", actor="eve")]
    lines += [consume("used", 30 * DAY + 0.1, 4 * 10**18, customer="D1")]
    all_of_them = found(tmp_path, "", lines)
    assert {"outflow", "granted_then_drained"} <= {each.rule for each in all_of_them}
    flown = min(
        (each for each in all_of_them if each.rule == "outflow"), key=lambda e: e.transactions
    )
    assert flown.why == (
        "5000000000000000000 of PTS drawn in one day; on the 11 days before it was"
        " 1000000000000000 on average"
    )


def test_all_that_there_can_be_may_be_taken_off_and_given_back(tmp_path: Path) -> None:
    most = QUANTITY_MAX
    (tmp_path / "billing.csv").write_text(
        "invoice_line,customer,product,entitlement,quantity,amount,currency,status,invoiced_at\n"
        "INV-1,C2,,PTS,5,900,EUR,refunded,2026-01-01T00:00:00Z\n"
    )
    with Ledger.open(new_store(tmp_path / "made")) as ledger:
        ledger.import_files([tmp_path / "billing.csv"], actor="x")
        lines = [
            given(most),
            adjust("off", 1, -most),
            reverse("back", 2, "off"),
            command("issue", "billed", quantity=5, customer="C2", reference="invoice:INV-1",
                    effective_at=hours(0)),
            command("issue", "later", quantity=1, customer="C2", effective_at=hours(90 * DAY)),
        ]  # fmt: skip
        outcomes = ledger.post(lines, actor="x", history=True)
        assert [each.code for each in outcomes] == [None] * 5
        (found_,) = ledger.suspicious(["no_claw_back"])
        assert found_.transactions == (outcomes[3].transaction,)


def test_quantities_just_under_the_limit_stand_out_among_a_busy_actors_others(
    tmp_path: Path,
) -> None:
    busy = [
        adjust(f"{actor}{n}", n * 6, 10 + n * 7 % 900, customer=MANY[n % 50], actor=actor)
        for actor in ("ann", "eve")
        for n in range(100)
    ]
    close = [adjust(f"c{n}", 300 + n * DAY, 1990 - n, customer=MANY[n], actor="eve")
             for n in range(4)]  # fmt: skip
    (one,) = found(tmp_path, "under_limit", [*busy, *close])
    assert one.actor == "eve"


def test_quantities_of_invoices_are_chosen_by_nobody(tmp_path: Path) -> None:
    close = [
        adjust(f"c{n}", n * DAY, 1990 - n, customer=MANY[n], actor="billing",
               reference=f"invoice:{n}")
        for n in range(6)
    ]  # fmt: skip
    assert not found(tmp_path, "under_limit", close)


def test_who_corrects_no_more_than_others_do_makes_no_pairs(tmp_path: Path) -> None:
    lines = []
    for place, actor in enumerate(("ann", "bob", "cat")):
        for n in range(90):
            key, who, hour = f"{actor}{n}", MANY[n % 50], n * 8 + place
            lines.append(adjust(key, hour, 10 + n, customer=who, actor=actor))
            if n % 30 == 5 or (actor == "cat" and 40 <= n < 46):
                lines.append(reverse(f"r{key}", hour + 1, key, customer=who, actor=actor))
    assert {each.actor for each in found(tmp_path, "adjust_and_reverse", lines)} == {"cat"}


@pytest.mark.parametrize(
    ("actor", "name", "is_it"),
    [
        ("ineslund", "Inés Lund", True),
        ("ineslund", "Ines Lundgren", False),
        ("i.lund", "Inés Maria Lund", True),
        ("ilund", "Inés Lund", True),
        ("i.lund", "Ola Lund", False),
        ("lund", "Inés Lund", False),
    ],
)
def test_an_actor_whose_name_is_in_one_word_or_begins_with_an_initial_is_known_by_it(
    tmp_path: Path, actor: str, name: str, is_it: bool
) -> None:
    lines = [adjust("a", 1, 10, customer="D1", actor=actor)]
    told = [each.why for each in found(tmp_path, "own_beneficiary", lines, D1=name)]
    # No sum: what was given may be of several units.
    given = "this customer has the actor's name or email, and was given something (acts: 1)"
    assert told == [given] * is_it


def test_reasons_of_one_letter_or_a_filler_say_nothing(tmp_path: Path) -> None:
    good = [adjust(f"g{n}", n, 10 + n, actor="ann") for n in range(20)]
    blank = [
        adjust(f"b{n}", n * DAY, 10 + n, actor="eve", reason=reason)
        for n, reason in enumerate(("xxxx", "Test", "aaa", "asdf", "flood in the cellar"))
    ]
    (one,) = found(tmp_path, "blank_reasons", [*good, *blank])
    assert (one.actor, len(one.transactions)) == ("eve", 4)


def test_a_reason_copied_on_several_days_is_one_pattern(tmp_path: Path) -> None:
    lines = [
        adjust(f"c{n}", 100 + n * 14, 10 + n, customer=MANY[n], actor="eve", reason="as agreed")
        for n in range(7)
    ]
    (one,) = found(tmp_path, "copied_reasons", lines)
    assert len(one.transactions) == 7


def test_round_quantities_stand_out_where_others_are_round_now_and_then(tmp_path: Path) -> None:
    some = [
        adjust(f"a{n}", n * 5, 500 if n % 5 < 2 else 130 + n, customer=MANY[n % 50], actor="ann")
        for n in range(60)
    ]
    round_ = [adjust(f"e{n}", n * 5, 100 * (n % 9 + 1), customer=MANY[n], actor="eve")
              for n in range(20)]  # fmt: skip
    assert [each.actor for each in found(tmp_path, "round_endings", [*some, *round_])] == ["eve"]


def test_whoever_gives_two_quantities_only_has_no_round_endings(tmp_path: Path) -> None:
    some = [adjust(f"a{n}", n * 5, 131 + n, actor="ann") for n in range(30)]
    same = [adjust(f"e{n}", n * 5, (500, 1500)[n % 2], customer=MANY[n], actor="opening")
            for n in range(20)]  # fmt: skip
    assert not found(tmp_path, "round_endings", [*some, *same])


def test_a_draw_as_ever_right_after_a_gift_is_no_drain(tmp_path: Path) -> None:
    lines = [given(), given(customer="D1")]
    for who, usual in (("C1", 300), ("D1", 20)):
        lines += [consume(f"{who}{day}", day * DAY, usual, customer=who) for day in range(1, 9)]
        lines.append(adjust(f"gift{who}", 20 * DAY, 200, customer=who, actor="ann"))
        lines.append(consume(f"used{who}", 20 * DAY + 0.1, 250, customer=who))
    found_ = found(tmp_path, "granted_then_drained", lines)
    assert [each.customer for each in found_] == ["D1"]


def test_to_take_back_what_was_given_is_no_first_gift(tmp_path: Path) -> None:
    lines = [given()]
    for actor in ("ann", "eve"):
        lines += [
            adjust(f"{actor}{n}", n * DAY, -1 if actor == "eve" else 10 + n, actor=actor)
            for n in range(50)
        ]
        lines.append(reverse(f"r{actor}", 50 * DAY, f"{actor}49", actor=actor))
    assert [each.actor for each in found(tmp_path, "first_use", lines)] == ["eve"]


def test_what_most_of_all_are_given_is_a_campaign(tmp_path: Path) -> None:
    def gifts(of: list[str], hour: float) -> list[dict[str, Any]]:
        return [
            adjust(f"g{hour}{who}", hour + n / 60, 500, customer=who, actor="shop")
            for n, who in enumerate(of)
        ]

    usual = [adjust(f"u{n}", n * 9, 11 + n, customer=MANY[n % 50], actor="shop") for n in range(50)]
    assert not found(tmp_path / "all", "same_amount", [*usual, *gifts(MANY[:55], 1000)])
    assert found(tmp_path / "some", "same_amount", [*usual, *gifts(MANY[:15], 1000)])
