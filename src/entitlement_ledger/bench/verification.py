"""How long verification takes, beside hashing the same bytes and making the projections again."""

from __future__ import annotations

import hashlib

from entitlement_ledger.bench.measuring import Measured, Tell, medians, timed
from entitlement_ledger.ledger import Ledger

RATIO_MAX = 4.0


def measure(store: str, runs: int, tell: Tell) -> Measured:
    """Measure `verify` against a bare pass of SHA-256 plus `rebuild`, on the same store."""
    with Ledger.open(store) as ledger:
        events = ledger.status().events
        tell(f"verifying {events:,} events, {runs} times beside hashing and rebuilding them")

        def verify() -> None:
            wrong = [each.name for each in ledger.verify() if not each.ok]
            assert not wrong, wrong

        hashing = timed_hashing(ledger)
        verifying, rebuilding = medians((verify, ledger.rebuild), runs)
    return Measured(
        f"verify, {events:,} events",
        verifying,
        "SHA-256 over the same bytes, and rebuild",
        hashing + rebuilding,
        RATIO_MAX,
    )


def timed_hashing(ledger: Ledger) -> float:
    """Give the seconds that SHA-256 alone takes over every body, reading them aside."""
    total = 0.0
    for bodies in ledger.bodies():
        total += timed(lambda: [hashlib.sha256(body).digest() for body in bodies])  # noqa: B023
    return total
