"""How long an export takes, beside a bare `COPY` of the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from entitlement_ledger.bench.measuring import Measured, Tell, Work, medians
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.store.dialect import raw

_RATIO_MAX = 3.0
_CONSTANT_SECONDS = 0.1
"""To open it, to make the file durable and to vouch for it, which few rows take too."""
_REPORT = "audit-log"
_BARE = """
    SELECT sequence, j.recorded_at, t.type, r.record, r.what, t.status, t.code, t.customer, r.id,
        t.entitlement, t.product, t.quantity, t.effective_at, t.actor, t.role, t.reason,
        t.reference, t.key, j.hash
    FROM journal j LEFT JOIN transactions t USING (sequence) LEFT JOIN records r USING (sequence)
"""
_OPTIONS = {"csv": "FORMAT csv", "parquet": "FORMAT parquet, COMPRESSION zstd"}


def exporting(store: str, folder: Path, runs: int, tell: Tell) -> Iterator[Measured]:
    """Export the whole journal, in order and harmless, beside the joined tables as they come."""
    tell("exporting the audit log")
    with Ledger.open(store, read_only=True) as ledger:
        rows = ledger.status().events
        for format, options in _OPTIONS.items():
            works = _ours(ledger, folder / f"ours.{format}"), _bare(ledger, folder, options)
            ours, bare = medians(works, runs)
            name = f"{_REPORT} as {format}, {rows:,} rows"
            beside = f"a bare COPY of the same rows, and {_CONSTANT_SECONDS} seconds"
            yield Measured(name, ours, beside, bare + _CONSTANT_SECONDS, _RATIO_MAX)


def _ours(ledger: Ledger, file: Path) -> Work:
    return lambda: ledger.write_report(_REPORT, None, file, force=True)


def _bare(ledger: Ledger, folder: Path, options: str) -> Work:
    said = str(folder / "bare").replace("'", "''")

    def copy() -> None:
        with ledger._read() as connection:
            raw(connection).execute(f"COPY ({_BARE}) TO '{said}' ({options})").fetchall()

    return copy
