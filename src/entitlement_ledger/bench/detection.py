"""How well the rules of suspicious activity find what was planted, on seeds of one's choice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import msgspec

from entitlement_ledger.answers import Finding
from entitlement_ledger.bench.measuring import Tell
from entitlement_ledger.clock import system_clock
from entitlement_ledger.domain.events import transaction_id
from entitlement_ledger.domain.instants import HOUR, MINUTE, SECOND, Instant
from entitlement_ledger.domain.policy import ApprovalRule
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.sample.__main__ import files, live, usual
from entitlement_ledger.sample.company import Company
from entitlement_ledger.sample.people import STAFF, Person, make_customers
from entitlement_ledger.sample.planted import POINTS, Case, Plants
from entitlement_ledger.sample.year import YEAR_FROM, office_hours

LIMIT = 2000
_EACH = 2
_SHARE = 0.5
RECALL_MIN, PRECISION_MIN = 0.95, 0.8
RULE_RECALL_MIN, RULE_PRECISION_MIN = 0.9, 0.6
FALSE_MAX = 5
"""Of 10,000 normal transactions."""


@dataclass(slots=True)
class Score:
    """What one rule found, over all seeds."""

    planted: int = 0
    found: int = 0
    findings: int = 0
    true: int = 0

    @property
    def recall(self) -> float:
        """The share of what was planted that was found."""
        return self.found / self.planted if self.planted else 1.0

    @property
    def precision(self) -> float:
        """The share of what was found that had been planted, by whatever rule's name."""
        return self.true / self.findings if self.findings else 1.0


@dataclass(slots=True)
class Detection:
    """Scores by rule; how many findings are about normal transactions, and of how many."""

    scores: dict[str, Score] = field(default_factory=dict)
    false: int = 0
    normal: int = 0

    @property
    def recall(self) -> float:
        """The share of all that was planted that was found."""
        return sum(each.found for each in self.scores.values()) / sum(
            each.planted for each in self.scores.values()
        )

    @property
    def precision(self) -> float:
        """The share of all findings that are about what was planted."""
        return sum(each.true for each in self.scores.values()) / sum(
            each.findings for each in self.scores.values()
        )

    @property
    def ok(self) -> bool:
        """Whether it is as good as it should be: altogether, by rule, and among the normal."""
        return (
            self.recall >= RECALL_MIN
            and self.precision >= PRECISION_MIN
            and all(each.recall >= RULE_RECALL_MIN for each in self.scores.values())
            and all(each.precision >= RULE_PRECISION_MIN for each in self.scores.values())
            and self.false * 10_000 <= FALSE_MAX * self.normal
        )

    def score(self, rule: str) -> Score:
        """Give a rule's score."""
        return self.scores.setdefault(rule, Score())


def detect(seeds: Iterable[int], folder: Path, tell: Tell) -> Detection:
    """Live through a year for each seed, run the rules on it, and count."""
    detection = Detection()
    for seed in seeds:
        tell(f"a year of seed {seed}")
        _one(seed, folder / f"seed{seed}", detection, tell)
    return detection


def planted_year(seed: int, folder: Path) -> Path:
    """Write the files of a year with planted cases; give that of the commands."""
    _live(seed, folder)
    return folder / "commands.jsonl"


def _live(seed: int, folder: Path) -> Plants:
    chance = Random(seed)  # noqa: S311 - made-up data, no secrets
    company = Company(chance, _with_namesakes(make_customers(chance), chance))
    company.namesakes = {
        actor: person
        for actor in STAFF
        for person in company.customers
        if person.email.startswith(f"{actor}@")
    }
    plants = Plants(Random(seed + 1), list(company.customers))  # noqa: S311
    intents = usual(company)
    plants.sleepers = [_sleeper(number) for number in range(_EACH)]
    company.welcome(plants.sleepers)
    live(company, [*intents, *plants.intents(_EACH)])
    company.lines = plants.in_order(company.lines)
    folder.mkdir(parents=True)
    for name, content in files(company).items():
        (folder / name).write_bytes(content)
    return plants


def _one(seed: int, folder: Path, detection: Detection, tell: Tell) -> None:
    plants = _live(seed, folder)
    store = str(folder / "ledger.duckdb")
    Ledger.create(store)
    approvals = [ApprovalRule(frozenset({"adjust", "issue"}), above=LIMIT)]
    clock = _Clock()
    with Ledger.open(store, approvals=approvals, clock=clock) as ledger:
        ledger.import_files([folder], actor="sample")
        text = (folder / "commands.jsonl").read_bytes()
        lines = [msgspec.json.decode(each) for each in text.splitlines()]
        outcomes = ledger.post(lines, actor="sample", history=True)
        ids = {each.key: each.sequence for each in outcomes if each.sequence}
        ids |= _approve(ledger, clock, plants)
        found = ledger.suspicious()
    _count(found, plants, ids, detection, len(outcomes), tell)


class _Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = system_clock()

    def __call__(self) -> Instant:
        return self.now


def _approve(ledger: Ledger, clock: _Clock, plants: Plants) -> dict[str | None, int]:
    """Let proposals be made and approved: most with thought, some within seconds, some in pairs."""
    ids: dict[str | None, int] = {}
    chance, people = plants.random, plants.people(10)

    def decided(proposer: str, approver: str, after: int) -> tuple[str, str]:
        clock.now = office_hours(chance, after=clock.now + chance.randrange(2, 30) * HOUR)
        key, decision = plants.key(), plants.key()
        quantity = LIMIT + chance.randrange(1, 900)
        for at, actor, line in (
            (0, proposer, {"type": "adjust", "key": key, "entitlement": POINTS,
                           "quantity": quantity, "reason": plants.reason(),
                           "reference": f"order:{chance.randrange(10**6)}"}),
            (after, approver, {"type": "approve", "key": decision, "transaction": key,
                               "reason": plants.reason()}),
        ):  # fmt: skip
            clock.now += at
            customer = people[len(ids) % 20 // 2].id
            (told,) = ledger.post([{**line, "customer": customer}], actor=actor)
            assert told.sequence is not None, told
            ids[told.key] = told.sequence
        return key, decision

    for number in range(60):
        proposer, approver = STAFF[number % 4], f"lead.{number % 7}"
        decided(proposer, approver, chance.randrange(4 * MINUTE, 30 * HOUR))
    for number in range(_EACH):
        keys = [
            key
            for _ in range(3)
            for key in decided(
                STAFF[number + 4], f"hasty.{number}", chance.randrange(3 * SECOND, 20 * SECOND)
            )
        ]
        plants.cases.append(Case("quick_approval", tuple(keys)))
    for number in range(_EACH):
        pair = (f"one.{number}", f"other.{number}")
        keys = [
            decided(*there, chance.randrange(4 * MINUTE, 9 * HOUR))[1]
            for _ in range(4)
            for there in (pair, pair[::-1])
        ]
        plants.cases.append(Case("mutual_approval", tuple(keys)))
    # A near miss: somebody stood in once for whom they usually ask.
    for there in (("a.stand-in", "lead.0"), ("lead.0", "a.stand-in")):
        decided(*there, 2 * HOUR)
    return ids


def _sleeper(number: int) -> Person:
    return Person(
        f"C-9{number:04}", f"Sleeper {number}", f"s{number}@example.org", "member", "active",
        YEAR_FROM,
    )  # fmt: skip


def _with_namesakes(people: list[Person], chance: Random) -> list[Person]:
    """Let two of the customers have the email of one of the staff."""
    chosen = chance.sample(range(len(people) - 8), 2)
    for place, actor in zip(chosen, chance.sample(STAFF, 2), strict=True):
        people[place] = replace(people[place], email=f"{actor}@example.org", status="active")
    return people


def _count(
    found: Sequence[Finding],
    plants: Plants,
    ids: dict[str | None, int],
    detection: Detection,
    commands: int,
    tell: Tell,
) -> None:
    def evidence(case: Case) -> set[str]:
        return {transaction_id(ids[key]) for key in case.keys if key in ids}

    guilty = [(case, evidence(case)) for case in plants.cases]
    for case, its in guilty:
        score = detection.score(case.rule)
        score.planted += 1
        hits = [
            each
            for each in found
            if each.rule == case.rule and len(its & set(each.transactions)) >= _SHARE * len(its)
        ]
        score.found += bool(hits)
        if not hits:
            tell(f"missed: {case.rule} {sorted(its)[:3]}")
    every = set().union(*(its for _, its in guilty))
    detection.normal += commands - len(every)
    for each in found:
        score = detection.score(each.rule)
        score.findings += 1
        if every.isdisjoint(each.transactions):
            detection.false += 1
            tell(f"false: {each.rule} {each.customer} {each.actor} {each.why}")
        else:
            score.true += 1
