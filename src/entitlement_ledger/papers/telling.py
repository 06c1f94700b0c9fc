"""What a working paper says of itself: how the sample was drawn, and how to check all of it."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from entitlement_ledger.answers import EventFilter
from entitlement_ledger.domain.instants import Instant, format_instant
from entitlement_ledger.harmless import harmless
from entitlement_ledger.reviews import MONETARY, Sample

_WIDTH = 92
_TIMES = ("since", "until", "known_at")
_COMMAND_ORDER = (
    "actor", "event", "what", "customer", "entitlement", "over", "status", "since", "until",
    "text", "review", "known_at", "known_sequence",
)  # fmt: skip

RANDOM_FORMULA = (
    "Each event has a lot: SHA-256, in hexadecimal, over the seed, a colon and the event's "
    "sequence number in decimal. The events with the lowest lots are the sample."
)
MONETARY_FORMULA = (
    "Each event's size is what it moved of the entitlement: the sum of its postings of it that are "
    "above zero. The sizes are laid end to end in the order of sequence numbers, their units "
    "numbered from 1 to the total. The interval is the total divided by the size asked for, "
    "without the rest, and at least 1. The start is 1 plus the rest of SHA-256 over the seed and "
    "':start', as a number, divided by the interval. An event is in the sample when one of the "
    "units start, start + interval, start + 2 x interval, ... is its own; `hits` says how many "
    "are. An event not smaller than the interval is certain."
)


@dataclass(frozen=True, slots=True)
class About:
    """Who writes a working paper, when, and of what.

    Attributes:
        store, store_id: how the store is called, and what tells it from every other.
        root: of the journal when it had as many events as the sample knew, in hexadecimal.
        key: who signs checkpoints; None where nobody does.
        checkpoint: the newest, as a signed note.
        sealed: how many events of the sample have a proof.
    """

    store: str
    actor: str
    written_at: Instant
    key: str | None
    store_id: str = ""
    root: str = ""
    checkpoint: str | None = None
    sealed: int = 0


def filter_of(only: EventFilter) -> dict[str, Any]:
    """Give what a filter asks for, by name; times as text."""
    given = {name: getattr(only, name) for name in _COMMAND_ORDER}
    return {
        name: format_instant(value) if name in _TIMES else value
        for name, value in given.items()
        if value is not None
    }


def command_of(sample: Sample) -> str:
    """Write the command that draws a sample again."""
    words = ["entl", "sample", "--method", sample.method, "--size", str(sample.size)]
    words += [f"--seed={sample.seed}"]
    words += [f"--{_option(name)}={value}" for name, value in filter_of(sample.only).items()]
    return shlex.join(words)


def _option(name: str) -> str:
    """Give the name of what a filter asks for as the command line has it."""
    return "by" if name == "actor" else name.replace("_", "-")


def method_of(sample: Sample, about: About) -> dict[str, Any]:
    """Give how a sample was drawn, for programs."""
    return {
        "method": sample.method,
        "formula": MONETARY_FORMULA if sample.method == MONETARY else RANDOM_FORMULA,
        "seed": sample.seed,
        "size": sample.size,
        "filter": filter_of(sample.only),
        "population": sample.population,
        "unsized": sample.unsized,
        "total": sample.total,
        "interval": sample.interval,
        "start": sample.start,
        "command": command_of(sample),
        "store": about.store,
        "store_id": about.store_id,
        "journal": {"events": sample.known, "root": about.root},
        "checkpoint": about.checkpoint,
        "key": about.key,
        "written_by": about.actor,
        "written_at": format_instant(about.written_at),
        "events": [
            {
                "sequence": each.sequence,
                "quantity": each.quantity,
                "hits": each.hits,
                "certain": each.certain,
            }
            for each in sample.chosen
        ],
    }


def facts(sample: Sample, about: About) -> Iterator[tuple[str, str]]:
    """Give the same for people, each with its name."""
    yield "Method", sample.method
    yield "Seed", sample.seed
    yield "Size asked for", f"{sample.size:,}"
    for name, value in filter_of(sample.only).items():
        yield name.replace("_", " ").capitalize(), str(value)
    yield "Population", f"{sample.population:,} events; reviews are not among them"
    if sample.method == MONETARY:
        yield "Moved nothing", f"{sample.unsized:,} of them, which cannot be drawn by size"
        yield "Total moved", f"{sample.total:,} in the smallest unit"
        yield "Interval", f"{sample.interval:,}"
        yield "Start", f"{sample.start:,}"
        yield "Certain", f"{sum(each.certain for each in sample.chosen):,} events"
    yield "Events drawn", f"{len(sample.chosen):,}, of which {about.sealed:,} have a proof"
    yield "Store", f"{about.store}, id {about.store_id}"
    yield "Journal then", f"{sample.known:,} events, root {about.root}"
    yield "Written", f"{format_instant(about.written_at)} by {about.actor}"
    yield "Signed by", about.key or "nobody: this ledger has no signing key"


def readme(sample: Sample, about: About) -> str:
    """Write what somebody reads first who is handed the folder."""
    key = shlex.quote(about.key or "KEY")
    lines = [
        "Working paper: a sample of the events of a ledger, with the proof of each",
        "",
        *(f"{name + ':':<16}{value}" for name, value in facts(sample, about)),
        "",
        "How it was drawn",
        "",
        *textwrap.wrap(MONETARY_FORMULA if sample.method == MONETARY else RANDOM_FORMULA, _WIDTH),
        "",
        "On the ledger itself, this draws it again:",
        "",
        f"    {command_of(sample)}",
        "",
        "What is here",
        "",
        "    sample.csv, sample.xlsx  the events, a row each; status, review and approver as known",
        "                             when this was written",
        "    proofs/                  a C2SP tlog-proof of each event that a checkpoint covers",
        "    method.json              how it was drawn, for programs",
        "    checkpoint.txt           the newest signed checkpoint, key.txt who has signed it",
        "    SHA256SUMS               the digest of every other file",
        "",
        "How to check it, without the ledger",
        "",
        "    sha256sum --check SHA256SUMS",
        f"    for f in proofs/*; do entl verify-proof $f --key {key} || echo WRONG; done",
        f"    for f in proofs/*; do python3 verify.py $f {key} || echo WRONG; done",
        "",
        "verify.py is in the folder docs of the program, and needs nothing but Python. Compare the",
        "key with the one that you were given by another way than with this folder.",
    ]
    return "\n".join(harmless(line) for line in lines) + "\n"
