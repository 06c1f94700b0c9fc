"""What callers ask: lines, read as far as each can be by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, cast

from entitlement_ledger.domain.commands import JSON, Command, CommandType, Line, parse_command
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.plain import PlainLine, are_plain, is_plain
from entitlement_ledger.domain.policy import Policy
from entitlement_ledger.domain.refusals import Refused

_MANY = 32
"""So many lines are looked at together."""
RoleOf = Callable[[str], str | None]
Item = PlainLine | Command | tuple[str | None, Refused]
"""One line as it was read; of one that is no command the key, where it has one, and why."""


class Asked(NamedTuple):
    """What one caller asks: lines as they were read, by whom.

    Attributes:
        instants: what the texts of times in plain lines mean.
    """

    items: list[Item]
    actor: str
    history: bool
    instants: dict[str, Instant]


def read_lines(
    lines: Sequence[Line],
    actor: str,
    policy: Policy,
    role_of: RoleOf,
    *,
    history: bool,
    plain: bool,
) -> Asked:
    """Read lines as what they ask; `plain` looks for what may be decided without the past."""

    def permits(who: str) -> bool:
        return _permits(policy, role_of(who), role_of(actor), history=history)

    instants: dict[str, Instant] = {}
    if not plain or not _nobody_else_is_asked(policy):
        return Asked([_read(line) for line in lines], actor, history, instants)
    if len(lines) >= _MANY and are_plain(lines, instants):
        given = cast(list[PlainLine], [*lines])
        if all(permits(who) for who in {line.get("actor") or actor for line in given}):
            return Asked([*given], actor, history, instants)
    permitted: dict[str, bool] = {}
    items: list[Item] = []
    for line in lines:
        if is_plain(line, instants):
            assert isinstance(line, dict), "what is plain is a line"
            who = line.get("actor") or actor
            if who not in permitted:
                permitted[who] = permits(who)
            if permitted[who]:
                items.append(line)
                continue
        items.append(_read(line))
    return Asked(items, actor, history, instants)


def _nobody_else_is_asked(policy: Policy) -> bool:
    plain = {CommandType.ISSUE, CommandType.CONSUME}
    return not any(plain & rule.types for rule in policy.approvals)


def _permits(policy: Policy, role: str | None, poster_role: str | None, *, history: bool) -> bool:
    try:
        policy.permit(role, poster_role, history=history)
    except Refused:
        return False
    return True


def _read(line: Line) -> Item:
    """Give the command, or the key where one can be read, and why it is none (rule S6)."""
    if isinstance(line, Refused):
        return None, line
    try:
        return parse_command(line)
    except Refused as refused:
        return _shown(line.get("key") if isinstance(line, Mapping) else None), refused


def _shown(key: JSON) -> str | None:
    """Give what can be told of a key: half of a surrogate pair cannot be written."""
    if not isinstance(key, str):
        return None
    try:
        key.encode("utf-8")
    except UnicodeEncodeError:
        return None
    return key[:512]
