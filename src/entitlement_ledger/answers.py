"""Answers: the records that the ledger's façade gives to console and command line.

Times are instants (microseconds since 1970, UTC), quantities whole numbers in the smallest unit;
`scale` says where a face puts the decimal point. All text is as it came from outside: a face makes
it harmless before showing it.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from entitlement_ledger.domain.instants import Instant

Row = TypeVar("Row")
Place = TypeVar("Place")


class Balance(msgspec.Struct, frozen=True):
    """What a customer has of one entitlement at an instant."""

    customer: str
    entitlement: str
    name: str
    kind: str
    unit: str
    scale: int
    available: int
    held: int
    granted: int
    """The sum of the usable grants' quantities: what available and held are left of."""
    expires_next: Instant | None


class CustomerRow(msgspec.Struct, frozen=True):
    """One customer in a list."""

    id: str
    name: str
    email: str
    segment: str
    status: str
    created_at: Instant | None


class HistoryFilter(msgspec.Struct, frozen=True):
    """Which transactions to list. None means any; `since` and `until` read `effective_at` (T5).

    `text` looks for a part of customer, reference, reason, key or actor, case aside. `known_at`
    leaves out what was recorded later; the status of a row is that of now all the same. `status`
    may be the code of a refusal too.
    """

    customer: str | None = None
    entitlement: str | None = None
    type: str | None = None
    actor: str | None = None
    status: str | None = None
    since: Instant | None = None
    until: Instant | None = None
    text: str | None = None
    known_at: Instant | None = None


class TransactionRow(msgspec.Struct, frozen=True):
    """One transaction in a list; `scale` and `unit` are None where no entitlement is named."""

    transaction: str
    sequence: int
    type: str
    status: str
    code: str | None
    customer: str
    entitlement: str | None
    product: str | None
    quantity: int | None
    effective_at: Instant
    recorded_at: Instant
    actor: str
    role: str | None
    reason: str | None
    reference: str | None
    key: str
    scale: int | None
    unit: str | None


class Page(msgspec.Struct, Generic[Row, Place], frozen=True):
    """Rows of a keyset page, in the order of their places: of what has a sequence, newest first.

    `next_after` is the place behind which the next page begins, or None on the last one.
    """

    rows: tuple[Row, ...]
    next_after: Place | None


class BalanceChange(msgspec.Struct, frozen=True):
    """A touched balance before and after."""

    entitlement: str
    scale: int
    unit: str
    available_before: int
    available_after: int
    held_before: int
    held_after: int


class PostingRow(msgspec.Struct, frozen=True):
    """One leg of a transaction."""

    grant: str
    entitlement: str
    account: str
    quantity: int
    effective_at: Instant


class DrawRow(msgspec.Struct, frozen=True):
    """What one grant gave, in the order drawn."""

    grant: str
    quantity: int


class GrantRow(msgspec.Struct, frozen=True):
    """A grant as it was given."""

    id: str
    entitlement: str
    quantity: int
    priority: int
    category: str
    effective_from: Instant
    expires_at: Instant | None
    transaction: str
    parent: str | None


class TransactionDetail(msgspec.Struct, frozen=True):
    """One transaction with everything that its event holds.

    Attributes:
        reversed_by: ids of the transactions that reversed it, oldest first.
        does: the type of what was done: of an approval, the type of what it carried out.
        proposal: it is, or was, a proposal: what was asked for awaits a second person.
        target: id of the transaction that it is about.
        body: the event's canonical bytes, as stored and hashed.
        hash: SHA-256 of the body as a leaf, in hexadecimal.
    """

    row: TransactionRow
    does: str
    proposal: bool
    message: str
    history: bool
    target: str | None
    reversed_by: tuple[str, ...]
    grants: tuple[GrantRow, ...]
    draws: tuple[DrawRow, ...]
    postings: tuple[PostingRow, ...]
    balances: tuple[BalanceChange, ...]
    body: bytes
    hash: str

    def scale_of(self, entitlement: str | None) -> int:
        """Say where the decimal point of something that it touched stands."""
        touched = {each.entitlement: each.scale for each in self.balances}
        return touched.get(entitlement or "", self.row.scale or 0)


class EventReview(msgspec.Struct, frozen=True):
    """How an event was marked when somebody last looked at it.

    Attributes:
        mark: `reviewed` or `flagged`.
        sequence: of the event that recorded it.
    """

    mark: str
    actor: str
    note: str | None
    recorded_at: Instant
    sequence: int


class EventRow(msgspec.Struct, frozen=True):
    """One event of the journal, as the audit trail lists it.

    Attributes:
        event: `transaction`, or which record changed: `customer`, `entitlement`, `product`.
        what: the transaction's type, or `added` or `changed`.
        subject: the customer, or the id or code of the record.
        status: of a transaction as it was recorded; `completed` for records.
        balances: what a transaction touched.
        postings: its legs.
        before, after: a record's fields; before is None where there was none.
        review: the newest one, if there is one.
        approver: of a proposal that was carried out, and of what carried it out: who approved it.
        proposer: of what carried it out: who had asked for it.
    """

    sequence: int
    event: str
    what: str
    subject: str
    status: str
    code: str | None
    actor: str
    role: str | None
    reason: str | None
    reference: str | None
    recorded_at: Instant
    effective_at: Instant
    message: str
    balances: tuple[BalanceChange, ...]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    review: EventReview | None = None
    approver: str | None = None
    proposer: str | None = None
    postings: tuple[PostingRow, ...] = ()

    @property
    def moved(self) -> tuple[PostingRow, ...]:
        """Give the legs where no balance tells what was moved.

        What has lapsed counts no more from that instant on, recorded or not: its balance is the
        same before and after, and only the accounts of the grant are others.
        """
        told = any(
            (each.available_before, each.held_before) != (each.available_after, each.held_after)
            for each in self.balances
        )
        return () if told else self.postings

    def scale_of(self, entitlement: str) -> int:
        """Say where the decimal point of something that it touched stands."""
        return next((each.scale for each in self.balances if each.entitlement == entitlement), 0)

    def unit_of(self, entitlement: str) -> str:
        """Give the unit of something that it touched."""
        return next((each.unit for each in self.balances if each.entitlement == entitlement), "")


class EventFilter(msgspec.Struct, frozen=True):
    """Which events to list. `since` and `until` read `recorded_at`, half-open.

    `text` looks for a part of subject or actor, or of a transaction's reason or reference, case
    aside. `known_at` leaves out what was recorded later, and keeps what was recorded at that very
    instant; `known_sequence` leaves out what has a higher sequence. `review` is `unreviewed`, which
    reviews themselves are not, or a mark. `over` needs the entitlement, and keeps what moved more
    of it than that, in its smallest unit. `status` is as it was recorded.
    """

    actor: str | None = None
    event: str | None = None
    what: str | None = None
    since: Instant | None = None
    until: Instant | None = None
    text: str | None = None
    known_at: Instant | None = None
    customer: str | None = None
    entitlement: str | None = None
    over: int | None = None
    status: str | None = None
    review: str | None = None
    known_sequence: int | None = None


class GrantMove(msgspec.Struct, frozen=True):
    """What one transaction moved into one account of a grant."""

    transaction: str
    type: str
    actor: str
    account: str
    quantity: int
    effective_at: Instant


class GrantPart(msgspec.Struct, frozen=True):
    """One grant's part in a balance.

    Attributes:
        state: `usable`, `scheduled`, `expired`, `ended` or `used up`.
        moves: what later transactions did to it, oldest first.
        next_draw: its place in the burn order among the usable grants, from 1; None if not usable.
        gives: how much it could give to a command effective at that instant.
    """

    grant: GrantRow
    actor: str
    reason: str | None
    reference: str | None
    available: int
    held: int
    consumed: int
    expired: int
    revoked: int
    state: str
    next_draw: int | None
    gives: int
    moves: tuple[GrantMove, ...]


class Explanation(msgspec.Struct, frozen=True):
    """A balance grant by grant, and what the next draw would take."""

    balance: Balance
    at: Instant
    parts: tuple[GrantPart, ...]


class EntitlementRow(msgspec.Struct, frozen=True):
    """One entitlement of the catalogue."""

    code: str
    name: str
    description: str
    kind: str
    unit: str
    scale: int
    resources: tuple[str, ...]
    status: str


class ProductLineRow(msgspec.Struct, frozen=True):
    """What one product gives of one entitlement. `valid_for` None never lapses."""

    entitlement: str
    quantity: int
    valid_for: str | None
    priority: int
    category: str
    rollover_max: int | None


class ProductRow(msgspec.Struct, frozen=True):
    """One product as it is sold now; `versions` counts how often it was changed, and this one."""

    code: str
    name: str
    tier: int
    period: str | None
    status: str
    lines: tuple[ProductLineRow, ...] = ()
    versions: int = 1


CatalogueRow = ProductRow | EntitlementRow
CataloguePlace = tuple[bool, str]
"""Where something stands in the catalogue: products before entitlements, each by code."""


class CatalogueFilter(msgspec.Struct, frozen=True):
    """Which part of the catalogue to list. None means any; `kind` is `product` or one of rights.

    `text` looks for a part of code, name or description, case and accents aside.
    """

    kind: str | None = None
    status: str | None = None
    text: str | None = None


class SubscriptionRow(msgspec.Struct, frozen=True):
    """One live subscription of a customer.

    Attributes:
        until: the end of the latest period opened; None where it has no end.
        pending: what is to happen at a period's end, in a few words.
    """

    product: str
    anchor: Instant
    until: Instant | None
    pending: str | None


class StoreStatus(msgspec.Struct, frozen=True):
    """What a status line shows of the store."""

    path: str
    read_only: bool
    events: int
    transactions: int
    customers: int
    last_recorded_at: Instant | None


class Vouched(msgspec.Struct, frozen=True):
    """What a status line shows of how far the store can be trusted.

    Attributes:
        transactions: how many there are.
        findings_open: findings that nobody has taken, confirmed or dismissed.
        sealed: how many events the newest checkpoint is over; None where there is none.
        seal_holds: it is signed by this ledger's key, where there is one, and the stored hashes
            give its root. The bodies are not hashed for that: `verify` does.
    """

    transactions: int
    findings_open: int
    sealed: int | None
    seal_holds: bool


class Finding(msgspec.Struct, frozen=True):
    """A pattern that a rule found, and where its review stands.

    Attributes:
        id: stays the same when the rules run again.
        transactions: ids, in the order of their recording.
        why: a sentence with the numbers.
        score: from 1 to 100, within its severity.
        state: `open`, `investigating`, `confirmed` or `dismissed`.
        others: whom it is about beside the actor; none of them can review it either.
    """

    id: str
    rule: str
    severity: str
    customer: str | None
    actor: str | None
    transactions: tuple[str, ...]
    why: str
    score: int
    state: str
    assigned_to: str | None = None
    others: tuple[str, ...] = ()


FindingPlace = tuple[str, int, str]
"""Where a finding stands among others: by severity, score and id."""


class FindingFilter(msgspec.Struct, frozen=True):
    """Which findings to list. None means any; of `state`, any but `dismissed`.

    `text` looks for a part of rule, customer, actor, sentence or id, case and accents aside.
    """

    rule: str | None = None
    customer: str | None = None
    actor: str | None = None
    severity: str | None = None
    state: str | None = None
    text: str | None = None


class ReviewStep(msgspec.Struct, frozen=True):
    """One step of a finding's review; `transactions` is the evidence that there was then."""

    sequence: int
    decision: str
    actor: str
    assigned_to: str | None
    reason: str
    transactions: tuple[str, ...]
    recorded_at: Instant


class Imported(msgspec.Struct, frozen=True):
    """What an import did with one file. With problems, nothing of it was loaded."""

    file: str
    table: str
    rows: int
    added: int = 0
    changed: int = 0
    problems: tuple[str, ...] = ()


class DueWork(msgspec.Struct, frozen=True):
    """What a run of due work recorded, by how many: grants expired, holds lapsed, and so on.

    Attributes:
        stuck: the customers for whom a renewal or change stays due, as it cannot be recorded: a
            balance would pass 64 bits (rule Q1), or a period the year 9999.
    """

    expired: int
    lapsed: int
    renewed: int
    rolled_over: int
    changed: int
    stuck: tuple[str, ...] = ()


class ArchivedPeriod(msgspec.Struct, frozen=True):
    """What closing a period before an instant has put into a folder."""

    before: Instant
    events: int
    postings: int
    folder: str


class CheckResult(msgspec.Struct, frozen=True):
    """What one check found.

    Attributes:
        violations: how many rows are at fault.
        examples: some of them, as names and values.
        protects: what the check protects from.
    """

    name: str
    ok: bool
    violations: int
    examples: tuple[dict[str, Any], ...]
    protects: str


class Access(msgspec.Struct, frozen=True):
    """Whether a customer has an entitlement at an instant.

    Attributes:
        why: a sentence for the customer on the phone.
        resources: what it opens; empty where there is no access.
    """

    customer: str
    entitlement: str
    allowed: bool
    why: str
    resources: tuple[str, ...]


class Difference(msgspec.Struct, frozen=True):
    """A balance at one instant, as known at two."""

    customer: str
    entitlement: str
    scale: int
    unit: str
    available_before: int
    available_after: int
    held_before: int
    held_after: int
    transactions: tuple[str, ...]
    """What became known in between and touched it."""
