"""What is planted in a feed is found, in its class, and nothing besides."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import START, HandClock

from entitlement_ledger.bench.building import write_feeds
from entitlement_ledger.bench.planting import Planted, plant
from entitlement_ledger.domain.instants import DAY
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.reconciliations import Against


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_all_that_is_planted_is_found_and_nothing_else(tmp_path: Path, seed: int) -> None:
    store, file = tmp_path / "ledger.duckdb", tmp_path / "billing.csv"
    done = Planted(START, START + 90 * DAY)
    Ledger.create(str(store))
    with Ledger.open(str(store), clock=HandClock(START + 200 * DAY)) as ledger:
        ledger.import_files([write_feeds(tmp_path / "feeds", 8)], actor="x")
        commands = list(plant(file, 400, 6, 8, START, seed, done))
        outcomes = ledger.post(commands, actor="x", history=True)
        assert not any(each.code for each in outcomes)
        run = ledger.reconcile(
            file, Against.BILLING, actor="fin", since=done.since, until=done.until
        )
        found = {
            (each.reference, each.class_.value) for each in ledger.all_discrepancies(run.number)
        }
        assert len(done.expected) > 40
        assert found == done.expected
        assert run.matched == done.agree
        proposals = [
            each.proposal for each in ledger.all_discrepancies(run.number) if each.proposal
        ]
        assert not any(each.code for each in ledger.post(proposals, actor="fin"))
        again = ledger.reconcile(
            file, Against.BILLING, actor="fin", since=done.since, until=done.until
        )
        left = {each.class_.value for each in ledger.all_discrepancies(again.number)}
        assert left <= {"timing", "duplicate"}, "what a command can settle is settled"
        assert again.resolved == len(proposals)
        assert again.new == 0
