"""Reconciliation verified: what is kept of runs is what the journal says of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from entitlement_ledger.reconciliations import Run
from entitlement_ledger.store.reconciling.lines import feeds_kept, lines_digest
from entitlement_ledger.store.reconciling.runs import runs_kept, told_digest


def unlike_runs(
    connection: Connection, runs: list[Run], *, partly: bool
) -> Iterator[dict[str, Any]]:
    """Tell runs whose discrepancies or lines are not those that the journal vouches for.

    `partly` says that there were runs before these, of which nothing is said.
    """
    for run in runs:
        if told_digest(connection, run.number) != run.digest:
            yield {"run": run.number, "why": "its discrepancies are not those that it told"}
    feeds = {run.feed: run for run in runs}
    for feed, run in feeds.items():
        if lines_digest(connection, feed) != run.lines_digest:
            yield {"run": run.number, "why": "the lines of its file are not those that it read"}
    if not partly:
        for number in sorted(set(runs_kept(connection)) - {run.number for run in runs}):
            yield {"run": number, "why": "there was no such run"}
        for feed in sorted(set(feeds_kept(connection)) - set(feeds)):
            yield {"feed": feed, "why": "no run has read such a file"}
