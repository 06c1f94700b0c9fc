"""How quantities of entitlements are called and written, kept in memory between reads.

Every page and every balance asks for it, and imports alone change it. What is kept is dropped when
a change of the catalogue has become readable, before anybody is told of it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, select

from entitlement_ledger.store.tables import entitlements

ENTITLEMENTS_MAX = 10_000
"""A catalogue of more is not kept."""
_e = entitlements.c


@dataclass(slots=True)
class Counts:
    """How often something was asked for, and how often it was known already."""

    asked: int = 0
    known: int = 0


class Described(NamedTuple):
    """An entitlement, as far as a balance or a page shows it."""

    code: str
    name: str
    kind: str
    unit: str
    scale: int


Descriptions = dict[str, Described]
"""By code, in their order."""


class CatalogueCache:
    """What is kept of the catalogue, for all who read; `entitlements_max` of 0 keeps nothing."""

    def __init__(self, entitlements_max: int = ENTITLEMENTS_MAX) -> None:
        self.counts = Counts()
        self._entitlements_max = entitlements_max
        self._gate = threading.Lock()
        self._changes = 0
        self._kept: Descriptions | None = None

    def reader(self) -> Catalogue:
        """Begin to read: before a connection has been asked anything."""
        return Catalogue(self, self._changes)

    def changed(self) -> None:
        """Forget what is kept: what a connection sees from now on may be another catalogue."""
        with self._gate:
            self._changes += 1
            self._kept = None

    def kept(self, codes: Collection[str]) -> Descriptions | None:
        """Give what is kept, where all of these are in it."""
        with self._gate:
            kept = self._kept
            known = kept is not None and all(code in kept for code in codes)
            self.counts.asked += 1
            self.counts.known += known
            return kept if known else None

    def keep(self, read: Descriptions, changes: int) -> None:
        """Keep what was read by somebody who began when there had been so many changes."""
        with self._gate:
            if changes == self._changes and len(read) <= self._entitlements_max:
                self._kept = read


class Catalogue:
    """The catalogue as one reader sees it.

    To be asked after everything else on a connection: what is kept is then as new as what the
    connection sees, or newer, and nothing is ever taken out of a catalogue.
    """

    def __init__(self, cache: CatalogueCache, changes: int) -> None:
        self._cache = cache
        self.changes = changes

    def read(self, connection: Connection, codes: Collection[str] = ()) -> Descriptions:
        """Give all entitlements by code; `codes` are some that a connection has seen."""
        kept = self._cache.kept(codes)
        if kept is not None:
            return kept
        query = select(_e.code, _e.name, _e.kind, _e.unit, _e.scale).order_by(_e.code)
        read = {row.code: Described(*row) for row in connection.execute(query).all()}
        self._cache.keep(read, self.changes)
        return read
