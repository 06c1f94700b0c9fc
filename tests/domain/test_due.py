"""What is due at one instant is done in the order in which it came about."""

from __future__ import annotations

from typing import Any

import msgspec
from support import START, Pure, command, hours

from entitlement_ledger.domain.catalogue import Product
from entitlement_ledger.domain.instants import HOUR
from entitlement_ledger.domain.quantities import QUANTITY_MAX


def test_subscriptions_renew_in_the_order_in_which_they_were_opened() -> None:
    pure = Pure()
    pure.post(command("issue", "first", quantity=1), command("purchase", "plus", product="PLUS"))
    for number in range(8):
        pure.post(command("issue", f"i{number}", quantity=1))
    pure.post(command("purchase", "basic", product="BASIC"))
    assert set(pure.book.subscriptions["C1"]) == {"S2", "S11"}
    pure.now = START + 24 * HOUR
    pure.renew()
    renewed = [
        original.event.product
        for original in pure.book.originals.values()
        if original.event.type == "renew" and "rollover" not in original.event.key
    ]
    assert renewed == ["PLUS", "BASIC"]


def test_what_cannot_be_renewed_holds_up_its_own_subscription_only() -> None:
    pure = Pure()
    (_, basic) = pure.book.products["BASIC"][-1]
    line = msgspec.structs.replace(basic.lines[1], quantity=QUANTITY_MAX // 2)
    huge = msgspec.structs.replace(basic, code="HUGE", lines=(line,))
    assert isinstance(huge, Product)
    pure.book.products["HUGE"] = [(START - HOUR, huge)]
    pure.post(command("purchase", "huge", product="HUGE"))
    pure.post(command("purchase", "plus", product="PLUS"))
    pure.now = START + 72 * HOUR
    pure.renew()
    subscriptions = pure.book.subscriptions["C1"]
    # Two halves of what 64 bits can hold are all that there is room for.
    assert [subscriptions[each].opened for each in ("S1", "S2")] == [2, 4]
    assert pure.renew() == 0


def test_no_instant_is_taken_beyond_64_bits_by_what_comes_in_late() -> None:
    """By then it was all spent again; but at an instant between the two there was all of it."""
    pure = Pure()

    def codes(*lines: dict[str, Any]) -> list[str | None]:
        return [outcome.code for outcome in pure.post(*lines)]

    assert (
        codes(
            command("issue", "all", quantity=QUANTITY_MAX, effective_at=hours(-4)),
            command("consume", "some", quantity=5, effective_at=hours(-3)),
            command("hold", "held", quantity=5, effective_at=hours(-2), expires_at=hours(-1)),
            command("consume", "rest", quantity=QUANTITY_MAX - 5, effective_at=hours(-1)),
        )
        == [None] * 4
    )
    assert codes(
        command("issue", "before", quantity=1, effective_at=hours(-5)),
        command("issue", "between", quantity=6, effective_at=hours(-2)),
        command("adjust", "too", quantity=6, reason="x", effective_at=hours(-2)),
        command("reverse", "back", transaction="some", quantity=6, effective_at=hours(-1)),
    ) == ["invalid_quantity", "invalid_quantity", "invalid_quantity", "exceeds_original"]
    assert codes(
        command("issue", "fits", quantity=5, effective_at=hours(-2)),
        command("reverse", "returns", transaction="some", effective_at=hours(-1)),
        command("issue", "after", quantity=QUANTITY_MAX - 10, effective_at=hours(-1)),
        command("issue", "one more", quantity=1, effective_at=hours(-1)),
    ) == [None, None, None, "invalid_quantity"]
