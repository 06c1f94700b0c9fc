"""How quick the console is to who sits before it: the first paint, a key, a page.

The console runs in a terminal of its own, as it is; `measured` is what it runs there.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from entitlement_ledger.bench.measuring import Measured, Tell, medians

_ROWS, _COLUMNS = 40, 120
_TITLE = b"Entitlement Ledger"
_EMPTY = """
from textual.app import App
from textual.widgets import Static

class Empty(App[None]):
    def compose(self):
        yield Static("Entitlement Ledger")

Empty().run()
"""
_SECONDS_MAX = 60
_FRAMES = 2 / 60
_PAGES_A_RUN = 10

PAGE = 100
"""How many transactions a page has."""

PAGES = 1 + _PAGES_A_RUN
TRANSACTIONS_MIN = _PAGES_A_RUN * PAGE + 1
"""How many there have to be for so many further pages behind the first."""


class Terminal:
    """A program in a pseudo-terminal, seen from outside."""

    def __init__(self, arguments: Sequence[str], told: int | None = None) -> None:
        self._screen, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        self._process = subprocess.Popen(  # noqa: S603 - this program
            arguments,
            stdin=side,
            stdout=side,
            stderr=side,
            start_new_session=True,
            pass_fds=() if told is None else (told,),
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )
        os.close(side)

    def press(self, keys: bytes) -> None:
        """Type keys, as a terminal sends them."""
        os.write(self._screen, keys)

    def read_until(self, *ends: int) -> int:
        """Take what is painted until there is something to be read from one of some files."""
        until = time.monotonic() + _SECONDS_MAX
        while time.monotonic() < until:
            ready, _, _ = select.select([self._screen, *ends], [], [], 1)
            if self._screen in ready:
                os.read(self._screen, 65536)
            for end in ends:
                if end in ready:
                    return end
        raise TimeoutError("the console did not answer")

    def read_title(self) -> None:
        """Wait until the title has been painted."""
        painted, until = b"", time.monotonic() + _SECONDS_MAX
        while _TITLE not in painted:
            if time.monotonic() > until:
                raise TimeoutError("nothing was painted")
            if select.select([self._screen], [], [], 1)[0]:
                painted += os.read(self._screen, 65536)

    def close(self) -> None:
        """End the program."""
        self._process.kill()
        self._process.wait()
        os.close(self._screen)


def first_paint(store: str, runs: int, tell: Tell) -> Measured:
    """Start the console, beside a Textual app that shows a line."""
    tell("starting the console")

    def painted(arguments: Sequence[str]) -> None:
        terminal = Terminal([sys.executable, *arguments])
        try:
            terminal.read_title()
        finally:
            terminal.close()

    console = ["-m", "entitlement_ledger.cli", "--store", store, "console"]
    works = [lambda: painted(console), lambda: painted(["-c", _EMPTY])]
    ours, theirs = medians(works, max(runs, 5))
    return Measured("first paint of the console", ours, "an empty Textual app", theirs, 1.5)


def keys_to_screen(store: str, runs: int, tell: Tell) -> Iterator[Measured]:
    """Open the Ledger and page through it, as quickly as it is painted."""
    tell("paging through the console")
    with _watched(store) as (terminal, told):
        terminal.read_title()
        _pressed(terminal, told, b"2", "first")
        first, more = [], []
        for _ in range(runs):
            more += [_pressed(terminal, told, b"G", "more") for _ in range(_PAGES_A_RUN)]
            # At the top again, or the page before the last would be asked for, too.
            terminal.press(b"g")
            first.append(_pressed(terminal, told, b"r", "first"))
    query, painted, whole = (statistics.median(each) for each in zip(*more, strict=True))
    yield Measured(
        "a further page on the screen, once its query is answered",
        painted,
        "two frames",
        _FRAMES,
        1.0,
    )
    yield Measured("from the key to a further page on the screen", whole, "its query", query, None)
    query, _, whole = (statistics.median(each) for each in zip(*first, strict=True))
    yield Measured("from the key to the first page on the screen", whole, "its query", query, None)


class _Told:
    """What the console says of itself: lines of a word and of times, in seconds."""

    def __init__(self, terminal: Terminal, end: int) -> None:
        self._terminal, self._end = terminal, end
        self._lines: list[str] = []

    def next(self, word: str) -> list[float]:
        """Give the times of the next line with a word."""
        while True:
            while not self._lines:
                self._terminal.read_until(self._end)
                self._lines += os.read(self._end, 65536).decode().splitlines()
            said, *times = self._lines.pop(0).split()
            if said == word:
                return [float(each) for each in times]


@contextmanager
def _watched(store: str) -> Iterator[tuple[Terminal, _Told]]:
    end, other = os.pipe()
    program = ["-m", "entitlement_ledger.console.measured", store, str(other)]
    terminal = Terminal([sys.executable, *program], other)
    os.close(other)
    try:
        yield terminal, _Told(terminal, end)
    finally:
        terminal.close()
        os.close(end)


def _pressed(terminal: Terminal, told: _Told, keys: bytes, word: str) -> tuple[float, float, float]:
    """Press a key; give the seconds of its query, from there to the screen, and of all of it."""
    start = time.monotonic()
    terminal.press(keys)
    asked, answered, painted = told.next(word)
    return answered - asked, painted - answered, painted - start
