"""Pictures of the console on the sample company, for the README and docs/console.md.

`make pictures` makes them anew: every screen as it is after a few keys, at one moment.
"""

from __future__ import annotations

import asyncio
import csv
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console_support import opened, press, settled, type_in
from support import PROJECT, HandClock
from textual.pilot import Pilot

from entitlement_ledger.console.app import ConsoleApp
from entitlement_ledger.console.opening import Opening, Tell
from entitlement_ledger.console.session import Session
from entitlement_ledger.demo import make_demo
from entitlement_ledger.domain.instants import parse_instant
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.reconciliations import Against
from entitlement_ledger.settings import Settings

SIZE = (112, 32)
_NOW = parse_instant("2026-11-02T09:00:00Z")
_AINO = ("/", "=aino", "enter", "enter")
PICTURES: dict[str, tuple[str, ...]] = {
    "customers": (*_AINO, "down", "down", "down"),
    "why": (*_AINO, "down", "down", "down", "w"),
    "situation": (*_AINO, "o"),
    "explanation": (*_AINO, "down", "down", "down", "down", "down", "down", "enter"),
    "use": (*_AINO, "down", "down", "down", "v"),
    "issue": (*_AINO, "down", "down", "down", "i", "=20", "tab", "tab", "tab",
              "=outage of the map service", "tab", "=ticket:T-3334", "ctrl+s"),
    "lapses": ("L",),
    "ledger": ("2", "/", "=type:adjust status:completed"),
    "counts": ("2", "v"),
    "transaction": ("2", "/", "=type:adjust", "enter", "enter"),
    "audit": ("3", "/", "=what:adjust", "enter", "d", "d", "d"),
    "alerts": ("4",),
    "finding": ("4", "enter"),
    "checks": ("5",),
    "reconcile": ("6",),
    "run": ("6", "enter"),
    "discrepancy": ("6", "enter", "enter", "enter"),
    "reports": ("7",),
    "report": ("7", "=", "enter"),
    "catalogue": ("8",),
    "travel": (*_AINO, "@"),
    "help": ("?",),
    "palette": (":", "=liab"),
}  # fmt: skip
"""By name: keys, and after `=` what is typed."""


@dataclass
class StillOpening(Opening):
    """Opens the store at the moment of the pictures."""

    def session(self, tell: Tell) -> Session:
        tell("opening the store…")
        ledger = Ledger.open(
            self.settings.store,
            clock=HandClock(_NOW),
            signing_key=Path(self.settings.store).with_suffix(".key"),
        )
        return Session(ledger, "sample company", "dana", vouched=ledger.vouched(), demo=True)


def prepare(folder: Path) -> str:
    """Make the store: the sample company, a run of its rules, and an extract that disagrees."""
    store = make_demo(folder, lambda _done, _total: None, HandClock(_NOW))
    sales = folder / "billing-october.csv"
    with (PROJECT / "sample_data" / "billing.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["invoiced_at"] >= "2026-10"]
    rows[3]["quantity"] = str(int(rows[3]["quantity"] or 1) + 5)
    rows = [*rows[:8], *rows[10:], {**rows[5], "invoice_line": "INV-99999-1"}, rows[20]]
    with sales.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    key = Path(store).with_suffix(".key")
    with Ledger.open(store, clock=HandClock(_NOW), signing_key=key) as ledger:
        ledger.run_due()
        ledger.suspicious()
        since, until = (parse_instant(f"2026-{month}-01T00:00:00Z") for month in (10, 11))
        ledger.reconcile(sales, Against.BILLING, actor="finance", since=since, until=until)
    return store


async def go(pilot: Pilot[Any], keys: Sequence[str]) -> None:
    """Press keys, and type what stands behind `=`."""
    for key in keys:
        if key.startswith("="):
            await type_in(pilot, key[1:])
        else:
            await press(pilot, key)
    await settled(pilot)


async def draw(store: str, target: Path, keys: Sequence[str]) -> None:
    """Draw one picture into a file, without fonts of another host."""
    app = ConsoleApp(StillOpening(Settings(store=store, actor="dana"), demo=False, read_only=False))
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot)
        await go(pilot, keys)
        app.clear_notifications()
        await settled(pilot)
        drawn = app.export_screenshot(title="Entitlement Ledger")
    target.write_text(re.sub(r"@font-face \{.*?\}\n?", "", drawn, flags=re.DOTALL), "utf-8")


def main(folder: Path, names: Sequence[str]) -> None:
    """Draw all pictures, or those that are named, into a folder."""
    # Help names the folder of the settings: nobody's in particular.
    os.environ["ENTL_CONFIG"] = "~/.config/entitlement-ledger"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        store = prepare(Path(made))
        for name in names or PICTURES:
            asyncio.run(draw(store, folder / f"{name}.svg", PICTURES[name]))
            print(folder / f"{name}.svg")  # noqa: T201 - says what it drew


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
