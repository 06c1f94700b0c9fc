"""What a customer holds of one entitlement: grants with their accounts, in burn order.

How much a grant can give follows from its timelines alone, so a command that arrives late can never
make any instant negative, and the sweep, early, late or never, changes no answer.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable

from entitlement_ledger.domain.catalogue import Category
from entitlement_ledger.domain.events import Account, Draw, Grant, Held, Posting, grant_order
from entitlement_ledger.domain.instants import INSTANT_MAX, Instant
from entitlement_ledger.domain.timeline import Timeline

_UNSPENT = frozenset({Account.AVAILABLE, Account.HELD, Account.EXPIRED})

_NOTHING = Timeline()

BurnKey = tuple[int, Instant, int, Instant, tuple[int, int]]


def burn_key(grant: Grant) -> BurnKey:
    """Give the place of a grant in the burn order, which is total.

    Priority, lower first; expiry, never last; promo before paid; effective_from; then the order in
    which the grants were recorded.
    """
    return (
        grant.priority,
        INSTANT_MAX + 1 if grant.expires_at is None else grant.expires_at,
        0 if grant.category == Category.PROMO else 1,
        grant.effective_from,
        grant_order(grant.id),
    )


class GrantState:
    """One grant with the timelines of its accounts.

    `live` is available and expired together: what the grant would hold if no sweep had ever run.
    Because a sweep only moves between these two, it leaves `live` as it was.
    """

    __slots__ = ("accounts", "burn_key", "grant", "live")

    def __init__(self, grant: Grant) -> None:
        self.grant = grant
        self.burn_key = burn_key(grant)
        self.live = Timeline()
        self.accounts: dict[Account, Timeline] = {}

    def apply(self, account: Account, quantity: int, at: Instant) -> None:
        """Take one leg of a posting into the timelines."""
        if account is Account.ISSUANCE:
            return
        timeline = self.accounts.get(account)
        if timeline is None:
            timeline = self.accounts[account] = Timeline()
        timeline.add(at, quantity)
        if account in (Account.AVAILABLE, Account.EXPIRED):
            self.live.add(at, quantity)

    def account(self, account: Account) -> Timeline:
        """Give an account's timeline: an empty one where nothing was ever posted to it."""
        return self.accounts.get(account, _NOTHING)

    def gives(self, at: Instant) -> int:
        """How much the grant can give to a command effective at an instant (rule D1)."""
        expires_at = self.grant.expires_at
        if expires_at is not None and at >= expires_at:
            return 0
        return self.live.lowest_from(at)

    def worth(self, account: Account, at: Instant) -> int:
        """What an account counts for at an instant: an unusable grant is worth nothing."""
        return self.account(account).at(at) if self.grant.usable(at) else 0

    @property
    def exhausted(self) -> bool:
        """Nothing is left in it, now or at any later instant known."""
        return not self.live.final and not self.account(Account.HELD).final

    def restorations(self, quantity: int, at: Instant) -> list[tuple[Instant, int]]:
        """What a draw must take back out of `expired`, as (where the sweep put it, quantity).

        A sweep that ran before this draw arrived put the quantity away at a later instant; from
        there on the draw would overdraw `available`. Only what is lacking comes back (rule D2).
        """
        available, expired = self.account(Account.AVAILABLE), self.account(Account.EXPIRED)
        if not expired.final or available.lowest_from(at) >= quantity:
            return []
        left = [[instant, quantity] for instant, quantity in expired.steps()]
        taken: list[tuple[Instant, int]] = []
        for instant in sorted({*available.instants, *expired.instants}):
            if instant < at:
                continue
            restored = sum(amount for _, amount in taken)
            lacking = quantity - restored - available.at(instant)
            for put in left:
                if lacking <= 0 or put[0] > instant:
                    break
                amount = min(lacking, max(put[1], 0))
                if amount:
                    taken.append((put[0], amount))
                    put[1] -= amount
                    lacking -= amount
            assert lacking <= 0, "a grant was asked for more than it can give"
        return taken


class Holding:
    """A customer's grants of one entitlement.

    The balance is kept as it changes over time. Exhausted grants are set aside, so that a draw
    looks at what is still open and not at the whole past: a grant that ends with nothing can give
    nothing at any instant.
    """

    def __init__(self) -> None:
        self.grants: dict[str, GrantState] = {}
        self.outstanding = 0
        self._worth = {Account.AVAILABLE: Timeline(), Account.HELD: Timeline()}
        self._open: list[GrantState] = []
        self._closed: set[str] = set()

    @classmethod
    def of(cls, states: Iterable[GrantState]) -> Holding:
        """Make a holding of grants whose accounts are filled already."""
        holding = cls()
        holding.grants = {state.grant.id: state for state in states}
        for state in holding.grants.values():
            for account, timeline in state.accounts.items():
                for at, quantity in timeline.steps():
                    holding._count(state.grant, account, quantity, at)
        holding._open = sorted(holding.grants.values(), key=lambda each: each.burn_key)
        holding._settle(list(holding._open))
        return holding

    def add(self, grant: Grant) -> GrantState:
        """Take in a new grant."""
        state = GrantState(grant)
        self.grants[grant.id] = state
        insort(self._open, state, key=lambda each: each.burn_key)
        return state

    def apply(self, postings: Iterable[Posting]) -> None:
        """Take in postings on these grants, then set aside what they used up."""
        touched: dict[str, GrantState] = {}
        for posting in postings:
            state = touched[posting.grant] = self.grants[posting.grant]
            state.apply(posting.account, posting.quantity, posting.effective_at)
            self._count(state.grant, posting.account, posting.quantity, posting.effective_at)
        self._settle(touched.values())

    def _count(self, grant: Grant, account: Account, quantity: int, at: Instant) -> None:
        """Take one leg into what the holding is worth: from its instant to the grant's expiry."""
        if account in _UNSPENT:
            self.outstanding += quantity
        worth = self._worth.get(account)
        if worth is None or (grant.expires_at is not None and at >= grant.expires_at):
            return
        worth.add(at, quantity)
        if grant.expires_at is not None:
            worth.add(grant.expires_at, -quantity)

    def _settle(self, states: Iterable[GrantState]) -> None:
        """Sort grants that have changed into the open and the exhausted ones."""
        for state in states:
            name = state.grant.id
            if state.exhausted and name not in self._closed:
                self._open.remove(state)
                self._closed.add(name)
            elif not state.exhausted and name in self._closed:
                self._closed.remove(name)
                insort(self._open, state, key=lambda each: each.burn_key)

    def balance(self, at: Instant) -> Held:
        """Give available and held at an instant."""
        return Held(self._worth[Account.AVAILABLE].at(at), self._worth[Account.HELD].at(at))

    def draw(self, quantity: int, at: Instant) -> tuple[list[Draw], int]:
        """Say which grants give a quantity, in burn order, and how much is lacking.

        Nothing is changed. The draws sum to `quantity` less what is lacking.
        """
        draws: list[Draw] = []
        lacking = quantity
        for state in self._open:
            if not lacking:
                break
            if state.grant.usable(at) and (gives := min(state.gives(at), lacking)) > 0:
                draws.append(Draw(state.grant.id, gives))
                lacking -= gives
        return draws, lacking
