"""The rules answer every random history exactly as the slow model does."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from model import Answer, Model
from strategies import WATCHED, as_given, closings, history, watched_history
from support import CUSTOMERS, ENTITLEMENTS, PRODUCTS, SOAK, START, Pure, policy_of

from entitlement_ledger.domain.decide import Outcome
from entitlement_ledger.domain.events import Account
from entitlement_ledger.domain.holdings import Holding
from entitlement_ledger.domain.instants import HOUR

History = list[tuple[int, dict[str, Any]]]
INSTANTS = range(START - 80 * HOUR, START + 200 * HOUR, 4 * HOUR)


def both(
    steps: History,
    sweeps: Collection[int] = (),
    watched: Mapping[str, int] | None = None,
    ends: Mapping[int, int] | None = None,
) -> tuple[Pure, Model, list[tuple[Outcome, Answer]]]:
    """Post a history to both; renewals are done every few lines, at the same moments.

    `ends` says before which lines a period is closed, and how long ago it ended then.
    """
    pure = Pure(policy=policy_of(watched or {}))
    model = Model(CUSTOMERS, ENTITLEMENTS, PRODUCTS, watched or {})
    answered = []
    grants: dict[str, str] = {}
    for number, (wait, line) in enumerate(steps):
        pure.now += wait
        if number in sweeps:
            pure.sweep(pure.now + 30 * HOUR)
        if number % 5 == 4:
            pure.renew()
            model.due(pure.now)
        ended = pure.now - (ends or {}).get(number, 0)
        if number in (ends or {}) and ended > (model.closed or 0):
            pure.close(ended)
            model.close(ended)
        (outcome,) = pure.post(as_given(line, grants))
        if outcome.grants:
            grants.setdefault(line["key"], outcome.grants[0])
        answered.append((outcome, model.post(line, pure.now)))
    return pure, model, answered


@settings(max_examples=400 * SOAK, deadline=None)
@given(history)
def test_every_answer_is_the_models(steps: History) -> None:
    pure, _, answered = both(steps)
    _alike(pure, answered)


@settings(max_examples=300 * SOAK, deadline=None)
@given(history, st.sets(st.integers(0, 40), min_size=1, max_size=12))
def test_sweeping_early_late_or_often_changes_no_answer(steps: History, sweeps: set[int]) -> None:
    pure, model, answered = both(steps, sweeps)
    _alike(pure, answered)
    pure.sweep(pure.now + 200 * HOUR)
    assert pure.sweep(pure.now + 200 * HOUR) == 0
    for (customer, entitlement), holding in pure.book.holdings.items():
        _conserved(holding)
        for at in INSTANTS:
            assert worth(holding, at) == model.balance(customer, entitlement, at)


@settings(max_examples=300 * SOAK, deadline=None)
@given(watched_history, st.sets(st.integers(0, 40), max_size=6))
def test_what_waits_for_a_second_person_is_answered_like_the_model(
    steps: History, sweeps: set[int]
) -> None:
    pure, model, answered = both(steps, sweeps, WATCHED)
    _alike(pure, answered)
    for (customer, entitlement), holding in pure.book.holdings.items():
        _conserved(holding)
        for at in INSTANTS:
            assert worth(holding, at) == model.balance(customer, entitlement, at)


def worth(holding: Holding, at: int) -> tuple[int, int]:
    held = holding.balance(at)
    return held.available, held.held


def _alike(pure: Pure, answered: list[tuple[Outcome, Answer]]) -> None:
    given = sorted(
        (state.burn_key[-1], name)
        for holding in pure.book.holdings.values()
        for name, state in holding.grants.items()
    )
    lots = {name: number for number, (_, name) in enumerate(given)}
    for outcome, answer in answered:
        assert (outcome.status, outcome.code) == (answer.status, answer.code), outcome.message
        assert outcome.duplicate == answer.duplicate
        assert [(lots[draw.grant], draw.quantity) for draw in outcome.draws] == answer.draws
        balance = outcome.balance
        assert (None if balance is None else (balance.available, balance.held)) == answer.balance


@settings(max_examples=200 * SOAK, deadline=None)
@given(history)
def test_every_balance_at_every_instant_is_the_models(steps: History) -> None:
    pure, model, _ = both(steps)
    for (customer, entitlement), holding in pure.book.holdings.items():
        for at in INSTANTS:
            assert worth(holding, at) == model.balance(customer, entitlement, at)


@settings(max_examples=200 * SOAK, deadline=None)
@given(history)
def test_transactions_sum_to_zero_and_grants_conserve_their_quantity(steps: History) -> None:
    pure, _, _ = both(steps)
    for original in pure.book.originals.values():
        postings = original.event.postings
        assert sum(posting.quantity for posting in postings) == 0
        for at in {posting.effective_at for posting in postings}:
            assert sum(p.quantity for p in postings if p.effective_at == at) == 0
    for holding in pure.book.holdings.values():
        _conserved(holding)


def _conserved(holding: Holding) -> None:
    for state in holding.grants.values():
        finals = {account: state.account(account).final for account in Account}
        assert sum(finals.values()) == state.grant.quantity
        for account in Account:
            assert all(total >= 0 for total in state.account(account).totals), account


@settings(max_examples=300 * SOAK, deadline=None)
@given(history | watched_history, closings, st.sets(st.integers(0, 40), max_size=4))
def test_a_closed_period_is_answered_like_the_models_and_does_not_change(
    steps: History, ends: dict[int, int], sweeps: set[int]
) -> None:
    watched = WATCHED if "actor" in steps[0][1] else {}
    pure, model, answered = both(steps, sweeps, watched, ends)
    _alike(pure, answered)
    for (customer, entitlement), holding in pure.book.holdings.items():
        _conserved(holding)
        for at in INSTANTS:
            assert worth(holding, at) == model.balance(customer, entitlement, at)
    _nothing_after_closing_counts_before(pure)


def _nothing_after_closing_counts_before(pure: Pure) -> None:
    closed_until = None
    for sequence in range(1, pure.book.last_sequence + 1):
        original = pure.book.originals.get(sequence)
        if original is None:
            closed_until = pure.closed[sequence]
        elif closed_until is not None:
            moments = [posting.effective_at for posting in original.event.postings]
            assert min(moments, default=closed_until) >= closed_until, original.event
