"""Plain commands: grants and draws that follow from what is left, without looking at the past.

Nearly all of a backlog is of this kind: it counts from the last posting on, on a holding that time
alone will not change. Such a command is decided from a `Standing`, a few numbers, and becomes a
`PlainEvent`, whose bytes are those of the `TransactionEvent` that `decide` would make of it. So is
a draw of more than is there. What is not plain, any other refusal included, is left to `decide`.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec

from entitlement_ledger.domain.catalogue import Entitlement
from entitlement_ledger.domain.commands import (
    CUSTOMER_LENGTH_MAX,
    NAME_LENGTH_MAX,
    REASON_LENGTH_MAX,
    RESERVED_PREFIX,
    CommandType,
    Line,
)
from entitlement_ledger.domain.events import (
    Event,
    Status,
    TransactionEvent,
    canonical,
    decode_event,
)
from entitlement_ledger.domain.instants import AHEAD_MAX, Instant, parse_instant
from entitlement_ledger.domain.refusals import Code, too_little
from entitlement_ledger.domain.standing import PRIORITY, Standing

_REFUSAL = f'"{Code.INSUFFICIENT_BALANCE.value}"'
_REFUSED, _COMPLETED = Status.REFUSED.value, Status.COMPLETED.value
_encode = msgspec.json.Encoder().encode
_QUANTITY_MAX = 1 << 40
_UNSPENT_MAX = 1 << 60
_ISSUE, _CONSUME = CommandType.ISSUE.value, CommandType.CONSUME.value
_REQUIRED = frozenset({"type", "key", "customer", "entitlement", "quantity"})
_OPTIONAL = {
    "actor": NAME_LENGTH_MAX,
    "reason": REASON_LENGTH_MAX,
    "reference": NAME_LENGTH_MAX,
}
_FIELDS = _REQUIRED | _OPTIONAL.keys() | {"effective_at"}


class PlainCommand(msgspec.Struct, gc=False):
    """A command that may turn out to be plain; `line` is its fields as given, key and all."""

    line: dict[str, Any]
    type: str
    key: str
    customer: str
    entitlement: str
    quantity: int
    effective_at: Instant | None


class Common(msgspec.Struct, frozen=True, gc=False):
    """What the events of one caller and one actor in a batch have in common."""

    recorded_at: Instant
    actor: str
    role: str | None
    history: bool


class PlainEvent(msgspec.Struct, frozen=True, gc=False):
    """What a plain command came to: of its event, the fields that are not the same for all.

    Attributes:
        command: the canonical JSON of its fields as given, key aside.
        command_hash: SHA-256 of that.
        draws: grants with quantities; empty where it issues one.
        before, after: what was available as of `effective_at`.
        held: what was held then, before and after.
        refused: why it is refused with `insufficient_balance`; empty where it is completed.
    """

    sequence: int
    asked: PlainCommand
    common: Common
    effective_at: Instant
    command: bytes
    command_hash: bytes
    draws: tuple[tuple[str, int], ...]
    before: int
    after: int
    held: int
    refused: str = ""

    @property
    def recorded_at(self) -> Instant:
        """When the ledger learned of it."""
        return self.common.recorded_at

    @property
    def issues(self) -> bool:
        """Whether it has given something."""
        return not self.draws and not self.refused

    def whole(self) -> TransactionEvent:
        """Give the same as an event with all its fields."""
        event = decode_event(self.body())
        assert isinstance(event, TransactionEvent)
        return event

    @property
    def status(self) -> Status:
        """How it is recorded."""
        return Status.REFUSED if self.refused else Status.COMPLETED

    def body(self) -> bytes:
        """Give the event's body: the very bytes that its `TransactionEvent` has."""
        asked, held, at, sequence = self.asked, self.held, self.effective_at, self.sequence
        common = self.common
        line, code, quantity = asked.line, asked.entitlement, asked.quantity
        drawn = given = moved = balances = ""
        if not self.refused:
            balances = (
                f'{{"after":{{"available":{self.after},"held":{held}}},'
                f'"before":{{"available":{self.before},"held":{held}}},"entitlement":"{code}"}}'
            )
        if self.draws:
            drawn = ",".join([f'["{name}",{n}]' for name, n in self.draws])
            moved = ",".join(
                [
                    f'["{name}","{code}","available",{-n},{at}],["{name}","{code}","consumed",{n},{at}]'
                    for name, n in self.draws
                ]
            )
        elif not self.refused:
            given = (
                f'{{"category":"paid","customer":"{asked.customer}","effective_from":{at},'
                f'"entitlement":"{code}","expires_at":null,"id":"G{sequence}.1",'
                f'"priority":{PRIORITY},"quantity":{quantity}}}'
            )
            moved = (
                f'["G{sequence}.1","{code}","issuance",{-quantity},{at}],'
                f'["G{sequence}.1","{code}","available",{quantity},{at}]'
            )
        return (
            f'{{"actor":{_text(common.actor)},"balances":[{balances}],'
            f'"code":{_REFUSAL if self.refused else "null"},"command":{self.command.decode()},'
            f'"command_hash":"{self.command_hash.hex()}","customer":"{asked.customer}",'
            f'"draws":[{drawn}],"effective_at":{at},"entitlement":"{code}",'
            f'"event":"transaction","grants":[{given}],'
            f'"history":{"true" if common.history else "false"},"key":"{asked.key}",'
            f'"message":{_message(self.refused)},'
            f'"postings":[{moved}],"product":null,"quantity":{quantity},'
            f'"reason":{_quoted(line.get("reason"))},"recorded_at":{common.recorded_at},'
            f'"reference":{_quoted(line.get("reference"))},"role":{_text(common.role)},'
            f'"sequence":{sequence},"status":"{_REFUSED if self.refused else _COMPLETED}",'
            f'"target":null,"type":"{asked.type}"}}'
        ).encode()


def _quoted(value: str | None) -> str:
    """Write a text that `read_plain` has looked at: it stands in JSON as it is."""
    return "null" if value is None else f'"{value}"'


@lru_cache(maxsize=64)
def _text(value: str | None) -> str:
    return "null" if value is None else _encode(value).decode()


def _message(refused: str) -> str:
    return _encode(refused).decode() if refused else '""'


Recordable = Event | PlainEvent
"""What goes into the journal: each has a body, a sequence and a time of recording."""


def read_plain(line: Line, instants: dict[str, Instant]) -> PlainCommand | None:
    """Read a line as a command that may be plain; None where only `parse_command` can say.

    `instants` keeps what texts of times mean.
    """
    if type(line) is not dict or not _REQUIRED <= line.keys() <= _FIELDS:
        return None
    kind, key, quantity = line["type"], line["key"], line["quantity"]
    customer, entitlement = line["customer"], line["entitlement"]
    if (
        (kind != _ISSUE and kind != _CONSUME)  # noqa: PLR1714 - what cannot be hashed comes here
        or type(quantity) is not int
        or not 0 < quantity <= _QUANTITY_MAX
        or not _is_text(key, NAME_LENGTH_MAX)
        or key.startswith(RESERVED_PREFIX)
        or not _is_text(customer, CUSTOMER_LENGTH_MAX)
        or not _is_text(entitlement, NAME_LENGTH_MAX)
    ):
        return None
    at = None
    if len(line) > len(_REQUIRED):
        for name, length_max in _OPTIONAL.items():
            value = line.get(name)
            if value is not None and not _is_text(value, length_max):
                return None
        given = line.get("effective_at")
        if given is not None:
            at = _instant(given, instants)
            if at is None:
                return None
    return PlainCommand(line, kind, key, customer, entitlement, quantity, at)


def _is_text(value: object, length_max: int) -> bool:
    """Say whether something is text that a field of that length takes, whatever else it asks.

    It must stand in JSON as it is: `body` writes it there.
    """
    return (
        type(value) is str
        and 0 < len(value) <= length_max
        and value.isprintable()
        and '"' not in value
        and "\\" not in value
    )


_parsed = lru_cache(maxsize=1024)(parse_instant)


def _instant(text: object, instants: dict[str, Instant]) -> Instant | None:
    if type(text) is not str:
        return None
    known = instants.get(text)
    if known is None:
        try:
            known = instants[text] = _parsed(text)
        except ValueError:
            return None
    return known


def decide_plain(
    asked: PlainCommand,
    standing: Standing,
    entitlement: Entitlement,
    common: Common,
    at: Instant,
    sequence: int,
) -> PlainEvent | None:
    """Decide a command from where its holding stands, which is moved on; None if it is not plain.

    `at` is when it counts. Who may ask, the customer's and the entitlement's status, and closed
    periods have been seen to.
    """
    quantity, last_at = asked.quantity, standing.last_at
    if at > common.recorded_at + AHEAD_MAX or (last_at is not None and at < last_at):
        return None
    before, held = standing.balance(at)
    after, refused = before, ""
    draws: tuple[tuple[str, int], ...] = ()
    if asked.type == _ISSUE:
        if standing.unspent + quantity > _UNSPENT_MAX:
            return None
        standing.issue(sequence, quantity, at)
        after += quantity
        standing.last_at = at
    elif before < quantity:
        refused = too_little(quantity, before, at, entitlement)
    else:
        draws = standing.draw(quantity, at)
        after -= quantity
        standing.last_at = at
    command = _command(asked.line)
    hashed = sha256(command).digest()
    return PlainEvent(
        sequence, asked, common, at, command, hashed, draws, before, after, held, refused
    )


def _command(line: dict[str, Any]) -> bytes:
    """Give the canonical JSON of a line's fields, key aside; `read_plain` has looked at it."""
    if None in line.values():
        return canonical({name: value for name, value in line.items() if name != "key"})
    return (_shape(tuple(line)) % line).encode()


@lru_cache(maxsize=256)
def _shape(names: tuple[str, ...]) -> str:
    """Give what the canonical JSON of such fields is, without their values."""
    shown = (
        f'"{n}":%({n})d' if n == "quantity" else f'"{n}":"%({n})s"'
        for n in sorted(names)
        if n != "key"
    )
    return f"{{{','.join(shown)}}}"
