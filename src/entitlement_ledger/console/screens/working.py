"""Long pieces of work: their progress is shown, and Esc stops them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from textual.timer import Timer

from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.errors import Cancelled, LedgerError

if TYPE_CHECKING:
    from entitlement_ledger.ledger import Ledger

Done = TypeVar("Done")
_LOOK_SECONDS = 0.1


class Work:
    """One long piece of work in a thread.

    Attributes:
        done, total: how far it has come; of nothing before it has told.
        thread: the one that it runs in, once it does.
        stopped: somebody does not want it any more.
    """

    def __init__(self) -> None:
        self.done = self.total = 0
        self.thread: int | None = None
        self.stopped = False

    def run(
        self, question: Callable[[Ledger, Callable[[int, int], None]], Done], ledger: Ledger
    ) -> Done | LedgerError:
        """Do it; what goes wrong is given like an answer, since it may hold more than a line."""
        self.thread = threading.get_ident()
        try:
            return question(ledger, self.progress)
        except LedgerError as error:
            return error

    def progress(self, done: int, total: int) -> None:
        """Remember how far it has come; raise `Cancelled` in its own thread once it is to stop."""
        self.done, self.total = done, total
        if self.stopped and threading.get_ident() == self.thread:
            raise Cancelled("stopped")


class WorkingScreen(LedgerScreen):
    """A screen that does one long piece of work at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.work: Work | None = None
        self._timer: Timer | None = None

    def begin(
        self,
        question: Callable[[Ledger, Callable[[int, int], None]], Done],
        done: Callable[[Done], None],
    ) -> None:
        """Begin work in a thread; `done` is given what comes of it, unless it fails or stops."""
        work = self.work = Work()
        self._timer = self.set_interval(_LOOK_SECONDS, self._look)
        self.show_progress(work)
        self.ask("work", partial(work.run, question), partial(self._over, done))

    def _look(self) -> None:
        if self.work is None or self.session is None:
            return
        self.show_progress(self.work)
        if self.work.stopped and self.work.thread is not None:
            # Again and again: between two queries there is nothing to be interrupted.
            self.session.ledger.interrupt(self.work.thread)

    def _over(self, done: Callable[[Done], None], result: Any) -> None:
        self.work = None
        if self._timer is not None:
            self._timer.stop()
        if isinstance(result, Cancelled):
            self.stopped()
        elif isinstance(result, LedgerError):
            self.went_wrong(result)
        else:
            done(result)

    def show_progress(self, work: Work) -> None:
        """Show how far the work has come, or that it is about to stop."""
        raise NotImplementedError

    def stopped(self) -> None:
        """Say that the work was stopped, and what that means."""
        raise NotImplementedError

    def went_wrong(self, error: LedgerError) -> None:
        """Say what went wrong, and what to do."""
        raise NotImplementedError

    def on_unmount(self) -> None:
        """Stop: nobody waits for it any more."""
        if self.work is not None:
            self.work.stopped = True

    def action_back(self) -> None:
        """Stop what runs; else go back."""
        if self.work is not None:
            self.work.stopped = True
            self._look()
        else:
            self.dismiss(None)
