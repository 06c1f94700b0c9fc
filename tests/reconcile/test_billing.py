"""Invoice lines against what was given: every line ends in one class, and the right one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from billing_support import ledger_with, reconciled, sold, told, write
from support import START, command, hours

from entitlement_ledger.domain.instants import DAY, HOUR
from entitlement_ledger.reconciliations import Against

DAYS = 24


def issued(key: str, quantity: int = 10, at: float = 0, **fields: Any) -> dict[str, Any]:
    return command("issue", key, quantity=quantity, effective_at=hours(at), **fields)


def billed(key: str, name: str, quantity: int = 10, at: float = 0, **fields: Any) -> dict[str, Any]:
    return issued(key, quantity, at, reference=f"invoice:{name}", **fields)


def reverse(key: str, of: str, at: float = 1, **fields: Any) -> dict[str, Any]:
    return command("reverse", key, transaction=of, effective_at=hours(at), reason="x", **fields)


def adjusted(key: str, name: str, quantity: int) -> dict[str, Any]:
    return command(
        "adjust", key, quantity=quantity, reference=f"invoice:{name}", effective_at=hours(1)
    )


CASES: dict[str, tuple[list[dict[str, Any]], list[str], int, list[tuple[Any, ...]]]] = {
    "a line and a transaction that names it": ([billed("a", "I1")], [sold("I1")], 1, []),
    "sold and not given": (
        [billed("a", "I1")],
        [sold("I1"), sold("I2", 7)],
        1,
        [("missing_here", "invoice:I2", None, 7)],
    ),
    "sold to nobody": (
        [billed("a", "I1")],
        [sold("I1"), sold("I2", 7, customer="")],
        1,
        [("missing_here", "invoice:I2", None, 7)],
    ),
    "given and not sold": (
        [billed("a", "I1"), billed("b", "I2", 7)],
        [sold("I1")],
        1,
        [("missing_there", "invoice:I2", 7, None)],
    ),
    "less given than sold": (
        [billed("a", "I1", 6)],
        [sold("I1")],
        0,
        [("amount", "invoice:I1", 6, 10)],
    ),
    "a line that stands twice": (
        [billed("a", "I1")],
        [sold("I1"), sold("I1")],
        1,
        [("duplicate", "invoice:I1", 10, 10)],
    ),
    "given twice for one line": (
        [billed("a", "I1"), billed("b", "I1")],
        [sold("I1")],
        0,
        [("duplicate", "invoice:I1", 10, 10)],
    ),
    "given in two parts that name the line": (
        [billed("a", "I1", 4), billed("b", "I1", 6)],
        [sold("I1")],
        1,
        [],
    ),
    "given to somebody else": (
        [billed("a", "I1", customer="C2")],
        [sold("I1")],
        0,
        [("missing_here", "invoice:I1", None, 10), ("missing_there", "invoice:I1", 10, None)],
    ),
    "another right given than sold": (
        [billed("a", "I1", entitlement="CRD")],
        [sold("I1")],
        0,
        [("missing_here", "invoice:I1", None, 10), ("missing_there", "invoice:I1", 10, None)],
    ),
    "refunded and taken back": (
        [billed("a", "I1"), reverse("r", "a")],
        [sold("I1", status="refunded")],
        1,
        [],
    ),
    "refunded and kept": (
        [billed("a", "I1"), reverse("r", "a", quantity=4)],
        [sold("I1", status="refunded")],
        0,
        [("amount", "invoice:I1", 6, 0)],
    ),
    "refunded, and ended by a cancel": (
        [
            billed("a", "I1"),
            command("cancel", "x", grant="G13.1", effective_at=hours(1)),
        ],
        [sold("I1", status="refunded")],
        1,
        [],
    ),
    "void and never given": ([billed("a", "I1")], [sold("I1"), sold("I2", status="void")], 2, []),
    "paid, and taken back here": (
        [billed("a", "I1"), reverse("r", "a")],
        [sold("I1")],
        0,
        [("amount", "invoice:I1", 0, 10)],
    ),
    "a transaction that names nothing, alike in all": (
        [issued("a", at=30)],
        [sold("I1")],
        1,
        [],
    ),
    "one that names nothing, two weeks later": (
        [issued("a", at=14 * DAYS)],
        [sold("I1")],
        0,
        [("proposed", "invoice:I1", 10, 10)],
    ),
    "one that names nothing, half a year later": (
        [issued("a", at=180 * DAYS)],
        [sold("I1")],
        0,
        [("missing_here", "invoice:I1", None, 10)],
    ),
    "one that was given for a ticket": (
        [issued("a", reference="ticket:T1")],
        [sold("I1")],
        0,
        [("missing_here", "invoice:I1", None, 10)],
    ),
    "several that name nothing make up a line": (
        [issued("a", 3), issued("b", 7, 2), issued("c", 8)],
        [sold("I1")],
        1,
        [],
    ),
    "several ways to make up a line": (
        [issued("a", 5), issued("b", 5), issued("c", 5)],
        [sold("I1")],
        0,
        [("proposed", "invoice:I1", 10, 10)],
    ),
    "several lines that one names nothing serves": (
        [issued("a", 10)],
        [sold("I1", 4), sold("I2", 6, at=2)],
        2,
        [],
    ),
    "the lines of an invoice, given at once for it": (
        [billed("a", "I1", 10)],
        [sold("I1-1", 4), sold("I1-2", 6)],
        2,
        [],
    ),
    "a mistyped reference": (
        [billed("a", "INV-10O1")],
        [sold("INV-1001")],
        0,
        [("proposed", "invoice:INV-1001", 10, 10)],
    ),
    "the next invoice's number is no slip": (
        [billed("a", "INV-1002")],
        [sold("INV-1001")],
        0,
        [
            ("missing_here", "invoice:INV-1001", None, 10),
            ("missing_there", "invoice:INV-1002", 10, None),
        ],
    ),
    "a reference of quite another line": (
        [billed("a", "INV-7")],
        [sold("INV-1001")],
        0,
        [
            ("missing_here", "invoice:INV-1001", None, 10),
            ("missing_there", "invoice:INV-7", 10, None),
        ],
    ),
    "a product that was bought": (
        [command("purchase", "p", product="BASIC", reference="invoice:I1", effective_at=hours(0))],
        [sold("I1", "", product="BASIC", entitlement="")],
        1,
        [],
    ),
    "a product's part that was bought with it": (
        [command("purchase", "p", product="BASIC", reference="invoice:I1", effective_at=hours(0))],
        [sold("I1", 5, product="BASIC", entitlement="PTS")],
        1,
        [],
    ),
    "the parts of a product, a line each, bought for the invoice": (
        [command("purchase", "p", product="BASIC", reference="invoice:I1", effective_at=hours(0))],
        [sold("I1-1", 5, product="BASIC"), sold("I1-2", 3, product="BASIC", entitlement="CRD")],
        2,
        [],
    ),
    "the parts of a product, bought for the first of them": (
        [
            command(
                "purchase", "p", product="BASIC", reference="invoice:I1-1", effective_at=hours(0)
            ),
        ],
        [sold("I1-1", 5, product="BASIC"), sold("I1-2", 3, product="BASIC", entitlement="CRD")],
        2,
        [],
    ),
    "the parts of a product, bought for nothing that is named": (
        [command("purchase", "p", product="BASIC", effective_at=hours(0))],
        [sold("I1-1", 5, product="BASIC"), sold("I1-2", 3, product="BASIC", entitlement="CRD")],
        2,
        [],
    ),
    "a part of a product is not sold twice": (
        [command("purchase", "p", product="BASIC", effective_at=hours(0))],
        [sold("I1-1", 5, product="BASIC"), sold("I1-2", 5, at=1, product="BASIC")],
        1,
        [("missing_here", "invoice:I1-2", None, 5)],
    ),
    "a product that was sold whole is not sold in parts, too": (
        [command("purchase", "p", product="BASIC", effective_at=hours(0))],
        [sold("I1", 1, product="BASIC", entitlement=""), sold("I2", 5, at=1, product="BASIC")],
        1,
        [("missing_here", "invoice:I2", None, 5)],
    ),
    "given too much, and corrected for the line": (
        [billed("a", "I1"), adjusted("z", "I1", -4)],
        [sold("I1", 6)],
        1,
        [],
    ),
    "corrected for the line, and the correction taken back": (
        [billed("a", "I1"), adjusted("z", "I1", -4), reverse("r", "z", at=2)],
        [sold("I1", 6)],
        0,
        [("amount", "invoice:I1", 10, 6)],
    ),
    "corrected by mistake": (
        [billed("a", "I1"), adjusted("z", "I1", -4)],
        [sold("I1")],
        0,
        [("amount", "invoice:I1", 6, 10)],
    ),
    "refunded, and corrected to nothing": (
        [billed("a", "I1"), adjusted("z", "I1", -10)],
        [sold("I1", status="refunded")],
        1,
        [],
    ),
    "corrected for a line that is not there": (
        [issued("a"), adjusted("z", "I2", -4)],
        [sold("I1")],
        1,
        [],
    ),
    "given too much for a line that is not there, and corrected": (
        [billed("a", "I2"), billed("b", "I2", 3), adjusted("z", "I2", -4)],
        [],
        0,
        [("missing_there", "invoice:I2", 9, None)],
    ),
    "given for a line that is not there, and corrected to nothing": (
        [billed("a", "I2"), adjusted("z", "I2", -10), billed("b", "I3"), adjusted("y", "I4", -4)],
        [],
        0,
        [("missing_there", "invoice:I3", 10, None)],
    ),
    "a line that names nothing but what names it": (
        [billed("a", "I1"), billed("b", "I2", 4), billed("c", "I2", 3)],
        [sold("I1", entitlement=""), sold("I2", 9, entitlement="")],
        1,
        [("amount", "invoice:I2", 7, 9)],
    ),
    "a line that names nothing, of what was bought": (
        [command("purchase", "p", product="BASIC", reference="invoice:I1", effective_at=hours(0))],
        [sold("I1", "", entitlement="")],
        1,
        [],
    ),
    "a line that names a product, of which as much was given": (
        [billed("a", "I1", 5), reverse("r", "a"), billed("b", "I2", 5)],
        [
            sold("I1", 5, product="BASIC", entitlement="", status="refunded"),
            sold("I2", 5, product="BASIC", entitlement=""),
        ],
        2,
        [],
    ),
    "a line that counts products": (
        [billed("a", "I1", 5)],
        [sold("I1", 1, product="BASIC", entitlement="")],
        0,
        [("missing_here", "invoice:I1", None, 1), ("missing_there", "invoice:I1", 5, None)],
    ),
    "a product that nobody bought": (
        [billed("a", "I1")],
        [sold("I1"), sold("I2", "", product="BASIC", entitlement="")],
        1,
        [("missing_here", "invoice:I2", None, 1)],
    ),
    "a refused transaction gave nothing": (
        [billed("a", "I1"), command("consume", "n", quantity=3, effective_at=hours(1))],
        [sold("I1")],
        1,
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_line_ends_in_its_class(tmp_path: Path, case: str) -> None:
    commands, lines, matched, expected = CASES[case]
    with ledger_with(tmp_path, commands) as ledger:
        run, found = reconciled(ledger, write(tmp_path / "billing.csv", lines))
        assert (run.matched, told(found)) == (matched, sorted(expected, key=str))
        in_a_class = run.matched + len({each.line for d in found for each in d.their_side})
        assert in_a_class == run.lines == len(lines)


def test_what_falls_on_two_sides_of_the_cut_off_is_timing(tmp_path: Path) -> None:
    month = 30 * DAYS
    commands = [
        billed("in", "I1", at=10),
        billed("late", "I2", at=month + 1),
        billed("early", "I3", at=month - 1),
        billed("out", "I4", at=month + 30),
        billed("unsold", "I6", at=month - 1),
    ]
    lines = [
        sold("I1", at=10),
        sold("I2", at=month - 1),
        sold("I3", at=month + 1),
        sold("I4", at=month + 30),
        sold("I5", at=month + 2),
    ]
    (folder := tmp_path / "import").mkdir()
    with ledger_with(tmp_path, commands) as ledger:
        # The line of the last transaction is known from an earlier extract.
        earlier = write(folder / "billing.csv", [sold("I6", at=month + 3)])
        assert ledger.import_files([earlier], actor="fin")[0].added == 1
        path = write(tmp_path / "b.csv", lines)
        run, found = reconciled(ledger, path, since=START, until=START + 30 * DAY)
        assert told(found) == [
            ("timing", "invoice:I2", _z(month + 1), _z(month - 1)),
            ("timing", "invoice:I3", _z(month - 1), _z(month + 1)),
            ("timing", "invoice:I6", _z(month - 1), _z(month + 3)),
        ]
        assert (run.matched, run.outside) == (1, 2)
        whole, nothing = reconciled(ledger, path)
        assert told(nothing) == [
            ("missing_here", "invoice:I5", None, 10),
            ("missing_there", "invoice:I6", 10, None),
        ]
        assert (whole.matched, whole.outside) == (4, 0)


def _z(number: float) -> str:
    return hours(number)


def test_quantities_may_differ_by_as_much_as_is_allowed(tmp_path: Path) -> None:
    with ledger_with(tmp_path, [billed("a", "I1", 9), billed("b", "I2", 8)]) as ledger:
        ledger._reconcile = {"billing": {"tolerance": 1}}
        _, found = reconciled(ledger, write(tmp_path / "b.csv", [sold("I1"), sold("I2")]))
        assert told(found) == [("amount", "invoice:I2", 8, 10)]


def test_what_was_approved_names_the_line_of_its_proposal(tmp_path: Path) -> None:
    from support import HandClock, new_store

    from entitlement_ledger.domain.policy import ApprovalRule
    from entitlement_ledger.ledger import Ledger

    store = new_store(tmp_path)
    rule = ApprovalRule(frozenset({"issue"}))
    clock = HandClock(START + HOUR)
    with Ledger.open(store, clock=clock, approvals=[rule]) as ledger:
        ledger.post([billed("a", "I1"), billed("b", "I2")], actor="ann")
        ledger.post([command("approve", "y", transaction="a", reason="seen")], actor="bob")
        _, found = reconciled(ledger, write(tmp_path / "b.csv", [sold("I1"), sold("I2")]))
        assert told(found) == [("missing_here", "invoice:I2", None, 10)]


def test_what_no_product_explains_is_told_of_lines_that_agree(tmp_path: Path) -> None:
    commands = [billed("a", "I1", 5), billed("b", "I2", 7), billed("c", "I3", 10)]
    lines = [
        sold("I1", 5, product="BASIC"),
        sold("I2", 7, product="BASIC"),
        sold("I3", 10, product="BASIC"),
    ]
    with ledger_with(tmp_path, commands) as ledger:
        run, found = reconciled(ledger, write(tmp_path / "b.csv", lines))
        assert run.matched == 3
        assert run.discrepancies == 0
        assert told(found) == [("unexplained", "product:BASIC/PTS", None, 7)]


def test_what_is_sold_by_less_than_nothing_is_not_proposed_to_be_given(tmp_path: Path) -> None:
    with ledger_with(tmp_path, [billed("a", "I1")]) as ledger:
        path = write(tmp_path / "b.csv", [sold("I1"), sold("I2", -5)])
        _, (found,) = reconciled(ledger, path)
        assert found.proposal is None
        assert "what is nothing or less cannot be given" in found.why


def test_a_period_in_the_wrong_order_is_refused(tmp_path: Path) -> None:
    from entitlement_ledger.errors import InputError

    with ledger_with(tmp_path, [billed("a", "I1")]) as ledger:
        path = write(tmp_path / "b.csv", [sold("I1")])
        with pytest.raises(InputError, match="ends before it begins"):
            reconciled(ledger, path, since=START, until=START)
        with pytest.raises(InputError, match="customers have no period"):
            reconciled(ledger, path, Against.CAM, since=START)
