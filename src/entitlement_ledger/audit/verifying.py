"""Verification: everything is computed again from the raw rows of the journal.

Nothing that is stored is believed: bodies are hashed, the tree is grown, projections are made again
in a scratch area, and each is held against what the store, its checkpoints and its witness say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from entitlement_ledger.answers import CheckResult
from entitlement_ledger.audit.against import Sealed
from entitlement_ledger.audit.notes import PublicKey
from entitlement_ledger.audit.told import unlike_runs
from entitlement_ledger.audit.witness import Witness
from entitlement_ledger.domain.events import (
    Event,
    RecordEvent,
    decode_event,
    encode_event,
    leaf_hash,
)
from entitlement_ledger.reconciliations import Run
from entitlement_ledger.store.archives import STORE_SAYS as ARCHIVES
from entitlement_ledger.store.archives import Archives, Manifest
from entitlement_ledger.store.closing import BALANCES
from entitlement_ledger.store.feeds import KEPT, digest
from entitlement_ledger.store.journal import last, read_rows
from entitlement_ledger.store.persons import all_people
from entitlement_ledger.store.reconciling.runs import RECORD as RECONCILIATION
from entitlement_ledger.store.reconciling.runs import run_of
from entitlement_ledger.store.reviewing import FOUND
from entitlement_ledger.store.scratch import Scratch
from entitlement_ledger.store.tables import store
from entitlement_ledger.store.tables import tree as tree_table
from entitlement_ledger.store.tree import Edge, edge, root_at

Fault = dict[str, Any]
Progress = Callable[[int, int], None]

_CHUNK = 5_000
_LEVEL_BITS = 8
_STORE_SAYS = ("id", "projected", "schema_version")

PROTECTS = {
    "journal": "an event altered, removed, put in or moved",
    "tree": "a hash tree that is not the journal's",
    "checkpoints": "a history that is not the one that was signed",
    "witness": "a tail cut off, an older copy put back, another history",
    "projections": "a stored row that the journal does not give",
    "archives": "closing balances that the postings before do not give",
    "personal_data": "a name or an address changed behind the ledger's back",
    "feeds": "a ticket or an invoice line changed behind the ledger's back",
    "reconciliations": "what a run told, or a line that it read, changed afterwards",
    "store": "what the store says of itself",
}
"""What each part of verification protects from, in the order in which they are told."""


@dataclass
class _Journal:
    """What was computed from the journal on the way through."""

    size: int
    edge: Edge
    next: int
    """The sequence number that comes next."""
    unread: bool = False
    """Whether some body could not be read, so that nobody knows what it said."""
    faults: dict[str, list[Fault]] = field(default_factory=lambda: {n: [] for n in PROTECTS})
    roots: dict[int, bytes] = field(default_factory=dict)
    blocks: dict[tuple[int, int], bytes] = field(default_factory=dict)
    personal: dict[str, str | None] = field(default_factory=dict)
    feeds: dict[str, dict[str, Any]] = field(default_factory=dict)
    archives: dict[int, Manifest] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    def fault(self, name: str, /, **what: Any) -> None:
        self.faults[name].append(what)


def verify(
    connection: Connection,
    archives: Archives,
    witness: Witness,
    key: PublicKey | None,
    progress: Progress,
    *,
    since_checkpoint: bool = False,
) -> list[CheckResult]:
    """Verify a store; give one result for each of `PROTECTS`.

    `key` is who must have signed the checkpoints; without one nobody vouches for them. Since a
    checkpoint only later events are hashed and projected: the daily run.
    """
    sealed = Sealed.read(connection, witness, key)
    start = sealed.newest(connection) if since_checkpoint else 0
    work = _Journal(start, Edge(edge(connection, start)), start + 1)
    for name, fault in sealed.faults:
        work.fault(name, **fault)
    total, _ = last(connection)
    sizes = sealed.sizes()
    with Scratch() as scratch:
        for events in _events(connection, work, start, sizes):
            scratch.add(events)
            progress(work.size, max(total, work.size))
        if not work.faults["journal"]:
            work.faults["projections"] += scratch.differences(connection, after=start)
            if not start:
                _compare_archives(connection, work, archives, scratch)
    _compare_tree(connection, work, start)
    suspected = {fault["sequence"] for fault in work.faults["projections"] if "sequence" in fault}
    for name, fault in sealed.compare(work.roots, start, work.size, suspected):
        work.fault(name, **fault)
    # Of what was cut off nobody knows either what it said.
    work.unread |= max(sizes, default=0) > work.size
    partly = bool(start) or work.unread
    _compare_people(connection, work, partly=partly)
    _compare_feeds(connection, work, partly=partly)
    work.faults["reconciliations"] += unlike_runs(connection, work.runs, partly=partly)
    _compare_store(connection, work, partly=partly)
    return [_result(name, work.faults[name]) for name in PROTECTS]


def _result(name: str, faults: list[Fault]) -> CheckResult:
    return CheckResult(name, not faults, len(faults), tuple(faults), PROTECTS[name])


def _events(
    connection: Connection, work: _Journal, start: int, sizes: frozenset[int]
) -> Iterator[list[Event]]:
    """Hash every body again, in order; give the events as far as they can be read in order."""
    rows = read_rows(connection, after=start)
    recorded_at = None
    while chunk := list(islice(rows, _CHUNK)):
        events = []
        for sequence, recorded, body, stored in chunk:
            leaf = leaf_hash(body)
            event = _read(work, sequence, recorded, body, stored == leaf)
            if recorded_at is not None and recorded < recorded_at:
                work.fault("journal", sequence=sequence, why="recorded before the one before it")
            recorded_at = recorded
            _grow(work, leaf, sizes)
            if event is None:
                work.unread = True
                continue
            _note(work, event)
            if not work.faults["journal"]:
                events.append(event)
        yield events


def _read(
    work: _Journal, sequence: int, recorded_at: int, body: bytes, hash_is_right: bool
) -> Event | None:
    """Read one body; what it says of itself must be what its row says. None: it is not its own."""

    def wrong(why: str) -> None:
        work.fault("journal", sequence=sequence, why=why)

    if sequence < work.next:
        wrong("it stands there twice")
    elif sequence > work.next:
        work.unread = True
        work.fault("journal", sequence=work.next, why=f"it is lacking: {sequence} stands there")
    work.next = max(work.next, sequence + 1)
    if not hash_is_right:
        wrong("the bytes are not those that were hashed")
    try:
        event = decode_event(body)
    except msgspec.MsgspecError:
        wrong("the bytes are not an event")
        return None
    if event.sequence != sequence or event.recorded_at != recorded_at:
        wrong(f"the body is that of event {event.sequence} at {event.recorded_at}")
    if encode_event(event) != body:
        wrong("the body is not written as events are")
    return event if hash_is_right and event.sequence == sequence else None


def _grow(work: _Journal, leaf: bytes, sizes: frozenset[int]) -> None:
    work.size += 1
    for level, root in enumerate(work.edge.append(leaf), 1):
        work.blocks[level, (work.size >> (_LEVEL_BITS * level)) - 1] = root
    if work.size in sizes:
        work.roots[work.size] = work.edge.frontier(work.size).root()


def _note(work: _Journal, event: Event) -> None:
    if isinstance(event, RecordEvent):
        if event.record == "customer":
            work.personal[event.id] = event.personal
        elif event.record == "feed":
            work.feeds[event.id] = event.after
        elif event.record == RECONCILIATION:
            work.runs.append(run_of(event))
        elif event.record == "archive":
            work.archives[event.sequence] = msgspec.convert(event.after, Manifest)


def _compare_tree(connection: Connection, work: _Journal, start: int) -> None:
    query = select(tree_table).order_by(tree_table.c.level, tree_table.c.place)
    computed = dict(work.blocks)
    for level, place, stored in connection.execute(query).all():
        if (place + 1) << (_LEVEL_BITS * level) <= start:
            continue
        if computed.pop((level, place), None) != stored:
            work.fault("tree", level=level, place=place, why="not the root of these events")
    for level, place in computed:
        work.fault("tree", level=level, place=place, why="it is lacking")


def _compare_people(connection: Connection, work: _Journal, *, partly: bool) -> None:
    """Hold personal data against what the journal says it hashes to."""
    lacking = dict(work.personal)
    for person in all_people(connection):
        if person.customer not in work.personal:
            if not partly:
                work.fault("personal_data", customer=person.customer, why="no such customer")
            continue
        if person.customer not in lacking:
            work.fault("personal_data", customer=person.customer, why="it is there twice")
            continue
        expected = lacking.pop(person.customer)
        forgotten = expected is None
        blank = not (person.name or person.email or person.created_at)
        if person.digest() != expected or person.forgotten != forgotten or forgotten > blank:
            work.fault("personal_data", customer=person.customer, why="not what was imported")
    for customer in lacking:
        work.fault("personal_data", customer=customer, why="it is lacking")


def _compare_feeds(connection: Connection, work: _Journal, *, partly: bool) -> None:
    if work.unread:
        # What was imported last may be what nobody can read: whoever put it right verifies again.
        return
    for name in KEPT:
        found = digest(connection, name)
        expected = work.feeds.get(name)
        if expected is None and (partly or not found["rows"]):
            continue
        if found != expected:
            work.fault("feeds", feed=name, expected=expected, found=found)


def _compare_archives(
    connection: Connection, work: _Journal, archives: Archives, scratch: Scratch
) -> None:
    """Hold what was sealed when a period was closed against what the journal gives."""
    for sequence, manifest in work.archives.items():
        if root_at(connection, manifest.size).hex() != manifest.root:
            work.fault("archives", sequence=sequence, why="the journal had another root then")
        file = archives.file(sequence, BALANCES)
        for row in scratch.unlike_balances(connection, manifest.before, file):
            work.fault("archives", sequence=sequence, **row)


def _compare_store(connection: Connection, work: _Journal, *, partly: bool) -> None:
    rows = connection.execute(select(store)).all()
    said = {row.name: row.value for row in rows}
    if len(rows) != len(said):
        work.fault("store", why="it says something twice")
    expected = {name: said.get(name) for name in _STORE_SAYS}
    if not work.size and "projected" not in said:
        # It is noted with the first events, and a new store has none.
        del expected["projected"]
    if work.archives or (partly and ARCHIVES in said):
        expected[ARCHIVES] = " ".join(str(sequence) for sequence in work.archives)
    # What was found, and up to where, is found again by whoever asks: nothing rests on it.
    for name in sorted((set(said) ^ set(expected)) - {FOUND}):
        work.fault("store", name=name, why="it is lacking" if name in expected else "unknown")
    if not partly and said.get(ARCHIVES) != expected.get(ARCHIVES):
        work.fault("store", name=ARCHIVES, why="not the periods that were closed")
    size = str(work.size)
    if said.get("projected", "0") != size and not work.faults["journal"]:
        work.fault("store", name="projected", value=said.get("projected"), expected=size)
