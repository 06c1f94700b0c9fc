"""What does not grow with the store, or only as it must: opening it, its bytes, memory."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from entitlement_ledger.bench.building import build
from entitlement_ledger.bench.measuring import Measured, Tell, medians
from entitlement_ledger.ledger import Ledger

_SMALL_EVENTS = 2_000
_CONSTANT_SECONDS = 0.1


def opening(store: str, folder: Path, runs: int, seed: int, tell: Tell) -> Measured:
    """Open a store and read its newest page, beside the same of a small one."""
    tell("opening the store")
    small = build(folder / "small", _SMALL_EVENTS, seed, lambda done, total: None)

    def opened(path: str) -> None:
        with Ledger.open(path) as ledger:
            ledger.history(limit=100)

    ours, theirs = medians((lambda: opened(store), lambda: opened(small)), runs)
    return Measured(
        "opening, and the newest page",
        ours,
        f"the same of {_SMALL_EVENTS:,} events, and {_CONSTANT_SECONDS} seconds",
        theirs + _CONSTANT_SECONDS,
        2.0,
    )


def bytes_of(store: str) -> int:
    """Give the size of a store on the disk, its log included."""
    files = (Path(store), Path(f"{store}.wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def memory_bytes() -> int:
    """Give the most memory that this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
