"""`entl bench`: figures of this machine, each beside a yardstick."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from entitlement_ledger.cli import printing
from entitlement_ledger.cli.commands import as_json, entl
from entitlement_ledger.errors import InputError

if TYPE_CHECKING:
    from entitlement_ledger.bench.measuring import Measured

_NAMES = ("verification", "reading", "posting", "noticing", "exporting", "tying")
_EVENTS, _EVENTS_QUICK, _EVENTS_FEW = 1_000_000, 50_000, 2_000


@entl.command()
@as_json
@click.option("--quick", is_flag=True, help=f"A store of {_EVENTS_QUICK:,} events, less of each.")
@click.option("--events", type=click.IntRange(min=100), help=f"Default: {_EVENTS:,}.")
@click.option("--runs", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--console", is_flag=True, help="The console: first paint, keys and pages.")
@click.argument("names", nargs=-1, type=click.Choice(_NAMES), metavar=f"[{'|'.join(_NAMES)}]...")
def bench(
    quick: bool,
    events: int | None,
    runs: int,
    seed: int,
    console: bool,
    as_json: bool,
    names: tuple[str, ...],
) -> int:
    """Measure, everything or what is named; exit 1 when a ratio is above what it may be."""
    from entitlement_ledger.bench import building, sizes

    names = (*names, *(["console"] if console else []))
    size = events or (_EVENTS_QUICK if quick else _EVENTS)
    if console:
        _require_pages(size)
    with tempfile.TemporaryDirectory(prefix="entl-bench-") as folder:
        # Reconciling has a ledger of its own.
        built = min(size, _EVENTS_FEW) if set(names) == {"tying"} else size
        printing.narrate(f"building a store of {built:,} events, seed {seed}")
        store = building.build(Path(folder), built, seed, printing.progress)
        each_bytes = sizes.bytes_of(store) // built
        measured = list(_measured(store, Path(folder), size, runs, seed, names, quick=quick))
    memory = sizes.memory_bytes()
    if as_json:
        machine = {"python": platform.python_version(), "cores": os.cpu_count()}
        told = {"machine": machine, "seed": seed, "runs": runs, "events": size}
        told |= {"bytes_an_event": each_bytes, "memory_bytes_max": memory}
        printing.print_json({**told, "measured": [_json(each) for each in measured]})
    else:
        _print(measured)
        printing.narrate(f"{each_bytes:,} bytes an event, {memory >> 20:,} MiB of memory at most")
    return 0 if all(each.ok for each in measured) else 1


def _require_pages(size: int) -> None:
    """Refuse a store that has not the pages through which the console is measured.

    Raises:
        InputError: it has too few events.
    """
    from entitlement_ledger.bench import building
    from entitlement_ledger.console import measuring

    least = building.events_for(measuring.TRANSACTIONS_MIN)
    if size < least:
        raise InputError(
            f"--events {size}: the console is measured on {measuring.PAGES} pages of transactions, "
            f"so say --events {least} or more"
        )


def _measured(
    store: str,
    folder: Path,
    size: int,
    runs: int,
    seed: int,
    names: tuple[str, ...],
    *,
    quick: bool,
) -> Iterator[Measured]:
    """Measure, the reading before the store grows."""
    from entitlement_ledger.bench import exporting, reading, sizes, tying, verification
    from entitlement_ledger.bench.posting import Posting

    def some(count: int) -> int:
        return min(count // 10 if quick else count, size)

    if not names or "verification" in names:
        yield verification.measure(store, runs, printing.narrate)
    if not names or "reading" in names:
        yield from reading.pages(store, runs, seed, printing.narrate)
        yield reading.customer(store, runs, seed, printing.narrate)
        yield reading.zero_sum(store, runs, printing.narrate)
        yield sizes.opening(store, folder, runs, seed, printing.narrate)
    if not names or "noticing" in names:
        yield from reading.noticing(store, runs, seed, printing.narrate)
    if not names or "exporting" in names:
        yield from exporting.exporting(store, folder, runs, printing.narrate)
    if "tying" in names:
        # On a ledger of its own, posted for it: only when it is asked for.
        yield from tying.reconciling(folder, size, runs, seed, printing.narrate)
    if "console" in names:
        # In a terminal of its own, which not every machine that measures has.
        from entitlement_ledger.console import measuring

        yield measuring.first_paint(store, runs, printing.narrate)
        yield from measuring.keys_to_screen(store, runs, printing.narrate)
    if not names or "posting" in names:
        posting = Posting(store, folder, runs, seed, printing.narrate)
        yield from posting.one(some(1000))
        # Of a tenth of them, what is begun once would be most: 64 threads, the first commits.
        yield from posting.many(min(20_000, size))
        yield from posting.batch(min(1000, size), None, 1 / 3)
        yield from posting.batch(min(100_000, size), 5.0, 0.1)
        yield posting.file(some(200_000))


def _json(each: Measured) -> dict[str, object]:
    return {
        "name": each.name,
        "seconds": each.seconds,
        "yardstick": each.yardstick,
        "yardstick_seconds": each.yardstick_seconds,
        "ratio": each.ratio,
        "ratio_max": each.ratio_max,
        "ok": each.ok,
    }


def _print(measured: list[Measured]) -> None:
    printing.print_table(
        ("measured", "seconds", "yardstick", "seconds ", "ratio", "at most", "verdict"),
        [
            (
                each.name,
                f"{each.seconds:.4f}",
                each.yardstick,
                f"{each.yardstick_seconds:.4f}",
                f"{each.ratio:.2f}",
                "" if each.ratio_max is None else f"{each.ratio_max:.2f}",
                "ok" if each.ok else "MISSED",
            )
            for each in measured
        ],
        right="seconds ratio",
    )


@entl.command()
@as_json
@click.option(
    "--seed",
    "seeds",
    type=int,
    multiple=True,
    default=(201, 202, 203, 204, 205),
    show_default=True,
    help="Of a year with planted cases; several if said again.",
)
def detection(seeds: tuple[int, ...], as_json: bool) -> int:
    """Measure how much of what is planted the rules of suspicious activity find, and what else.

    Exit 1 when less is found than there should be, or too much besides.
    """
    from entitlement_ledger.bench.detection import detect

    with tempfile.TemporaryDirectory(prefix="entl-detection-") as folder:
        found = detect(seeds, Path(folder), printing.narrate)
    rows = sorted(found.scores.items())
    if as_json:
        printing.print_json(
            {
                "seeds": list(seeds),
                "rules": [
                    {
                        "rule": name,
                        "planted": each.planted,
                        "found": each.found,
                        "recall": each.recall,
                        "findings": each.findings,
                        "precision": each.precision,
                    }
                    for name, each in rows
                ],
                "recall": found.recall,
                "precision": found.precision,
                "false": found.false,
                "normal": found.normal,
            }
        )
    else:
        printing.print_table(
            ("rule", "planted", "recall", "findings", "precision"),
            [
                (name, str(e.planted), f"{e.recall:.2f}", str(e.findings), f"{e.precision:.2f}")
                for name, e in rows
            ],
            right="planted recall findings precision",
        )
        print(
            f"all: recall {found.recall:.3f}, precision {found.precision:.3f}, "
            f"{found.false} false findings among {found.normal:,} normal transactions"
        )
    return 0 if found.ok else 1
