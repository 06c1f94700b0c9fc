"""Customers, entitlements and products, as commands are judged by them."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from entitlement_ledger.domain.ranges import Whole


class CustomerStatus(StrEnum):
    """A suspended customer may not consume or hold; a closed one may only have things ended."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Kind(StrEnum):
    """What sort of right an entitlement is."""

    POINTS = "points"
    CREDITS = "credits"
    QUOTA = "quota"
    FEATURE = "feature"
    OFFER = "offer"


class CatalogueStatus(StrEnum):
    """A retired entitlement refuses new grants, nothing else."""

    ACTIVE = "active"
    RETIRED = "retired"


class Category(StrEnum):
    """Where a grant came from; promo burns before paid."""

    PROMO = "promo"
    PAID = "paid"


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who holds entitlements; `id` comes from CAM and is opaque."""

    id: str
    segment: str
    status: CustomerStatus


class Entitlement(msgspec.Struct, frozen=True, kw_only=True):
    """A right in the catalogue; `scale` only says where to put the decimal point."""

    code: str
    name: str
    description: str
    kind: Kind
    unit: str
    scale: Whole
    resources: tuple[str, ...]
    status: CatalogueStatus


class ProductLine(msgspec.Struct, frozen=True, kw_only=True):
    """What one product gives of one entitlement. `valid_for` null never expires."""

    entitlement: str
    quantity: Whole
    valid_for: str | None
    priority: Whole
    category: Category
    rollover_max: Whole | None


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """What is sold. `tier`: higher is better; `period`: an ISO 8601 duration or null."""

    code: str
    name: str
    tier: Whole
    period: str | None
    lines: tuple[ProductLine, ...]
    status: CatalogueStatus = CatalogueStatus.ACTIVE
