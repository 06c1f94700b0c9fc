"""Deciding: a command and the book in, an event out. Pure: no clock, no store.

`answer` turns an event into what the caller is told, the first time and every time after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from msgspec.structs import astuple, replace

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.commands import Command, CommandType
from entitlement_ledger.domain.events import (
    Account,
    BalanceChange,
    Draw,
    Held,
    Status,
    TransactionEvent,
    command_hash,
    grant_id,
    transaction_id,
)
from entitlement_ledger.domain.holdings import Holding
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.plain_events import PlainEvent
from entitlement_ledger.domain.policy import ApprovalRule
from entitlement_ledger.domain.quantities import fits
from entitlement_ledger.domain.refusals import Code, Refused
from entitlement_ledger.domain.rules import (
    adjust,
    approve,
    cancel,
    capture,
    change,
    consume,
    hold,
    issue,
    purchase,
    release,
    renew,
    reverse,
)
from entitlement_ledger.domain.rules.context import Context, Decision

Rule = Callable[[Book, Command, Context], Decision]

RULES: dict[CommandType, Rule] = {
    CommandType.ISSUE: issue.decide,
    CommandType.CONSUME: consume.decide,
    CommandType.ADJUST: adjust.decide,
    CommandType.REVERSE: reverse.decide,
    CommandType.HOLD: hold.decide,
    CommandType.CAPTURE: capture.decide,
    CommandType.RELEASE: release.decide,
    CommandType.PURCHASE: purchase.decide,
    CommandType.RENEW: renew.decide,
    CommandType.UPGRADE: change.decide,
    CommandType.DOWNGRADE: change.decide,
    CommandType.CANCEL: cancel.decide,
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, where the command does not say (rule I4)."""

    actor: str
    role: str | None = None


class Outcome(msgspec.Struct, frozen=True, eq=False):
    """What became of one command; two are alike where callers are told the same.

    Attributes:
        transaction: the id; None where nothing was recorded.
        duplicate: the key was known, and this is the first outcome again.
        balance: of the touched entitlement, as of `effective_at`; None where none or several are.
    """

    key: str | None
    status: Status
    code: Code | None = None
    message: str = ""
    transaction: str | None = None
    sequence: int | None = None
    recorded_at: Instant | None = None
    duplicate: bool = False
    grants: tuple[str, ...] = ()
    draws: tuple[Draw, ...] = ()
    balance: Held | None = None
    recorded: TransactionEvent | PlainEvent | None = None

    def __eq__(self, other: object) -> bool:
        """Say whether both tell the same, however it was recorded."""
        if not isinstance(other, Outcome):
            return NotImplemented
        return astuple(self)[:-1] == astuple(other)[:-1]

    __hash__ = None  # type: ignore[assignment]

    @property
    def event(self) -> TransactionEvent | None:
        """What is recorded of it; None where nothing is."""
        made = self.recorded
        return made.whole() if isinstance(made, PlainEvent) else made


def refusal(key: str | None, refused: Refused) -> Outcome:
    """Answer a command that is not recorded: a wrong shape, or a key conflict."""
    return Outcome(key=key, status=Status.REFUSED, code=refused.code, message=refused.message)


def answer(event: TransactionEvent) -> Outcome:
    """Give the outcome that an event records."""
    return Outcome(
        key=event.key,
        status=event.status,
        code=None if event.code is None else Code(event.code),
        message=event.message,
        transaction=transaction_id(event.sequence),
        sequence=event.sequence,
        recorded_at=event.recorded_at,
        grants=tuple(grant.id for grant in event.grants),
        draws=event.draws,
        balance=event.balances[0].after if len(event.balances) == 1 else None,
        recorded=event,
    )


def answer_plain(event: PlainEvent) -> Outcome:
    """Give the outcome that a plain event records."""
    return Outcome(
        key=event.key,
        status=event.status,
        code=Code.INSUFFICIENT_BALANCE if event.refused else None,
        message=event.refused,
        transaction=transaction_id(event.sequence),
        sequence=event.sequence,
        recorded_at=event.recorded_at,
        grants=(grant_id(event.sequence, 1),) if event.issues else (),
        draws=tuple(Draw(name, quantity) for name, quantity in event.draws),
        balance=None if event.refused else Held(event.after, event.held),
        recorded=event,
    )


def repeat(book: Book, command: Command) -> Outcome | None:
    """Give the first outcome again where the key is known, a conflict where the body differs."""
    first = book.keys.get(command.key)
    if first is None:
        return None
    if first.command_hash == command_hash(command.body):
        return replace(answer(first), duplicate=True)
    conflict = Refused(
        Code.KEY_CONFLICT,
        f"the key was used for another command, {transaction_id(first.sequence)}: use a new key",
    )
    return refusal(command.key, conflict)


def decide(book: Book, command: Command, context: Context, asker: Asker) -> TransactionEvent:
    """Decide one command whose key is new. The book is not changed."""
    try:
        decision = _decision(book, command, context, asker)
    except Refused as refused:
        asked = command.quantity
        quantity = asked if asked is not None and fits(asked) else None
        nothing = Decision(
            context.effective_at(command),
            command.entitlement or None,
            command.to or command.product or None,
            quantity=quantity,
        )
        return _event(command, nothing, context, asker, refused=refused)
    return seal(book, command, decision, context, asker)


def _decision(book: Book, command: Command, context: Context, asker: Asker) -> Decision:
    """Decide what is permitted; what needs a second person becomes a proposal."""
    context.policy.permit(asker.role, context.poster_role, history=context.history)
    if command.type in (CommandType.APPROVE, CommandType.REJECT):
        return _second_person(book, command, context, asker)
    decision = RULES[command.type](book, command, context)
    if context.history or _rule(book, command, decision, context) is None:
        return decision
    return Decision(
        decision.effective_at,
        decision.entitlement,
        decision.product,
        quantity=decision.quantity,
        status=Status.PENDING,
        proposal=True,
    )


def _rule(
    book: Book, command: Command, decision: Decision, context: Context
) -> ApprovalRule | None:
    """Give the rule by which a command needs a second person."""
    entitlement = book.entitlements.get(decision.entitlement or "")
    kind = None if entitlement is None else entitlement.kind.value
    return context.policy.rule_for(command, kind, decision.quantity)


def _second_person(book: Book, command: Command, context: Context, asker: Asker) -> Decision:
    """Decide an approval or a rejection; an approval decides anew what was proposed."""
    proposal = approve.proposal_named(book, command, command.actor or asker.actor)
    wanted = approve.proposed(proposal.event)
    asked = Decision(context.now, proposal.event.entitlement, quantity=proposal.event.quantity)
    context.policy.may_approve(_rule(book, wanted, asked, context), asker.role)
    if command.type == CommandType.REJECT:
        return approve.rejected(book, proposal, command, context)
    decision = RULES[wanted.type](book, wanted, context)
    decision.executes = wanted.type.value
    return approve.approved(decision, proposal)


def seal(
    book: Book, command: Command, decision: Decision, context: Context, asker: Asker
) -> TransactionEvent:
    """Make the event of a completed command, with the touched balances before and after."""
    balances = _balances(book, command.customer, decision)
    return _event(command, decision, context, asker, balances=balances)


def _event(
    command: Command,
    decision: Decision,
    context: Context,
    asker: Asker,
    *,
    balances: tuple[BalanceChange, ...] = (),
    refused: Refused | None = None,
) -> TransactionEvent:
    return TransactionEvent(
        sequence=context.sequence,
        recorded_at=context.now,
        type=command.type.value,
        key=command.key,
        customer=command.customer,
        entitlement=decision.entitlement,
        product=decision.product,
        quantity=decision.quantity,
        effective_at=decision.effective_at,
        actor=command.actor or asker.actor,
        role=asker.role,
        reason=command.reason,
        reference=command.reference,
        history=context.history,
        command=dict(command.body),
        command_hash=command_hash(command.body),
        status=Status.REFUSED if refused else decision.status,
        code=refused.code if refused else None,
        message=refused.message if refused else "",
        target=decision.target,
        grants=tuple(decision.grants),
        draws=tuple(decision.draws),
        postings=(*decision.lapse_postings, *decision.postings),
        balances=balances,
        expires_at=decision.expires_at,
        lapses=tuple(decision.lapses),
        ended=tuple(decision.ended),
        resolves=tuple(decision.resolves),
        subscriptions=tuple(decision.subscriptions),
        proposal=decision.proposal,
        executes=decision.executes,
    )


def _balances(book: Book, customer: str, decision: Decision) -> tuple[BalanceChange, ...]:
    """Give each touched balance before and after, as of the decision's `effective_at`."""
    at = decision.effective_at
    changes = []
    for entitlement in sorted({posting.entitlement for posting in decision.postings}):
        holding = book.holding(customer, entitlement)
        before = holding.balance(at)
        after = _after(holding, decision, entitlement, before)
        changes.append(BalanceChange(entitlement, before, after))
    return tuple(changes)


def _after(holding: Holding, decision: Decision, entitlement: str, before: Held) -> Held:
    """Add the postings that count by `effective_at` on grants that are usable then."""
    available, held, at = before.available, before.held, decision.effective_at
    grants = {grant.id: grant for grant in decision.grants}
    for posting in decision.postings:
        if posting.entitlement != entitlement or posting.effective_at > at:
            continue
        grant = grants.get(posting.grant) or holding.grants[posting.grant].grant
        if grant.usable(at):
            available += posting.quantity if posting.account is Account.AVAILABLE else 0
            held += posting.quantity if posting.account is Account.HELD else 0
    return Held(available, held)
