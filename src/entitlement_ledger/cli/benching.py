"""`entl bench`: figures of this machine, each beside a yardstick."""

from __future__ import annotations

import os
import platform
import tempfile
from pathlib import Path

import click

from entitlement_ledger.cli import printing
from entitlement_ledger.cli.commands import as_json, entl

_EVENTS, _EVENTS_QUICK = 1_000_000, 50_000


@entl.command()
@as_json
@click.option("--quick", is_flag=True, help=f"A store of {_EVENTS_QUICK:,} events.")
@click.option("--events", type=click.IntRange(min=100), help=f"Default: {_EVENTS:,}.")
@click.option("--runs", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
def bench(quick: bool, events: int | None, runs: int, seed: int, as_json: bool) -> int:
    """Measure; exit 1 when a ratio is above what it may be."""
    from entitlement_ledger.bench import building, verification

    size = events or (_EVENTS_QUICK if quick else _EVENTS)
    with tempfile.TemporaryDirectory(prefix="entl-bench-") as folder:
        printing.narrate(f"building a store of {size:,} events, seed {seed}")
        store = building.build(Path(folder), size, seed, printing.progress)
        measured = [verification.measure(store, runs, printing.narrate)]
    if as_json:
        rows = [
            {
                "name": each.name,
                "seconds": each.seconds,
                "yardstick": each.yardstick,
                "yardstick_seconds": each.yardstick_seconds,
                "ratio": each.ratio,
                "ratio_max": each.ratio_max,
                "ok": each.ok,
            }
            for each in measured
        ]
        machine = {"python": platform.python_version(), "cores": os.cpu_count()}
        printing.print_json({"machine": machine, "seed": seed, "runs": runs, "measured": rows})
    else:
        printing.print_table(
            ("measured", "seconds", "yardstick", "seconds ", "ratio", "at most", "verdict"),
            [
                (
                    each.name,
                    f"{each.seconds:.2f}",
                    each.yardstick,
                    f"{each.yardstick_seconds:.2f}",
                    f"{each.ratio:.2f}",
                    f"{each.ratio_max:.2f}",
                    "ok" if each.ok else "MISSED",
                )
                for each in measured
            ],
            right="seconds ratio",
        )
    return 0 if all(each.ok for each in measured) else 1
