"""The console where there is no store, or none that can be opened."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from console_support import opened, press, screen_text, settled, type_in
from program import ENTL
from textual.pilot import Pilot
from textual.widgets import Input

from entitlement_ledger import demo
from entitlement_ledger.console.app import ConsoleApp
from entitlement_ledger.console.opening import Opening
from entitlement_ledger.console.screens.customers import CustomersScreen
from entitlement_ledger.console.screens.first import FirstScreen
from entitlement_ledger.errors import InputError, StoreError
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.settings import Settings

_HOLDS = """
import sys
from entitlement_ledger.ledger import Ledger
with Ledger.open(sys.argv[1]):
    print("open", flush=True)
    sys.stdin.read()
"""


def make_app(store: Path | str, *, read_only: bool = False, **named: Any) -> ConsoleApp:
    settings = Settings(store=str(store), actor="tester", **named)
    return ConsoleApp(Opening(settings, demo=False, read_only=read_only))


async def not_opened(pilot: Pilot[Any]) -> None:
    """Wait until it is known that the store cannot be opened."""
    for _ in range(500):
        if isinstance(pilot.app.screen, FirstScreen):
            break
        await pilot.pause(0.02)
    await settled(pilot)


def words(pilot: Pilot[Any]) -> str:
    """Give what is on the screen, lines joined."""
    return " ".join(screen_text(pilot).split())


@contextmanager
def held(store: str) -> Iterator[subprocess.Popen[str]]:
    """Have another process hold a store."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDS, store],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process


@pytest.fixture
def quick_demo(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the small store be the demo's."""

    def make(folder: Path, progress: Callable[[int, int], None]) -> str:
        progress(1, 1)
        return str(shutil.copy(store, folder / "demo.duckdb"))

    monkeypatch.setattr(demo, "make_demo", make)


async def test_without_a_store_each_way_on_is_one_key(tmp_path: Path) -> None:
    missing = tmp_path / "none.duckdb"
    async with make_app(missing).run_test(size=(80, 24)) as pilot:
        await not_opened(pilot)
        shown = screen_text(pilot)
        assert "There is no store yet" in shown
        assert "none.duckdb" in shown.replace("\n", "").replace(" ", "")
        for line in ("d  the demo", "n  a new store", "o  open another", "q  leave"):
            assert line in shown
        assert "try again" not in shown
        assert "d Demo  n New store  o Open" in shown.splitlines()[-1]
        assert "Checks" not in shown.splitlines()[-1]
        await press(pilot, "2", "T", "B")
        assert isinstance(pilot.app.screen, FirstScreen)
        assert pilot.app.current_mode == "customers"


async def test_a_new_store_is_made_where_it_is_said_to_be(tmp_path: Path) -> None:
    wanted = tmp_path / "folder" / "new.duckdb"
    app = make_app(wanted)
    async with app.run_test(size=(80, 24)) as pilot:
        await not_opened(pilot)
        await press(pilot, "n")
        assert app.screen.query_one("#path", Input).value == str(wanted)
        await press(pilot, "enter")
        await opened(pilot)
        assert isinstance(app.screen, CustomersScreen)
        assert "no customers: import some" in screen_text(pilot)
        assert app.problem is None
        assert app.session is not None
        assert app.session.ledger.path == wanted
        app.session.ledger.close()
    with Ledger.open(str(wanted)) as ledger:
        assert ledger.count_history() == 0


async def test_what_was_typed_stays_when_it_could_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    app = make_app(tmp_path / "none.duckdb")
    async with app.run_test(size=(80, 24)) as pilot:
        await not_opened(pilot)
        await press(pilot, "n")
        path = app.screen.query_one("#path", Input)
        path.value = f"{tmp_path}/file"
        await press(pilot, "enter")
        assert "exists already" in screen_text(pilot)
        path.value = f"{tmp_path}/file/new.duckdb"
        await press(pilot, "enter")
        assert "cannot be used: Not a directory." in words(pilot)
        assert path.value == f"{tmp_path}/file/new.duckdb"
        await press(pilot, "escape", "o", "escape", "n")
        assert path.value == f"{tmp_path}/file/new.duckdb"
        path.value = f"{tmp_path}/{'n' * 300}"
        await press(pilot, "enter")
        assert isinstance(app.screen, FirstScreen)
        path.value = f"{tmp_path}/new.duckdb"
        await press(pilot, "enter")
        await opened(pilot)
    assert (tmp_path / "file").read_text() == "in the way"


async def test_another_store_is_opened(store: str, tmp_path: Path) -> None:
    app = make_app(tmp_path / "none.duckdb")
    async with app.run_test(size=(80, 24)) as pilot:
        await not_opened(pilot)
        await press(pilot, "o", "enter")
        assert "Say where" in screen_text(pilot)
        await type_in(pilot, store[:-3])
        await press(pilot, "enter")
        assert "There is no store at" in screen_text(pilot)
        assert app.screen.query_one("#path", Input).value == store[:-3]
        await press(pilot, "right", "enter")
        await opened(pilot)
        assert "10 customers" in screen_text(pilot)


async def test_read_only_makes_no_store(tmp_path: Path) -> None:
    async with make_app(tmp_path / "none.duckdb", read_only=True).run_test(size=(80, 24)) as pilot:
        await not_opened(pilot)
        assert "new store" not in screen_text(pilot).lower()
        await press(pilot, "n")
        assert not pilot.app.screen.query_one("#first-path").display


async def test_a_locked_store_names_who_has_it_and_is_tried_again(store: str) -> None:
    app = make_app(store)
    with held(store) as holder:
        async with app.run_test(size=(80, 24)) as pilot:
            await not_opened(pilot)
            shown = screen_text(pilot)
            assert "The store cannot be opened" in shown
            assert f"is in use by process {holder.pid}" in words(pilot)
            assert "r  try again" in shown
            assert "new store" not in shown.lower()
            await press(pilot, "n", "r")
            assert "it is as before" in screen_text(pilot)
            await press(pilot, "question_mark")
            assert "Try to open the store again." in screen_text(pilot)
            assert "Make an empty store." not in screen_text(pilot)
            await press(pilot, "escape")
            holder.communicate("")
            await press(pilot, "r")
            await opened(pilot)
            assert "10 customers" in screen_text(pilot)
            assert app.problem is None


async def test_a_damaged_store_is_told_in_one_line_and_escape_leaves(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.duckdb"
    damaged.write_bytes(b"[/red]" * 1000)
    app = make_app(damaged)
    async with app.run_test(size=(80, 24)) as pilot:
        await not_opened(pilot)
        assert "is not a ledger's store" in words(pilot)
        await pilot.press("o", "escape", "escape")
        await pilot.pause()
        assert not app.is_running
    assert isinstance(app.problem, StoreError)


@pytest.mark.usefixtures("quick_demo")
async def test_the_demo_is_shown_instead_and_thrown_away(tmp_path: Path) -> None:
    app = make_app(tmp_path / "none.duckdb")
    async with app.run_test(size=(80, 24)) as pilot:
        await not_opened(pilot)
        await press(pilot, "d")
        await opened(pilot)
        assert "DEMO" in screen_text(pilot)
        assert app.session is not None
        made = app.session.ledger.path
        assert made.exists()
        app.session.ledger.close()
        app.opening.close()
    assert not made.exists()
    assert app.problem is None


@pytest.mark.usefixtures("quick_demo")
@pytest.mark.parametrize("read_only", [False, True])
async def test_the_demo_is_up_to_date_and_sealed(tmp_path: Path, read_only: bool) -> None:
    app = make_app(tmp_path / "none.duckdb", read_only=read_only)
    async with app.run_test(size=(80, 24)) as pilot:
        await not_opened(pilot)
        await press(pilot, "d")
        await opened(pilot)
        assert "✓ sealed" in screen_text(pilot)
        assert app.session is not None
        ledger = app.session.ledger
        assert [row.type for row in ledger.history(limit=1).rows] == ["expire"]
        ledger.close()
        if not read_only:
            with Ledger.open(str(ledger.path)) as again:
                before = again.count_events()
                again.run_due()
                assert again.count_events() == before, "nothing is due any more"
        app.opening.close()


async def test_a_demo_that_cannot_be_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, _progress: object) -> str:
        raise StoreError(f"no space left for {folder}: make room and try again")

    monkeypatch.setattr(demo, "make_demo", full)
    app = make_app(tmp_path / "none.duckdb")
    async with app.run_test(size=(80, 24)) as pilot:
        await not_opened(pilot)
        await press(pilot, "d")
        assert "no space left" in screen_text(pilot)
        assert "There is no store yet" in screen_text(pilot)
        await press(pilot, "n", "enter")
        await opened(pilot)


async def test_a_store_of_another_kind_ends_the_console_with_its_reason() -> None:
    app = make_app("postgresql://somewhere/ledger")
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(200):
            if not app.is_running:
                break
            await pilot.pause(0.02)
        assert not isinstance(app.screen, FirstScreen)
    assert isinstance(app.problem, InputError)


def test_left_without_a_store_it_exits_with_3_and_the_reason(tmp_path: Path) -> None:
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [*ENTL, "--store", "none.duckdb", "console"],
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
        stdin=its,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    said = b""
    try:
        while b"no store yet" not in said:
            said += os.read(ours, 4096)
        os.write(ours, b"q")
        said = b""
        while more := _read(ours):
            said += more
        assert process.wait(timeout=20) == 3
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert b"none.duckdb: make one with" in said
    assert b"Traceback" not in said


def _read(descriptor: int) -> bytes:
    """Read until the other end is closed, which Linux tells as an error."""
    try:
        return os.read(descriptor, 4096)
    except OSError:
        return b""
