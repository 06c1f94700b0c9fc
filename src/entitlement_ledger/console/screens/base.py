"""What every screen does alike: ask the ledger in a worker, and never show a stale answer."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import DataTable, Input
from textual.worker import Worker

from entitlement_ledger.console.actions import (
    ALERTS,
    CATALOGUE,
    CHANGES,
    CHECKS,
    DISCREPANCY,
    EVERYWHERE,
    FINDING,
    RECONCILE,
    RUN,
    TRANSACTION,
)
from entitlement_ledger.console.keys import has_action
from entitlement_ledger.console.moment import NOW, Moment
from entitlement_ledger.console.session import Session
from entitlement_ledger.console.widgets.chrome import Banner, Breadcrumb, StatusLine, TooSmall
from entitlement_ledger.console.widgets.footer import KeyFooter
from entitlement_ledger.errors import Cancelled, LedgerError, fault_of

if TYPE_CHECKING:
    from entitlement_ledger.console.app import ConsoleApp
    from entitlement_ledger.ledger import Ledger

Answer = TypeVar("Answer")

_OF_NOW = frozenset({ALERTS, FINDING, CHECKS, RECONCILE, RUN, DISCREPANCY, CATALOGUE, TRANSACTION})
"""Places that show what is, whatever moment the others show."""


_RECORDING = ("post", "review")
"""How slots are called in which something is recorded: that is not interrupted."""


class LedgerScreen(Screen[str | None]):
    """A screen that asks the ledger questions.

    Questions are asked in slots: a newer one in the same slot interrupts the older, whose answer is
    thrown away even if it still comes.
    """

    CSS_PATH = Path(__file__).parent.with_name("screens.tcss")
    WHERE: ClassVar[tuple[str, ...]] = ()
    """Which of the registry's actions this screen has, besides those everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self._bindings = self.console.my_keys.rebind(self._bindings)
        self._asked: dict[str, int] = {}
        self._threads: dict[str, int] = {}
        self._workers: dict[str, Worker[None]] = {}
        self._seen = -1

    @property
    def console(self) -> ConsoleApp:
        """The app, by its own type."""
        return cast("ConsoleApp", self.app)

    @property
    def session(self) -> Session | None:
        """The open ledger, once there is one."""
        return self.console.session

    @property
    def moment(self) -> Moment:
        """As of when everything is shown."""
        return NOW if self.session is None else self.session.moment

    @property
    def of_now(self) -> bool:
        """Whether this screen shows what is now, whatever the moment."""
        return not _OF_NOW.isdisjoint(self.WHERE)

    def compose(self) -> ComposeResult:
        """Lay out the frame around what the screen shows."""
        yield Breadcrumb(id="breadcrumb")
        yield Banner(id="moment")
        yield from self.compose_body()
        yield StatusLine(id="status")
        yield KeyFooter()
        yield TooSmall()

    def compose_body(self) -> ComposeResult:
        """Lay out what this screen shows."""
        raise NotImplementedError

    def places(self) -> tuple[str, ...]:
        """Say where this screen is, for the breadcrumb."""
        raise NotImplementedError

    def load(self) -> None:
        """Ask for what this screen shows; the session is there."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Show the frame; ask as soon as the store is open.

        Textual calls this besides a screen's own, which must not: everything would be asked twice.
        """
        if self.query(Breadcrumb):
            self.show_places()
            self.session_changed()

    def session_changed(self) -> None:
        """Go on once the store has been opened, or has been written to."""
        if not self.query(StatusLine):
            return  # the console is being left already, or what is here has not come up yet
        self._seen = self.console.version
        self.query_one(StatusLine).show(self.session, self.console.waiting_for)
        hint = self.with_keys("{travel} changes")
        if self.query_one(Banner).show(self.moment, hint, of_now=self.of_now):
            self.refresh_bindings()
        if self.session is not None:
            self.load()

    def on_screen_resume(self) -> None:
        """Show what was recorded while another screen was in front."""
        if self._seen != self.console.version:
            self.session_changed()
        self.console.tour_came_to(self)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave out what records something where nothing may be recorded.

        And the search while a line is being typed: its key is a letter there.
        """
        if action == "search" and isinstance(self.focused, Input):
            return False
        return not (self.console.read_only and action in CHANGES)

    @property
    def unrecorded(self) -> bool:
        """Whether something was typed here that would be lost."""
        return False

    def with_keys(self, hint: str) -> str:
        """Put keys into a hint: `{search}` becomes the key that searches here.

        `{customers.issue}` becomes that of another place.
        """
        return re.sub(r"{([a-z_.]+)}", lambda found: self._key_of(found[1]), hint)

    def _key_of(self, name: str) -> str:
        place, _, action = name.rpartition(".")
        here = (EVERYWHERE, *self.WHERE)
        places = [place] if place else [each for each in here if has_action(each, action)]
        return self.console.my_keys.name(places[0], action)

    def show_places(self) -> None:
        """Bring the breadcrumb up to date."""
        self.query_one(Breadcrumb).show(*self.places())

    def ask(
        self,
        slot: str,
        question: Callable[[Ledger], Answer],
        land: Callable[[Answer], None],
        failed: Callable[[str], None] | None = None,
    ) -> None:
        """Ask in a worker; `land` is given the answer unless a newer question was asked.

        `failed` is told why there is no answer; without it, the screen's own `failed` is. Whoever
        gives it is told, too, that the question was stopped by somebody else.
        """
        if self.session is None:
            return
        number = self._asked[slot] = self._asked.get(slot, 0) + 1
        older = self._threads.get(slot)
        if older is not None:
            self.session.ledger.interrupt(older)
        work = partial(self._work, slot, number, question, land, failed)
        self._workers[slot] = self.run_worker(work, thread=True, group=slot, exit_on_error=False)

    def asking(self, slot: str) -> Worker[None] | None:
        """Give what asks in a slot, as long as it has not ended."""
        worker = self._workers.get(slot)
        return None if worker is None or worker.is_finished else worker

    def rows_coming(self) -> str | None:
        """Give the slot whose answer may fill the table that has the focus and has no rows yet."""
        if not isinstance(self.focused, DataTable) or self.focused.row_count:
            return None
        asked = (slot for slot in self._workers if not slot.startswith(_RECORDING))
        return next((slot for slot in asked if self.asking(slot)), None)

    def when_landed(self, slot: str, then: Callable[[], None]) -> None:
        """Do something with the answer that is asked for in a slot; keys wait for it until then."""
        if self.asking(slot) is None:
            then()
        else:
            self.console.keys_wait_for(self, slot, then=then)

    def drop(self, slot: str) -> None:
        """Throw away what was asked in a slot."""
        self._asked[slot] = self._asked.get(slot, 0) + 1

    def stop(self, slot: str) -> bool:
        """Throw away what was asked in a slot, and interrupt it; say whether there was anything."""
        self.drop(slot)
        self._workers.pop(slot, None)
        thread = self._threads.get(slot)
        if thread is None or self.session is None:
            return False
        self.session.ledger.interrupt(thread)
        return True

    def on_unmount(self) -> None:
        """Stop what is asked: nobody waits for it any more. What records something goes on."""
        for slot in list(self._threads):
            if not slot.startswith(_RECORDING):
                self.stop(slot)

    def _work(
        self,
        slot: str,
        number: int,
        question: Callable[[Ledger], Answer],
        land: Callable[[Answer], None],
        failed: Callable[[str], None] | None,
    ) -> None:
        session = self.session
        if session is None or self._asked[slot] != number:
            return
        self._threads[slot] = threading.get_ident()
        try:
            answer = question(session.ledger)
        except Cancelled:
            if failed is not None:
                self._tell(self._landed, slot, number, failed, "stopped")
            return
        except LedgerError as error:
            self._tell(self._landed, slot, number, failed or self.failed, str(error))
            return
        except Exception as error:
            self._tell(self.console.fault, error)
            if failed is not None:
                self._tell(self._landed, slot, number, failed, fault_of(error))
            return
        finally:
            if self._threads.get(slot) == threading.get_ident():
                del self._threads[slot]
        self._tell(self._landed, slot, number, land, answer)

    def _tell(self, call: Callable[..., None], *arguments: Any) -> None:
        """Go back to the app's own thread, unless it has ended meanwhile."""
        if self.app.is_running:
            self.app.call_from_thread(call, *arguments)

    def _landed(
        self, slot: str, number: int, land: Callable[[Answer], None], answer: Answer
    ) -> None:
        if self._asked.get(slot) == number and self.is_attached:
            try:
                land(answer)
            except Exception as error:
                self.console.fault(error)

    def open_form(self, kind: str, customer: str, given: Mapping[str, str]) -> None:
        """Ask for what a form offers to choose from, then show it."""
        from entitlement_ledger.console.requests import Catalogue
        from entitlement_ledger.console.screens.form import FormScreen

        def catalogue(ledger: Ledger) -> Catalogue:
            return Catalogue(
                {each.code: each for each in ledger.entitlements()},
                {each.code: each for each in ledger.products()},
                tuple(each.product for each in ledger.subscriptions(customer)),
            )

        def show(found: Catalogue) -> None:
            if self.console.read_only:
                return  # another moment was gone to meanwhile
            self.app.push_screen(FormScreen(kind, customer, found, given, self.places()))

        self.ask("catalogue", catalogue, show)
        self.console.keys_wait_for(self, "catalogue", opens=True)

    def failed(self, message: str) -> None:
        """Show what went wrong, and what to do."""
        self.notify(message, title="Not answered", severity="error", markup=False)

    def action_reload(self) -> None:
        """Ask again."""
        self.session_changed()

    def action_back(self) -> None:
        """Go back to where this screen was opened from."""
        if len(self.app.screen_stack) > 1:
            self.app.pop_screen()
