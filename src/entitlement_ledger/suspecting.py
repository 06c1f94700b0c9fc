"""The suspecting part of the façade: what the rules find, and the review of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from entitlement_ledger.answers import (
    Finding,
    FindingFilter,
    FindingPlace,
    Page,
    ReviewStep,
    Vouched,
)
from entitlement_ledger.audit.sealing import newest_seal
from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.events import RecordEvent
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.policy import ApprovalRule
from entitlement_ledger.errors import InputError
from entitlement_ledger.proving import Proving
from entitlement_ledger.store.finding_pages import SEVERITIES, count_findings, findings_page
from entitlement_ledger.store.reviewing import (
    DECISIONS,
    Found,
    actors_of,
    review_steps,
    since_then,
    stored_findings,
    with_reviews,
)

REVIEWERS = ("supervisor", "auditor", "finance")
"""Who may review, where roles are given: an auditor too, although an auditor posts nothing."""


class Suspecting(Proving):
    """An open ledger that notices."""

    _approvals: Sequence[ApprovalRule]
    _suspicious: Mapping[str, object]

    def suspicious(
        self,
        rules: Sequence[str] = (),
        *,
        since: Instant | None = None,
        since_last: bool = False,
        dismissed: bool = False,
    ) -> list[Finding]:
        """Run rules, all by default; give what they find, the worst first.

        `since` keeps findings with a transaction that happened then or later: migrated history when
        it took effect, all else when it was recorded.
        `since_last` looks only at what can have changed since the rules were last run, to the same
        effect. Without `dismissed`, what was dismissed is left out until there is new evidence.
        What is found is kept, unless the ledger is open to be read only.

        Raises:
            InputError: there is no rule of a name, or the settings of the rules are wrong.
        """
        from entitlement_ledger.checks.finding import find
        from entitlement_ledger.checks.renewing import run
        from entitlement_ledger.checks.suspicion import parameters, rules_named

        chosen = rules_named(rules)
        set_to = parameters(self._suspicious, self._approvals)
        with self._explained():
            self._writer.catch_up()
            if self._read_only:
                with self._read() as connection:
                    found = list(find(connection, chosen, set_to))
            else:
                found = self._writer.aside(
                    lambda connection: run(connection, chosen, set_to, since_last=since_last)
                )
        with self._read() as connection:
            if since is not None:
                all_of_them = {number for each in found for number in each.sequences}
                later = since_then(connection, all_of_them, since)
                found = [each for each in found if not later.isdisjoint(each.sequences)]
            told = _told(connection, found, review_steps(connection))
        return _worst_first(each for each in told if dismissed or each.state != "dismissed")

    def findings(self, *, dismissed: bool = False) -> list[Finding]:
        """Give what the rules found when they were last run, the worst first."""
        with self._read() as connection:
            told = _told(connection, stored_findings(connection), review_steps(connection))
        return _worst_first(each for each in told if dismissed or each.state != "dismissed")

    def findings_page(
        self, only: FindingFilter, *, after: FindingPlace | None = None, limit: int = 100
    ) -> Page[Finding, FindingPlace]:
        """Give a page of what the rules found last, the worst first, behind a place seen before."""
        with self._read() as connection:
            found, behind = findings_page(connection, only, after=after, limit=limit)
            steps = review_steps(connection, [each.id for each in found])
            return Page(tuple(_told(connection, found, steps)), behind)

    def count_findings(self, only: FindingFilter) -> int:
        """Count the findings that a filter matches."""
        with self._read() as connection:
            return count_findings(connection, only)

    def vouched(self) -> Vouched:
        """Say how many transactions and open findings there are, and whether the seal holds."""
        transactions = self.status().transactions
        open_ = self.count_findings(FindingFilter(state="open"))
        signer = self._signer(None)
        with self._read() as connection:
            sealed, holds = newest_seal(connection, signer)
        return Vouched(transactions, open_, sealed, holds)

    def finding(self, name: str) -> tuple[Finding, list[ReviewStep]]:
        """Give one finding, and the steps of its review, the oldest first.

        Raises:
            InputError: the rules found none of that name when they were last run.
        """
        with self._read() as connection:
            steps = review_steps(connection, [name])
            told = _told(connection, stored_findings(connection), steps)
        found = next((each for each in told if each.id == name), None)
        if found is None:
            raise InputError(f"no finding {name!a}: `entl findings` lists them")
        return found, steps.get(name, [])

    def review(
        self,
        name: str,
        *,
        decision: str,
        reason: str,
        actor: str,
        assigned_to: str | None = None,
    ) -> Finding:
        """Record a step of a finding's review: it is an event, with whoever took it.

        Raises:
            InputError: no such finding or decision, no reason, or the reviewer is one of those it
                is about or has no role for it.
        """
        if decision not in DECISIONS:
            raise InputError(f"{decision} is no decision: there are {', '.join(DECISIONS)}")
        if not reason.strip():
            raise InputError("say why: an auditor will ask")
        role = self._roles.get(actor)
        if self._roles and role not in REVIEWERS:
            raise InputError(f"{actor} may not review: it takes {' or '.join(REVIEWERS)}")
        found, steps = self.finding(name)
        if actor in (found.actor, *found.others):
            raise InputError(f"{name} is about {actor}: somebody else must review it")
        before = steps[-1] if steps else None

        def change(_connection: Connection, book: Book, now: Instant) -> list[RecordEvent]:
            event = RecordEvent(
                sequence=book.last_sequence + 1,
                recorded_at=now,
                record="finding",
                id=name,
                actor=actor,
                role=role,
                before=None if before is None else _as_told(before.decision, before),
                after={
                    "decision": decision,
                    "rule": found.rule,
                    "customer": found.customer,
                    "actor": found.actor,
                    "assigned_to": assigned_to or (before.assigned_to if before else None),
                    "transactions": list(found.transactions),
                },
                reason=reason,
            )
            book.take(event)
            return [event]

        with self._explained():
            self._writer.record(change)
        return self.finding(name)[0]


def _told(
    connection: Connection, found: Sequence[Found], steps: dict[str, list[ReviewStep]]
) -> list[Finding]:
    """Say of each finding where its review stands, and of some who else they are about."""
    from entitlement_ledger.checks.suspicion import RULES

    told = with_reviews(found, steps)
    about_all = [
        (place, each)
        for place, each in enumerate(found)
        if each.rule in RULES and RULES[each.rule].about_all
    ]
    actors = actors_of(connection, {number for _, each in about_all for number in each.sequences})
    for place, each in about_all:
        acted = {actors[number] for number in each.sequences if number in actors}
        others = tuple(sorted(acted - {each.actor}))
        told[place] = msgspec.structs.replace(told[place], others=others)
    return told


def _as_told(decision: str, step: ReviewStep) -> dict[str, object]:
    return {
        "decision": decision,
        "assigned_to": step.assigned_to,
        "transactions": list(step.transactions),
    }


def _worst_first(found: Iterable[Finding]) -> list[Finding]:
    return sorted(found, key=lambda each: (SEVERITIES.index(each.severity), -each.score, each.id))
