"""What tests of reconciliation share: a ledger, and files made of a few invoice lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support import START, HandClock, hours, new_store

from entitlement_ledger.domain.instants import HOUR
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.reconciliations import Against, Discrepancy, Run

HEADER = "invoice_line,customer,product,entitlement,quantity,amount,currency,status,invoiced_at"


def sold(
    name: str,
    quantity: int | str = 10,
    *,
    at: float = 0,
    customer: str = "C1",
    product: str = "",
    entitlement: str = "PTS",
    status: str = "paid",
) -> str:
    """Give an invoice line, so many hours after the start."""
    return f"{name},{customer},{product},{entitlement},{quantity},0,EUR,{status},{hours(at)}"


def write(path: Path, lines: Iterable[str]) -> Path:
    path.write_text("\n".join([HEADER, *lines, ""]), "utf-8")
    return path


@contextmanager
def ledger_with(folder: Path, commands: Sequence[dict[str, Any]]) -> Iterator[Ledger]:
    """Open a new ledger that recorded commands, as history, long after they took effect."""
    store = new_store(folder)
    with Ledger.open(store, clock=HandClock(START + 10_000 * HOUR)) as ledger:
        outcomes = ledger.post(commands, actor="tester", history=True)
        assert [each.message for each in outcomes if each.code] == []
        yield ledger


def reconciled(
    ledger: Ledger, path: Path, against: Against = Against.BILLING, **options: Any
) -> tuple[Run, list[Discrepancy]]:
    run = ledger.reconcile(path, against, actor="fin", **options)
    return run, list(ledger.all_discrepancies(run.number))


def told(found: Iterable[Discrepancy]) -> list[tuple[Any, ...]]:
    """Give the class, reference and both sides of discrepancies, in order."""
    rows = [(each.class_.value, each.reference, each.ours, each.theirs) for each in found]
    return sorted(rows, key=str)
