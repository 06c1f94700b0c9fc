"""All rules, and what they are set to: the defaults, and what the settings say."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from entitlement_ledger.checks.rules import (
    amounts,
    bursts,
    draining,
    evidence,
    habits,
    lateness,
    people,
    reasons,
)
from entitlement_ledger.checks.rules.base import Parameters, Rule
from entitlement_ledger.domain.policy import ApprovalRule
from entitlement_ledger.domain.quantities import QUANTITY_MAX
from entitlement_ledger.errors import InputError

_COUNTED_MAX = 1_000_000

RULES: dict[str, Rule] = {
    rule.name: rule
    for family in (bursts, draining, amounts, habits, reasons, evidence, lateness, people)
    for rule in family.RULES
}


def parameters(
    said: Mapping[str, object], approvals: Sequence[ApprovalRule] = ()
) -> dict[str, Parameters]:
    """Give what each rule is set to; `said` is the table `[suspicious]` of the settings.

    The limit that `under_limit` looks at is that of the approvals, unless it is set.

    Raises:
        InputError: something in it is no rule, no parameter or no whole number; the nearest name is
            suggested.
    """
    for name in said:
        if name not in RULES:
            raise InputError(f"suspicious.{name} is not a rule{_nearest(name, RULES)}")
    return {name: _of(rule, said.get(name, {}), approvals) for name, rule in RULES.items()}


def _of(rule: Rule, said: object, approvals: Sequence[ApprovalRule]) -> Parameters:
    if not isinstance(said, Mapping):
        raise InputError(f"suspicious.{rule.name} must be a table of whole numbers")
    for name, value in said.items():
        where = f"suspicious.{rule.name}.{name}"
        if name not in rule.parameters:
            raise InputError(f"{where} is not a parameter{_nearest(name, rule.parameters)}")
        most = _most(name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise InputError(f"{where} must be a whole number from 0 to {most}")
    limits = [each.above for each in approvals if each.above is not None]
    known = {"limit": min(limits)} if limits and "limit" in rule.parameters else {}
    return {**rule.parameters, **known, **said}


def _most(parameter: str) -> int:
    """Give the most that a parameter can be: a quantity, a part of a whole, or a count."""
    if parameter == "limit":
        return QUANTITY_MAX
    if "percent" in parameter:
        return 100
    return 1000 if "permille" in parameter else _COUNTED_MAX


def rules_named(names: Sequence[str]) -> list[Rule]:
    """Give the rules of these names, or all.

    Raises:
        InputError: there is no rule of a name.
    """
    for name in names:
        if name not in RULES:
            raise InputError(f"no rule {name!a}{_nearest(name, RULES)}")
    return [rule for name, rule in RULES.items() if not names or name in names]


def _nearest(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f": do you mean {close[0]}?" if close else f": there are {', '.join(known)}"
