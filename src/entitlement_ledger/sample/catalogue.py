"""What the company sells: twelve entitlements of all five kinds, eight products in three tiers."""

from __future__ import annotations

from typing import Any

ENTITLEMENT_COLUMNS = (
    "code", "name", "description", "kind", "unit", "scale", "resources", "status",
)  # fmt: skip

ENTITLEMENTS: tuple[tuple[str, ...], ...] = (
    ("TRAIL-POINTS", "Trail points", "Earned with purchases, spent in the shop",
     "points", "pt", "0", "", "active"),
    ("SUMMIT-POINTS", "Summit points", "Earned on guided tours",
     "points", "pt", "0", "", "active"),
    ("KITE-POINTS", "Kite points", "The programme before Trail points",
     "points", "pt", "0", "", "retired"),
    ("SHOP-CREDIT", "Shop credit", "Money to spend in the shop",
     "credits", "EUR", "2", "", "active"),
    ("REPAIR-CREDIT", "Repair credit", "Money to spend in the workshop",
     "credits", "EUR", "2", "", "active"),
    ("DELIVERY-QUOTA", "Free deliveries", "Deliveries each month without a fee",
     "quota", "delivery", "0", "", "active"),
    ("MAP-QUOTA", "Map downloads", "Offline map tiles each month",
     "quota", "tile", "0", "maps:offline", "active"),
    ("API-QUOTA", "Route API calls", "Calls of the route planner each month",
     "quota", "call", "0", "api:routes", "active"),
    ("PRIORITY-SUPPORT", "Priority support", "Calls are answered first",
     "feature", "", "0", "support:priority;support:phone", "active"),
    ("TEAM-ACCOUNTS", "Team accounts", "Several people under one account",
     "feature", "", "0", "accounts:team", "active"),
    ("FREE-GUIDEBOOK", "A guidebook", "One printed guidebook",
     "offer", "book", "0", "", "active"),
    ("FREE-RENTAL", "A day of rental", "One day of rented equipment",
     "offer", "day", "0", "", "active"),
)  # fmt: skip


def _line(
    entitlement: str,
    quantity: int,
    valid_for: str | None = "period",
    *,
    category: str = "paid",
    rollover_max: int | None = None,
) -> dict[str, Any]:
    return {
        "entitlement": entitlement,
        "quantity": quantity,
        "valid_for": valid_for,
        "priority": 50 if category == "promo" else 100,
        "category": category,
        "rollover_max": rollover_max,
    }


def _product(
    code: str, name: str, tier: int, period: str | None, *lines: dict[str, Any]
) -> dict[str, Any]:
    return {"code": code, "name": name, "tier": tier, "period": period, "lines": list(lines)}


PRODUCTS: tuple[dict[str, Any], ...] = (
    _product("TRAIL-BASIC", "Trail Basic", 1, "P1M",
             _line("DELIVERY-QUOTA", 1), _line("TRAIL-POINTS", 100, "P12M")),
    _product("MAPS-BASIC", "Maps Basic", 1, "P1M", _line("MAP-QUOTA", 40, rollover_max=20)),
    _product("GUIDEBOOK-SET", "Guidebook set", 1, None, _line("FREE-GUIDEBOOK", 2, "P6M")),
    _product("TRAIL-PLUS", "Trail Plus", 2, "P1M",
             _line("DELIVERY-QUOTA", 3), _line("TRAIL-POINTS", 250, "P12M"),
             _line("REPAIR-CREDIT", 500, "P12M")),
    _product("MAPS-PRO", "Maps Pro", 2, "P1M",
             _line("MAP-QUOTA", 200, rollover_max=100), _line("API-QUOTA", 1000)),
    _product("CREDIT-PACK", "Credit pack", 2, None,
             _line("SHOP-CREDIT", 5000, None), _line("SHOP-CREDIT", 500, "P90D", category="promo")),
    _product("TRAIL-SUMMIT", "Trail Summit", 3, "P1M",
             _line("DELIVERY-QUOTA", 8), _line("TRAIL-POINTS", 600, "P12M"),
             _line("REPAIR-CREDIT", 1500, "P12M"), _line("PRIORITY-SUPPORT", 1)),
    _product("TEAM-SUMMIT", "Team Summit", 3, "P1M",
             _line("API-QUOTA", 20000), _line("TEAM-ACCOUNTS", 1), _line("PRIORITY-SUPPORT", 1)),
)  # fmt: skip

PRICES = {
    "TRAIL-BASIC": 290,
    "MAPS-BASIC": 190,
    "GUIDEBOOK-SET": 2900,
    "TRAIL-PLUS": 790,
    "MAPS-PRO": 990,
    "CREDIT-PACK": 5000,
    "TRAIL-SUMMIT": 1990,
    "TEAM-SUMMIT": 8900,
}
"""Price a period in cents."""
