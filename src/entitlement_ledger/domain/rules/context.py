"""What every rule is given beside the command, what it gives back, and the questions rules share.

Each question either answers or raises `Refused`. A rule asks them in the order in which the domain
ranks the refusals, so the first that applies is the one given.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from entitlement_ledger.domain.book import Book, Original
from entitlement_ledger.domain.catalogue import (
    CatalogueStatus,
    Customer,
    CustomerStatus,
    Entitlement,
    Kind,
)
from entitlement_ledger.domain.commands import Command
from entitlement_ledger.domain.events import (
    Account,
    Draw,
    Ended,
    Grant,
    Lapse,
    Posting,
    Resolution,
    Status,
)
from entitlement_ledger.domain.holdings import Cover, GrantState, Holding, Pin
from entitlement_ledger.domain.instants import AHEAD_MAX, Instant, format_instant
from entitlement_ledger.domain.policy import ANYTHING, Policy
from entitlement_ledger.domain.quantities import QUANTITY_MAX, fits, format_quantity
from entitlement_ledger.domain.refusals import Code, Refused, too_little
from entitlement_ledger.domain.subscriptions import Subscription


@dataclass(frozen=True, slots=True)
class Context:
    """The moment of recording.

    Attributes:
        now: the later of the system clock and the last `recorded_at`.
        sequence: the number that the event will have.
        history: the command has happened already, in another system.
        policy: who may ask for what.
        poster_role: the role of the session's actor, whoever the command names.
    """

    now: Instant
    sequence: int
    history: bool = False
    policy: Policy = ANYTHING
    poster_role: str | None = None

    def effective_at(self, command: Command) -> Instant:
        """When the command counts: as it says, or now."""
        return self.now if command.effective_at is None else command.effective_at


@dataclass(slots=True)
class Decision:
    """What happened: new grants, draws, postings and all else that a command changed.

    Attributes:
        lapse_postings: posted too, but read already: they change no balance.
    """

    effective_at: Instant
    entitlement: str | None = None
    product: str | None = None
    quantity: int | None = None
    target: int | None = None
    status: Status = Status.COMPLETED
    proposal: bool = False
    executes: str | None = None
    expires_at: Instant | None = None
    grants: list[Grant] = field(default_factory=list)
    draws: list[Draw] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    lapse_postings: list[Posting] = field(default_factory=list)
    lapses: list[Lapse] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    resolves: list[Resolution] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)

    def move(self, grant: Grant, source: Account, to: Account, quantity: int, at: Instant) -> None:
        """Post a quantity from one account of a grant to another: two legs that sum to zero."""
        self.postings += _legs(grant, source, to, quantity, at)

    def issue(self, grant: Grant) -> None:
        """Give a new grant."""
        self.grants.append(grant)
        self.move(grant, Account.ISSUANCE, Account.AVAILABLE, grant.quantity, grant.effective_from)

    def take(self, state: GrantState, quantity: int, to: Account, at: Instant) -> None:
        """Move a draw out of available, with what has to be posted beside it (rule D2)."""
        self.draws.append(Draw(state.grant.id, quantity))
        self.move(state.grant, Account.AVAILABLE, to, quantity, at)
        self.cover(state, state.cover([(at, quantity)]))

    def cover(self, state: GrantState, cover: Cover) -> None:
        """Post what has to be posted beside what is taken from a grant."""
        for hold, pin in cover.lapses:
            self.lapse(state, hold, pin)
        for put_at, amount in cover.restored:
            # Back where the grant is not usable any more: no balance tells it.
            self.lapse_postings += _legs(
                state.grant, Account.EXPIRED, Account.AVAILABLE, amount, put_at
            )

    def lapse(self, state: GrantState, hold: int, pin: Pin) -> None:
        """Post the end of a hold on a grant, which has been read all along."""
        assert pin.expires_at is not None, "a hold without an end does not lapse"
        back = Account.AVAILABLE if state.lapses_back(pin) else Account.REVOKED
        self.lapses.append(Lapse(hold, state.grant.id, back))
        self.lapse_postings += _legs(state.grant, Account.HELD, back, pin.quantity, pin.expires_at)

    def unlapse(self, state: GrantState, hold: int, pin: Pin) -> None:
        """Take back the end of a hold that was posted ahead of its time: it is only read again."""
        assert pin.recorded is not None and pin.expires_at is not None
        held = Account.HELD
        self.lapses.append(Lapse(hold, state.grant.id, held))
        self.lapse_postings += _legs(state.grant, pin.recorded, held, pin.quantity, pin.expires_at)

    def give_back(
        self,
        state: GrantState,
        source: Account,
        quantity: int,
        at: Instant,
        *,
        awaited: Instant | None = None,
    ) -> None:
        """Move a quantity back to its grant; one that has been ended passes it on to revoked.

        `awaited` is when it was to come back anyway: a hold with its own end. What has been drawn
        or revoked of it from then on stays so.
        """
        if state.comes_back(at):
            self.move(state.grant, source, Account.AVAILABLE, quantity, at)
            if state.ended_at is not None and awaited is None:
                self.move(state.grant, Account.AVAILABLE, Account.REVOKED, quantity, state.ended_at)
            return
        if source is not Account.REVOKED:
            self.move(state.grant, source, Account.REVOKED, quantity, at)
        if awaited is not None:
            self.move(state.grant, Account.REVOKED, Account.AVAILABLE, quantity, awaited)


def _legs(
    grant: Grant, source: Account, to: Account, quantity: int, at: Instant
) -> tuple[Posting, Posting]:
    assert quantity > 0, "a posting moves something"
    return (
        Posting(grant.id, grant.entitlement, source, -quantity, at),
        Posting(grant.id, grant.entitlement, to, quantity, at),
    )


def known_customer(book: Book, command: Command) -> Customer:
    """Give the customer, or refuse with `unknown_customer`."""
    customer = book.customers.get(command.customer)
    if customer is None:
        raise Refused(Code.UNKNOWN_CUSTOMER, "no such customer: import it first, or correct the id")
    return customer


def not_closed(customer: Customer, context: Context) -> None:
    """Refuse what a closed customer may not have done."""
    if customer.status is CustomerStatus.CLOSED and not context.history:
        raise Refused(
            Code.CUSTOMER_CLOSED,
            "the customer is closed: only reverse, release, cancel and expire are possible",
        )


def not_suspended(customer: Customer, context: Context) -> None:
    """Refuse what a suspended or closed customer may not do."""
    not_closed(customer, context)
    if customer.status is CustomerStatus.SUSPENDED and not context.history:
        raise Refused(Code.CUSTOMER_SUSPENDED, "the customer is suspended: no consume, no hold")


def known_entitlement(book: Book, command: Command) -> Entitlement:
    """Give the entitlement, or refuse with `unknown_entitlement`."""
    entitlement = book.entitlements.get(command.entitlement)
    if entitlement is None:
        raise Refused(Code.UNKNOWN_ENTITLEMENT, "no such entitlement in the catalogue")
    return entitlement


def not_retired(entitlement: Entitlement, context: Context) -> None:
    """Refuse new grants of a retired entitlement."""
    if entitlement.status is CatalogueStatus.RETIRED and not context.history:
        raise Refused(
            Code.ENTITLEMENT_RETIRED, f"{entitlement.code} is retired: nothing new is given of it"
        )


def consumable(entitlement: Entitlement) -> None:
    """Refuse to use up what is had and not used up."""
    if entitlement.kind is Kind.FEATURE:
        raise Refused(
            Code.NOT_CONSUMABLE, f"{entitlement.code} is a feature: it is had, not used up"
        )


def reason_given(command: Command) -> None:
    """Refuse a command without a reason (rule D3)."""
    if command.reason is None or not command.reason.strip():
        raise Refused(Code.REASON_REQUIRED, f"{command.type} needs a reason")


def integers_fit(command: Command) -> None:
    """Refuse integers beyond 64 bits (rule S5)."""
    for name, value in (("quantity", command.quantity), ("priority", command.priority)):
        if value is not None and not fits(value):
            raise Refused(Code.INVALID_QUANTITY, f"{name} is beyond the 64-bit range")


def positive_quantity(command: Command) -> int:
    """Give the quantity, or refuse one that is not above zero or too large."""
    integers_fit(command)
    assert command.quantity is not None, "the shape asks for a quantity"
    if command.quantity <= 0:
        raise Refused(Code.INVALID_QUANTITY, f"quantity is {command.quantity}, not above zero")
    return command.quantity


def room_for(quantity: int, holding: Holding, at: Instant) -> None:
    """Refuse what comes in at an instant if the unspent sum would ever pass 64 bits (rule Q1)."""
    if holding.ever_given + quantity > QUANTITY_MAX < holding.most_from(at) + quantity:
        raise Refused(
            Code.INVALID_QUANTITY, "with this the customer's balance would pass the 64-bit range"
        )


def scale_of(book: Book, original: Original) -> int:
    """Say where the decimal point of what a transaction moved stands."""
    entitlement = book.entitlements.get(original.event.entitlement or "")
    return entitlement.scale if entitlement else 0


def not_ahead(at: Instant, context: Context) -> None:
    """Refuse what would take effect more than five minutes ahead of the ledger's clock."""
    if at > context.now + AHEAD_MAX:
        raise Refused(
            Code.INVALID_TIME,
            f"effective_at {format_instant(at)} is more than five minutes ahead of "
            f"{format_instant(context.now)}",
        )


def ends_after(expires_at: Instant | None, at: Instant) -> None:
    """Refuse an end that is not after the beginning."""
    if expires_at is not None and expires_at <= at:
        raise Refused(
            Code.INVALID_TIME,
            f"expires_at {format_instant(expires_at)} is not after {format_instant(at)}",
        )


def period_open(book: Book, at: Instant) -> None:
    """Refuse what would take effect in a period that has been closed."""
    if book.closed(at):
        assert book.closed_until is not None, "something is closed"
        raise Refused(
            Code.PERIOD_CLOSED,
            f"effective_at {format_instant(at)} is in a period that was closed: all before "
            f"{format_instant(book.closed_until)} is archived",
        )


def draw(
    decision: Decision, holding: Holding, entitlement: Entitlement, quantity: int, to: Account
) -> None:
    """Draw a quantity in burn order into an account, or refuse with `insufficient_balance`."""
    at = decision.effective_at
    draws, lacking = holding.draw(quantity, at)
    if lacking:
        can, balance = quantity - lacking, holding.balance(at).available
        said = too_little(quantity, can, at, entitlement)
        if balance != can:
            then = format_quantity(balance, entitlement.scale)
            said += f" ({then} available then, the rest is spoken for later)"
        raise Refused(Code.INSUFFICIENT_BALANCE, said)
    for each in draws:
        decision.take(holding.grants[each.grant], each.quantity, to, at)


def named(book: Book, command: Command) -> Original:
    """Give the transaction that a command names, or refuse with `unknown_transaction`."""
    original = book.original(command.transaction)
    if original is None or original.event.customer != command.customer:
        raise Refused(Code.UNKNOWN_TRANSACTION, "this customer has no such transaction")
    return original


def quantity_positive_if_given(command: Command) -> None:
    """Refuse a quantity that is given and not above zero, or too large."""
    integers_fit(command)
    if command.quantity is not None and command.quantity <= 0:
        raise Refused(Code.INVALID_QUANTITY, f"quantity is {command.quantity}, not above zero")


def not_earlier(at: Instant, original: Original) -> None:
    """Refuse what would count before that which it is about."""
    starts = original.event.effective_at
    if at < starts:
        raise Refused(
            Code.INVALID_TIME,
            f"effective_at {format_instant(at)} is earlier than {format_instant(starts)}, "
            "when the original took effect",
        )
