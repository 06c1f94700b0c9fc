"""What was not known at a moment has no part in what was known then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import START, HandClock, command, hours, new_store

from entitlement_ledger.domain.instants import HOUR
from entitlement_ledger.ledger import Ledger


@pytest.mark.parametrize(
    "later",
    [
        command("capture", "later", transaction="hold"),
        command("release", "later", transaction="hold"),
        command("cancel", "later", grant="the grant"),
    ],
    ids=["captured", "released", "cancelled"],
)
def test_a_hold_is_read_as_it_stood(tmp_path: Path, later: dict[str, Any]) -> None:
    clock = HandClock(START - 1000 * HOUR)
    with Ledger.open(new_store(tmp_path, clock), clock=clock) as ledger:
        clock.now = START
        lines = [
            command("issue", "give", quantity=10),
            command("hold", "hold", quantity=4, expires_at=hours(2)),
        ]
        given, _ = ledger.post(lines, actor="x")
        clock.now = START + HOUR
        if "grant" in later:
            later = {**later, "grant": given.grants[0]}
        (answer,) = ledger.post([later], actor="x")
        assert answer.code is None
        (then,) = ledger.balances("C1", "PTS", at=START + 3 * HOUR, known_at=START)
        assert (then.available, then.held) == (10, 0)
        (now,) = ledger.balances("C1", "PTS", at=START + 3 * HOUR)
        assert (now.available, now.held) == {"capture": (6, 0), "release": (10, 0)}.get(
            later["type"], (0, 0)
        )
