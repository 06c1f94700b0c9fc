"""Sharing: callers in many threads wait while one of them does the work of all.

Whoever comes first does the work for itself; what others ask for meanwhile is done in one go by the
first of those. Where several have just been served together they are likely to ask again at once,
and the next waits a moment for them. So nobody who is alone waits for company, and nobody does
alone what could be done together.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Told = TypeVar("Told")


_MOMENT_SECONDS = 0.004
_GLANCE_SECONDS = 0.0005


class _Waiting(Generic[Asked, Told]):
    """One caller: what it asks, and then what it is told."""

    __slots__ = ("asked", "error", "leads", "told", "woken")

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.told: Told | None = None
        self.error: BaseException | None = None
        self.leads = False
        self.woken = threading.Lock()
        self.woken.acquire()


class Shared(Generic[Asked, Told]):
    """Work that callers share.

    `work` is given what some callers ask, in the order in which they came, and gives an answer to
    each; if it raises, it raises for all of them. Never more than one thread is in it. `weigh` says
    how much one asks for; what is done in one go weighs little more than `most`.
    """

    def __init__(
        self, work: Callable[[list[Asked]], list[Told]], weigh: Callable[[Asked], int], most: int
    ) -> None:
        self._work = work
        self._weigh = weigh
        self._most = most
        self._mutex = threading.Lock()
        self._queue: list[_Waiting[Asked, Told]] = []
        self._busy = False
        self._served = 0

    def ask(self, asked: Asked) -> Told:
        """Have something done, alone or together with what others ask; give the answer."""
        mine: _Waiting[Asked, Told] = _Waiting(asked)
        with self._mutex:
            self._queue.append(mine)
            mine.leads = not self._busy
            self._busy = True
        if not mine.leads:
            mine.woken.acquire()
        if mine.leads:
            self._lead()
        if mine.error is not None:
            raise mine.error
        assert mine.told is not None, "work answers everybody"
        return mine.told

    def _lead(self) -> None:
        """Do what waits, hand over to the first who came meanwhile, and tell everybody."""
        self._wait_for_company()
        with self._mutex:
            together = self._next()
            self._served = len(together)
        try:
            answers = self._work([each.asked for each in together])
            for each, told in zip(together, answers, strict=True):
                each.told = told
        except BaseException as error:
            for each in together:
                each.error = error
        with self._mutex:
            if self._queue:
                self._queue[0].leads = True
                self._queue[0].woken.release()
            else:
                self._busy = False
        for each in together[1:]:
            each.woken.release()

    def _wait_for_company(self) -> None:
        """Wait until most of those who were served together last have asked again, or a moment."""
        until = time.monotonic() + _MOMENT_SECONDS
        while len(self._queue) * 2 < self._served and time.monotonic() < until:
            time.sleep(_GLANCE_SECONDS)

    def _next(self) -> list[_Waiting[Asked, Told]]:
        weight = count = 0
        for each in self._queue:
            if weight >= self._most:
                break
            weight += self._weigh(each.asked)
            count += 1
        together, self._queue = self._queue[:count], self._queue[count:]
        return together
