"""Callers share work: each is answered, in order, and one failure is everybody's."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from entitlement_ledger.sharing import Shared


def test_everybody_is_told_their_own_answer_and_work_is_never_done_twice_at_a_time() -> None:
    inside = threading.Lock()
    done: list[list[int]] = []

    def work(asked: list[int]) -> list[int]:
        assert inside.acquire(blocking=False), "two threads at work"
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
