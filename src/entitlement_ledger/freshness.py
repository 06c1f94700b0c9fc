"""What whoever reads may rely on: the writer tells it, under its lock, and readers look at it.

No read is older than what was answered before it began: where the projections lack something, they
are brought up first.
"""

from __future__ import annotations

from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.store.catalogue import ENTITLEMENTS_MAX, CatalogueCache


class Freshness:
    """What is durable, and what of it a connection sees.

    Attributes:
        catalogue: what is kept of the catalogue.
        newest: the last event that is durable, and when it was recorded; None if nobody knows.
        complete: the projections on the disk lack nothing that was answered.
        until: the last event that a connection surely sees in the projections, if it is asked from
            now on; 0 if nobody knows.
    """

    def __init__(self, *, keeping: bool) -> None:
        self.catalogue = CatalogueCache(ENTITLEMENTS_MAX if keeping else 0)
        self.newest: tuple[int, Instant | None] | None = None
        self.complete = True
        self.until = 0
        self._changing = False

    def doubt(self) -> None:
        """Take nothing for granted: what was decided may not have become durable."""
        self.complete = False
        self.newest = None
        self.catalogue.changed()

    def will_change_catalogue(self) -> None:
        """Note that what is to be committed next may be another catalogue for whoever reads."""
        self._changing = True

    def committed(self, newest: tuple[int, Instant | None] | None, *, complete: bool) -> None:
        """Note what a transaction has made durable.

        First of all readers forget what is no longer so: who sees that all is there relies on it.
        """
        if self._changing:
            self.catalogue.changed()
            self._changing = False
        self.newest = newest
        if complete and newest is not None:
            self.until = newest[0]
        self.complete = complete
