"""A batch: which of its commands are new, which of those are plain, and what they come to.

A command that is new is recorded, whatever it comes to, so its sequence is known before it is
decided. And no command concerns another customer than its own: the plain commands of some customers
can be decided by themselves, and those of the others by the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, overload

from sqlalchemy import Connection

from entitlement_ledger.domain.book import Book, HoldingKey, without
from entitlement_ledger.domain.catalogue import CatalogueStatus, CustomerStatus, Kind
from entitlement_ledger.domain.commands import JSON, Command, CommandType, Line, parse_command
from entitlement_ledger.domain.decide import (
    Asker,
    Outcome,
    answer,
    answer_plain,
    decide,
    refusal,
    repeat,
)
from entitlement_ledger.domain.events import TransactionEvent, sequence_of
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.plain import (
    Common,
    PlainCommand,
    PlainEvent,
    Recordable,
    decide_plain,
    read_plain,
)
from entitlement_ledger.domain.policy import Policy
from entitlement_ledger.domain.refusals import Refused
from entitlement_ledger.domain.rules.context import Context
from entitlement_ledger.domain.standing import Standing
from entitlement_ledger.remembering import Memory
from entitlement_ledger.store.catalogue import Counts
from entitlement_ledger.store.loading import known_keys, load, load_customers
from entitlement_ledger.store.standings import standings

RoleOf = Callable[[str], str | None]
Item = PlainCommand | Command | tuple[str | None, Refused]
"""One line as it was read; of one that is no command the key, where it has one, and why."""


Told = Outcome | TransactionEvent | PlainEvent


class Asked(NamedTuple):
    """What one caller asks: lines as they were read, by whom."""

    items: list[Item]
    actor: str
    history: bool


class Outcomes(Sequence[Outcome]):
    """The outcomes of a batch in order, each made when it is looked at."""

    def __init__(self, told: Sequence[Told]) -> None:
        self._told = told

    def __len__(self) -> int:
        """Give how many lines were asked."""
        return len(self._told)

    @overload
    def __getitem__(self, place: int) -> Outcome: ...
    @overload
    def __getitem__(self, place: slice) -> Outcomes: ...
    def __getitem__(self, place: int | slice) -> Outcome | Outcomes:
        """Give one outcome, or some of them."""
        if isinstance(place, slice):
            return Outcomes(self._told[place])
        told = self._told[place]
        if isinstance(told, PlainEvent):
            return answer_plain(told)
        return answer(told) if isinstance(told, TransactionEvent) else told

    def __eq__(self, other: object) -> bool:
        """Say whether these are the outcomes of another batch, or of a list."""
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def read_lines(
    lines: Iterable[Line],
    actor: str,
    policy: Policy,
    role_of: RoleOf,
    *,
    history: bool,
    plain: bool,
) -> Asked:
    """Read lines as what they ask; `plain` looks for what may be decided without the past."""
    may_be = plain and _nobody_else_is_asked(policy)
    instants: dict[str, Instant] = {}
    permitted: dict[str, bool] = {}
    items: list[Item] = []
    for line in lines:
        found = read_plain(line, instants) if may_be else None
        if found is not None:
            who = found.line.get("actor") or actor
            if who not in permitted:
                permitted[who] = _permits(policy, role_of(who), role_of(actor), history=history)
            if permitted[who]:
                items.append(found)
                continue
        items.append(_read(line))
    return Asked(items, actor, history)


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


def _was_given(standing: Standing | None) -> bool:
    return standing is not None and standing.last_at is not None


@dataclass(slots=True)
class Batch:
    """One batch on its way from what is asked to events.

    Attributes:
        project: brings the projections up to the journal, on the same connection.
        known: the sequences of the keys that were used before, or are named and exist.
        all_plain: every line may be plain, and no two have one key.
        sequences: of each line the sequence that its event will have; None if it has none.
        ruled: customers whose commands are left to the rules.
        made: the plain events, by the place of their lines.
    """

    connection: Connection
    book: Book
    now: Instant
    asked: Sequence[Asked]
    policy: Policy
    role_of: RoleOf
    project: Callable[[], None]
    counts: Counts
    memory: Memory
    items: list[Item] = field(init=False)
    known: dict[str, int] = field(default_factory=dict)
    all_plain: bool = False
    sequences: Sequence[int | None] = ()
    ruled: set[str] = field(default_factory=set)
    made: dict[int, PlainEvent] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Put the lines of all callers after one another."""
        self.items = [item for each in self.asked for item in each.items]

    def decide(self) -> tuple[list[Outcomes], Sequence[Recordable]]:
        """Give each caller's outcomes, and the events to be recorded, which the book has taken."""
        self._look_up_keys()
        self._number()
        self._decide_plain()
        self._load_for_the_rest()
        told, events = self._tell()
        outcomes, start = [], 0
        for each in self.asked:
            outcomes.append(Outcomes(told[start : start + len(each.items)]))
            start += len(each.items)
        return outcomes, events

    def _look_up_keys(self) -> None:
        """Find which keys are known: those of commands, and those that commands name."""
        book, sought = self.book, self._keys()
        if book.is_ahead(sought, self.ruled):
            self.project()
        self.known = {key: book.keys[key].sequence for key in sought & book.keys.keys()}
        if book.last_sequence:
            unsure = self.memory.may_be_known(without(sought, self.known))
            self.known |= known_keys(self.connection, unsure)

    def _keys(self) -> set[str]:
        """Give the keys of commands, and those that commands name; note whom the rules concern."""
        sought = {item.key for item in self.items if isinstance(item, PlainCommand)}
        self.all_plain = len(sought) == len(self.items)
        if not self.all_plain:
            for item in self.items:
                if isinstance(item, Command):
                    sought.add(item.key)
                    self.ruled.add(item.customer)
                    if item.transaction and sequence_of(item.transaction) is None:
                        sought.add(item.transaction)
        return sought

    def _number(self) -> None:
        """Number the commands whose keys are new; whose are not, the rules must answer.

        They find the first event of a key in the book: it must be of the rules' making too.
        """
        sequence = self.book.last_sequence
        if self.all_plain and not self.known:
            self.sequences = range(sequence + 1, sequence + 1 + len(self.items))
            return
        sequences: list[int | None] = []
        first: dict[str, str] = {}
        for item in self.items:
            number = None
            if not isinstance(item, tuple):
                if item.key in self.known:
                    self.ruled.add(item.customer)
                elif item.key in first:
                    self.ruled |= {item.customer, first[item.key]}
                else:
                    first[item.key] = item.customer
                    number = sequence = sequence + 1
            sequences.append(number)
        self.sequences = sequences

    def _decide_plain(self) -> None:
        """Decide what is plain; customers of whom one command is not are left to the rules."""
        plain = {
            (item.customer, item.entitlement)
            for item in self.items
            if isinstance(item, PlainCommand) and item.customer not in self.ruled
        }
        self._rule_out(plain)
        self._load_standings({pair for pair in plain if pair[0] not in self.ruled})
        # Who was ever given something exists; of the others it is to be asked.
        standings = self.book.standings
        unsure = {
            customer
            for customer, code in plain
            if customer not in self.ruled and not _was_given(standings[customer].get(code))
        }
        unsure -= self.memory.existing(without(unsure, self.book.customers))
        load_customers(self.connection, self.book, unsure)
        self.ruled |= without(unsure, self.book.customers)
        self._make()

    def _rule_out(self, pairs: set[HoldingKey]) -> None:
        """Leave to the rules whose customer or entitlement is such that something is refused."""
        book = self.book
        customers = {customer for customer, _ in pairs}
        if not book.others_active:
            load_customers(self.connection, book, customers)
        for customer in customers:
            known = book.customers.get(customer)
            active = book.others_active if known is None else known.status is CustomerStatus.ACTIVE
            if not active:
                self.ruled.add(customer)
        self.ruled |= customers & (book.ahead.ruled | book.in_hand.ruled)
        codes = {
            each.code
            for each in book.entitlements.values()
            if each.status is CatalogueStatus.ACTIVE and each.kind is not Kind.FEATURE
        }
        self.ruled |= {customer for customer, code in pairs if code not in codes}

    def _load_standings(self, pairs: set[HoldingKey]) -> None:
        """Load where holdings stand, as far as it is not known.

        Of whom the projections lack a plain event it is known: it is only forgotten with those.
        """
        known = self.book.standings
        lacking = {pair for pair in pairs if pair[1] not in known.get(pair[0], ())}
        self.counts.asked += len(pairs)
        self.counts.known += len(pairs) - len(lacking)
        if not lacking:
            return
        for customer, _ in lacking:
            known.setdefault(customer, {})
        found = self.memory.standings(lacking)
        self.counts.known += len(found)
        if len(found) < len(lacking):
            found |= standings(self.connection, without(lacking, found))
        for (customer, entitlement), standing in found.items():
            known[customer][entitlement] = standing

    def _make(self) -> None:
        """Decide plain commands in order; whose turns out not to be plain, the rules decide."""
        place = 0
        for each in self.asked:
            common: dict[str, Common] = {}
            for item in each.items:
                if isinstance(item, PlainCommand) and item.customer not in self.ruled:
                    actor = item.line.get("actor") or each.actor
                    known = common.get(actor)
                    if known is None:
                        known = common[actor] = Common(
                            self.now, actor, self.role_of(actor), each.history
                        )
                    event = self._plain_event(item, self.sequences[place], known)
                    if event is None:
                        self.ruled.add(item.customer)
                    else:
                        self.made[place] = event
                place += 1

    def _plain_event(
        self, asked: PlainCommand, sequence: int | None, common: Common
    ) -> PlainEvent | None:
        book, code = self.book, asked.entitlement
        standing = book.standings[asked.customer].get(code)
        if standing is None or sequence is None:
            return None
        at = asked.effective_at
        if at is None:
            at = self.now
        if book.closed_until is not None and book.closed(at):
            return None
        return decide_plain(asked, standing, book.entitlements[code], common, at, sequence)

    def _load_for_the_rest(self) -> None:
        """Load what the rules need to decide what is left to them."""
        if self.all_plain and not self.ruled:
            return
        for place, item in enumerate(self.items):
            if isinstance(item, PlainCommand) and item.customer in self.ruled:
                self.items[place] = parse_command(item.line)
                self.made.pop(place, None)
        if self.book.is_ahead(set(), self.ruled):
            self.project()
        rest = [item for item in self.items if isinstance(item, Command)]
        load(self.connection, self.book, rest, self.known)

    def _tell(self) -> tuple[Sequence[Told], Sequence[Recordable]]:
        """Decide the rest in order, and give what each line is told, and the events."""
        plain = list(self.made.values())
        self.book.take_plain(plain)
        if len(plain) == len(self.items):
            self.book.pass_plain(plain)
            return plain, plain
        told: list[Told] = []
        events: list[Recordable] = []
        place = 0
        for each in self.asked:
            poster_role = self.role_of(each.actor)
            for _ in each.items:
                item, made = self.items[place], self.made.get(place)
                if made is not None:
                    self.book.pass_plain([made])
                    events.append(made)
                    told.append(made)
                elif isinstance(item, tuple):
                    told.append(refusal(*item))
                else:
                    assert isinstance(item, Command), "what is not plain is left to the rules"
                    first = repeat(self.book, item)
                    if first is None:
                        event = self._ruled_event(item, place, each, poster_role)
                        events.append(event)
                    told.append(event if first is None else first)
                place += 1
        return told, events

    def _ruled_event(
        self, command: Command, place: int, asked: Asked, poster_role: str | None
    ) -> TransactionEvent:
        sequence = self.sequences[place]
        assert sequence == self.book.last_sequence + 1, "a new command was numbered"
        actor = command.actor or asked.actor
        context = Context(self.now, sequence, asked.history, self.policy, poster_role)
        event = decide(self.book, command, context, Asker(actor, self.role_of(actor)))
        self.book.take(event)
        return event
