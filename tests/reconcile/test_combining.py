"""Which numbers add up, and which names look the same."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from entitlement_ledger.reconcile.combining import look_same, summands


@given(st.lists(st.integers(1, 12), max_size=9), st.integers(1, 30))
def test_what_adds_up_is_found_and_whether_it_alone_does(values: list[int], wanted: int) -> None:
    ways = [
        list(places)
        for size in range(2, len(values) + 1)
        for places in combinations(range(len(values)), size)
        if sum(values[place] for place in places) == wanted
    ]
    found, alone = summands(values, wanted)
    assert bool(found) == bool(ways)
    assert not found or found in ways
    assert alone == (len(ways) == 1)


def test_nothing_is_said_of_more_than_a_dozen() -> None:
    assert summands([1] * 12, 12) == (list(range(12)), True)
    assert summands([1] * 13, 13) == ([], False)


def test_names_look_the_same_that_are_easily_mistyped() -> None:
    for left, right in (
        ("INV-10O1", "INV-1001"),
        ("inv 42", "INV-0042"),
        ("A_1", "a/1"),
        ("INV1001", "INV-1001"),
        ("PO-42", "PO42"),
    ):
        assert look_same(left, right), (left, right)
    for left, right in (
        ("INV-1001", "INV-1001"),
        ("INV-1001", "INV-1002"),
        ("INV-12", "INV-21"),
        ("INV-1-12", "INV-11-2"),
        ("INV-1", "INV-10"),
        ("INV-1-2", "INV-12"),
    ):
        assert not look_same(left, right), (left, right)
