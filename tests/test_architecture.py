"""The five rules hold, and the contracts that keep them can fail."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import PROJECT

PACKAGE = "src/entitlement_ledger"


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_hold() -> None:
    done = lint_imports(PROJECT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("ledger.py", "from entitlement_ledger.store import projections", "2. The journal"),
        ("cli/commands.py", "from entitlement_ledger import posting", "1. One way in"),
        ("domain/book.py", "import sqlalchemy", "3. Rules are pure"),
        ("domain/periods.py", "import time", "3. Rules are pure"),
        ("console/app.py", "from entitlement_ledger.store import views", "4. Faces know no SQL"),
        ("store/views.py", "from entitlement_ledger.domain import decide", "5. Batches"),
        ("posting.py", "import duckdb", "One database"),
        ("domain/events.py", "from entitlement_ledger import answers", "Layers"),
    ],
)
def test_each_contract_fails_when_its_rule_is_broken(
    tmp_path: Path, file: str, line: str, broken: str
) -> None:
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    shutil.copytree(PROJECT / PACKAGE, tmp_path / PACKAGE)
    changed = tmp_path / PACKAGE / file
    changed.write_text(changed.read_text("utf-8") + f"\n{line}\n", "utf-8")
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout
    failed = done.stdout[done.stdout.index("Broken contracts") :]
    assert broken in failed


_IMPORTED = "import sys; import {module}; print(*sorted(sys.modules))"


@pytest.mark.parametrize(
    ("module", "late"),
    [
        ("entitlement_ledger.cli.main", ["textual", "sqlalchemy", "duckdb", "pyarrow", "msgspec"]),
        ("entitlement_ledger.console.app", ["sqlalchemy", "duckdb", "pyarrow", "isodate"]),
        (
            "entitlement_ledger.ledger",
            [
                "pyarrow",
                *(f"entitlement_ledger.{name}" for name in ("checks", "importing", "reconcile")),
            ],
        ),
    ],
)
def test_what_start_up_does_not_need_is_imported_late(module: str, late: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTED.format(module=module)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not set(late) & set(done.stdout.split())


def test_every_command_is_where_it_is_said_to_be() -> None:
    from entitlement_ledger.cli.commands import entl
    from entitlement_ledger.cli.elsewhere import COMMANDS

    cli = PROJECT / PACKAGE / "cli"
    joining = {each.stem for each in cli.glob("*.py") if "@entl." in each.read_text("utf-8")} - {
        "commands"
    }
    assert joining == set(COMMANDS)
    for module, names in COMMANDS.items():
        importlib.import_module(f"entitlement_ledger.cli.{module}")
        joined = {
            name
            for name, each in entl.commands.items()
            if each.callback is not None and each.callback.__module__.endswith(f".{module}")
        }
        assert joined == set(names)
