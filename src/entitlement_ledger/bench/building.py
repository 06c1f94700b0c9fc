"""Stores of a stated size, the same each time for a seed."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from entitlement_ledger.domain.instants import DAY, Instant, format_instant, parse_instant
from entitlement_ledger.ledger import Ledger

_BATCH = 50_000
_CUSTOMER_EVENTS = 25
_BEGIN = parse_instant("2025-01-01T00:00:00Z")
_SPAN = 600 * DAY
CODES = ("POINTS", "CREDITS", "STORAGE")

Line = dict[str, Any]
_runs = itertools.count(1)


def events_for(transactions: int) -> int:
    """Give how many events a store needs at least for so many transactions: it has a catalogue."""
    return next(
        events
        for events in itertools.count(transactions)
        if events - _customers(events) - len(CODES) >= transactions
    )


def _customers(events: int) -> int:
    return max(events // _CUSTOMER_EVENTS, 1)


def build(folder: Path, events: int, seed: int, progress: Callable[[int, int], None]) -> str:
    """Make a store with so many events; give its path. Commands are posted, as anybody's are."""
    store = str(folder / "ledger.duckdb")
    customers = _customers(events)
    feeds = write_feeds(folder / "feeds", customers)
    Ledger.create(store)
    with Ledger.open(store) as ledger:
        ledger.import_files([feeds], actor="bench")
        lines = _commands(random.Random(seed), customers, events)  # noqa: S311 - not secret
        while (done := ledger.status().events) < events:
            batch = [next(lines) for _ in range(min(_BATCH, events - done))]
            ledger.post(batch, actor="bench", history=True)
            progress(done + len(batch), events)
    return store


def write_feeds(folder: Path, customers: int) -> Path:
    """Write customers and a catalogue of three rights, to be imported."""
    folder.mkdir(parents=True)
    rows = "".join(f"C{n},Name {n},c{n}@example.com,plus,active,\n" for n in range(customers))
    (folder / "customers.csv").write_text(
        f"id,name,email,segment,status,created_at\n{rows}", "utf-8"
    )
    kinds = zip(CODES, ("points", "credits", "quota"), strict=True)
    rights = "".join(f"{code},{code.title()},,{kind},u,0,,active\n" for code, kind in kinds)
    (folder / "entitlements.csv").write_text(
        f"code,name,description,kind,unit,scale,resources,status\n{rights}", "utf-8"
    )
    return folder


def _commands(chance: random.Random, customers: int, events: int) -> Iterator[dict[str, Any]]:
    """Give commands in the order of time: grants, draws, holds and what becomes of them.

    So many events take less than two years, which are over: what is posted later comes later.
    """
    step = 2 * _SPAN // events
    now: Instant = _BEGIN
    held: list[tuple[str, str]] = []
    number = 0
    while True:
        number += 1
        now += chance.randrange(step)
        customer, code = f"C{chance.randrange(customers)}", chance.choice(CODES)
        line: dict[str, Any] = {
            "key": f"b{number}",
            "customer": customer,
            "effective_at": format_instant(now),
            "reference": f"order:{number}",
        }
        kind = chance.random()
        if kind < 0.35:
            line |= {"type": "issue", "entitlement": code, "quantity": chance.randrange(1, 5000)}
        elif kind < 0.9:
            line |= {"type": "consume", "entitlement": code, "quantity": chance.randrange(1, 200)}
        elif kind < 0.95 or not held:
            line |= {"type": "hold", "entitlement": code, "quantity": chance.randrange(1, 50)}
            held.append((customer, line["key"]))
        else:
            customer, hold = held.pop(chance.randrange(len(held)))
            line |= {"type": "capture", "customer": customer, "transaction": hold}
        yield line


def simple_lines(chance: random.Random, customers: int, at: str) -> Iterator[Line]:
    """Give grants and draws of customers at random, each with a key of its own."""
    run = next(_runs)
    for number in itertools.count():
        issues = chance.random() < 0.5
        yield {
            "type": "issue" if issues else "consume",
            "key": f"bench:{run}:{number}",
            "customer": f"C{chance.randrange(customers)}",
            "entitlement": chance.choice(CODES),
            "quantity": chance.randrange(500, 1500) if issues else chance.randrange(1, 20),
            "effective_at": at,
        }
