"""Sharing: callers in many threads wait while one of them does the work of all.

Whoever comes first does the work for itself; what others ask for meanwhile is done in one go by the
first of those. Where several are at it they are likely to ask again at once, and the next waits for
them as long as they keep coming, or still sleep. So nobody who is alone waits for company, and
nobody does alone what could be done together. Those who have been answered wake one another: to
wake many at once is to have all of them want the interpreter at the same moment, which costs more
than the work.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

Asked = TypeVar("Asked")
Told = TypeVar("Told")


_GLANCE_SECONDS = 0.0002
"""Nobody is waited for any longer once nobody has come for so long."""
_GLANCES_MAX = 25
"""But for so many times as long where nobody could come: all who were answered and are awake have,
and the others still sleep."""


class _Chain:
    """Callers who wake one another, one at a time: how many of them still sleep."""

    __slots__ = ("asleep",)

    def __init__(self, asleep: int) -> None:
        self.asleep = asleep


class _Waiting(Generic[Asked, Told]):
    """One caller: what it asks, and then what it is told, and whom it wakes after that."""

    __slots__ = ("asked", "chain", "error", "leads", "next", "told", "woken")

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.told: Told | None = None
        self.error: BaseException | None = None
        self.leads = False
        self.next: _Waiting[Asked, Told] | None = None
        self.chain: _Chain | None = None
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
        self._coming = threading.Condition(self._mutex)
        self._queue: list[_Waiting[Asked, Told]] = []
        self._busy = False
        self._callers = 0
        """How many were served together last, or came meanwhile."""
        self._chain = _Chain(0)
        """Those who were served last."""

    def ask(self, asked: Asked) -> Told:
        """Have something done, alone or together with what others ask; give the answer."""
        mine: _Waiting[Asked, Told] = _Waiting(asked)
        with self._mutex:
            self._queue.append(mine)
            mine.leads = not self._busy
            self._busy = True
            if len(self._queue) == self._callers:
                self._coming.notify()
        if not mine.leads:
            self._wait(mine)
        if mine.leads:
            self._lead()
        if mine.error is not None:
            raise mine.error
        assert mine.told is not None, "work answers everybody"
        return mine.told

    def _wait(self, mine: _Waiting[Asked, Told]) -> None:
        """Wait to be told, or to lead."""
        try:
            mine.woken.acquire()
        except BaseException:
            # Others rely on it to wake them, or to lead: somebody else does that in its place.
            threading.Thread(target=self._stand_in, args=(mine,)).start()
            raise
        _pass_on(mine)

    def _stand_in(self, mine: _Waiting[Asked, Told]) -> None:
        mine.woken.acquire()
        _pass_on(mine)
        if mine.leads:
            self._lead()

    def _lead(self) -> None:
        """Do what waits, hand over to the first who came meanwhile, and tell everybody."""
        self._wait_for_company()
        with self._mutex:
            together = self._next()
        try:
            answers = self._work([each.asked for each in together])
            for each, told in zip(together, answers, strict=True):
                each.told = told
        except BaseException as error:
            for each in together:
                each.error = error
        chain = _Chain(len(together) - 1)
        for each, later in itertools.pairwise(together):
            each.next, later.chain = later, chain
        with self._mutex:
            self._chain = chain
            self._callers = len(together) + len(self._queue)
            leader = self._queue[0] if self._queue else None
            self._busy = leader is not None
        _wake(together[0].next)
        if leader is not None:
            leader.leads = True
            _wake(leader)

    def _wait_for_company(self) -> None:
        """Wait until all who were at it have asked again, as long as those who wake do come."""
        idle = 0
        with self._mutex:
            while len(self._queue) < self._callers and idle < _GLANCES_MAX:
                before, asleep = len(self._queue), self._chain.asleep
                self._coming.wait(_GLANCE_SECONDS)
                idle = 0 if len(self._queue) > before else idle + 1
                if idle and not (asleep and self._chain.asleep == asleep):
                    return

    def _next(self) -> list[_Waiting[Asked, Told]]:
        weight = count = 0
        for each in self._queue:
            if weight >= self._most:
                break
            weight += self._weigh(each.asked)
            count += 1
        together, self._queue = self._queue[:count], self._queue[count:]
        return together


def _pass_on(woken: _Waiting[Any, Any]) -> None:
    """Wake the next; nobody else in the chain is doing so."""
    if woken.chain is not None:
        woken.chain.asleep -= 1
    _wake(woken.next)


def _wake(waiting: _Waiting[Asked, Told] | None) -> None:
    if waiting is not None:
        waiting.woken.release()
