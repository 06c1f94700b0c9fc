"""`expire`: what the sweep records of grants whose time has passed. It changes no answer."""

from __future__ import annotations

from collections.abc import Iterator

from entitlement_ledger.domain.events import Account
from entitlement_ledger.domain.holdings import GrantState
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.rules.context import Decision


def decide(state: GrantState, until: Instant) -> Iterator[Decision]:
    """Give one decision for each instant at which something on an expired grant lapsed.

    First what was there at `expires_at`, then what came back later, at the instant it came back.
    Nothing is taken that a later posting needs. The state is not changed.
    """
    expires_at = state.grant.expires_at
    if expires_at is None or expires_at > until:
        return
    available = state.account(Account.AVAILABLE)
    taken = 0
    for instant in [expires_at, *(at for at in available.instants if expires_at < at <= until)]:
        lapsed = available.lowest_from(instant) - taken
        if lapsed <= 0:
            continue
        taken += lapsed
        decision = Decision(instant, entitlement=state.grant.entitlement, quantity=lapsed)
        decision.move(state.grant, Account.AVAILABLE, Account.EXPIRED, lapsed, instant)
        yield decision
