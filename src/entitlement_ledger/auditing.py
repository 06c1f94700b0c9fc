"""The auditing part of the façade: events are reviewed, sampled, and taken away with proofs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace
from sqlalchemy import Connection

from entitlement_ledger.answers import EventFilter, EventReview, EventRow
from entitlement_ledger.audit.sealing import sealed_until
from entitlement_ledger.audit.standing import proof_status
from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.events import REVIEW, RecordEvent
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.errors import InputError, StoreError
from entitlement_ledger.papers.telling import About
from entitlement_ledger.papers.writing import write_paper
from entitlement_ledger.proving import Progress, silent
from entitlement_ledger.reports.placing import placed_folder
from entitlement_ledger.reviews import (
    FLAGGED,
    MARKS,
    METHODS,
    MONETARY,
    REVIEWED,
    TOGETHER_MAX,
    ProofStatus,
    ReviewCounts,
    Sample,
    WorkingPaper,
)
from entitlement_ledger.store.archives import archive_folder
from entitlement_ledger.store.auditing import events as listing
from entitlement_ledger.store.auditing import reviews, sampling
from entitlement_ledger.store.balances import known_until
from entitlement_ledger.store.tree import TreeError
from entitlement_ledger.suspecting import REVIEWERS, Suspecting

_SEED_MAX = 100


class Auditing(Suspecting):
    """An open ledger that is audited."""

    def events_of(
        self, sequences: Sequence[int], *, known_at: Instant | None = None
    ) -> list[EventRow]:
        """Give events by sequence, in that order, with what was known of them at an instant.

        Raises:
            InputError: there is no event of one of these sequences.
        """
        with self._read() as connection:
            return listing.events_of(connection, sequences, EventFilter(known_at=known_at))

    def event_sequences(self, only: EventFilter, *, limit: int) -> list[int]:
        """Give the sequences of the events that a filter matches, the newest first."""
        with self._read() as connection:
            return listing.sequences(connection, only, limit=limit)

    def own_events(self, sequences: Sequence[int], actor: str) -> list[int]:
        """Give those of these events that an actor may not review, having asked for them."""
        with self._read() as connection:
            return reviews.done_by(connection, sequences, actor)

    def review_counts(self, only: EventFilter | None = None) -> ReviewCounts:
        """Count the events that a filter matches by how they are marked, whatever it asks of that.

        Reviews are events, and left out: nobody reviews them.
        """
        with self._read() as connection:
            return reviews.review_counts(connection, only or EventFilter())

    def review_counts_of(
        self, sequences: Sequence[int], *, known_at: Instant | None = None
    ) -> ReviewCounts:
        """Count these events by how they were marked at an instant."""
        with self._read() as connection:
            marks = [
                each.mark
                for each in reviews.reviews_of(
                    connection, sequences, EventFilter(known_at=known_at)
                ).values()
            ]
        return ReviewCounts(
            len(sequences) - len(marks), marks.count(REVIEWED), marks.count(FLAGGED)
        )

    def proof_status(self, sequence: int) -> ProofStatus:
        """Say whether a signed checkpoint covers an event and bears it out."""
        signer = self._signer(None)
        with self._read() as connection:
            return proof_status(connection, sequence, signer)

    def review_events(
        self, sequences: Sequence[int], *, mark: str, actor: str, note: str | None = None
    ) -> EventReview:
        """Mark events as `reviewed` or `flagged`, all of them in one event or none.

        Raises:
            InputError: no such mark, a flag without a note, or a flag that `reviewed` would clear
                without one; an event that does not exist or is a review itself; or the reviewer is
                who asked for one of them or has no role for it.
        """
        wanted = sorted(set(sequences))
        said = (note or "").strip() or None
        self._may_review(actor, mark, said, wanted)
        with self._read() as connection:
            _refuse_unreviewable(connection, wanted, actor)
            clears = mark == REVIEWED and said is None
            if clears:
                _refuse_flagged(reviews.reviews_of(connection, wanted, EventFilter()), len(wanted))
        role = self._roles.get(actor)

        def change(connection: Connection, book: Book, now: Instant) -> list[RecordEvent]:
            before = reviews.reviews_of(connection, wanted, EventFilter())
            if clears:
                _refuse_flagged(before, len(wanted))  # somebody else may have flagged it meanwhile
            event = RecordEvent(
                sequence=book.last_sequence + 1,
                recorded_at=now,
                record=REVIEW,
                id=_named(wanted),
                actor=actor,
                role=role,
                before={
                    each: [number for number, found in before.items() if found.mark == each]
                    for each in sorted({found.mark for found in before.values()})
                }
                or None,
                after={"mark": mark, "events": wanted},
                reason=said,
            )
            book.take(event)
            return [event]

        with self._explained():
            (event,) = self._writer.record(change)
        return EventReview(mark, actor, said, event.recorded_at, event.sequence)

    def _may_review(self, actor: str, mark: str, note: str | None, wanted: Sequence[int]) -> None:
        if self._read_only:
            raise InputError("the ledger is open to be read only: a review is recorded")
        if mark not in MARKS:
            raise InputError(f"{mark!a} is no mark: there are {' and '.join(MARKS)}")
        if mark == FLAGGED and note is None:
            raise InputError("a flag needs a note: say what is wrong")
        if self._roles and self._roles.get(actor) not in REVIEWERS:
            raise InputError(f"{actor} may not review: it takes {' or '.join(REVIEWERS)}")
        if not wanted:
            raise InputError("no event is named: there is nothing to review")
        if len(wanted) > TOGETHER_MAX:
            raise InputError(
                f"{len(wanted):,} events are more than the {TOGETHER_MAX:,} that one review holds: "
                "narrow the filter"
            )

    def sample(
        self,
        only: EventFilter | None = None,
        *,
        method: str,
        size: int,
        seed: str,
        known_at: Instant | None = None,
    ) -> Sample:
        """Draw events of those that a filter matches: the same question gives the same sample.

        `monetary` draws by how much of an entitlement, which the filter must name, each event
        moved. It is drawn of what is known now, or was at `known_at`, and its filter says until
        when and until which event that is: asked again with that filter, it is the same. Reviews
        are left out, since nobody reviews them.

        Raises:
            InputError: no such method, a size or a seed that cannot be, nothing to draw from, or a
                time before knowledge begins.
        """
        wanted = only or EventFilter()
        _check_drawing(wanted, method, size, seed)
        with self._read() as connection:
            _, newest = self._last(connection)
            asked = (known_at, wanted.known_at, newest)
            moment = min((each for each in asked if each is not None), default=None)
            self._answerable(connection, None, wanted.entitlement, None, moment)
            known = known_until(connection, moment) or 0
            # Where the clock went back, what came later has the instant of the newest.
            known = min(each for each in (wanted.known_sequence, known) if each is not None)
            wanted = replace(wanted, known_at=moment, known_sequence=known)
            population = sampling.population(connection, wanted)
            if not population:
                raise InputError("no event matches: there is nothing to draw from")
            drawn = Sample(
                method=method,
                seed=seed,
                size=size,
                only=wanted,
                known=known,
                population=population,
                chosen=(),
            )
            if method == MONETARY:
                return _by_size(connection, drawn)
            chosen = sampling.draw_random(connection, wanted, size, seed)
            return replace(drawn, chosen=tuple(chosen))

    def write_working_paper(
        self, sample: Sample, folder: Path, *, actor: str, progress: Progress = silent
    ) -> WorkingPaper:
        """Write a sample into a new folder, with the proof of each event and how to check it all.

        Where the newest checkpoint does not cover all of the sample, one is made first, so that
        every event has a proof, if the ledger may be written and has a signing key.

        Raises:
            InputError: there is something at that place, or no folder to put it in.
            StoreError: it cannot be written, or hashes are missing.
            Cancelled: `interrupt` was called; nothing is left behind then but the checkpoint.
        """
        own = [self._path, self._witness.path, archive_folder(self._path), self._signing_key]
        with placed_folder(folder, [each for each in own if each is not None]) as unfinished:
            if self._signing_key is not None and not self._read_only:
                with self._read() as connection:
                    sealed = sealed_until(connection)
                if any(each.sequence > sealed for each in sample.chosen):
                    self.checkpoint()
            with self._read() as connection:
                about = About(
                    store=self._path.name,
                    actor=actor,
                    written_at=self._now(connection),
                    key=self.public_key(),
                )
                try:
                    written = write_paper(connection, sample, about, unfinished, progress)
                except TreeError as error:
                    raise StoreError(f"{self._path}: {error}: run `entl verify`") from None
        return replace(written, folder=folder)


def _named(sequences: Sequence[int]) -> str:
    """Name what is reviewed in a few words; all of it is in the event."""
    more = len(sequences) - 1
    return f"{sequences[0]} and {more} more" if more else str(sequences[0])


def _refuse_unreviewable(connection: Connection, wanted: Sequence[int], actor: str) -> None:
    """Refuse all of it where one of the events cannot be reviewed by this actor.

    Raises:
        InputError: it says how many cannot, and names the first.
    """
    for found, why in (
        (reviews.missing(connection, wanted), "not in the journal: check the number"),
        (reviews.reviews_among(connection, wanted), "a review itself, which nobody reviews"),
        (
            reviews.done_by(connection, wanted, actor),
            f"what {actor} asked for: somebody else must review it",
        ),
    ):
        if not found:
            continue
        first = f"event {found[0]} is {why}"
        if len(wanted) > 1:
            first = f"{len(found):,} of {len(wanted):,} events cannot be reviewed: {first}"
        raise InputError(f"{first}; nothing was recorded")


def _refuse_flagged(before: Mapping[int, EventReview], count: int) -> None:
    """Refuse to take flags away without a word.

    Raises:
        InputError: it says how many are flagged, and names the first.
    """
    flagged = sorted(number for number, found in before.items() if found.mark == FLAGGED)
    if flagged:
        first = f"event {flagged[0]} is flagged"
        if count > 1:
            first = f"{len(flagged):,} of {count:,} events are flagged, the first is {flagged[0]}"
        raise InputError(f"{first}: say in a note why it is right; nothing was recorded")


def _check_drawing(only: EventFilter, method: str, size: int, seed: str) -> None:
    if method not in METHODS:
        raise InputError(f"{method!a} is no method: there are {' and '.join(METHODS)}")
    if not 1 <= size <= TOGETHER_MAX:
        raise InputError(f"a sample holds from 1 to {TOGETHER_MAX:,} events: {size} is not that")
    if not seed or not seed.isprintable() or len(seed) > _SEED_MAX:
        raise InputError(f"a seed is text of 1 to {_SEED_MAX} characters that can be printed")
    for name in only.__struct_fields__:
        value = getattr(only, name)
        if isinstance(value, str) and not value.isprintable():
            raise InputError(f"{name} {value!a} cannot be printed, nor typed to draw it again")
    if method == MONETARY and only.entitlement is None:
        raise InputError("name one entitlement: quantities of several cannot be added")
    if only.over is not None and only.entitlement is None:
        raise InputError("name the entitlement that `over` is about")


def _by_size(connection: Connection, drawn: Sample) -> Sample:
    """Draw by what was moved; `drawn` says of what."""
    entitlement = drawn.only.entitlement
    assert entitlement is not None, "it was checked"
    sized, total = sampling.sizes(connection, drawn.only, entitlement)
    if not total:
        raise InputError(f"no event that matches moved any {entitlement!a}: nothing can be drawn")
    interval = max(total // drawn.size, 1)
    start = sampling.start_of(drawn.seed, interval)
    chosen = sampling.draw_monetary(connection, drawn.only, entitlement, interval, start)
    return replace(
        drawn,
        chosen=tuple(chosen),
        unsized=drawn.population - sized,
        total=total,
        interval=interval,
        start=start,
    )
