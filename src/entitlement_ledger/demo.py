"""The demo: the sample company in a store of its own, made through the front door."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from entitlement_ledger.clock import Clock, system_clock
from entitlement_ledger.domain.lines import parse_line
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.resources import resource_folder

_ACTOR = "migration"
_BATCH = 500


def make_demo(
    folder: Path, progress: Callable[[int, int], None], clock: Clock = system_clock
) -> str:
    """Make a store of the sample company in a folder; give its path.

    Progress is told in commands posted.
    """
    store = str(folder / "demo.duckdb")
    samples = resource_folder("sample_data")
    Ledger.create(store)
    lines = (samples / "commands.jsonl").read_bytes().splitlines()
    progress(0, len(lines))
    with Ledger.open(store, clock=clock) as ledger:
        ledger.import_files([samples], actor=_ACTOR)
        for start in range(0, len(lines), _BATCH):
            batch = lines[start : start + _BATCH]
            ledger.post([parse_line(line) for line in batch], actor=_ACTOR, history=True)
            progress(min(start + _BATCH, len(lines)), len(lines))
    return store
