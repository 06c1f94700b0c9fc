from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from console_support import make_store


@pytest.fixture(scope="session")
def made_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_store(tmp_path_factory.mktemp("console"))


@pytest.fixture
def store(made_store: str, tmp_path: Path) -> str:
    """A copy of the store, to be written to."""
    copy = tmp_path / "ledger.duckdb"
    shutil.copy(made_store, copy)
    return str(copy)


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings and themes of whoever runs the tests are not theirs to change."""
    monkeypatch.setenv("ENTL_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("TEXTUAL_THEME", raising=False)
