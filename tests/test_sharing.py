"""Callers share work: each is answered, in order, and one failure is everybody's."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from entitlement_ledger import sharing
from entitlement_ledger.sharing import Shared, _Chain


def test_everybody_is_told_their_own_answer_and_work_is_never_done_twice_at_a_time() -> None:
    inside = threading.Lock()
    done: list[list[int]] = []

    def work(asked: list[int]) -> list[int]:
        assert inside.acquire(blocking=False), "two threads at work"
        # Until all of them wait: more than are served in one go.
        while not done and len(shared._queue) < 15:
            time.sleep(0.0005)
        time.sleep(0.0005)
        done.append(asked)
        inside.release()
        return [2 * each for each in asked]

    shared = Shared(work, lambda _: 1, most=10)

    def caller(number: int) -> bool:
        return all(shared.ask(number * 100 + n) == 2 * (number * 100 + n) for n in range(30))

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(caller, range(16)))
    assert sorted(each for group in done for each in group) == sorted(
        number * 100 + n for number in range(16) for n in range(30)
    )
    assert max(map(len, done)) == 10, "together, and not more than is allowed"


def test_what_goes_wrong_is_told_to_all_who_shared_it_and_to_nobody_else() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(asked: list[str]) -> list[str]:
        begun.set()
        go_on.wait()
        if "bad" in asked:
            raise ValueError(asked)
        return asked

    shared = Shared(work, len, most=100)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(shared.ask, "first")
        begun.wait()
        others = [pool.submit(shared.ask, each) for each in ("a", "bad", "b")]
        while len(shared._queue) < 3:
            time.sleep(0.001)
        go_on.set()
        assert first.result(10) == "first"
        for each in others:
            with pytest.raises(ValueError, match="bad"):
                each.result(10)
    assert shared.ask("later") == "later"


_INTERRUPTED = """
import signal, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from entitlement_ledger.sharing import Shared

go_on = threading.Event()

def work(asked):
    go_on.wait()
    return asked

shared = Shared(work, lambda _: 1, most=100)
told = []
threads = []

def ask(name, waiting):
    each = threading.Thread(target=lambda: told.append(shared.ask(name)))
    each.start()
    threads.append(each)
    while len(shared._queue) < waiting:
        time.sleep(0.001)

def interrupt():
    while len(shared._queue) < BEFORE + 1:
        time.sleep(0.001)
    for number in range(3):
        ask(str(number), BEFORE + 2 + number)
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

ask("first", 0)
while not shared._busy or shared._queue:
    time.sleep(0.001)
if BEFORE:
    ask("before", 1)
other = threading.Thread(target=interrupt)
other.start()
try:
    shared.ask("interrupted")
except KeyboardInterrupt:
    print("interrupted")
other.join()
go_on.set()
for each in threads:
    each.join(10)
print(*sorted(told))
"""


@pytest.mark.parametrize("before", [0, 1], ids=["the next to lead", "one who is told"])
def test_whoever_is_interrupted_while_it_waits_keeps_nobody_else_waiting(before: int) -> None:
    script = _INTERRUPTED.replace("BEFORE", str(before))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout.split() == ["interrupted", "0", "1", "2", *["before"] * before, "first"]


def test_nobody_who_is_alone_waits_for_company(monkeypatch: pytest.MonkeyPatch) -> None:
    shared: Shared[int, int] = Shared(lambda asked: asked, lambda _: 1, most=10)
    waits: list[float] = []
    monkeypatch.setattr(shared._coming, "wait", waits.append)
    assert [shared.ask(number) for number in range(3)] == [0, 1, 2]
    assert waits == []


@pytest.mark.parametrize("again", [True, False], ids=["comes again", "does not"])
def test_who_was_answered_is_waited_for_as_long_as_somebody_comes(
    again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if again:
        # Longer than the test may take: only who comes ends the waiting.
        monkeypatch.setattr(sharing, "_GLANCE_SECONDS", 60)
    begun, go_on = threading.Event(), threading.Event()
    done: list[list[str]] = []

    def work(asked: list[str]) -> list[str]:
        done.append(asked)
        if len(done) == 1:
            begun.set()
            go_on.wait()
        return asked

    shared = Shared(work, len, most=100)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(shared.ask, "first")
        begun.wait()
        waiting = [pool.submit(shared.ask, each) for each in ("a", "b")]
        while len(shared._queue) < 2:
            time.sleep(0.001)
        go_on.set()
        assert first.result(10) == "first"
        if again:
            waiting.append(pool.submit(shared.ask, "c"))
        assert {each.result(10) for each in waiting} == {"a", "b", *"c" * again}
    assert [sorted(each) for each in done] == [["first"], ["a", "b", *"c" * again]]


@pytest.mark.parametrize(
    ("wakes", "comes", "waits"),
    [(False, False, sharing._GLANCES_MAX), (True, False, 1), (True, True, 3), (False, True, 27)],
)
def test_who_still_sleeps_is_waited_for_but_not_forever(
    wakes: bool, comes: bool, waits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared: Shared[int, int] = Shared(lambda asked: asked, lambda _: 1, most=10)
    shared._callers, shared._chain = 9, _Chain(9)
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if wakes:
            shared._chain.asleep -= 1
        if comes and len(waited) < 3:
            shared._queue.append(sharing._Waiting(1))

    monkeypatch.setattr(shared._coming, "wait", wait)
    shared._wait_for_company()
    assert len(waited) == waits


def test_nobody_sleeps_once_all_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    chains: list[sharing._Chain] = []

    def chain(asleep: int) -> sharing._Chain:
        chains.append(_Chain(asleep))
        return chains[-1]

    monkeypatch.setattr(sharing, "_Chain", chain)

    def work(asked: list[int]) -> list[int]:
        time.sleep(0.0005)
        return asked

    shared = Shared(work, lambda _: 1, most=10)

    def ask(number: int) -> list[int]:
        return [shared.ask(number) for _ in range(40)]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [[number] * 40 for number in range(8)]
    assert [each.asleep for each in chains] == [0] * len(chains)
    assert len(chains) < 8 * 40
