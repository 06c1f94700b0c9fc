"""Running checks: each gives how many rows are at fault, and some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import Connection, func, select

from entitlement_ledger.answers import CheckResult
from entitlement_ledger.checks import replaying
from entitlement_ledger.checks.check import GRACE, NOW_NAME, Check
from entitlement_ledger.checks.consistency import CHECKS
from entitlement_ledger.checks.recorded import PROJECTIONS
from entitlement_ledger.checks.telling import told_balances
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.errors import InputError, StoreError
from entitlement_ledger.store.journal import last, read_rows
from entitlement_ledger.store.scratch import stale_rows

_EXAMPLES = 5

Replay = Callable[[replaying.Read, int], Iterator[replaying.Fault]]
Comparison = Callable[[Connection], Iterator[dict[str, Any]]]

REPLAYS: dict[str, tuple[str, Replay]] = {
    "decisions": ("an outcome or draw that the rules would not give", replaying.decisions),
}

COMPARISONS: dict[str, tuple[str, Comparison]] = {
    "balances": ("a balance told that the postings do not sum to", told_balances),
    PROJECTIONS.name: (PROJECTIONS.protects, stale_rows),
}

_CHECKPOINTS = "checkpoints"
_SIGNED = "a history that is not the one that was signed"


def check_names() -> list[str]:
    """Give the names of all checks, in the order in which they run."""
    return [*(check.name for check in CHECKS), *REPLAYS, *COMPARISONS, _CHECKPOINTS]


def run_checks(
    connection: Connection, names: Sequence[str], now: Instant, sealed: Comparison
) -> Iterator[CheckResult]:
    """Run the checks of these names, or all; `now` says what is due.

    `sealed` finds checkpoints that do not verify.

    Raises:
        InputError: there is no check of a name.
    """
    unknown = sorted(set(names) - set(check_names()))
    if unknown:
        raise InputError(f"no check {unknown[0]!a}: there are {', '.join(check_names())}")
    wanted = set(names or check_names())
    for check in CHECKS:
        if check.name in wanted:
            yield _query(connection, check, now)
    for name, (protects, replay) in REPLAYS.items():
        if name in wanted:
            read = partial(read_rows, connection)
            yield _counted(name, protects, replay(read, last(connection)[0]))
    for name, (protects, compare) in {**COMPARISONS, _CHECKPOINTS: (_SIGNED, sealed)}.items():
        if name in wanted:
            yield _counted(name, protects, compare(connection))


def _counted(name: str, protects: str, faults: Iterator[dict[str, Any]]) -> CheckResult:
    faults = _as_far_as_read(faults)
    examples = list(islice(faults, _EXAMPLES))
    violations = len(examples) + sum(1 for _ in faults)
    return CheckResult(name, not violations, violations, tuple(examples), protects)


def _as_far_as_read(faults: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give faults, and as the last one that the journal cannot be read any further."""
    try:
        yield from faults
    except StoreError as error:
        yield {"why": str(error)}


def _query(connection: Connection, check: Check, now: Instant) -> CheckResult:
    since = {NOW_NAME: now - GRACE}
    counted = select(func.count()).select_from(check.at_fault.order_by(None).subquery("at_fault"))
    violations = connection.execute(counted, since).scalar_one()
    examples: tuple[dict[str, Any], ...] = ()
    if violations:
        rows = connection.execute(check.at_fault.limit(_EXAMPLES), since).all()
        examples = tuple(dict(row._mapping) for row in rows)
    return CheckResult(check.name, not violations, violations, examples, check.protects)
