"""How quick answers are: pages with a filter, and one customer."""

from __future__ import annotations

import itertools
import random
import statistics
from collections.abc import Iterator

from entitlement_ledger.answers import HistoryFilter
from entitlement_ledger.bench import yardsticks
from entitlement_ledger.bench.building import simple_lines
from entitlement_ledger.bench.measuring import Measured, Tell, medians, timed
from entitlement_ledger.checks.consistency import CHECKS
from entitlement_ledger.domain.instants import DAY, format_instant
from entitlement_ledger.ledger import Ledger

_PAGE = 100
_NEVER_ABOVE = 0.1
_CUSTOMERS_A_RUN = 100
"""Enough that most are looked at when what they lie in is in memory, as on a day of work."""


def filters(ledger: Ledger, chance: random.Random) -> Iterator[tuple[str, HistoryFilter]]:
    """Give each filter alone, with a value that occurs."""
    rows = ledger.history(limit=500).rows
    row = chance.choice([each for each in rows if each.entitlement and each.key.startswith("b")])
    middle = (row.effective_at + rows[-1].effective_at) // 2
    yield "nothing", HistoryFilter()
    yield "customer", HistoryFilter(customer=row.customer)
    yield "entitlement", HistoryFilter(entitlement=row.entitlement)
    yield "type", HistoryFilter(type="hold")
    yield "status", HistoryFilter(status="refused")
    yield "actor", HistoryFilter(actor="bench")
    yield "since", HistoryFilter(since=middle - DAY)
    yield "until", HistoryFilter(until=middle)
    yield "text, a reference", HistoryFilter(text=row.reference or row.key)
    yield "text, a customer", HistoryFilter(text=row.customer)


def pages(store: str, runs: int, seed: int, tell: Tell) -> Iterator[Measured]:
    """Read pages anywhere, each with one filter, beside a page of the bare table."""
    tell("reading pages")
    chance = random.Random(seed)  # noqa: S311 - not secret
    with Ledger.open(store) as ledger:
        events = ledger.status().events
        bare = yardsticks.select(
            ledger,
            "SELECT * FROM transactions WHERE sequence < ? ORDER BY sequence DESC LIMIT 100",
        )
        for name, only in filters(ledger, chance):
            ours, yardstick = [], []
            for _ in range(runs * 5):
                after = chance.randrange(events // 10, events)
                ours.append(timed(lambda: ledger.history(only, after=after, limit=_PAGE)))  # noqa: B023
                yardstick.append(timed(lambda: bare([after])))  # noqa: B023
            page, beside = statistics.median(ours), statistics.median(yardstick)
            what = f"a page by {name}"
            yield Measured(what, page, "a page of the bare table", beside, 15.0)
            yield Measured(what, max(ours), "0.1 seconds, never more", _NEVER_ABOVE, 1.0)


def customer(store: str, runs: int, seed: int, tell: Tell) -> Measured:
    """Read one customer's balances and history, beside a look-up by primary key."""
    tell("reading customers")
    chance = random.Random(seed)  # noqa: S311 - not secret
    ours, bare = [], []
    with Ledger.open(store) as ledger:
        events, customers = ledger.status().events, ledger.count_customers()
        look_up = yardsticks.select(ledger, "SELECT * FROM transactions WHERE sequence = ?")

        def read(who: str) -> None:
            ledger.balances(who)
            ledger.history(HistoryFilter(customer=who), limit=_PAGE)

        for _ in range(runs * _CUSTOMERS_A_RUN):
            who = f"C{chance.randrange(customers)}"
            ours.append(timed(lambda: read(who)))  # noqa: B023
            sequence = chance.randrange(events // 10, events)
            bare.append(timed(lambda: look_up([sequence])))  # noqa: B023
        asked, known = ledger.catalogue_remembered()
    tell(f"{known / max(asked, 1):.0%} of {asked:,} times the catalogue was in memory")
    return Measured(
        "one customer's balances and history",
        statistics.median(ours),
        "a look-up by primary key",
        statistics.median(bare),
        5.0,
    )


def zero_sum(store: str, runs: int, tell: Tell) -> Measured:
    """Check that every transaction sums to zero, beside one sum over all postings."""
    tell("checking sums")
    with Ledger.open(store) as ledger:
        bare = yardsticks.sum_of_postings(ledger)
        ours, theirs = medians((lambda: ledger.check(["zero_sum"]), bare), runs)
    return Measured("the check zero_sum", ours, "one sum over the postings", theirs, None)


def noticing(store: str, runs: int, seed: int, tell: Tell) -> Iterator[Measured]:
    """Run the checks that are queries, and the rules, beside a windowed pass over the postings."""
    tell("running checks and rules")
    with Ledger.open(store) as ledger:
        window = yardsticks.window_over_postings(ledger)
        names = [check.name for check in CHECKS]
        checks, rules, bare = medians(
            (lambda: ledger.check(names), ledger.suspicious, window), runs
        )
        beside = "one windowed pass over the postings"
        yield Measured("all checks that are queries", checks, beside, bare, 10.0)
        yield Measured("all rules", rules, beside, bare, 20.0)
        chance = random.Random(seed)  # noqa: S311 - not secret
        lines = simple_lines(chance, ledger.count_customers(), format_instant(ledger.now()))
        ledger.post(list(itertools.islice(lines, 10_000)), actor="bench")
        tell("running the rules on what is new")
        again = timed(lambda: ledger.suspicious(since_last=True))
        yield Measured("rules since the last run", again, "all rules", rules, 1 / 20)
