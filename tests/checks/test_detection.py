"""The rules of suspicious activity against a year in which cases are planted."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from entitlement_ledger.bench.detection import Detection, Score, detect, planted_year
from entitlement_ledger.checks.finding import find
from entitlement_ledger.checks.rules.base import Reach
from entitlement_ledger.checks.suspicion import RULES, parameters
from entitlement_ledger.domain.commands import Line
from entitlement_ledger.ledger import Ledger

_NEEDS_MORE = {"after_close"}
"""What a year without a closed period cannot hold: `test_suspicious.py` has it."""


def test_what_is_planted_is_found_and_hardly_anything_else(tmp_path: Path) -> None:
    found = detect([307, 308], tmp_path, lambda text: None)
    assert found.ok, {name: (e.recall, e.precision) for name, e in found.scores.items()}
    assert set(found.scores) == set(RULES) - _NEEDS_MORE


def test_too_little_found_or_too_much_is_not_good_enough() -> None:
    good = {"a": Score(planted=10, found=10, findings=10, true=10)}
    assert Detection(good, false=5, normal=10_000).ok
    assert not Detection(good, false=6, normal=10_000).ok
    assert not Detection({"a": Score(10, 8, 10, 10)}, 0, 10_000).ok
    assert not Detection({"a": Score(10, 10, 20, 10)}, 0, 10_000).ok
    assert not Detection({**good, "b": Score(1, 0, 0, 0)}, 0, 10_000).ok


@pytest.mark.parametrize("seed", [3])
def test_looking_at_what_is_new_finds_what_looking_at_all_of_it_finds(
    tmp_path: Path, seed: int
) -> None:
    """In one store the rules look at what is new, in the other they look at everything."""
    year = planted_year(seed, tmp_path / "year")
    lines: list[Line] = [json.loads(line) for line in year.read_text("utf-8").splitlines()]
    news, everything = (str(tmp_path / name) for name in ("news.duckdb", "everything.duckdb"))
    cuts = [*sorted(Random(seed).sample(range(len(lines)), 3)), len(lines)]
    for store in (news, everything):
        Ledger.create(store)
    with Ledger.open(news) as one, Ledger.open(everything) as other:
        start = 0
        for ledger in (one, other):
            ledger.import_files([year.parent], actor="sample")
        for end in cuts:
            for ledger in (one, other):
                ledger.post(lines[start:end], actor="sample", history=True)
            assert one.suspicious(since_last=True) == other.suspicious()
            start = end
        assert len(one.findings()) > 20


def test_a_rule_of_a_customers_own_patterns_looks_at_nobody_else(tmp_path: Path) -> None:
    """Asked about half of the customers, it finds of them what it finds when asked about all."""
    year = planted_year(5, tmp_path / "year")
    lines: list[Line] = [json.loads(line) for line in year.read_text("utf-8").splitlines()]
    store = str(tmp_path / "ledger.duckdb")
    Ledger.create(store)
    with Ledger.open(store) as ledger:
        ledger.import_files([year.parent], actor="sample")
        ledger.post(lines, actor="sample", history=True)
        half = sorted(row.id for row in ledger.customers(limit=1000))[::2]
        of_customers = [rule for rule in RULES.values() if rule.reach is Reach.CUSTOMER]
        set_to = parameters({})
        with ledger._read() as connection:
            of_all = list(find(connection, of_customers, set_to))
            of_half = list(find(connection, of_customers, set_to, half))
    assert of_half
    assert sorted(of_half, key=repr) == sorted(
        (each for each in of_all if each.customer in half), key=repr
    )
