"""Policy: who may ask for what, and what needs a second person. It comes from the settings."""

from __future__ import annotations

from dataclasses import dataclass, field

from entitlement_ledger.domain.commands import Command
from entitlement_ledger.domain.refusals import Code, Refused


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """Which commands need a second person: all that it says must match.

    Attributes:
        kinds: kinds of entitlement; None is every kind.
        above: only quantities above this one, the sign aside; None is every quantity.
        approvers: the roles that may approve.
    """

    types: frozenset[str]
    kinds: frozenset[str] | None = None
    above: int | None = None
    approvers: frozenset[str] = field(default_factory=lambda: frozenset({"supervisor"}))


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings say; by default everything is allowed to everybody.

    Attributes:
        mapped: the settings give actors roles, so that a missing role means something.
    """

    mapped: bool = False
    approvals: tuple[ApprovalRule, ...] = ()

    def permit(self, role: str | None, poster_role: str | None, *, history: bool) -> None:
        """Refuse what a role may not post at all.

        History is judged by who posts it: those who asked for it did so in another system.
        """
        if not self.mapped:
            return
        if history:
            if poster_role != "system":
                raise Refused(Code.NOT_PERMITTED, "only the role system may post history")
        elif "auditor" in (role, poster_role):
            raise Refused(Code.NOT_PERMITTED, "an auditor reviews, and posts nothing")

    def rule_for(
        self, command: Command, kind: str | None, quantity: int | None
    ) -> ApprovalRule | None:
        """Give the first rule by which a command needs a second person."""
        for rule in self.approvals:
            if command.type not in rule.types:
                continue
            if rule.kinds is not None and kind not in rule.kinds:
                continue
            if rule.above is not None and (quantity is None or abs(quantity) <= rule.above):
                continue
            return rule
        return None

    def may_approve(self, rule: ApprovalRule | None, role: str | None) -> None:
        """Refuse an approval by somebody without the role for it."""
        approvers = ApprovalRule(frozenset()).approvers if rule is None else rule.approvers
        if self.mapped and role not in approvers:
            raise Refused(
                Code.NOT_PERMITTED, f"only {' or '.join(sorted(approvers))} may decide on it"
            )


ANYTHING = Policy()
