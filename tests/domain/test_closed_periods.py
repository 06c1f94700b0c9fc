"""A closed period takes nothing any more; what happened in it can be undone, later."""

from __future__ import annotations

from typing import Any

import pytest
from support import START, Pure, command, hours

from entitlement_ledger.domain.catalogue import Customer, CustomerStatus
from entitlement_ledger.domain.events import TransactionEvent
from entitlement_ledger.domain.instants import HOUR

CLOSED = 6


def _closed() -> Pure:
    """A history of ten hours, of which the first six are closed."""
    pure = Pure()
    pure.now = START + 10 * HOUR
    outcomes = pure.post(
        command("issue", "i", quantity=10, effective_at=hours(0)),
        command("consume", "c", quantity=4, effective_at=hours(1)),
        command("hold", "h", quantity=2, effective_at=hours(1)),
        command("purchase", "p", product="PLUS", effective_at=hours(0)),
        command("issue", "late", quantity=3, effective_at=hours(8)),
    )
    assert {each.code for each in outcomes} == {None}
    pure.close(START + CLOSED * HOUR)
    return pure


LINES: list[dict[str, Any]] = [
    command("issue", "x", quantity=1),
    command("consume", "x", quantity=1),
    command("adjust", "x", quantity=1),
    command("adjust", "x", quantity=-1),
    command("hold", "x", quantity=1),
    command("capture", "x", transaction="h"),
    command("release", "x", transaction="h"),
    command("reverse", "x", transaction="c"),
    command("purchase", "x", product="BASIC"),
    command("renew", "x", product="PLUS"),
    command("upgrade", "x", **{"from": "PLUS", "to": "LIFE"}),
    command("downgrade", "x", **{"from": "PLUS", "to": "BASIC"}),
    command("cancel", "x", product="PLUS"),
    command("cancel", "x", grant="G1.1"),
]


@pytest.mark.parametrize("line", LINES, ids=[str(each["type"]) for each in LINES])
@pytest.mark.parametrize("history", [False, True])
def test_nothing_takes_effect_in_it(line: dict[str, Any], history: bool) -> None:
    last = hours(CLOSED - 1 / HOUR)
    (refused,) = _closed().post({**line, "effective_at": last}, history=history)
    assert refused.code == "period_closed", refused.message
    assert "2026-03-01T18:00:00.000000Z is archived" in refused.message
    (first,) = _closed().post({**line, "effective_at": hours(CLOSED)}, history=history)
    assert first.code is None, first.message


def test_an_approval_and_a_rejection_do_not_take_effect_in_it() -> None:
    from support import policy_of

    pure = Pure(policy=policy_of({"issue": 2}))
    pure.post(
        command("issue", "a", quantity=5, effective_at=hours(0), actor="ann"),
        command("issue", "b", quantity=5, actor="ann"),
    )
    pure.now = START + 2 * HOUR
    pure.close(START + HOUR)
    yes = command("approve", "y", transaction="a", reason="right", actor="bob")
    no = command("reject", "n", transaction="a", reason="wrong", actor="bob")
    codes = [
        each.code
        for each in pure.post(
            yes,
            {**no, "effective_at": hours(0.5)},
            {**no, "key": "n2"},
            {**yes, "key": "y2", "transaction": "b"},
        )
    ]
    assert codes == ["period_closed", "period_closed", None, None]


def test_it_is_said_after_the_time_and_before_what_became_of_the_transaction() -> None:
    pure = _closed()
    pure.post(command("reverse", "r", transaction="c"))
    early = command("reverse", "r1", transaction="c", effective_at=hours(0.5))
    again = command("reverse", "r2", transaction="c", effective_at=hours(2))
    nothing = command("consume", "r3", quantity=0, effective_at=hours(2))
    short = command("consume", "r4", quantity=999, effective_at=hours(2))
    codes = [each.code for each in pure.post(early, again, nothing, short)]
    assert codes == ["invalid_time", "period_closed", "invalid_quantity", "period_closed"]


def test_what_happened_in_it_is_reversed_later() -> None:
    pure = _closed()
    holding = pure.book.holding("C1", "PTS")
    before = holding.balance(START + 3 * HOUR)
    (undone,) = pure.post(command("reverse", "r", transaction="c", effective_at=hours(CLOSED)))
    assert [draw.quantity for draw in undone.draws] == [4]
    assert holding.balance(START + 3 * HOUR) == before
    assert holding.balance(START + 7 * HOUR).available == before.available + 4


def test_a_customer_who_was_closed_is_not_renewed_into_it() -> None:
    """Periods that began while it was open are lost: the first that begins later is opened."""
    pure = Pure()
    pure.post(command("purchase", "p", product="BASIC"))
    pure.book.customers["C1"] = Customer(id="C1", segment="s", status=CustomerStatus.CLOSED)
    pure.now = START + 101 * HOUR
    pure.close(START + 80 * HOUR)
    pure.book.customers["C1"] = Customer(id="C1", segment="s", status=CustomerStatus.ACTIVE)
    pure.renew()
    renewed = [each.event for each in pure.book.originals.values() if each.event.type == "renew"]
    assert [_starts(event) for event in renewed] == [[96, 96]]
    assert pure.renew() == 0
    pure.now = START + 121 * HOUR
    assert pure.renew() == 2, "the next one, and what is rolled over into it"


def _starts(event: TransactionEvent) -> list[int]:
    return [(grant.effective_from - START) // HOUR for grant in event.grants]
