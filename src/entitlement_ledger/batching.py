"""A batch: which of its commands are new, which of those are plain, and what they come to.

A command that is new is recorded, whatever it comes to, so its sequence is known before it is
decided. And no command concerns another customer than its own: the plain commands of some customers
can be decided by themselves, in columns, and those of the others by the rules, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from entitlement_ledger.asking import Asked, Item, RoleOf
from entitlement_ledger.domain.book import Book, HoldingKey, without
from entitlement_ledger.domain.catalogue import CatalogueStatus, CustomerStatus, Kind
from entitlement_ledger.domain.commands import Command, parse_command
from entitlement_ledger.domain.decide import Asker, decide, refusal, repeat
from entitlement_ledger.domain.events import Event, TransactionEvent, sequence_of
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.plain import PlainLine, decide_plain
from entitlement_ledger.domain.plain_events import Common, PlainEvents
from entitlement_ledger.domain.policy import Policy
from entitlement_ledger.domain.recorded import Recorded
from entitlement_ledger.domain.rules.context import Context
from entitlement_ledger.outcomes import Outcomes, Told
from entitlement_ledger.remembering import Memory
from entitlement_ledger.store.catalogue import Counts
from entitlement_ledger.store.loading import known_keys, load, load_customers
from entitlement_ledger.store.standings import standings


@dataclass(slots=True)
class _Rows:
    """Lines that may be plain, in columns: a list of each, all of one length.

    Attributes:
        places: where they stand among all lines.
        pairs: whose they are and what of.
        at: when each counts.
    """

    places: list[int] = field(default_factory=list)
    lines: list[PlainLine] = field(default_factory=list)
    pairs: list[HoldingKey] = field(default_factory=list)
    common: list[Common] = field(default_factory=list)
    at: list[Instant] = field(default_factory=list)

    def add(self, place: int, line: PlainLine, common: Common, at: Instant) -> None:
        """Take in a line."""
        self.places.append(place)
        self.lines.append(line)
        self.pairs.append((line["customer"], line["entitlement"]))
        self.common.append(common)
        self.at.append(at)

    def of_others(self, customers: set[str]) -> Sequence[int]:
        """Give which of the rows are not of some customers."""
        if not customers:
            return range(len(self.places))
        return [row for row, (customer, _) in enumerate(self.pairs) if customer not in customers]

    def some(self, rows: Sequence[int]) -> _Rows:
        """Give some of the rows."""
        if len(rows) == len(self.places):
            return self
        columns = (self.places, self.lines, self.pairs, self.common, self.at)
        return _Rows(*([column[row] for row in rows] for column in columns))  # type: ignore[arg-type]


@dataclass(slots=True)
class Batch:
    """One batch on its way from what is asked to events.

    Attributes:
        project: brings the projections up to the journal, on the same connection.
        known: the sequences of the keys that were used before, or are named and exist.
        all_plain: every line may be plain, and no two have one key.
        sequences: of each line the sequence that its event will have; None if it has none.
        ruled: customers whose commands are left to the rules.
        plain: the plain events, in the order of their lines.
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
    plain: PlainEvents = field(default_factory=PlainEvents)

    def __post_init__(self) -> None:
        """Put the lines of all callers after one another."""
        self.items = [item for each in self.asked for item in each.items]

    def decide(self) -> tuple[list[Outcomes], Recorded]:
        """Give each caller's outcomes, and the events to be recorded, which the book has taken."""
        self._look_up_keys()
        self._number()
        self._decide_plain()
        self._load_for_the_rest()
        told, events = self._tell()
        outcomes, start = [], 0
        for each in self.asked:
            outcomes.append(Outcomes(told, range(start, start + len(each.items))))
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
        sought = {item["key"] for item in self.items if isinstance(item, dict)}
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
                key, customer = _key_and_customer(item)
                if key in self.known:
                    self.ruled.add(customer)
                elif key in first:
                    self.ruled |= {customer, first[key]}
                else:
                    first[key] = customer
                    number = sequence = sequence + 1
            sequences.append(number)
        self.sequences = sequences

    def _decide_plain(self) -> None:
        """Decide what is plain; customers of whom one command is not are left to the rules."""
        rows = self._rows()
        self._rule_out(rows)
        rows = rows.some(rows.of_others(self.ruled))
        self._load_standings(rows.pairs)
        rows = rows.some(rows.of_others(self.ruled))
        self.plain, rest = decide_plain(
            rows.lines,
            [self.book.standings[pair] for pair in rows.pairs],
            rows.common,
            rows.at,
            [self._sequence(place) for place in rows.places],
            self.book.entitlements,
        )
        self.ruled |= {rows.pairs[row][0] for row in rest}
        self._rule_out_unknown()
        self.plain = self.plain.some(rows.of_others(self.ruled))

    def _rows(self) -> _Rows:
        """Give the lines that may be plain, but for those of customers who are ruled already."""
        rows, place = _Rows(), 0
        commons: dict[bool, dict[str, Common]] = {True: {}, False: {}}
        for each in self.asked:
            known = commons[each.history]
            for item in each.items:
                if isinstance(item, dict) and item["customer"] not in self.ruled:
                    actor = item.get("actor") or each.actor
                    common = known.get(actor)
                    if common is None:
                        role = self.role_of(actor)
                        common = known[actor] = Common(self.now, actor, role, each.history)
                    given = item.get("effective_at")
                    at = self.now if given is None else each.instants[given]
                    rows.add(place, item, common, at)
                place += 1
        return rows

    def _rule_out(self, rows: _Rows) -> None:
        """Leave to the rules where a customer, an entitlement or an instant may be refused."""
        book = self.book
        customers = {customer for customer, _ in rows.pairs}
        if not book.others_active:
            load_customers(self.connection, book, customers)
            self.ruled |= without(customers, book.customers)
        self.ruled |= {
            customer
            for customer in customers
            if customer in book.customers
            and book.customers[customer].status is not CustomerStatus.ACTIVE
        }
        self.ruled |= customers & (book.ahead.ruled | book.in_hand.ruled)
        codes = {
            each.code
            for each in book.entitlements.values()
            if each.status is CatalogueStatus.ACTIVE and each.kind is not Kind.FEATURE
        }
        self.ruled |= {customer for customer, code in rows.pairs if code not in codes}
        if book.closed_until is not None:
            both = zip(rows.pairs, rows.at, strict=True)
            self.ruled |= {customer for (customer, _), at in both if book.closed(at)}

    def _load_standings(self, rows: Sequence[HoldingKey]) -> None:
        """Load where holdings stand, as far as it is not known.

        Of whom the projections lack a plain event it is known: it is only forgotten with those.
        They are loaded in the order in which they are needed: next to one another in memory.
        """
        known, pairs = self.book.standings, dict.fromkeys(rows)
        lacking = [pair for pair in pairs if pair not in known]
        self.counts.asked += len(pairs)
        self.counts.known += len(pairs) - len(lacking)
        if not lacking:
            return
        found = self.memory.standings(lacking)
        self.counts.known += len(found)
        if len(found) < len(lacking):
            found |= standings(self.connection, [each for each in lacking if each not in found])
            # What time alone may change has no standing.
            self.ruled |= {pair[0] for pair in lacking if pair not in found}
        known.update(found)

    def _rule_out_unknown(self) -> None:
        """Leave to the rules who does not exist: whoever has something does."""
        plain, book = self.plain, self.book
        unsure = {
            customer
            for customer, before, draws in zip(
                plain.customer, plain.before, plain.draws, strict=True
            )
            if not before and not draws and customer not in book.customers
        }
        unsure -= self.memory.existing(unsure)
        load_customers(self.connection, book, unsure)
        self.ruled |= without(unsure, book.customers)

    def _sequence(self, place: int) -> int:
        sequence = self.sequences[place]
        assert sequence is not None, "a command that is decided has a new key"
        return sequence

    def _load_for_the_rest(self) -> None:
        """Load what the rules need to decide what is left to them."""
        if self.all_plain and not self.ruled:
            return
        for place, item in enumerate(self.items):
            if isinstance(item, dict) and item["customer"] in self.ruled:
                self.items[place] = parse_command(item)
        if self.book.is_ahead(set(), self.ruled):
            self.project()
        rest = [item for item in self.items if isinstance(item, Command)]
        load(self.connection, self.book, rest, self.known)

    def _tell(self) -> tuple[Sequence[Told], Recorded]:
        """Decide the rest in order, and give what each line is told, and the events."""
        plain, book = self.plain, self.book
        book.take_plain(plain)
        if len(plain) == len(self.items):
            book.pass_plain(len(plain), self.now)
            return plain, Recorded(plain=plain)
        told: list[Told] = []
        ruled: list[Event] = []
        made, place = iter(plain), 0
        for each in self.asked:
            poster_role = self.role_of(each.actor)
            for _ in each.items:
                item = self.items[place]
                if isinstance(item, dict):
                    book.pass_plain(1, self.now)
                    told.append(next(made))
                elif isinstance(item, tuple):
                    told.append(refusal(*item))
                else:
                    first = repeat(book, item)
                    if first is None:
                        event = self._ruled_event(item, place, each, poster_role)
                        ruled.append(event)
                    told.append(event if first is None else first)
                place += 1
        return told, Recorded(ruled, plain)

    def _ruled_event(
        self, command: Command, place: int, asked: Asked, poster_role: str | None
    ) -> TransactionEvent:
        sequence = self._sequence(place)
        assert sequence == self.book.last_sequence + 1, "a new command was numbered"
        actor = command.actor or asked.actor
        context = Context(self.now, sequence, asked.history, self.policy, poster_role)
        event = decide(self.book, command, context, Asker(actor, self.role_of(actor)))
        self.book.take(event)
        return event


def _key_and_customer(item: PlainLine | Command) -> tuple[str, str]:
    if isinstance(item, dict):
        return item["key"], item["customer"]
    return item.key, item.customer
