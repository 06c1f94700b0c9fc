"""How quick posting is: large batches, a file, one command, many callers."""

from __future__ import annotations

import itertools
import random
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from entitlement_ledger.bench import yardsticks
from entitlement_ledger.bench.building import Line, simple_lines
from entitlement_ledger.bench.measuring import Measured, Tell, percentile, timed
from entitlement_ledger.bench.peers import eventsourcing
from entitlement_ledger.domain.instants import format_instant
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.remembering import COMMITS_BEFORE

_CALLERS = 64
_A_SECOND = 12_000
_LARGE = 10_000
_files = itertools.count(1)


class Posting:
    """Measurements of posting to one store, each with commands of its own."""

    def __init__(self, store: str, folder: Path, runs: int, seed: int, tell: Tell) -> None:
        self._store, self._folder, self._runs, self._tell = store, folder, runs, tell
        self._sqlite: Path | None = None
        self._chance = random.Random(seed)  # noqa: S311 - not secret
        with Ledger.open(store, read_only=True) as ledger:
            self._customers, self._events = ledger.count_customers(), ledger.status().events
            self._at = format_instant(ledger.now())

    def _lines(self, count: int) -> list[Line]:
        lines = simple_lines(self._chance, self._customers, self._at)
        return list(itertools.islice(lines, count))

    def _file(self) -> Path:
        return self._folder / f"yardstick{next(_files)}"

    def _filled(self) -> Path:
        """Give a SQLite ledger that holds as many transactions as the store."""
        if self._sqlite is None:
            self._tell(f"filling a SQLite ledger with {self._events:,} transactions")
            self._sqlite = self._file()
            yardsticks.sqlite_filled(self._sqlite, self._events, self._customers)
        return self._sqlite

    def batch(self, size: int, append_max: float | None, sqlite_max: float) -> Iterator[Measured]:
        """Post batches of so many commands: beside an Arrow append, and a ledger in SQLite.

        At first pages of the store are read from the disk; and of small batches the writer posts
        some until it has read what it remembers of the whole store. What these take is told apart.
        """
        self._tell(f"posting batches of {size:,}")
        batches = max(10_000 // size, 1)
        ours, readable, appending, sqlite = [], [], [], []
        file = self._filled()
        with Ledger.open(self._store) as ledger:
            first = [self._lines(size) for _ in range(COMMITS_BEFORE if size < _LARGE else 1)]
            beginning = timed(lambda: _post_all(ledger, first)) / len(first) * batches
            ledger.remember()
            for _ in range(max(self._runs, 3)):
                posted = [self._lines(size) for _ in range(batches)]
                since = ledger.status().events
                ours.append(timed(lambda: _post_all(ledger, posted)))  # noqa: B023
                readable.append(ours[-1] + timed(ledger.now))
                tables = yardsticks.newest_rows(ledger, since)
                appending.append(timed(yardsticks.arrow_append(self._file(), tables)))
                lines = [line for batch in posted for line in batch]
                sqlite.append(timed(lambda: yardsticks.sqlite_ledger(file, lines)))  # noqa: B023
            asked, known = ledger.remembered()
        self._tell(f"{known / max(asked, 1):.0%} of {asked:,} holdings were remembered")
        count = f"{size * batches:,} commands, {size:,} a batch"
        yield Measured(
            f"post {count}",
            statistics.median(ours),
            "a bare Arrow append of the same rows",
            statistics.median(appending),
            append_max,
        )
        yield Measured(
            f"post {count}",
            statistics.median(ours),
            "a plain ledger in SQLite",
            statistics.median(sqlite),
            sqlite_max,
        )
        yield Measured(
            "the same, until they can be read",
            statistics.median(readable),
            "a plain ledger in SQLite",
            statistics.median(sqlite),
            None,
        )
        yield Measured(
            "as many of the first after opening",
            beginning,
            "a plain ledger in SQLite",
            statistics.median(sqlite),
            None,
        )

    def file(self, count: int) -> Measured:
        """Post a file of JSON Lines with the program, outcomes written to a file."""
        self._tell(f"posting a file of {count:,} lines")
        ours, sqlite = [], []
        for _ in range(self._runs):
            text = self._file()
            text.write_bytes(b"".join(msgspec.json.encode(x) + b"\n" for x in self._lines(count)))
            ours.append(timed(lambda: self._run(text)))  # noqa: B023
            into = self._filled()
            sqlite.append(timed(lambda: yardsticks.sqlite_ledger_of_lines(into, text)))  # noqa: B023
        return Measured(
            f"entl post FILE, {count:,} lines",
            statistics.median(ours),
            "a plain ledger in SQLite, of the same lines",
            statistics.median(sqlite),
            0.25,
        )

    def _run(self, text: Path) -> None:
        program = [sys.executable, "-m", "entitlement_ledger.cli", "--store", self._store]
        with text.with_suffix(".out").open("wb") as outcomes:
            subprocess.run(  # noqa: S603
                [*program, "post", str(text)],
                stdout=outcomes,
                check=True,
            )

    def one(self, count: int) -> Iterator[Measured]:
        """Post one command at a time, beside a bare commit and a synced append, and a peer.

        What those take that are posted while the store is being remembered is told apart.
        """
        self._tell(f"posting {count:,} commands one by one")
        commit = yardsticks.duckdb_commit(self._file())
        append = yardsticks.synced_append(self._file())
        peer = eventsourcing(self._file())
        ours, bare, theirs = [], [], []
        with Ledger.open(self._store) as ledger:
            first = [
                timed(lambda: ledger.post([line], actor="bench"))  # noqa: B023
                for line in self._lines(COMMITS_BEFORE + count // 5)
            ]
            ledger.remember()
            for line in self._lines(count):
                ours.append(timed(lambda: ledger.post([line], actor="bench")))  # noqa: B023
                bare.append(timed(commit) + timed(append))
                if peer is not None:
                    theirs.append(timed(lambda: peer([line])))  # noqa: B023
        name, median = "one command, durable", statistics.median(ours)
        beside = "a bare commit of one row, and a synced append"
        yield Measured(name, median, beside, statistics.median(bare), 2.0)
        beginning = statistics.median(first[COMMITS_BEFORE:])
        yield Measured(
            "the same, right after opening", beginning, beside, statistics.median(bare), None
        )
        if theirs:
            beside = "a save of eventsourcing on SQLite"
            yield Measured(name, median, beside, statistics.median(theirs), None)

    def many(self, count: int) -> Iterator[Measured]:
        """Post from threads, one command a call: at first, and once the store is remembered."""
        self._tell(f"posting {count:,} commands from {_CALLERS} threads")
        commit = yardsticks.duckdb_commit(self._file())
        with Ledger.open(self._store) as ledger:
            few = max(count // 5, 2 * COMMITS_BEFORE * _CALLERS)
            _, first = _from_many_threads(ledger, self._lines(few))
            ledger.remember()
            times, whole = _from_many_threads(ledger, self._lines(count))
            readable = whole + timed(ledger.now)
        bare = statistics.median(timed(commit) for _ in range(200))
        name = f"{count:,} commands of {_CALLERS} callers"
        second, asked = f"{_A_SECOND:,} a second", count / _A_SECOND
        yield Measured(name, whole, second, asked, 1.0)
        yield Measured("the same, until they can be read", readable, second, asked, None)
        yield Measured(
            "99 of 100 of them", percentile(times, 0.99), "a bare commit of one row", bare, 10.0
        )
        yield Measured(f"the first {few:,} after opening", first, second, few / _A_SECOND, None)


def _from_many_threads(ledger: Ledger, lines: list[Line]) -> tuple[list[float], float]:
    """Post lines from threads, one a call; give how long each took, and all of them together."""
    times: list[float] = []

    def call(mine: list[Line]) -> None:
        times.extend(timed(lambda: ledger.post([line], actor="bench")) for line in mine)  # noqa: B023

    parts = [lines[number::_CALLERS] for number in range(_CALLERS)]
    threads = [threading.Thread(target=call, args=(part,)) for part in parts]
    return times, timed(lambda: _run_all(threads))


def _post_all(ledger: Ledger, batches: list[list[Line]]) -> None:
    """Post batches: each is answered once it is durable."""
    for batch in batches:
        ledger.post(batch, actor="bench")


def _run_all(threads: list[threading.Thread]) -> None:
    for each in threads:
        each.start()
    for each in threads:
        each.join()
