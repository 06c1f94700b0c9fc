"""The modes: each begins with a screen that is imported when it is first wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.screen import Screen


def _customers() -> Screen[Any]:
    from entitlement_ledger.console.screens.customers import CustomersScreen

    return CustomersScreen()


def _ledger() -> Screen[Any]:
    from entitlement_ledger.console.screens.ledger import LedgerHistoryScreen

    return LedgerHistoryScreen()


def _audit() -> Screen[Any]:
    from entitlement_ledger.console.screens.audit import AuditScreen

    return AuditScreen()


def _alerts() -> Screen[Any]:
    from entitlement_ledger.console.screens.alerts import AlertsScreen

    return AlertsScreen()


def _checks() -> Screen[Any]:
    from entitlement_ledger.console.screens.checks import ChecksScreen

    return ChecksScreen()


def _reconcile() -> Screen[Any]:
    from entitlement_ledger.console.screens.reconcile import ReconcileScreen

    return ReconcileScreen()


def _reports() -> Screen[Any]:
    from entitlement_ledger.console.screens.reports import ReportsScreen

    return ReportsScreen()


def _catalogue() -> Screen[Any]:
    from entitlement_ledger.console.screens.catalogue import CatalogueScreen

    return CatalogueScreen()


MODES: dict[str, str | Callable[[], Screen[Any]]] = {
    "customers": _customers,
    "ledger": _ledger,
    "audit": _audit,
    "alerts": _alerts,
    "checks": _checks,
    "reconcile": _reconcile,
    "reports": _reports,
    "catalogue": _catalogue,
}
