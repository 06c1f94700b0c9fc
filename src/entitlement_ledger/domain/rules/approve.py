"""`approve` and `reject`: a second person decides on a proposal."""

from __future__ import annotations

from entitlement_ledger.domain.book import Book, Original
from entitlement_ledger.domain.commands import Command, parse_command
from entitlement_ledger.domain.events import Resolution, Status, TransactionEvent, command_hash
from entitlement_ledger.domain.refusals import Code, Refused
from entitlement_ledger.domain.rules.context import (
    Context,
    Decision,
    known_customer,
    period_open,
    reason_given,
)


def proposal_named(book: Book, command: Command, actor: str) -> Original:
    """Give the proposal that a command is about, or refuse to decide on it."""
    known_customer(book, command)
    proposal = book.named(command.transaction)
    if proposal is None or proposal.event.customer != command.customer:
        raise Refused(Code.UNKNOWN_TRANSACTION, "this customer has no such transaction")
    reason_given(command)
    if not proposal.event.proposal or proposal.status is not None:
        raise Refused(Code.NOT_PENDING, "it is not a proposal that awaits a decision")
    if proposal.event.actor == actor:
        raise Refused(Code.OWN_PROPOSAL, f"{actor} proposed it: somebody else has to decide")
    return proposal


def proposed(event: TransactionEvent) -> Command:
    """Give the very command that was proposed, or refuse one that is not it any more."""
    if command_hash(event.command) != event.command_hash:
        raise Refused(Code.NOT_PENDING, "what was proposed is not what is recorded: verify")
    return parse_command({**event.command, "key": event.key})


def approved(decision: Decision, proposal: Original) -> Decision:
    """Note that a proposal has been executed by this decision."""
    decision.resolves.append(Resolution(proposal.event.sequence, Status.COMPLETED))
    return decision


def rejected(book: Book, proposal: Original, command: Command, context: Context) -> Decision:
    """Note that a proposal will not be executed."""
    event = proposal.event
    at = context.effective_at(command)
    period_open(book, at)
    decision = Decision(at, event.entitlement, event.product)
    decision.quantity, decision.target = event.quantity, event.sequence
    decision.resolves.append(Resolution(event.sequence, Status.REFUSED))
    return decision
