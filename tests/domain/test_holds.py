"""Holds and what comes back from them, one fact at a time."""

from __future__ import annotations

from support import START, Pure, command, hours

from entitlement_ledger.domain.events import Account
from entitlement_ledger.domain.instants import HOUR


def available(pure: Pure, at: float) -> int:
    return pure.book.holding("C1", "PTS").balance(START + round(at * HOUR)).available


def revoked(pure: Pure) -> int:
    (state,) = pure.book.holding("C1", "PTS").grants.values()
    assert all(total >= 0 for account in Account for total in state.account(account).totals)
    return state.account(Account.REVOKED).final


def held(until: float = 3) -> Pure:
    """Ten were issued at noon, four of them are held from one o'clock on."""
    pure = Pure()
    pure.now = START + 5 * HOUR
    pure.post(
        command("issue", "i", quantity=10, effective_at=hours(0)),
        command("hold", "h", quantity=4, effective_at=hours(1), expires_at=hours(until)),
    )
    return pure


def test_a_lapsed_hold_counts_as_released_without_anybody_recording_it() -> None:
    pure = held()
    assert [available(pure, at) for at in (0, 1, 2.9, 3)] == [10, 6, 6, 10]
    (outcome,) = pure.post(command("consume", "c", quantity=10))
    assert outcome.status == "completed"
    assert pure.sweep(pure.now) == 0


def test_a_release_heard_late_takes_nothing_twice_from_a_grant_that_has_ended() -> None:
    pure = held()
    (grant,) = pure.book.holding("C1", "PTS").grants
    pure.post(command("cancel", "x", grant=grant, effective_at=hours(4)))
    assert (available(pure, 3.9), available(pure, 4)) == (10, 0)
    (late,) = pure.post(command("release", "r", transaction="h", effective_at=hours(2)))
    assert late.status == "completed"
    assert [available(pure, at) for at in (1, 2, 3, 4, 9)] == [6, 10, 10, 0, 0]
    assert revoked(pure) == 10


def test_a_release_heard_late_puts_back_what_the_end_of_its_grant_has_taken_already() -> None:
    pure = held()
    (grant,) = pure.book.holding("C1", "PTS").grants
    pure.post(command("cancel", "x", grant=grant, effective_at=hours(2)))
    (late,) = pure.post(command("release", "r", transaction="h", effective_at=hours(2.5)))
    assert late.status == "completed"
    assert [available(pure, at) for at in (1, 2, 2.5, 3, 9)] == [6, 0, 0, 0, 0]
    assert revoked(pure) == 10


def test_a_hold_that_has_lapsed_is_still_captured_late_after_its_grant_was_cancelled() -> None:
    for swept in (False, True):
        pure = held()
        if swept:
            pure.sweep(pure.now)
        (grant,) = pure.book.holding("C1", "PTS").grants
        pure.post(command("cancel", "x", grant=grant, effective_at=hours(2)))
        assert revoked(pure) == 10
        (late,) = pure.post(
            command("capture", "c", transaction="h", quantity=3, effective_at=hours(2.5))
        )
        assert late.status == "completed"
        assert [available(pure, at) for at in (1, 2, 2.5, 3, 9)] == [6, 0, 0, 0, 0]
        assert revoked(pure) == 7


def test_what_was_spent_of_a_lapsed_hold_is_not_captured_late_but_may_be_released() -> None:
    pure = held()
    pure.post(command("consume", "s", quantity=8, effective_at=hours(4)))
    (grant,) = pure.book.holding("C1", "PTS").grants
    pure.post(command("cancel", "x", grant=grant, effective_at=hours(2)))
    (late,) = pure.post(command("capture", "c", transaction="h", effective_at=hours(2.5)))
    assert late.code == "already_resolved"
    (late,) = pure.post(command("release", "r", transaction="h", effective_at=hours(2.5)))
    assert late.status == "completed"
    assert available(pure, 9) == 0
    assert revoked(pure) == 2


def test_what_comes_back_to_a_cancelled_grant_is_revoked() -> None:
    pure = held(until=9)
    (grant,) = pure.book.holding("C1", "PTS").grants
    pure.post(command("cancel", "x", grant=grant, effective_at=hours(4)))
    assert revoked(pure) == 6
    (captured,) = pure.post(command("capture", "c", transaction="h", quantity=1))
    assert captured.status == "completed"
    assert revoked(pure) == 9
    assert available(pure, 20) == 0


def test_what_comes_back_after_the_end_of_its_grant_is_revoked_whichever_is_heard_first() -> None:
    for first in ("cancel", "release"):
        pure = held(until=9)
        pure.post(command("consume", "u", quantity=6, effective_at=hours(1)))
        (grant,) = pure.book.holding("C1", "PTS").grants
        back = [
            command("release", "r", transaction="h", effective_at=hours(3)),
            command("reverse", "v", transaction="u", quantity=5, effective_at=hours(4)),
        ]
        cancel = command("cancel", "x", grant=grant, effective_at=hours(2))
        for each in (cancel, *back) if first == "cancel" else (*back, cancel):
            (outcome,) = pure.post(each)
            assert outcome.status == "completed"
        assert [available(pure, at) for at in (1, 2, 3, 4, 9)] == [0, 0, 0, 0, 0]
        assert revoked(pure) == 9
        (drawn,) = pure.post(command("consume", "c", quantity=1))
        assert drawn.code == "insufficient_balance"


def test_a_late_capture_counts_unless_what_came_back_is_spent() -> None:
    pure = held()
    pure.sweep(pure.now)
    pure.post(command("consume", "c", quantity=7))
    (too_much,) = pure.post(command("capture", "a", transaction="h", effective_at=hours(2)))
    assert too_much.code == "already_resolved"
    (part,) = pure.post(command("capture", "b", transaction="h", effective_at=hours(2), quantity=3))
    assert part.status == "completed"
    assert available(pure, 6) == 0
    (twice,) = pure.post(command("release", "r", transaction="h", effective_at=hours(2)))
    assert twice.code == "already_resolved"


def test_a_sweep_ahead_of_time_does_not_show_in_the_answer_to_a_cancellation() -> None:
    """The hold ends after its grant has expired: cancelling that grant touches nothing."""
    told = []
    for swept in (False, True):
        pure = Pure()
        pure.post(
            command("issue", "i", quantity=1, expires_at=hours(1)),
            command("hold", "h", quantity=1, expires_at=hours(2)),
        )
        (grant,) = pure.book.holding("C1", "PTS").grants
        if swept:
            assert pure.sweep(START + 30 * HOUR) == 2
        (outcome,) = pure.post(command("cancel", "x", grant=grant))
        assert outcome.status == "completed"
        told.append((outcome.balance, outcome.draws))
    assert told == [(None, ())] * 2
