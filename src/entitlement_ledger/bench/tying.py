"""How long matching a billing extract takes, beside one hash join of the same two tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import duckdb

from entitlement_ledger import reconciling as reconciling_part
from entitlement_ledger.bench.building import write_feeds
from entitlement_ledger.bench.measuring import Measured, Tell, medians
from entitlement_ledger.bench.planting import Planted, plant
from entitlement_ledger.domain.instants import DAY, parse_instant
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.reconcile import running
from entitlement_ledger.reconciliations import Against

RATIO_MAX = 10.0
_BEGIN = parse_instant("2025-01-01T00:00:00Z")
_BATCH = 50_000
_EVERY = 1_000
_JOIN = """
    SELECT count(*), sum(l.quantity - t.quantity) FROM feed_lines l
    JOIN transactions t ON t.reference = 'invoice:' || l.reference
"""


def reconciling(folder: Path, lines: int, runs: int, seed: int, tell: Tell) -> Iterator[Measured]:
    """Reconcile a planted file; what is planted must be found, and nothing else.

    Matching is what comes between keeping the lines of the file and committing all of it: the
    comparison, and writing down what does not agree.
    """
    customers = max(lines // 20, 1)
    done = Planted(_BEGIN, _BEGIN + 600 * DAY)
    store, file = folder / "tying.duckdb", folder / "billing.csv"
    Ledger.create(str(store))
    with Ledger.open(str(store)) as ledger:
        ledger.import_files([write_feeds(folder / "tying", customers)], actor="bench")
        tell(f"posting what goes with {lines:,} invoice lines")
        commands = plant(file, lines, min(_EVERY, lines // 8), customers, _BEGIN, seed, done)
        _post(ledger, commands)
        tell("reconciling them")
        with (
            _timed(running, "keep_lines", "_feed_id") as keeping,
            _timed(reconciling_part, "reconcile") as within,
        ):
            start = time.perf_counter()
            first = _run(ledger, file, done)
            whole = time.perf_counter() - start
        matching = sum(within) - sum(keeping)
        found = {(each.reference, each.class_.value) for each in ledger.all_discrepancies(first)}
        assert found == done.expected, found ^ done.expected
        assert ledger.run(first).matched == done.agree
    with duckdb.connect(str(store), read_only=True) as database:
        (joining,) = medians([lambda: database.execute(_JOIN).fetchall()], max(runs, 3))
    wrong = len(done.expected)
    name = f"matching {done.lines:,} lines, {wrong:,} planted and found"
    yield Measured(name, matching, "one hash join of both tables", joining, RATIO_MAX)
    yield Measured("reading, keeping and matching them", whole, "the same hash join", joining, None)


def _post(ledger: Ledger, commands: Iterator[dict[str, Any]]) -> None:
    """Post what was given, and then what was taken back.

    What is reversed sends its customer through all the rules: once is enough.
    """
    taken_back: list[dict[str, Any]] = []

    def given() -> Iterator[dict[str, Any]]:
        for each in commands:
            if each["type"] == "reverse":
                taken_back.append(each)
            else:
                yield each

    for some in (given(), iter(taken_back)):
        while batch := list(islice(some, _BATCH)):
            outcomes = ledger.post(batch, actor="bench", history=True)
            assert not any(each.code for each in outcomes)


def _run(ledger: Ledger, file: Path, done: Planted) -> int:
    run = ledger.reconcile(file, Against.BILLING, actor="bench", since=done.since, until=done.until)
    return run.number


@contextmanager
def _timed(module: ModuleType, *names: str) -> Iterator[list[float]]:
    """Measure how long each call of some functions of a module takes within."""
    taken: list[float] = []

    def measured(work: Callable[..., object]) -> Callable[..., object]:
        def timed(*given: object) -> object:
            start = time.perf_counter()
            try:
                return work(*given)
            finally:
                taken.append(time.perf_counter() - start)

        return timed

    with ExitStack() as patched:
        for name in names:
            work = measured(getattr(module, name))
            patched.enter_context(mock.patch.object(module, name, work))
        yield taken
