"""A support call and a morning of an auditor, driven through tmux as people do, keys counted."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import ENTL
from support import entl

from entitlement_ledger.answers import EventFilter
from entitlement_ledger.demo import make_demo
from entitlement_ledger.ledger import Ledger

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")
SIZES = [(80, 24), (120, 40)]
_SECONDS = 40
_seats = itertools.count(1)


class Seat:
    """Who sits before the console: sees the screen, presses keys, and is counted."""

    def __init__(self, folder: Path, size: tuple[int, int], command: list[str]) -> None:
        # Not a socket in the folder: the path of one must be short.
        name = f"entl-{os.getpid()}-{next(_seats)}"
        self._tmux = ["tmux", "-L", name, "-f", "/dev/null"]
        self.pressed = 0
        width, height = size
        self._run("new-session", "-d", "-x", str(width), "-y", str(height), "-c", str(folder),
                  "exec env -u NO_COLOR -u COLUMNS -u LINES " + " ".join(command))  # fmt: skip

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._tmux, *arguments], capture_output=True, check=True, text=True, timeout=30
        )
        return done.stdout

    def screen(self) -> str:
        """Give what is on the screen, each line's spaces as one."""
        lines = self._run("capture-pane", "-p").replace("│", " ").splitlines()
        return "\n".join(" ".join(line.split()) for line in lines)

    def sees(self, text: str) -> str:
        """Wait until a text is on the screen, wherever lines end; give the screen."""
        until = time.monotonic() + _SECONDS
        while True:
            shown = self.screen()
            if text in " ".join(shown.split()):
                return shown
            assert time.monotonic() < until, f"no {text!r} in\n{shown}"
            time.sleep(0.1)

    def press(self, *keys: str) -> None:
        """Press keys, and count them."""
        for key in keys:
            self._run("send-keys", key)
            self.pressed += 1
            # Not quicker than people are; a key right behind Esc would be that key with Alt.
            time.sleep(0.1 if len(key) == 1 else 0.3)

    def types(self, text: str) -> None:
        """Type text; what is typed is not counted."""
        self._run("send-keys", "-l", text)

    def leave(self) -> None:
        """Leave the console; it must have ended by itself."""
        self._run("send-keys", "C-q")
        until = time.monotonic() + _SECONDS
        while subprocess.run(
            [*self._tmux, "has-session"], capture_output=True, check=False
        ).returncode == 0:  # fmt: skip
            assert time.monotonic() < until, self.screen()
            time.sleep(0.1)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_demo(tmp_path_factory.mktemp("company"), lambda _done, _total: None)


@pytest.fixture
def store(company: str, tmp_path: Path) -> str:
    shutil.copytree(Path(company).parent, tmp_path / "store")
    return str(tmp_path / "store" / Path(company).name)


def seat(store: str, folder: Path, size: tuple[int, int], *flags: str) -> Seat:
    command = [*ENTL, "--store", store, "--actor", "dana", "console", *flags]
    taken = Seat(folder, size, [f"'{each}'" for each in command])
    taken.sees("61 customers")
    return taken


@pytest.fixture
def ended() -> Iterator[list[Seat]]:
    """Seats that are to be left whatever happens."""
    taken: list[Seat] = []
    yield taken
    for each in taken:
        subprocess.run([*each._tmux, "kill-server"], capture_output=True, check=False)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("typed", ["aino virt", "user10434@", "C-10434", "T-3334"])
def test_from_start_to_a_customer(
    store: str, tmp_path: Path, size: tuple[int, int], typed: str, ended: list[Seat]
) -> None:
    me = seat(store, tmp_path, size)
    ended.append(me)
    me.press("/")
    me.types(typed)
    before = me.pressed
    me.sees("Aino Virtanen ● active")
    me.press("Enter")
    me.sees("C-10434 · user10434@example.com")
    assert me.pressed - before <= 5


@pytest.mark.parametrize("size", SIZES)
def test_a_support_call(
    store: str, tmp_path: Path, size: tuple[int, int], ended: list[Seat]
) -> None:
    """ "Where are my tiles, and can I have some back?" Found, told why, made good, in writing."""
    me = seat(store, tmp_path, size)
    ended.append(me)
    me.press("/")
    me.types("T-3334")
    me.sees("Aino Virtanen ● active")
    me.sees("lost 20 MAP-QUOTA lapsed")
    me.press("Enter", "Enter", "Down", "Down", "Down", "w")
    me.sees("Why? C-10434, MAP-QUOTA")
    me.press("Escape", "i")
    me.sees("Issue for C-10434")
    me.types("20")
    me.press("Tab", "Tab", "Tab")
    me.types("outage of the map service")
    me.press("Tab")
    me.types("ticket:T-3334")
    me.press("C-s")
    me.sees("This is what it would do: - MAP-QUOTA available: 105 tile + MAP-QUOTA available: 125")
    me.press("Tab", "Enter")
    me.sees("Recorded as entl:5489, completed.")
    me.press("Enter", "S")
    me.sees("movements with the running balance")
    me.press("C-s")
    me.sees("Written, and its path copied")
    assert me.pressed == 19
    me.leave()
    statement = (tmp_path / "statement-C-10434.html").read_text("utf-8")
    assert "outage of the map service" in statement
    (balance,) = json.loads(entl(*_balance(), store=store).stdout)
    assert balance["available"] == 125


def _balance() -> list[str]:
    return ["balance", "--customer", "C-10434", "--entitlement", "MAP-QUOTA", "--json"]


@pytest.mark.parametrize("size", SIZES)
def test_an_audit_session(
    store: str, tmp_path: Path, size: tuple[int, int], ended: list[Seat]
) -> None:
    """What somebody adjusted, one by one, some at once, one flagged; a sample with its proofs."""
    only = EventFilter(actor="maria.costa", what="adjust")
    with Ledger.open(store, read_only=True) as ledger:
        total = ledger.count_events(only)
    assert total >= 10
    me = seat(store, tmp_path, size)
    ended.append(me)
    me.press("3")
    me.sees("5,488 in all")
    me.press("/")
    me.types("what:adjust actor:maria.costa")
    me.sees(f"{total} match")
    me.press("Enter", "u")
    me.sees(f"only unreviewed · 0 of {total} reviewed")
    before = me.pressed
    for done in range(1, 4):
        me.press("d")
        me.sees(f"{done} of {total} reviewed")
    assert me.pressed - before == 3, "one key an event"
    me.press("F")
    me.sees("what is wrong?")
    me.types("who asked for this?")
    me.press("Tab", "Tab", "Enter")
    me.sees("1 flagged")
    me.press("x", "Down", "Down", "X", "d")
    me.sees("Mark 4 selected events as reviewed?")
    me.press("Tab", "Enter")
    me.sees(f"7 of {total} reviewed")
    me.press("m")
    me.sees("Draw a sample")
    me.press("BSpace", "BSpace")
    me.types("5")
    me.press("C-s")
    me.sees("5 in the sample")
    me.press("e")
    me.sees("Write 5 events, with the proof of each, into a new folder")
    me.press("C-s")
    me.sees("README.txt says how to check them")
    assert me.pressed == 24
    me.leave()
    _is_a_working_paper(next(tmp_path.glob("working-paper-random-*")), 5)
    with Ledger.open(store, read_only=True) as ledger:
        counts = ledger.review_counts(only)
    assert (counts.reviewed, counts.flagged) == (7, 1)


def _is_a_working_paper(folder: Path, events: int) -> None:
    """Whoever has the folder alone can check it."""
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    proofs = sorted((folder / "proofs").iterdir())
    assert len(proofs) == events
    for each in proofs:
        done = entl("verify-proof", str(each), "--key", str(folder / "key.txt"))
        assert done.returncode == 0, done.stderr
