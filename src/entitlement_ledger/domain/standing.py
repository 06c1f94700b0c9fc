"""Where a holding stands: what is left of each of its grants, which is all that a draw asks about.

From its last posting on, and as far as time alone does not change it. Pure.
"""

from __future__ import annotations

from bisect import insort
from operator import attrgetter
from typing import Protocol

import msgspec

from entitlement_ledger.domain.catalogue import Category
from entitlement_ledger.domain.events import grant_id
from entitlement_ledger.domain.holdings import BurnKey, burn_order
from entitlement_ledger.domain.instants import Instant

PRIORITY = 100


Draws = tuple[tuple[str, int], ...]
"""Grants with the quantities that they gave."""


class Lot(msgspec.Struct, gc=False):
    """A grant that something is left of.

    Attributes:
        left: what is available from the last posting on.
        held: what open holds keep of it, which wait forever.
    """

    burn_key: BurnKey
    left: int
    held: int
    expires_at: Instant | None

    @property
    def id(self) -> str:
        """The grant's id: it says where it was recorded, as the end of the burn key does."""
        return grant_id(*self.burn_key[-1])


burn_key_of = attrgetter("burn_key")


class Rest(Protocol):
    """Lots that are not made yet, each at a place."""

    def some(self, start: int, end: int) -> list[Lot]:
        """Make those from one place, which is in, to another, which is out."""


class Standing(msgspec.Struct, gc=False):
    """Where a holding stands from its last posting on.

    Attributes:
        lots: in burn order.
        unspent: of all its grants: available, held and expired.
        last_at: the latest instant at which anything was posted; None if nothing ever was.
        left, held: the sums over the lots.
        ending: how many of the lots have an end.
        rest: has lots that are not among `lots` yet, and come behind the first; None if all are.
        start, end: the places at which it has them.
    """

    lots: list[Lot]
    unspent: int
    last_at: Instant | None
    left: int
    held: int
    ending: int
    rest: Rest | None = None
    start: int = 0
    end: int = 0

    @classmethod
    def empty(cls) -> Standing:
        """Give a holding of which there is no grant."""
        return cls([], 0, None, 0, 0, 0)

    def add(self, lot: Lot) -> None:
        """Take in a lot, at its place in the burn order."""
        if not self.lots or self.lots[-1].burn_key < lot.burn_key:
            self.lots.append(lot)
        else:
            insort(self.lots, lot, key=burn_key_of)
        self.left += lot.left
        self.held += lot.held
        self.ending += lot.expires_at is not None

    def all_lots(self) -> list[Lot]:
        """Give all lots in burn order."""
        if self.rest is not None:
            self.lots = sorted([*self.lots, *self.rest.some(self.start, self.end)], key=burn_key_of)
            self.rest, self.start, self.end = None, 0, 0
        return self.lots

    def balance(self, at: Instant) -> tuple[int, int]:
        """Give available and held at an instant that is not before `last_at`."""
        if not self.ending:
            return self.left, self.held
        available = held = 0
        for lot in self.all_lots():
            if lot.expires_at is None or at < lot.expires_at:
                available += lot.left
                held += lot.held
        return available, held

    def issue(self, sequence: int, quantity: int, at: Instant) -> None:
        """Take in a new grant that never expires."""
        key = burn_order(PRIORITY, None, Category.PAID, at, (sequence, 1))
        self.add(Lot(key, quantity, 0, None))
        self.unspent += quantity

    def draw(self, quantity: int, at: Instant) -> Draws:
        """Draw a quantity in burn order; give what each grant gave. All of it must be there."""
        first = self.lots[0]
        self.unspent -= quantity
        self.left -= quantity
        if first.left > quantity and first.expires_at is None:
            first.left -= quantity
            return ((first.id, quantity),)
        draws: list[tuple[str, int]] = []
        lacking, used_up = quantity, False
        for lot in self.all_lots():
            if lot.left and (lot.expires_at is None or at < lot.expires_at):
                gives = min(lot.left, lacking)
                draws.append((lot.id, gives))
                lot.left -= gives
                lacking -= gives
                used_up |= not lot.left and not lot.held
                if not lacking:
                    break
        assert not lacking, "more was drawn than is there"
        if used_up:
            self.lots = [lot for lot in self.lots if lot.left or lot.held]
            self.ending = sum(lot.expires_at is not None for lot in self.lots)
        return tuple(draws)
