"""A peer that can be run beside, where it is installed: the extra `bench` brings it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Save = Callable[[Iterable[Mapping[str, Any]]], None]


def eventsourcing(file: Path) -> Save | None:
    """Give what saves one event a command with eventsourcing on SQLite; None if it is not there.

    An aggregate is one customer's holding of one entitlement, which refuses to go below zero. All
    of them are kept in memory, as by a cache that never misses.
    """
    if find_spec("eventsourcing") is None:
        return None
    from eventsourcing.application import Application
    from eventsourcing.domain import Aggregate, event

    class Holding(Aggregate):
        """What one customer holds of one entitlement."""

        @event("Opened")
        def __init__(self) -> None:
            self.quantity = 0

        @event("Changed")
        def change(self, key: str, by: int) -> None:
            """Give or draw a quantity."""
            del key
            if self.quantity + by >= 0:
                self.quantity += by

    environment = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(file)}
    application: Any = Application[uuid.UUID](env=environment)
    holdings: dict[tuple[str, str], Any] = {}

    def save(lines: Iterable[Mapping[str, Any]]) -> None:
        for line in lines:
            pair = line["customer"], line["entitlement"]
            if pair not in holdings:
                holdings[pair] = Holding()
            sign = 1 if line["type"] == "issue" else -1
            holdings[pair].change(line["key"], sign * line["quantity"])
            application.save(holdings[pair])

    return save
