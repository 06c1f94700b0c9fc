"""What is due at one instant is done in the order in which it came about."""

from __future__ import annotations

from support import START, Pure, command

from entitlement_ledger.domain.instants import HOUR


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
