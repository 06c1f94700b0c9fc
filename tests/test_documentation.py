"""What the documentation says is what the program does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pictures import PICTURES
from support import PROJECT

from entitlement_ledger.console.actions import keys_table
from entitlement_ledger.console.app import ConsoleApp
from entitlement_ledger.console.screens.alerts import AlertsScreen, FindingScreen
from entitlement_ledger.console.screens.audit import AuditScreen
from entitlement_ledger.console.screens.calendar import CalendarScreen
from entitlement_ledger.console.screens.calendar_day import LapsingScreen
from entitlement_ledger.console.screens.catalogue import CatalogueScreen
from entitlement_ledger.console.screens.checks import ChecksScreen
from entitlement_ledger.console.screens.customers import CustomersScreen
from entitlement_ledger.console.screens.detail import DetailScreen, TransactionScreen
from entitlement_ledger.console.screens.discrepancy import DiscrepancyScreen
from entitlement_ledger.console.screens.export import ExportScreen
from entitlement_ledger.console.screens.feed import FeedScreen
from entitlement_ledger.console.screens.first import FirstScreen
from entitlement_ledger.console.screens.form import FormScreen
from entitlement_ledger.console.screens.graph import GraphScreen
from entitlement_ledger.console.screens.ledger import LedgerHistoryScreen
from entitlement_ledger.console.screens.reconcile import ReconcileScreen
from entitlement_ledger.console.screens.reconciled import RunScreen
from entitlement_ledger.console.screens.report import ReportScreen
from entitlement_ledger.console.screens.reports import ReportsScreen
from entitlement_ledger.console.widgets.paged_table import PagedTable

PAGES = [PROJECT / "README.md", PROJECT / "CHANGELOG.md", *sorted(PROJECT.glob("docs/*.md"))]


def test_the_table_of_keys_is_the_registry() -> None:
    page = (PROJECT / "docs/console.md").read_text("utf-8")
    _, _, rest = page.partition("<!-- keys: made from the registry of actions -->\n")
    assert rest.partition("<!-- end of keys -->")[0].strip() == keys_table()


def test_every_screen_is_pictured() -> None:
    page = (PROJECT / "docs/console.md").read_text("utf-8")
    shown = re.findall(r"\]\(pictures/([a-z]+)\.svg\)", page)
    assert shown == list(PICTURES)
    drawn = {each.stem for each in (PROJECT / "docs/pictures").iterdir()}
    assert drawn == set(PICTURES)


def test_every_action_of_the_registry_exists_where_it_is_said_to_be() -> None:
    from entitlement_ledger.console.actions import ACTIONS

    holders: dict[str, type] = {
        "everywhere": ConsoleApp,
        "customers": CustomersScreen,
        "ledger": LedgerHistoryScreen,
        "audit": AuditScreen,
        "detail": DetailScreen,
        "transaction": TransactionScreen,
        "form": FormScreen,
        "alerts": AlertsScreen,
        "finding": FindingScreen,
        "review": FindingScreen,
        "checks": ChecksScreen,
        "catalogue": CatalogueScreen,
        "reconcile": ReconcileScreen,
        "feed": FeedScreen,
        "run": RunScreen,
        "discrepancy": DiscrepancyScreen,
        "reports": ReportsScreen,
        "report": ReportScreen,
        "export": ExportScreen,
        "first": FirstScreen,
        "graph": GraphScreen,
        "calendar": CalendarScreen,
        "day": LapsingScreen,
        "table": PagedTable,
    }
    for action in ACTIONS:
        for where in action.where:
            assert hasattr(holders[where], f"action_{action.name}"), (action.name, where)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        assert (page.parent / link).exists(), link


def test_the_tour_of_the_readme_runs(tmp_path: Path) -> None:
    readme = (PROJECT / "README.md").read_text("utf-8")
    (tour,) = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    assert tour.rstrip().endswith("entl console --read-only")
    script = tour.replace("entl console --read-only", "").replace("/tmp/", f"{tmp_path}/")
    script = script.replace("$PWD/.venv/bin", str(Path(sys.executable).parent))
    done = subprocess.run(
        ["sh", "-eu", "-c", script],
        cwd=PROJECT,
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "TRAIL-POINTS" in done.stdout
    assert "tour cancelled" in done.stdout
