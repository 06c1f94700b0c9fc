"""Sharing: callers in many threads wait while one of them does the work of all.

Whoever comes first does the work for itself; what others ask for meanwhile is done in one go by the
first of those. So nobody waits for company, and nobody does alone what could be done together.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Told = TypeVar("Told")


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
        with self._mutex:
            together = self._next()
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

    def _next(self) -> list[_Waiting[Asked, Told]]:
        weight = count = 0
        for each in self._queue:
            if weight >= self._most:
                break
            weight += self._weigh(each.asked)
            count += 1
        together, self._queue = self._queue[:count], self._queue[count:]
        return together
