"""What a customer holds of one entitlement: grants with their accounts, in burn order.

How much a grant can give follows from its timelines alone, so a command that arrives late can never
make any instant negative, and due work, early, late or never, changes no answer: what time alone
brings about (a grant expires, a hold lapses) is in the timelines from the beginning.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import accumulate

from entitlement_ledger.domain.catalogue import Category
from entitlement_ledger.domain.events import Account, Draw, Grant, Held, Posting, grant_order
from entitlement_ledger.domain.instants import INSTANT_MAX, Instant
from entitlement_ledger.domain.timeline import Timeline

_NOTHING = Timeline()
_NEVER = INSTANT_MAX + 1
_PROMO = Category.PROMO

BurnKey = tuple[int, Instant, int, Instant, tuple[int, int]]


def burn_order(
    priority: int,
    expires_at: Instant | None,
    category: str,
    effective_from: Instant,
    recorded: tuple[int, int],
) -> BurnKey:
    """Give the place of a grant in the burn order, which is total.

    Priority, lower first; expiry, never last; promo before paid; effective_from; then the order in
    which the grants were recorded.
    """
    return (
        priority,
        _NEVER if expires_at is None else expires_at,
        0 if category == _PROMO else 1,
        effective_from,
        recorded,
    )


def burn_key(grant: Grant) -> BurnKey:
    """Give the place of a grant in the burn order."""
    return burn_order(
        grant.priority,
        grant.expires_at,
        grant.category,
        grant.effective_from,
        grant_order(grant.id),
    )


@dataclass(slots=True)
class Pin:
    """What an open hold keeps on one grant.

    Attributes:
        expires_at: the hold's own end, from when on the quantity is back; None waits forever.
        recorded: the account that its end has been posted to; None while it is only read.
    """

    quantity: int
    expires_at: Instant | None
    recorded: Account | None = None


@dataclass(slots=True)
class Cover:
    """What a draw must post beside itself, so that no recorded account goes below zero.

    Attributes:
        lapses: holds whose end has been read but not posted.
        restored: what a sweep had put into `expired`, as (where it put it, quantity).
    """

    lapses: list[tuple[int, Pin]]
    restored: list[tuple[Instant, int]]


class GrantState:
    """One grant with the timelines of its accounts.

    `accounts` is what has been posted. `foreseen` is what time alone will post: holds that lapse.
    `live` is available and expired together, foreseen included: what the grant would hold if due
    work had run at every instant and no sweep ever had. Neither moves it.
    """

    __slots__ = ("accounts", "burn_key", "ended_at", "foreseen", "grant", "live", "pins")

    def __init__(self, grant: Grant) -> None:
        self.grant = grant
        self.burn_key = burn_key(grant)
        self.live = Timeline()
        self.accounts: dict[Account, Timeline] = {}
        self.foreseen: dict[Account, Timeline] = {}
        self.pins: dict[int, Pin] = {}
        self.ended_at: Instant | None = None

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

    def foresee(self, account: Account, quantity: int, at: Instant) -> None:
        """Take one leg of what time alone will post into the timelines, or out of them again."""
        self.foreseen.setdefault(account, Timeline()).add(at, quantity)
        if account is Account.AVAILABLE:
            self.live.add(at, quantity)

    def account(self, account: Account) -> Timeline:
        """Give an account's timeline as posted: an empty one where nothing ever was."""
        return self.accounts.get(account, _NOTHING)

    def read(self, account: Account, at: Instant) -> int:
        """Give an account at an instant, lapsed holds counted as released."""
        return self.account(account).at(at) + self.foreseen.get(account, _NOTHING).at(at)

    def gives(self, at: Instant) -> int:
        """How much the grant can give to a command effective at an instant (rule D1)."""
        expires_at = self.grant.expires_at
        if expires_at is not None and at >= expires_at:
            return 0
        return self.live.lowest_from(at)

    def worth(self, account: Account, at: Instant) -> int:
        """What an account counts for at an instant: an unusable grant is worth nothing."""
        return self.read(account, at) if self.grant.usable(at) else 0

    def comes_back(self, at: Instant) -> bool:
        """Say whether what is given back at an instant becomes available again."""
        return self.ended_at is None or at < self.ended_at

    def lapses_back(self, pin: Pin) -> bool:
        """Say whether what a hold keeps comes back at the hold's end, to be drawn or revoked.

        What comes back at the very instant at which the grant ends was still there to be taken.
        """
        if pin.expires_at is None:
            return False
        if pin.recorded is not None:
            return pin.recorded is Account.AVAILABLE
        return self.ended_at is None or pin.expires_at <= self.ended_at

    @property
    def exhausted(self) -> bool:
        """Nothing is left in it, now or at any later instant known."""
        return not self.live.final and not self.account(Account.HELD).final

    def cover(self, needs: list[tuple[Instant, int]], lapsing: Collection[int] = ()) -> Cover:
        """Say what must be posted beside taking quantities, each from an instant on (rule D2).

        A sweep that ran before this arrived may have put a quantity away at a later instant; and
        what is taken may be there only because a hold has lapsed, which nobody has recorded.
        `lapsing` names holds whose end is posted anyway.
        """
        available, expired = self.account(Account.AVAILABLE), self.account(Account.EXPIRED)
        cover = Cover([], [])
        if not expired.final and not self.pins:
            return cover
        ends = sorted(
            (pin.expires_at, hold)
            for hold, pin in self.pins.items()
            if pin.expires_at is not None and pin.recorded is None and self.lapses_back(pin)
        )
        posted = [each for each in ends if each[1] in lapsing]
        unposted = [each for each in ends if each[1] not in lapsing]
        left = [[instant, quantity] for instant, quantity in expired.steps() if quantity > 0]
        first = min(at for at, _ in needs)
        moments = {*available.instants, *expired.instants}
        moments |= {at for at, _ in needs} | {at for at, _ in ends}
        covered = 0
        for instant in sorted(moment for moment in moments if moment >= first):
            lacking = sum(quantity for at, quantity in needs if at <= instant) - covered
            lacking -= available.at(instant)
            lacking -= sum(self.pins[hold].quantity for at, hold in posted if at <= instant)
            for put in left:
                if lacking <= 0 or put[0] > instant:
                    break
                amount = min(lacking, put[1])
                if amount:
                    cover.restored.append((put[0], amount))
                    put[1] -= amount
                    covered += amount
                    lacking -= amount
            while lacking > 0 and unposted and unposted[0][0] <= instant:
                _, hold = unposted.pop(0)
                pin = self.pins[hold]
                cover.lapses.append((hold, pin))
                covered += pin.quantity
                lacking -= pin.quantity
            assert lacking <= 0, "a grant was asked for more than it can give"
        return cover


class Holding:
    """A customer's grants of one entitlement.

    The balance is kept as it changes over time. Exhausted grants are set aside, so that a draw
    looks at what is still open and not at the whole past: a grant that ends with nothing can give
    nothing at any instant.
    """

    def __init__(self) -> None:
        self.grants: dict[str, GrantState] = {}
        self.ever_given = 0
        self._worth = {Account.AVAILABLE: Timeline(), Account.HELD: Timeline()}
        self._open: list[GrantState] = []
        self._closed: set[str] = set()

    @classmethod
    def of(
        cls,
        states: Iterable[GrantState],
        pins: Iterable[tuple[str, int, Pin]] = (),
        ended: Iterable[tuple[str, Instant]] = (),
    ) -> Holding:
        """Make a holding of grants whose accounts are filled already."""
        holding = cls()
        holding.grants = {state.grant.id: state for state in states}
        holding.ever_given = sum(state.grant.quantity for state in holding.grants.values())
        for state in holding.grants.values():
            for account, timeline in state.accounts.items():
                for at, quantity in timeline.steps():
                    holding._worth_changes(state.grant, account, quantity, at)
        for grant, at in ended:
            holding.end(grant, at)
        for grant, hold, pin in pins:
            holding.pin(grant, hold, pin)
        holding._open = sorted(holding.grants.values(), key=lambda each: each.burn_key)
        holding.settle(list(holding._open))
        return holding

    def add(self, grant: Grant) -> GrantState:
        """Take in a new grant."""
        state = GrantState(grant)
        self.grants[grant.id] = state
        self.ever_given += grant.quantity
        insort(self._open, state, key=lambda each: each.burn_key)
        return state

    def apply(self, posting: Posting) -> None:
        """Take in a posting on one of these grants."""
        state = self.grants[posting.grant]
        state.apply(posting.account, posting.quantity, posting.effective_at)
        self._worth_changes(state.grant, posting.account, posting.quantity, posting.effective_at)

    def pin(self, grant: str, hold: int, pin: Pin) -> None:
        """Take in what an open hold keeps on a grant, and foresee its end."""
        state = self.grants[grant]
        state.pins[hold] = pin
        self._foresee(state, pin, 1)

    def unpin(self, grant: str, hold: int) -> None:
        """Forget a hold that has been captured or released."""
        state = self.grants[grant]
        self._foresee(state, state.pins.pop(hold), -1)

    def lapse(self, grant: str, hold: int, account: Account) -> None:
        """Note that the end of a hold has been posted: it need not be foreseen any more."""
        state = self.grants[grant]
        pin = state.pins[hold]
        self._foresee(state, pin, -1)
        pin.recorded = None if account is Account.HELD else account
        self._foresee(state, pin, 1)

    def end(self, grant: str, at: Instant) -> None:
        """Note that a grant was cancelled or upgraded away."""
        state = self.grants[grant]
        for pin in state.pins.values():
            self._foresee(state, pin, -1)
        state.ended_at = at
        for pin in state.pins.values():
            self._foresee(state, pin, 1)

    def _foresee(self, state: GrantState, pin: Pin, sign: int) -> None:
        at = pin.expires_at
        if at is None or pin.recorded is not None:
            return
        back = Account.AVAILABLE if state.lapses_back(pin) else Account.REVOKED
        for account, quantity in ((Account.HELD, -pin.quantity), (back, pin.quantity)):
            state.foresee(account, sign * quantity, at)
            self._worth_changes(state.grant, account, sign * quantity, at)

    def _worth_changes(self, grant: Grant, account: Account, quantity: int, at: Instant) -> None:
        """Take one leg into what the holding is worth: from its instant to the grant's expiry."""
        worth = self._worth.get(account)
        if worth is None or (grant.expires_at is not None and at >= grant.expires_at):
            return
        worth.add(at, quantity)
        if grant.expires_at is not None:
            worth.add(grant.expires_at, -quantity)

    def settle(self, states: Iterable[GrantState]) -> None:
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

    def most_from(self, at: Instant) -> int:
        """Give the most that is unspent of all grants at any instant from one on (rule Q1).

        Expiry is left aside: what arrives late may still draw on what has expired.
        """
        changes: Counter[Instant] = Counter()
        for state in self.grants.values():
            held, back = state.account(Account.HELD), state.foreseen.get(Account.HELD, _NOTHING)
            for timeline in (state.live, held, back):
                for instant, quantity in timeline.steps():
                    changes[max(instant, at)] += quantity
        return max(accumulate(quantity for _, quantity in sorted(changes.items())), default=0)

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
