"""What tests share: no settings of whoever runs them; for the console a store, and no faults."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from entitlement_ledger.garbage import look_seldom

# As the program does: all that is imported, looked through again and again, took a tenth.
look_seldom()


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The settings, themes and signing key of whoever runs the tests are not theirs to change."""
    monkeypatch.setenv("ENTL_CONFIG", str(tmp_path_factory.mktemp("config")))
    monkeypatch.setenv("ENTL_STATE", str(tmp_path_factory.mktemp("state")))
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in (
        "NO_COLOR", "TEXTUAL_THEME", "ENTL_STORE", "ENTL_WITNESS", "ENTL_KEY", "ENTL_CLIPBOARD",
        "ENTL_GRAPHICS",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def emptied(request: pytest.FixtureRequest) -> Iterator[None]:
    """Remove the files of a test that passed: those of all of them are some gigabytes.

    Its folder stays, so that no other test of this process is given a path that was used.
    """
    if "tmp_path" not in request.fixturenames:
        yield
        return
    folder, failed = request.getfixturevalue("tmp_path"), request.session.testsfailed
    yield
    if request.session.testsfailed == failed:
        for each in folder.iterdir():
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each, ignore_errors=True)
            else:
                each.unlink()


@pytest.fixture(autouse=True)
def faults(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[Exception]]:
    """The faults of the program that the console told of: one fails the test it happens in.

    And no cursor blinks, so that a picture taken half a second later is the same.
    """
    told: list[Exception] = []
    if request.path.parent.name == "console":
        from textual.widgets import Input

        from entitlement_ledger.console.app import ConsoleApp

        tell = ConsoleApp.fault

        def noted(app: ConsoleApp, error: Exception) -> None:
            told.append(error)
            tell(app, error)

        monkeypatch.setattr(ConsoleApp, "fault", noted)
        monkeypatch.setattr(Input, "_toggle_cursor", lambda _line: None)
    yield told
    assert told == []


@pytest.fixture(scope="session")
def made_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    from console_support import make_store

    return make_store(tmp_path_factory.mktemp("console"))


@pytest.fixture
def store(made_store: str, tmp_path: Path) -> str:
    """A copy of the console's store, to be written to."""
    copy = tmp_path / "ledger.duckdb"
    shutil.copy(made_store, copy)
    return str(copy)
