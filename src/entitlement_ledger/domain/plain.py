"""Plain commands: grants and draws that follow from what is left, without looking at the past.

Nearly all of a backlog is of this kind: it counts from the last posting on, on a holding that time
alone will not change. Such a command is decided from a `Standing`, a few numbers, and what many
came to is `PlainEvents`. So is a draw of more than is there. What is not plain, any other refusal
included, is left to `decide`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

from entitlement_ledger.domain.catalogue import Entitlement
from entitlement_ledger.domain.commands import RESERVED_PREFIX, CommandType, Line
from entitlement_ledger.domain.events import canonical
from entitlement_ledger.domain.instants import AHEAD_MAX, Instant, parse_instant
from entitlement_ledger.domain.plain_events import Common, PlainEvents
from entitlement_ledger.domain.refusals import too_little
from entitlement_ledger.domain.shapes import Shape
from entitlement_ledger.domain.standing import Draws, Standing
from entitlement_ledger.domain.texts import (
    CUSTOMER_LENGTH_MAX,
    NAME_LENGTH_MAX,
    REASON_LENGTH_MAX,
)

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

PlainLine = dict[str, Any]
"""A command that may turn out to be plain: its fields as given, key and all."""


def is_plain(line: Line, instants: dict[str, Instant]) -> bool:
    """Say whether a line may be a plain command; where it is none, only `parse_command` can say.

    `instants` keeps what texts of times mean.
    """
    if type(line) is not dict or not _REQUIRED <= line.keys() <= _FIELDS:
        return False
    kind, key, quantity = line["type"], line["key"], line["quantity"]
    if (
        (kind != _ISSUE and kind != _CONSUME)  # noqa: PLR1714 - what cannot be hashed comes here
        or type(quantity) is not int
        or not 0 < quantity <= _QUANTITY_MAX
        or not _is_text(key, NAME_LENGTH_MAX)
        or key.startswith(RESERVED_PREFIX)
        or not _is_text(line["customer"], CUSTOMER_LENGTH_MAX)
        or not _is_text(line["entitlement"], NAME_LENGTH_MAX)
    ):
        return False
    if len(line) > len(_REQUIRED):
        for name, length_max in _OPTIONAL.items():
            value = line.get(name)
            if value is not None and not _is_text(value, length_max):
                return False
        given = line.get("effective_at")
        return given is None or _is_instant(given, instants)
    return True


def _is_text(value: object, length_max: int) -> bool:
    """Say whether something is text that a field of that length takes, whatever else it asks.

    It must stand in JSON as it is: it is written there.
    """
    return (
        type(value) is str
        and 0 < len(value) <= length_max
        and value.isprintable()
        and '"' not in value
        and "\\" not in value
    )


def are_plain(lines: Sequence[Line], instants: dict[str, Instant]) -> bool:
    """Say whether `is_plain` holds of all lines: looked at field by field, which is quicker."""
    if set(map(type, lines)) != {dict}:
        return False
    given: Sequence[Mapping[str, Any]] = lines  # type: ignore[assignment]
    if not all(_REQUIRED <= set(names) <= _FIELDS for names in set(map(tuple, given))):
        return False
    return (
        _are_texts(_all(given, "type"), NAME_LENGTH_MAX)
        and set(_all(given, "type")) <= {_ISSUE, _CONSUME}
        and _are_quantities(_all(given, "quantity"))
        and _are_texts(keys := _all(given, "key"), NAME_LENGTH_MAX)
        and not any(key.startswith(RESERVED_PREFIX) for key in keys)
        and _are_texts(_all(given, "customer"), CUSTOMER_LENGTH_MAX)
        and _are_texts(_all(given, "entitlement"), NAME_LENGTH_MAX)
        and all(_are_texts(_given(given, name), most) for name, most in _OPTIONAL.items())
        and all(_is_instant(each, instants) for each in _different(_given(given, "effective_at")))
    )


def _all(lines: Iterable[Mapping[str, Any]], name: str) -> list[Any]:
    return [line[name] for line in lines]


def _given(lines: Iterable[Mapping[str, Any]], name: str) -> list[Any]:
    return [value for line in lines if (value := line.get(name)) is not None]


def _different(values: list[Any]) -> Iterable[Any]:
    """Leave out what is alike, where that can be told."""
    return set(values) if set(map(type, values)) <= {str} else values


def _are_texts(values: list[Any], length_max: int) -> bool:
    if not values:
        return True
    if set(map(type, values)) != {str}:
        return False
    whole = "".join(values)
    lengths = set(map(len, values))
    return (
        min(lengths) > 0
        and max(lengths) <= length_max
        and whole.isprintable()
        and '"' not in whole
        and "\\" not in whole
    )


def _are_quantities(values: list[Any]) -> bool:
    return set(map(type, values)) == {int} and min(values) > 0 and max(values) <= _QUANTITY_MAX


_parsed = lru_cache(maxsize=1024)(parse_instant)


def _is_instant(text: object, instants: dict[str, Instant]) -> bool:
    if type(text) is not str:
        return False
    if text not in instants:
        try:
            instants[text] = _parsed(text)
        except ValueError:
            return False
    return True


_Decided = tuple[Draws, int, int, int, str]
"""The draws; what was available before and after; what was held; why it is refused."""
_NOTHING: _Decided = ((), 0, 0, 0, "")


def decide_plain(
    lines: Sequence[PlainLine],
    standings: Sequence[Standing],
    common: Sequence[Common],
    at: Sequence[Instant],
    sequences: Sequence[int],
    entitlements: Mapping[str, Entitlement],
) -> tuple[PlainEvents, list[int]]:
    """Decide commands in order, from where their holdings stand, which are moved on.

    `at` is when each counts. Who may ask, the customers' and the entitlements' status, and closed
    periods have been seen to. Gives the events, and which of the commands turn out not to be plain:
    what comes of these, and of others of their customers, is to be left to the rules.
    """
    found: list[_Decided] = []
    rest: list[int] = []
    for row, (line, where, said, when, sequence) in enumerate(
        zip(lines, standings, common, at, sequences, strict=True)
    ):
        decided = None
        if when <= said.recorded_at + AHEAD_MAX:
            decided = _decide(line, where, when, sequence, entitlements)
        if decided is None:
            rest.append(row)
            decided = _NOTHING
        found.append(decided)
    commands = _commands(lines)
    events = PlainEvents(
        sequence=[*sequences],
        common=[*common],
        type=[line["type"] for line in lines],
        key=[line["key"] for line in lines],
        customer=[line["customer"] for line in lines],
        entitlement=[line["entitlement"] for line in lines],
        quantity=[line["quantity"] for line in lines],
        effective_at=[*at],
        reason=[line.get("reason") for line in lines],
        reference=[line.get("reference") for line in lines],
        command=commands,
        command_hash=[sha256(command.encode()).hexdigest() for command in commands],
        draws=[each[0] for each in found],
        before=[each[1] for each in found],
        after=[each[2] for each in found],
        held=[each[3] for each in found],
        refused=[each[4] for each in found],
    )
    return events, rest


def _decide(
    line: PlainLine,
    standing: Standing,
    at: Instant,
    sequence: int,
    entitlements: Mapping[str, Entitlement],
) -> _Decided | None:
    """Decide one command; None, and nothing is moved, where it is not plain."""
    quantity, last_at = line["quantity"], standing.last_at
    if last_at is not None and at < last_at:
        return None
    before, held = standing.balance(at)
    if line["type"] == _ISSUE:
        if standing.unspent + quantity > _UNSPENT_MAX:
            return None
        standing.issue(sequence, quantity, at)
        standing.last_at = at
        return (), before, before + quantity, held, ""
    if before < quantity:
        why = too_little(quantity, before, at, entitlements[line["entitlement"]])
        return (), before, before, held, why
    draws = standing.draw(quantity, at)
    standing.last_at = at
    return draws, before, before - quantity, held, ""


def _commands(lines: Sequence[PlainLine]) -> list[str]:
    """Give the canonical JSON of lines' fields, key aside; `is_plain` has looked at them."""
    commands = [""] * len(lines)
    alike: dict[tuple[str, ...], list[int]] = {}
    for row, line in enumerate(lines):
        alike.setdefault(tuple(line), []).append(row)
    for names, rows in alike.items():
        columns = {name: [lines[row][name] for row in rows] for name in names if name != "key"}
        if any(None in column for column in columns.values()):
            for row in rows:
                line = {name: value for name, value in lines[row].items() if name != "key"}
                commands[row] = canonical(line).decode()
        else:
            written = _shape(names).write(columns, range(len(rows)))
            for row, command in zip(rows, written, strict=True):
                commands[row] = command
    return commands


@lru_cache(maxsize=256)
def _shape(names: tuple[str, ...]) -> Shape:
    """Give what the canonical JSON of such fields is, key aside, without their values."""
    shown = (
        f'"{n}":%({n})s' if n == "quantity" else f'"{n}":"%({n})s"'
        for n in sorted(names)
        if n != "key"
    )
    return Shape.of(f"{{{','.join(shown)}}}")
