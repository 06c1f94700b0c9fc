"""Keys in turn: one that was pressed before the last one has done its work waits for that.

Textual looks for what a key does when the key has come up through the widgets. Over a slow line
several come at once: by then the first may have opened a screen, or asked for other rows, and the
next would be lost, or would act on what is no longer meant.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from textual import events
from textual.app import App, ScreenStackError
from textual.message_pump import MessagePump
from textual.widget import Widget
from textual.widgets import DataTable, Input
from textual.worker import WorkerCancelled, WorkerFailed

from entitlement_ledger.console.screens.base import LedgerScreen

_PATIENCE_SECONDS = 2
"""How long a widget may take for one message before the next key no longer waits for it."""

_MOVES = frozenset({"cursor_up", "cursor_down", "page_up", "page_down"})
"""What a table does by itself: a key that is held down is not to wait for each row to be told."""


@dataclass(slots=True, eq=False)
class _Awaited:
    """An answer that keys wait for.

    Attributes:
        opens: whether a screen comes up with it: then what is typed is for that screen.
        then: what is done once the answer has landed.
        given_up: set when it is not waited for any more.
    """

    screen: LedgerScreen
    slot: str
    opens: bool = False
    then: Callable[[], None] | None = None
    given_up: asyncio.Event = field(default_factory=asyncio.Event)


class KeysInTurnApp(App[None]):
    """Delivers a key, or a paste, when all that the one before has set off is done.

    Until `take_keys` is called, while the first screen comes up, all of them wait.
    """

    def __init__(self) -> None:
        super().__init__()
        self._typed: deque[events.Key | events.Paste] = deque()
        self._awaited: deque[_Awaited] = deque()
        self._in_turn = True
        self._ran = False

    def take_keys(self) -> None:
        """Deliver what was typed while the first screen came up, and from now on everything."""
        self._in_turn = False
        self._go_on()

    def keys_wait_for(
        self,
        screen: LedgerScreen,
        slot: str,
        *,
        opens: bool = False,
        then: Callable[[], None] | None = None,
    ) -> None:
        """Hold keys back until what a screen asks in a slot has landed, then do something.

        Esc gives that up. Where the answer opens a screen, Esc stops the question, and what was
        typed for that screen is thrown away, as it is when no screen comes.
        """
        self._awaited.append(_Awaited(screen, slot, opens, then))
        self._go_on()

    async def on_event(self, event: events.Event) -> None:
        """Deliver what is typed in its turn, everything else at once."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
        elif isinstance(event, events.Key) and self._overtakes(event):
            self._give_up(event)
        elif self._runs_on(event):
            await super().on_event(event)
        elif self._in_turn or self._rows_first(event):
            self._typed.append(event)
            self._go_on()
        else:
            self._ran = self._only_runs(event)
            await super().on_event(event)
            self._go_on()

    def _runs_on(self, event: events.Key | events.Paste) -> bool:
        """Say whether a key goes on with what the last one did, so that nothing comes between."""
        free = self._in_turn and not (self._typed or self._awaited)
        return free and self._ran and self._only_runs(event)

    def _only_runs(self, event: events.Key | events.Paste) -> bool:
        """Say whether it only moves a cursor, or types: neither focus nor screen changes by it."""
        if isinstance(event, events.Paste):
            return False
        if isinstance(self.focused, Input):
            return event.is_printable
        if not isinstance(self.focused, DataTable) or not self.focused.row_count:
            return False
        keys = self.focused._bindings.key_to_bindings.get(event.key, [])
        return any(each.action in _MOVES for each in keys)

    def _go_on(self) -> None:
        if not self._in_turn:
            self._in_turn = True
            self.run_worker(self._take_turns(), group="keys")

    async def _take_turns(self) -> None:
        """Deliver what is held back, one after the other."""
        try:
            with suppress(ScreenStackError):  # the console is being left
                await self._landed()
                while self._typed:
                    if not self._rows_first(self._typed[0]):
                        event = self._typed.popleft()
                        self._ran = self._only_runs(event)
                        self.call_later(super().on_event, event)
                        if self._ran and self._typed and self._only_runs(self._typed[0]):
                            continue
                    await self._landed()
        finally:
            self._in_turn = False

    def _overtakes(self, key: events.Key) -> bool:
        """Say whether a key gives up what others wait for: Esc, and what leaves, do.

        While rows are waited for, so does what needs none: what there is everywhere.
        """
        if not self._awaited:
            return False
        mine = self._bindings.key_to_bindings.get(key.key, [])
        leaves = not key.is_printable and any(each.action == "leave" for each in mine)
        if key.key == "escape" or leaves:
            return True
        return not self._typed and not self._awaited[0].opens and self._needs_no_rows(key)

    def _needs_no_rows(self, key: events.Key) -> bool:
        here = self.screen._bindings.key_to_bindings.get(key.key, [])
        return (
            key.key == "escape"
            or key.key in self._bindings.key_to_bindings
            or any(each.priority for each in here)
        )

    def _rows_first(self, event: events.Key | events.Paste) -> bool:
        """Wait for the rows of a table that has none yet, where a key may be meant for one."""
        screen = self.screen
        if not isinstance(screen, LedgerScreen):
            return False
        slot = screen.rows_coming()
        if slot is None or isinstance(event, events.Paste) or self._needs_no_rows(event):
            return False
        self._awaited.append(_Awaited(screen, slot))
        return True

    def _give_up(self, key: events.Key) -> None:
        awaited = self._awaited[0]
        self._typed.clear()
        awaited.given_up.set()
        if awaited.opens and key.key == "escape":
            awaited.screen.stop(awaited.slot)
        else:
            self._typed.append(key)

    async def _landed(self) -> None:
        """Wait until all that was set off is done: no other screen or focus comes any more."""
        before = None
        while True:
            for _ in range(2):  # what a binding of a widget sets off comes up the same way again
                await self._passed()
            if self._awaited:
                await self._answered(self._awaited[0])
                continue
            now = self.screen, self.focused
            if now == before:
                return
            before = now

    async def _answered(self, awaited: _Awaited) -> None:
        """Wait for an answer, unless it is given up."""
        try:
            worker = awaited.screen.asking(awaited.slot)
            if worker is not None:
                waits = [asyncio.ensure_future(worker.wait()),
                         asyncio.ensure_future(awaited.given_up.wait())]  # fmt: skip
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                for each in waits:
                    each.cancel()
                with suppress(WorkerFailed, WorkerCancelled, asyncio.CancelledError):
                    await waits[0]
            if awaited.given_up.is_set():
                return
            if awaited.opens and self.screen is awaited.screen:
                self._typed.clear()
            elif awaited.then is not None:
                self.call_later(awaited.then)
        finally:
            self._awaited.popleft()

    async def _passed(self) -> None:
        """Wait until all has been processed on the way that a key takes down and up again."""
        on_the_way: list[MessagePump] = [self, self.screen]
        if self.focused is not None:
            on_the_way += [
                each for each in self.focused.ancestors_with_self if isinstance(each, Widget)
            ]
        for each in (*on_the_way, self):
            reached = asyncio.Event()
            if each.call_later(reached.set):
                await _either(reached, each)


async def _either(reached: asyncio.Event, pump: MessagePump) -> None:
    """Wait for an event, unless who should set it has ended."""
    waits = {asyncio.ensure_future(reached.wait())}
    ends = {pump._task} if pump._task is not None else set()
    await asyncio.wait(waits | ends, timeout=_PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for each in waits:
        each.cancel()
