"""Runs of reconciliation: events of the journal, and beside them what each of them told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, exists, func, select

from entitlement_ledger.domain.events import RecordEvent, decode_event
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.reconciliations import Against, Class, Discrepancy, Run
from entitlement_ledger.store.dialect import Columns, among, append_all
from entitlement_ledger.store.reconciling.aside import Aside
from entitlement_ledger.store.tables import discrepancies, journal, records

RECORD = "reconciliation"
_d = discrepancies.c
_ROWS_AT_ONCE = 10_000
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Discrepancy)


class _Named(msgspec.Struct, frozen=True):
    """What of a discrepancy is in columns of its own."""

    id: str
    class_: str = msgspec.field(name="class")


_named = msgspec.json.Decoder(_Named)


def run_of(event: RecordEvent) -> Run:
    """Give the run that an event is about."""
    said = {**event.after, "actor": event.actor, "recorded_at": event.recorded_at}
    return msgspec.convert(said, Run)


def runs(connection: Connection) -> list[Run]:
    """Give all runs, the oldest first."""
    query = (
        select(journal.c.body)
        .select_from(records.join(journal, journal.c.sequence == records.c.sequence))
        .where(records.c.record == RECORD)
        .order_by(records.c.sequence)
    )
    events = (decode_event(body) for body in connection.execute(query).scalars().all())
    return [run_of(event) for event in events if isinstance(event, RecordEvent)]


def run_before(
    known: Sequence[Run], feed: str, against: Against, since: Instant | None, until: Instant | None
) -> Run | None:
    """Give the latest of some runs that was of this kind of file and this period."""
    kind = feed.partition(":")[0]
    alike = [
        each
        for each in known
        if (each.feed.partition(":")[0], each.against, each.since, each.until)
        == (kind, against, since, until)
    ]
    return alike[-1] if alike else None


class Telling:
    """Takes what a run tells, many at a time, and writes all of it in the end."""

    def __init__(self, connection: Connection, run: int, aside: Aside) -> None:
        self._connection = connection
        self._run = run
        self._aside = aside
        self._hashed = hashlib.sha256()

    def take(self, told: Sequence[Discrepancy]) -> None:
        """Take discrepancies in their order, after those that were taken before."""
        said = [_encoder.encode(each) for each in told]
        self._hashed.update(b"".join([line + b"\n" for line in said]))
        self._aside.add(said)

    def write(self) -> str:
        """Write all that was taken, in one statement; give the SHA-256 over it."""
        append_all(self._connection, discrepancies, self._columns())
        return self._hashed.hexdigest()

    def _columns(self) -> Iterator[Columns]:
        places = 0
        for said in self._aside.chunks(_ROWS_AT_ONCE):
            named = [_named.decode(line) for line in said]
            yield {
                "run": [self._run] * len(said),
                "place": list(range(places, places + len(said))),
                "id": [each.id for each in named],
                "class": [each.class_ for each in named],
                "said": [line.decode() for line in said],
            }
            places += len(said)


def told_by(connection: Connection, run: int, ids: Sequence[str]) -> dict[str, tuple[int, Instant]]:
    """Give which run told discrepancies first, and when, of those that a run told."""
    with among(connection, ids, _d.id) as wanted:
        rows = connection.execute(select(_d.said).where(_d.run == run, wanted)).scalars().all()
    told = (_decoder.decode(said) for said in rows)
    return {each.id: (each.first_run, each.first_seen) for each in told}


def page(
    connection: Connection, run: int, class_: Class | None, after: int, limit: int
) -> tuple[list[Discrepancy], int | None]:
    """Give discrepancies of a run after a place, and the place to go on after; None is the end."""
    return _page(connection, _told(run, class_), after, limit)


def resolved(
    connection: Connection, run: int, previous: int, after: int, limit: int
) -> tuple[list[Discrepancy], int | None]:
    """Give what an earlier run told and a run did not tell any more, paged as `page` does."""
    return _page(connection, _resolved(run, previous), after, limit)


def count_resolved(connection: Connection, run: int, previous: int) -> int:
    """Count what an earlier run told and a run did not tell any more."""
    query = select(func.count()).where(_resolved(run, previous))
    return connection.execute(query).scalar_one()


def places(connection: Connection, run: int) -> int:
    """Give how many places the discrepancies of a run have, from 0 on."""
    query = select(func.max(_d.place)).where(_d.run == run)
    last = connection.execute(query).scalar_one()
    return 0 if last is None else int(last) + 1


def stretch(
    connection: Connection, run: int, class_: Class | None, begin: int, end: int
) -> list[Discrepancy]:
    """Give the discrepancies of a run from one place up to another, which is not among them."""
    return _stretch(connection, _told(run, class_), begin, end)


def stretch_resolved(
    connection: Connection, run: int, previous: int, begin: int, end: int
) -> list[Discrepancy]:
    """Give what an earlier run told between two of its places, and a run not any more."""
    return _stretch(connection, _resolved(run, previous), begin, end)


def _told(run: int, class_: Class | None) -> ColumnElement[bool]:
    return _d.run == run if class_ is None else and_(_d.run == run, _d["class"] == class_.value)


def _resolved(run: int, previous: int) -> ColumnElement[bool]:
    later = discrepancies.alias("later").c
    again = exists().where(later.run == run, later.id == _d.id)
    return and_(_d.run == previous, ~again)


def _stretch(
    connection: Connection, only: ColumnElement[bool], begin: int, end: int
) -> list[Discrepancy]:
    """Give those of a stretch of places: found where they lie, so none is passed over twice."""
    query = select(_d.said).where(only, _d.place >= begin, _d.place < end).order_by(_d.place)
    return [_decoder.decode(said) for said in connection.execute(query).scalars().all()]


def _page(
    connection: Connection, only: ColumnElement[bool], after: int, limit: int
) -> tuple[list[Discrepancy], int | None]:
    query = select(_d.place, _d.said).where(only, _d.place > after)
    rows = connection.execute(query.order_by(_d.place).limit(limit + 1)).all()
    shown = rows[:limit]
    more = shown[-1].place if len(rows) > limit else None
    return [_decoder.decode(row.said) for row in shown], more


def told_digest(connection: Connection, run: int) -> str:
    """Hash what is kept of a run, as when it was told; the columns must say what the row says."""
    hashed, after = hashlib.sha256(), -1
    while True:
        query = select(discrepancies).where(_d.run == run, _d.place > after).order_by(_d.place)
        rows = connection.execute(query.limit(_ROWS_AT_ONCE)).all()
        if not rows:
            return hashed.hexdigest()
        for row in rows:
            _, place, name, class_, said = row
            whole = place == after + 1 and _says(said) == (name, class_)
            after = place
            hashed.update(said.encode() + b"\n" if whole else b"altered")


def _says(said: str) -> tuple[str, str] | None:
    try:
        told = _decoder.decode(said)
    except msgspec.MsgspecError:
        return None
    return told.id, told.class_.value


def runs_kept(connection: Connection) -> Iterable[int]:
    """Give the numbers of the runs of which something is kept."""
    return connection.execute(select(_d.run).distinct()).scalars().all()
