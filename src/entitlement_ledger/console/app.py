"""The console's app: seven modes, one session, and a first paint that waits for nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual import events
from textual.app import ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from entitlement_ledger.console.actions import CHANGES, EVERYWHERE, NEED_STORE, bindings_of
from entitlement_ledger.console.clipboard import CopyingApp
from entitlement_ledger.console.graphics import letters_of
from entitlement_ledger.console.helping import HelpingApp
from entitlement_ledger.console.in_turn import KeysInTurnApp
from entitlement_ledger.console.keys import read_keys
from entitlement_ledger.console.modes import MODES
from entitlement_ledger.console.opening import Opening
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.session import Session
from entitlement_ledger.console.toasting import ToastingApp
from entitlement_ledger.console.touring import TOUR_ONLY, TouringApp
from entitlement_ledger.console.uncoloured import UncolouredApp
from entitlement_ledger.console.widgets.chrome import (
    HEIGHTS,
    WIDTHS,
    Breadcrumb,
    StatusLine,
    is_covered,
)
from entitlement_ledger.errors import Cancelled, LedgerError, StoreError, fault_of
from entitlement_ledger.harmless import harmless
from entitlement_ledger.settings import Settings, settings_path

if TYPE_CHECKING:
    from textual.command import Provider

    from entitlement_ledger.answers import Vouched
    from entitlement_ledger.console.moment import Moment
    from entitlement_ledger.ledger import Ledger
    from entitlement_ledger.reports.parameters import Parameters


def _palette() -> type[Provider]:
    from entitlement_ledger.console.palette import ActionProvider

    return ActionProvider


def _ledger_palette() -> type[Provider]:
    from entitlement_ledger.console.palette import LedgerProvider

    return LedgerProvider


class ConsoleApp(CopyingApp, KeysInTurnApp, HelpingApp, TouringApp, ToastingApp, UncolouredApp):
    """The terminal console.

    Attributes:
        session: the open ledger, once there is one.
        waiting_for: in a few words, what is being waited for until then.
        opening: how it is opened, or was.
        problem: why the store that was asked for could not be opened, as long as none is open.
        my_keys: the keys that the settings give to actions.
        letters: the characters that pictures are drawn with.
        version: grows whenever something was recorded, so that screens know that they are old.
    """

    TITLE = "Entitlement Ledger"
    CSS_PATH = "console.tcss"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = MODES
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(EVERYWHERE)
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {
        _palette,
        _ledger_palette,
    }

    def __init__(self, opening: Opening) -> None:
        super().__init__()
        self.opening = opening
        self.read_only = opening.read_only
        self.session: Session | None = None
        self.waiting_for = "opening the store…"
        self.version = 0
        self.problem: LedgerError | None = None
        self._asked_twice: LedgerScreen | None = None
        self.my_keys = read_keys(opening.settings.keys, settings_path())
        self.letters = letters_of(opening.settings)
        self._bindings = self.my_keys.rebind(self._bindings)
        self.use_themes(opening.settings.theme)
        self.leave_out_colours()

    def compose(self) -> ComposeResult:
        """Lay out the first paint: the frame, and what is being waited for."""
        yield Breadcrumb(id="breadcrumb")
        yield StatusLine(id="status")

    def on_mount(self) -> None:
        """Go on once the first paint is out."""
        self.query_one(Breadcrumb).show("Customers")
        self.query_one(StatusLine).show(None, self.waiting_for)
        self.call_after_refresh(self._begin)

    async def _begin(self) -> None:
        self.watch_themes()
        if self.current_mode == "_default":
            # Not if somebody has gone elsewhere meanwhile.
            await self.switch_mode("customers")
        self.take_keys()
        self.run_worker(self._open_session, thread=True, group="opening", exit_on_error=False)

    def _open_session(self) -> None:
        """Open the store; runs in a thread, so that the console can be looked at meanwhile."""
        opening = self.opening
        try:
            session = opening.session(lambda words: self._from_thread(self._wait, words))
        except Cancelled:
            return
        except LedgerError as error:
            self._from_thread(self._not_opened, opening, error)
            return
        except Exception as error:
            self._from_thread(self.fault, error)
            self._from_thread(self._not_opened, opening, StoreError(fault_of(error)))
            return
        if opening.cancelled:
            session.ledger.close()
        else:
            self._from_thread(self._opened, session)

    def _from_thread(self, call: Callable[..., None], *arguments: object) -> None:
        if self.is_running and not self.opening.cancelled:
            self.call_from_thread(call, *arguments)

    def _wait(self, words: str) -> None:
        self.waiting_for = words
        for line in self.screen.query(StatusLine):
            line.show(None, words)

    def _opened(self, session: Session) -> None:
        self.session = session
        self.waiting_for, self.problem = "", None
        self._changed()
        if session.demo:
            self.offer_tour()

    def _not_opened(self, opening: Opening, error: LedgerError) -> None:
        """Offer what can be done instead; about settings that cannot be used, nothing can."""
        from entitlement_ledger.console.screens.first import FirstScreen

        opening.close()
        self._wait("no store is open")
        for screen in self.screen_stack:
            if isinstance(screen, FirstScreen):
                screen.not_opened(opening, error)
                return
        self.problem = error
        if isinstance(error, StoreError):
            self.push_screen(FirstScreen(opening, error))
        else:
            self.action_leave()

    def fault(self, error: Exception) -> None:
        """Tell of a fault of the program's own: nobody is to wait for what does not come."""
        said = harmless(fault_of(error))
        self.notify(said, severity="error", markup=False, timeout=30)

    def open_otherwise(self, opening: Opening) -> None:
        """Open another store than was asked for first, or try that one again."""
        self.opening = opening
        self.run_worker(self._open_session, thread=True, group="opening", exit_on_error=False)

    def recorded(self) -> None:
        """Go on after something was recorded: the screen in front at once, others when shown."""
        self.tour_saw("recorded")
        self.changed()

    def changed(self) -> None:
        """Ask anew what the status line tells, then have screens ask what they show."""
        screen = self.screen
        if self.session is None or not isinstance(screen, LedgerScreen):
            return
        screen.ask("vouched", lambda ledger: ledger.vouched(), self._vouched)

    def _vouched(self, vouched: Vouched) -> None:
        assert self.session is not None
        self.session.vouched = vouched
        self._changed()

    def _changed(self) -> None:
        self.version += 1
        for screen in self.screen_stack:
            if isinstance(screen, LedgerScreen):
                screen.session_changed()

    # What keys do

    async def on_event(self, event: events.Event) -> None:
        """Let nothing be done on a screen that is covered for want of room, but to leave it."""
        if isinstance(event, events.Key | events.Paste) and is_covered(self.size):
            bound = self._bindings.key_to_bindings.get(getattr(event, "key", ""), [])
            if any(binding.action == "leave" for binding in bound):
                self.action_leave()
            return
        await super().on_event(event)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave out what needs a store where none could be opened, and the tour's keys off it.

        And what records something where nothing may be recorded: screens do that for their own.
        """
        if self.problem is not None and action in NEED_STORE:
            return False
        if self.read_only and action in CHANGES:
            return False
        return self.tour is not None or action not in TOUR_ONLY

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer none: the palette is made from the registry."""
        return ()

    async def action_go_customers(self) -> None:
        """Go to the customers."""
        await self.switch_mode("customers")

    async def action_go_ledger(self) -> None:
        """Go to the history."""
        await self.switch_mode("ledger")

    async def action_go_audit(self) -> None:
        """Go to the audit trail."""
        await self.switch_mode("audit")

    async def action_go_alerts(self) -> None:
        """Go to what the rules noticed."""
        await self.switch_mode("alerts")

    async def action_go_checks(self) -> None:
        """Go to the checks."""
        await self.switch_mode("checks")

    async def action_go_reconcile(self) -> None:
        """Go to the reconciliation of outside files."""
        await self.switch_mode("reconcile")

    async def action_go_reports(self) -> None:
        """Go to the reports."""
        await self.switch_mode("reports")

    async def action_go_catalogue(self) -> None:
        """Go to the catalogue."""
        await self.switch_mode("catalogue")

    def open_report(self, name: str, **given: str) -> None:
        """Show a report, from wherever, with some filters filled in."""
        from entitlement_ledger.console.screens.report import ReportScreen

        if self.session is not None:
            for each in self.session.ledger.reports():
                if each.name == name:
                    self.push_screen(ReportScreen(each, given))

    def open_export(
        self, name: str, asked: Parameters, below: tuple[str, ...], *, at_once: bool
    ) -> None:
        """Ask as what, and where to, a report is to be written, or write it as is proposed."""
        from entitlement_ledger.console.screens.export import ExportScreen

        self.push_screen(ExportScreen(name, asked, below, at_once=at_once))

    def open_customer(self, customer: str) -> None:
        """Show a customer, from wherever."""
        self.call_later(self._open_customer, customer)

    async def _open_customer(self, customer: str) -> None:
        from entitlement_ledger.console.screens.customers import CustomersScreen

        await self.switch_mode("customers")
        while len(self.screen_stack) > 1:
            if self.screen.query("#form"):
                self.notify("Finish this form first.", markup=False)
                return
            await self.pop_screen()
        if isinstance(self.screen, CustomersScreen):
            self.screen.show_customer(customer)

    def open_transaction(self, transaction: str) -> None:
        """Show a transaction, from wherever."""
        from entitlement_ledger.console.screens.detail import TransactionScreen

        self.push_screen(TransactionScreen(transaction))

    def action_calendar(self) -> None:
        """Show on a calendar what lapses, for all customers."""
        from entitlement_ledger.console.screens.calendar import CalendarScreen

        if self.session is not None and isinstance(self.screen, LedgerScreen):
            shown = self.screen
            if not (isinstance(shown, CalendarScreen) and shown.of_customer is None):
                self.push_screen(CalendarScreen())

    def action_travel(self) -> None:
        """Ask as of when everything is to be shown."""
        if self.session is not None and isinstance(self.screen, LedgerScreen):
            from entitlement_ledger.console.screens.travelling import TravelScreen, unfinished

            if any(unfinished(stack) for stack in self._screen_stacks.values()):
                self.notify("Finish this form first.", markup=False)
                return
            self.push_screen(TravelScreen(self.screen))

    def travel(self, moment: Moment) -> None:
        """Show everything as of a moment; as of any other than now, nothing can be recorded."""
        assert self.session is not None
        self.session.moment = moment
        self.read_only = self.opening.read_only or not moment.is_now
        self._changed()

    def action_backup(self) -> None:
        """Back up the store into a new folder beside it."""
        if self.session is None or self.session.demo:
            self.notify("The demo is thrown away: there is nothing to back up.", markup=False)
            return
        ledger = self.session.ledger
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        folder = ledger.path.with_name(f"{ledger.path.stem}-backup-{stamp}")
        self.run_worker(
            lambda: self._back_up(ledger, folder), thread=True, group="backup", exclusive=True
        )

    def _back_up(self, ledger: Ledger, folder: Path) -> None:
        """Write the backup; runs in a thread, and says how far it has come."""

        def progress(done: int, total: int) -> None:
            self._from_thread(self._wait, f"backing up, {100 * done // max(total, 1)}%")

        try:
            ledger.backup(folder, progress)
            self._from_thread(self._backed_up, f"Backed up to {folder}", "information")
        except LedgerError as error:
            self._from_thread(self._backed_up, str(error), "error")

    def _backed_up(self, said: str, severity: Literal["information", "error"]) -> None:
        self.waiting_for = ""
        self._changed()
        self.notify(harmless(said), severity=severity, markup=False, timeout=15)

    def action_leave(self) -> None:
        """Leave; what is still being asked is interrupted, so that nobody waits for it.

        Where something was typed that is not recorded it is said first, and the second time counts.
        """
        front = self.screen
        if isinstance(front, LedgerScreen) and front.unrecorded and self._asked_twice is not front:
            self._asked_twice = front
            self.notify("What you typed is not recorded: once more leaves", severity="warning")
            return
        self.opening.cancelled = True
        if self.session is not None:
            self.session.ledger.interrupt()
        self.exit()


def run_console(settings: Settings, *, demo: bool, read_only: bool) -> None:
    """Run the console until it is left.

    Raises:
        InputError: the settings give a key that cannot be; the console was not opened.
        StoreError: the store could not be opened; the console has closed again.
    """
    opening = Opening(settings, demo, read_only)
    app = ConsoleApp(opening)
    try:
        app.run()
    finally:
        if app.session is not None:
            app.session.ledger.close()
        app.opening.close()
    if app.problem is not None:
        raise app.problem
