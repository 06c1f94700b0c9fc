"""The console as it is, but that it says when what it was asked for was on the screen.

Run by `measuring`: `python -m entitlement_ledger.console.measured STORE FD`. A line for each page:
`first` or `more`, and when the query began, when it was answered and when its rows were painted, in
seconds of the monotonic clock.
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial

from entitlement_ledger.answers import HistoryFilter, Page, TransactionRow
from entitlement_ledger.console.app import ConsoleApp
from entitlement_ledger.console.measuring import PAGE
from entitlement_ledger.console.opening import Opening
from entitlement_ledger.console.screens.ledger import LedgerHistoryScreen
from entitlement_ledger.garbage import look_seldom
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.settings import Settings


class Telling:
    """Says what was painted when."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.asked = self.answered = 0.0

    def page(
        self, ledger: Ledger, only: HistoryFilter, after: int | None
    ) -> Page[TransactionRow, int]:
        """Ask for a page of transactions, as the screen does when it comes up."""
        asked = time.monotonic()
        page = ledger.history(only, after=after, limit=PAGE)
        self.asked, self.answered = asked, time.monotonic()
        return page

    def painted(self, word: str, *times: float) -> None:
        """Say that something was painted now."""
        said = " ".join([word, *(f"{each:.6f}" for each in (*times, time.monotonic()))])
        os.write(self._fd, f"{said}\n".encode())


def watch(telling: Telling) -> None:
    """Have the Ledger tell when it has shown what it was given."""

    def told(name: str, word: str) -> None:
        shown = getattr(LedgerHistoryScreen, name)

        def show(self: LedgerHistoryScreen, page: Page[TransactionRow, int]) -> None:
            shown(self, page)
            self.call_after_refresh(partial(telling.painted, word, telling.asked, telling.answered))

        setattr(LedgerHistoryScreen, name, show)

    told("_show_first", "first")
    told("_show_more", "more")

    def page(
        _self: LedgerHistoryScreen, ledger: Ledger, only: HistoryFilter, after: int | None
    ) -> Page[TransactionRow, int]:
        return telling.page(ledger, only, after)

    setattr(LedgerHistoryScreen, "page", page)  # noqa: B010 - mypy would not have it assigned


def main(store: str, fd: str) -> None:
    """Run the console on a store, telling through a file descriptor."""
    look_seldom()
    watch(Telling(int(fd)))
    ConsoleApp(Opening(Settings(store=store, actor="bench"), demo=False, read_only=False)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
