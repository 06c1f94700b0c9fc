"""Plain events in columns: what many plain commands came to, without an object for each.

Of most of their fields they have one value or none, so that their bodies follow from a few shapes:
the very bytes that their `TransactionEvent`s have. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, overload

import msgspec

from entitlement_ledger.domain.events import Status, TransactionEvent, decode_event
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.refusals import Code
from entitlement_ledger.domain.shapes import Shape
from entitlement_ledger.domain.standing import PRIORITY, Draws

_encode = msgspec.json.Encoder().encode
_AT_ONCE = 5_000
"""Of more events at once the columns do not stay near the processor."""


class Common(msgspec.Struct, frozen=True, gc=False):
    """What the events of one actor in a batch have in common."""

    recorded_at: Instant
    actor: str
    role: str | None
    history: bool


class PlainEvent(msgspec.Struct, frozen=True, gc=False):
    """One of them, made when it is looked at: of its event, the fields that are not always alike.

    Attributes:
        command: the canonical JSON of its fields as given, key aside.
        command_hash: SHA-256 of that, in hexadecimal digits.
        draws: grants with quantities; empty where it issues one.
        before, after: what was available as of `effective_at`.
        held: what was held then, before and after.
        refused: why it is refused with `insufficient_balance`; empty where it is completed.
    """

    sequence: int
    common: Common
    type: str
    key: str
    customer: str
    entitlement: str
    quantity: int
    effective_at: Instant
    reason: str | None
    reference: str | None
    command: str
    command_hash: str
    draws: Draws
    before: int
    after: int
    held: int
    refused: str

    @property
    def recorded_at(self) -> Instant:
        """When the ledger learned of it."""
        return self.common.recorded_at

    @property
    def issues(self) -> bool:
        """Whether it has given something."""
        return not self.draws and not self.refused

    @property
    def status(self) -> Status:
        """How it is recorded."""
        return Status.REFUSED if self.refused else Status.COMPLETED

    def body(self) -> bytes:
        """Give its body."""
        (body,) = PlainEvents(*([getattr(self, name)] for name in _NAMES)).bodies()
        return body

    def whole(self) -> TransactionEvent:
        """Give the same as an event with all its fields."""
        event = decode_event(self.body())
        assert isinstance(event, TransactionEvent)
        return event


@dataclass(slots=True)
class PlainEvents(Sequence[PlainEvent]):
    """Plain events in order: of each field of `PlainEvent` a list, all of one length."""

    sequence: list[int] = field(default_factory=list)
    common: list[Common] = field(default_factory=list)
    type: list[str] = field(default_factory=list)
    key: list[str] = field(default_factory=list)
    customer: list[str] = field(default_factory=list)
    entitlement: list[str] = field(default_factory=list)
    quantity: list[int] = field(default_factory=list)
    effective_at: list[Instant] = field(default_factory=list)
    reason: list[str | None] = field(default_factory=list)
    reference: list[str | None] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    command_hash: list[str] = field(default_factory=list)
    draws: list[Draws] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        """Give how many there are."""
        return len(self.sequence)

    @overload
    def __getitem__(self, place: int) -> PlainEvent: ...
    @overload
    def __getitem__(self, place: slice) -> PlainEvents: ...
    def __getitem__(self, place: int | slice) -> PlainEvent | PlainEvents:
        """Give one event, or some of them."""
        if isinstance(place, slice):
            return PlainEvents(*(column[place] for column in self._columns()))
        return PlainEvent(*(column[place] for column in self._columns()))

    def __iter__(self) -> Iterator[PlainEvent]:
        """Give each event."""
        return map(PlainEvent, *self._columns())

    def _columns(self) -> list[list[Any]]:
        return [getattr(self, name) for name in _NAMES]

    def some(self, rows: Sequence[int]) -> PlainEvents:
        """Give the events at some places."""
        if len(rows) == len(self):
            return self
        return PlainEvents(*([column[row] for row in rows] for column in self._columns()))

    def extend(self, later: PlainEvents) -> None:
        """Take in what comes after these."""
        for mine, more in zip(self._columns(), later._columns(), strict=True):
            mine.extend(more)

    def of_common(self, one: Callable[[Common], Any]) -> list[Any]:
        """Give of each event what follows from what it has in common with others."""
        if len(set(map(id, self.common))) == 1:
            return [one(self.common[0])] * len(self)
        made = {each: one(each) for each in set(self.common)}
        return [made[each] for each in self.common]

    def bodies(self) -> list[bytes]:
        """Give their bodies."""
        bodies: list[bytes] = []
        for start in range(0, len(self), _AT_ONCE):
            bodies += _bodies(self[start : start + _AT_ONCE])
        return bodies


_NAMES = tuple(each.name for each in fields(PlainEvents))


def _bodies(events: PlainEvents) -> list[bytes]:
    alike: list[list[int]] = [[] for _ in _SHAPES]
    for row, (draws, refused) in enumerate(zip(events.draws, events.refused, strict=True)):
        alike[_REFUSED if refused else min(len(draws), _DRAWN_FROM_SEVERAL)].append(row)
    columns = _columns(events)
    gave, moved = [""] * len(events), [""] * len(events)
    for row in alike[_DRAWN_FROM_SEVERAL]:
        draws = events.draws[row]
        gave[row] = _drawn(draws)
        moved[row] = _moved(draws, events.entitlement[row], events.effective_at[row])
    columns |= {"draws": gave, "moved": moved}
    bodies = [b""] * len(events)
    for shape, rows in zip(_SHAPES, alike, strict=True):
        written = shape.write(columns, rows) if rows else ()
        for row, body in zip(rows, written, strict=True):
            bodies[row] = body.encode()
    return bodies


def _columns(events: PlainEvents) -> dict[str, Sequence[object]]:
    """Give what stands in bodies: of most columns the values, of some how they are written.

    `plain.is_plain` has looked at what was given: it stands in JSON as it is.
    """
    return {
        "actor": events.of_common(lambda each: _text(each.actor)),
        "role": events.of_common(lambda each: _text(each.role)),
        "history": events.of_common(lambda each: "true" if each.history else "false"),
        "recorded_at": events.of_common(lambda each: each.recorded_at),
        "sequence": [str(each) for each in events.sequence],
        "type": events.type,
        "key": events.key,
        "customer": events.customer,
        "entitlement": events.entitlement,
        "quantity": [str(each) for each in events.quantity],
        "effective_at": [str(each) for each in events.effective_at],
        "reason": _quoted(events.reason),
        "reference": _quoted(events.reference),
        "command": events.command,
        "command_hash": events.command_hash,
        "before": events.before,
        "after": events.after,
        "held": events.held,
        "grant": [draws[0][0] if draws else None for draws in events.draws],
        "message": [_text(each) for each in events.refused],
    }


def _quoted(values: list[str | None]) -> list[str]:
    return ["null" if value is None else f'"{value}"' for value in values]


@lru_cache(maxsize=64)
def _text(value: str | None) -> str:
    return "null" if value is None else _encode(value).decode()


def _drawn(draws: Draws) -> str:
    return ",".join([f'["{grant}",{quantity}]' for grant, quantity in draws])


def _moved(draws: Draws, code: str, at: Instant) -> str:
    return ",".join(
        [
            f'["{grant}","{code}","available",{-n},{at}],["{grant}","{code}","consumed",{n},{at}]'
            for grant, n in draws
        ]
    )


def _shape(
    *,
    status: Status,
    balances: str = "",
    code: str = "null",
    draws: str = "",
    grants: str = "",
    message: str = '""',
    postings: str = "",
) -> Shape:
    return Shape.of(
        f'{{"actor":%(actor)s,"balances":[{balances}],"code":{code},"command":%(command)s,'
        '"command_hash":"%(command_hash)s","customer":"%(customer)s",'
        f'"draws":[{draws}],"effective_at":%(effective_at)s,"entitlement":"%(entitlement)s",'
        f'"event":"transaction","grants":[{grants}],"history":%(history)s,"key":"%(key)s",'
        f'"message":{message},"postings":[{postings}],"product":null,"quantity":%(quantity)s,'
        '"reason":%(reason)s,"recorded_at":%(recorded_at)s,"reference":%(reference)s,'
        f'"role":%(role)s,"sequence":%(sequence)s,"status":"{status.value}","target":null,'
        '"type":"%(type)s"}'
    )


_BALANCES = (
    '{"after":{"available":%(after)s,"held":%(held)s},'
    '"before":{"available":%(before)s,"held":%(held)s},"entitlement":"%(entitlement)s"}'
)
_LEG = '["G%(sequence)s.1","%(entitlement)s",'
_SHAPES = (
    # By from how many grants is drawn: one is issued where from none.
    _shape(
        status=Status.COMPLETED,
        balances=_BALANCES,
        grants=(
            '{"category":"paid","customer":"%(customer)s","effective_from":%(effective_at)s,'
            '"entitlement":"%(entitlement)s","expires_at":null,"id":"G%(sequence)s.1",'
            f'"priority":{PRIORITY},"quantity":%(quantity)s}}'
        ),
        postings=(
            f'{_LEG}"issuance",-%(quantity)s,%(effective_at)s],'
            f'{_LEG}"available",%(quantity)s,%(effective_at)s]'
        ),
    ),
    _shape(
        status=Status.COMPLETED,
        balances=_BALANCES,
        draws='["%(grant)s",%(quantity)s]',
        postings=(
            '["%(grant)s","%(entitlement)s","available",-%(quantity)s,%(effective_at)s],'
            '["%(grant)s","%(entitlement)s","consumed",%(quantity)s,%(effective_at)s]'
        ),
    ),
    _shape(status=Status.COMPLETED, balances=_BALANCES, draws="%(draws)s", postings="%(moved)s"),
    _shape(
        status=Status.REFUSED, code=f'"{Code.INSUFFICIENT_BALANCE.value}"', message="%(message)s"
    ),
)
_DRAWN_FROM_SEVERAL, _REFUSED = 2, 3
