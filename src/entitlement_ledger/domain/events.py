"""Events: the journal's immutable records, and the canonical bytes that are hashed.

`TransactionEvent` is one command and its outcome; `RecordEvent` is one change to a customer, an
entitlement or a product. Every projection is made from these and nothing else.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Any

import msgspec

from entitlement_ledger.domain.catalogue import Category
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.ranges import Moment, Whole
from entitlement_ledger.domain.subscriptions import Subscription

TRANSACTION_PREFIX = "entl:"
REVIEW = "review"
"""The record that an act of reviewing events is."""


class Account(StrEnum):
    """Where a quantity can be. All but issuance are per grant."""

    ISSUANCE = "issuance"
    AVAILABLE = "available"
    HELD = "held"
    CONSUMED = "consumed"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Status(StrEnum):
    """What became of a transaction.

    It is recorded as completed, refused or pending; the others come from later transactions.
    """

    COMPLETED = "completed"
    REFUSED = "refused"
    PENDING = "pending"
    RELEASED = "released"
    EXPIRED = "expired"
    REVERSED = "reversed"
    PARTLY_REVERSED = "partly_reversed"


class Grant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One lot of one entitlement given to one customer. Never edited.

    Attributes:
        parent: the grant that it was carried over from.
        subscription, period: which subscription gave it, in which of its periods, from 1.
        rollover_max: how much of it may go into the next period; None is nothing.
    """

    id: str
    customer: str
    entitlement: str
    quantity: Whole
    priority: Whole
    category: Category
    effective_from: Moment
    expires_at: Moment | None
    parent: str | None = None
    subscription: str | None = None
    period: Whole | None = None
    rollover_max: Whole | None = None

    def usable(self, at: Instant) -> bool:
        """Say whether the grant counts at an instant: from is in, expiry is out."""
        return self.effective_from <= at and (self.expires_at is None or at < self.expires_at)


class Posting(msgspec.Struct, frozen=True, array_like=True):
    """One leg: a signed quantity on one account of one grant."""

    grant: str
    entitlement: str
    account: Account
    quantity: Whole
    effective_at: Moment


class Draw(msgspec.Struct, frozen=True, array_like=True):
    """What one grant gave, or got back, in the order drawn."""

    grant: str
    quantity: Whole


class Held(msgspec.Struct, frozen=True):
    """A balance: what is available and what is held."""

    available: Whole
    held: Whole


class BalanceChange(msgspec.Struct, frozen=True):
    """A touched balance before and after, as of the transaction's `effective_at`."""

    entitlement: str
    before: Held
    after: Held


class Lapse(msgspec.Struct, frozen=True, array_like=True):
    """The end of a hold on one grant, now posted to an account: until then it is only read.

    To `held` takes back one that was posted ahead of its time.
    """

    hold: Whole
    grant: str
    account: Account


class Ended(msgspec.Struct, frozen=True, array_like=True):
    """A grant that was cancelled or upgraded away: what comes back later goes to revoked."""

    grant: str
    at: Moment


class Resolution(msgspec.Struct, frozen=True, array_like=True):
    """The status that an earlier transaction has from now on."""

    target: Whole
    status: Status


class TransactionEvent(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="event",
    tag="transaction",
):
    """One command and its outcome.

    Attributes:
        command: the fields as given, key aside.
        command_hash: SHA-256 of the canonical bytes of `command`, in hexadecimal.
        quantity: what was moved or asked for; None where none was named or it passes 64 bits.
        target: the sequence of the transaction that this one is about (a reversal's original).
        history: migrated from another system.
        expires_at: a hold's own end.
        proposal: it awaits a second person, and has changed nothing.
        executes: the type of the proposed command that this approval has executed.
        lapses, ended, resolves, subscriptions: what else it changed, each as it is from now on.
    """

    sequence: Whole
    recorded_at: Moment
    type: str
    key: str
    customer: str
    entitlement: str | None
    product: str | None
    quantity: Whole | None
    effective_at: Moment
    actor: str
    role: str | None
    reason: str | None
    reference: str | None
    history: bool
    command: dict[str, Any]
    command_hash: str
    status: Status
    code: str | None
    message: str
    target: Whole | None
    grants: tuple[Grant, ...]
    draws: tuple[Draw, ...]
    postings: tuple[Posting, ...]
    balances: tuple[BalanceChange, ...]
    expires_at: Moment | None = None
    lapses: tuple[Lapse, ...] = ()
    ended: tuple[Ended, ...] = ()
    resolves: tuple[Resolution, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    proposal: bool = False
    executes: str | None = None

    def body(self) -> bytes:
        """Give the bytes that are stored and hashed."""
        return encode_event(self)

    @property
    def kind(self) -> str:
        """What it did: the type, or that of the command which an approval has executed."""
        return self.executes or self.type


class RecordEvent(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="event",
    tag="record",
):
    """One change to a customer, an entitlement, a product or a feed, with what it was before.

    The closing of a period is one too: `id` is when it ends, `after` what was put into its archive.
    So is each step of the review of a finding: `after` is the decision and the evidence there was.
    So is each run of reconciliation: `after` is what was compared, and what came of it.
    So is each act of reviewing events: `after` is the mark and the sequences of the events that it
    was given to, `before` those of them that had a mark, by mark.

    Attributes:
        record: `customer`, `entitlement`, `product`, `feed`, `archive`, `finding`,
            `reconciliation` or `review`.
        personal: what name, email and creation time of a customer hash to under the customer's
            key, in hexadecimal; None once they are destroyed. Never what they are.
        personal_changed: they are others than before.
        forgets: this destroyed them.
        reason: why, where it was asked for.
    """

    sequence: Whole
    recorded_at: Moment
    record: str
    id: str
    actor: str
    role: str | None
    before: dict[str, Any] | None
    after: dict[str, Any]
    personal: str | None = None
    personal_changed: bool = False
    forgets: bool = False
    reason: str | None = None

    def body(self) -> bytes:
        """Give the bytes that are stored and hashed."""
        return encode_event(self)

    @property
    def what(self) -> str:
        """Whether it was `added`, `changed` or `forgotten`; a period is `closed`, a file `run`.

        Of a review it is the decision on the finding, or the mark of the events.
        """
        if self.forgets:
            return "forgotten"
        if self.record == "archive":
            return "closed"
        if self.record == "finding":
            return str(self.after["decision"])
        if self.record == "reconciliation":
            return "run"
        if self.record == REVIEW:
            return str(self.after["mark"])
        return "added" if self.before is None else "changed"


Event = TransactionEvent | RecordEvent

_encoder = msgspec.json.Encoder(order="sorted")
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


class _Whose(msgspec.Struct):
    customer: str | None = None


_customer_decoder = msgspec.json.Decoder(_Whose)


def canonical(value: object) -> bytes:
    """Encode a JSON value canonically: sorted names, no white space, UTF-8, integers exact."""
    return _encoder.encode(value)


def encode_event(event: Event) -> bytes:
    """Give the event's body: the bytes that are stored and hashed."""
    return _encoder.encode(event)


def decode_event(body: bytes) -> Event:
    """Read an event's body.

    Raises:
        msgspec.DecodeError: the bytes are not an event's body.
    """
    return _decoder.decode(body)


def customer_in(body: bytes) -> str | None:
    """Read of an event's body only whose command it is; None where it is a record.

    Raises:
        msgspec.DecodeError: the bytes are not an event's body.
    """
    return _customer_decoder.decode(body).customer


def leaf_hash(body: bytes) -> bytes:
    """Hash an event's body as a leaf of an RFC 6962 tree: SHA-256 over 0x00 and the bytes."""
    return hashlib.sha256(b"\x00" + body).digest()


def command_hash(command: object) -> str:
    """Hash a command's fields as given, so that the same command can be known again."""
    return hashlib.sha256(canonical(command)).hexdigest()


def transaction_id(sequence: int) -> str:
    """Give the id of the transaction with that sequence number (rule I1)."""
    return f"{TRANSACTION_PREFIX}{sequence}"


def sequence_of(transaction: str) -> int | None:
    """Give the sequence number in a transaction's id, or None where it is not an id."""
    digits = transaction.removeprefix(TRANSACTION_PREFIX)
    if digits == transaction or not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        return None
    return int(digits) if transaction_id(int(digits)) == transaction else None


def grant_id(sequence: int, place: int) -> str:
    """Give the id of a transaction's nth grant, from 1 (rule I2)."""
    return f"G{sequence}.{place}"


def grant_order(grant: str) -> tuple[int, int]:
    """Give the order in which a grant was recorded, from its id."""
    sequence, _, place = grant[1:].partition(".")
    return int(sequence), int(place)
