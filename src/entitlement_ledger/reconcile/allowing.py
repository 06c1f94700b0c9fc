"""What finance allows when files are matched: the tables `[reconcile.KIND]` of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from entitlement_ledger.domain.instants import DAY
from entitlement_ledger.errors import InputError
from entitlement_ledger.reconcile.sides import Settings
from entitlement_ledger.reconciliations import Against

_DEFAULTS = {"tolerance": 0, "window_days": 3}


def allowed(said: Mapping[str, object], against: Against) -> Settings:
    """Read the settings of one kind of file.

    Raises:
        InputError: a table or a setting is not known, or not a whole number from 0 on.
    """
    kinds = [each.value for each in Against]
    for kind, table in said.items():
        if kind not in kinds:
            raise InputError(f"settings: reconcile.{kind} is not known{_nearest(kind, kinds)}")
        if not isinstance(table, dict):
            raise InputError(f"settings: reconcile.{kind} must be a table: [reconcile.{kind}]")
        for name, value in table.items():
            where = f"settings: reconcile.{kind}.{name}"
            if name not in _DEFAULTS:
                raise InputError(f"{where} is not known{_nearest(name, list(_DEFAULTS))}")
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise InputError(f"{where} must be a whole number from 0 on")
    table = said.get(against.value)
    chosen = {**_DEFAULTS, **(table if isinstance(table, dict) else {})}
    return Settings(tolerance=chosen["tolerance"], window=chosen["window_days"] * DAY)


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f": did you mean {near[0]}?" if near else f": {', '.join(known)} are"
