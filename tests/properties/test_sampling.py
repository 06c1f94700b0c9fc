"""Samples against a model that is slow and obvious: every unit written down, every lot drawn."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from support import SOAK, START, HandClock, command, new_store

from entitlement_ledger.answers import EventFilter
from entitlement_ledger.domain.instants import HOUR
from entitlement_ledger.errors import InputError
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.reviews import Sample

QUANTITIES = [1, 2, 3, 5, 8, 40, 1, 1, 13, 700, 2, 9]
MOVED = EventFilter(entitlement="PTS")
_some = settings(max_examples=40 * SOAK, deadline=None)
_seed = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1,
                max_size=12)  # fmt: skip


@contextmanager
def made(quantities: list[int] = QUANTITIES) -> Iterator[tuple[Ledger, HandClock]]:
    """Open a store with an issue of each of these quantities, and with what moves nothing."""
    with tempfile.TemporaryDirectory() as folder:
        clock = HandClock(START - 1000 * HOUR)
        store = new_store(Path(folder), clock)
        clock.now = START
        with Ledger.open(store, clock=clock) as ledger:
            lines = [command("issue", f"k{n}", quantity=each) for n, each in enumerate(quantities)]
            lines.insert(2, command("consume", "no", quantity=2**62, customer="C2"))
            lines.append(command("issue", "other", quantity=9, entitlement="CRD"))
            ledger.post(lines, actor="ann")
            yield ledger, clock


@pytest.fixture(scope="module")
def ledger() -> Iterator[Ledger]:
    with made() as (ledger, _):
        yield ledger


def sizes_of(ledger: Ledger) -> dict[int, int]:
    """Give what each event of the population moved, by sequence."""
    return {
        row.sequence: row.quantity or 0
        for row in reversed(ledger.history(limit=1000).rows)
        if row.entitlement == "PTS" and row.status == "completed"
    }


def by_hand(sizes: dict[int, int], seed: str, size: int) -> tuple[int, int, list[int]]:
    """Write every unit down with the event that it is of, and take those at the intervals."""
    units = [sequence for sequence, moved in sizes.items() for _ in range(moved)]
    interval = max(len(units) // size, 1)
    digest = hashlib.sha256(seed.encode() + b":start").hexdigest()
    start = int(digest, 16) % interval + 1
    return interval, start, units[start - 1 :: interval]


@_some
@given(seed=_seed, size=st.integers(1, 900))
def test_each_unit_that_is_drawn_is_that_of_the_event_that_holds_it(
    ledger: Ledger, seed: str, size: int
) -> None:
    drawn = ledger.sample(MOVED, method="monetary", size=size, seed=seed)
    sizes = sizes_of(ledger)
    interval, start, hit = by_hand(sizes, seed, size)
    assert (drawn.total, drawn.interval, drawn.start) == (sum(sizes.values()), interval, start)
    assert (drawn.population, drawn.unsized) == (len(sizes) + 1, 1)
    told = [(each.sequence, each.quantity, each.hits) for each in drawn.chosen]
    assert told == [(each, sizes[each], hit.count(each)) for each in sorted({*hit})]
    certain = {each.sequence for each in drawn.chosen if each.certain}
    assert certain == {each for each, moved in sizes.items() if moved >= interval}
    event("some certain" if certain else "none certain")


def test_over_all_starts_an_event_is_hit_as_often_as_it_has_units(ledger: Ledger) -> None:
    """The probability is the size over the interval: by each start once, a unit is drawn once."""
    from entitlement_ledger.store.auditing.sampling import draw_monetary

    sizes = sizes_of(ledger)
    interval = sum(sizes.values()) // 12
    hits = dict.fromkeys(sizes, 0)
    with ledger._read() as connection:
        for start in range(1, interval + 1):
            for each in draw_monetary(connection, MOVED, "PTS", interval, start):
                hits[each.sequence] += each.hits
    assert hits == sizes


@_some
@given(seed=_seed, size=st.integers(1, 60))
def test_lots_are_drawn_by_seed_and_sequence_alone(ledger: Ledger, seed: str, size: int) -> None:
    drawn = ledger.sample(method="random", size=size, seed=seed)
    everything = [row.sequence for row in ledger.events(limit=1000).rows]
    lots = sorted((hashlib.sha256(f"{seed}:{n}".encode()).hexdigest(), n) for n in everything)
    assert [each.sequence for each in drawn.chosen] == sorted(n for _, n in lots[:size])
    assert drawn.population == len(everything)


def test_every_event_is_drawn_about_as_often(ledger: Ledger) -> None:
    population = ledger.events(limit=1000).rows
    drawn: dict[int, int] = {row.sequence: 0 for row in population}
    for number in range(300):
        for each in ledger.sample(method="random", size=6, seed=f"s{number}").chosen:
            drawn[each.sequence] += 1
    expected = 300 * 6 / len(population)
    assert all(expected / 2 < count < expected * 2 for count in drawn.values()), drawn


def content(sample: Sample) -> tuple[object, ...]:
    return sample.chosen, sample.population, sample.total, sample.interval, sample.start


def test_asked_again_as_known_then_it_is_the_same() -> None:
    with made() as (ledger, clock):
        samples = [
            ledger.sample(MOVED, method=method, size=4, seed="42")
            for method in ("random", "monetary")
        ]
        clock.now += HOUR
        more = [command("issue", f"m{n}", quantity=50) for n in range(20)]
        ledger.post(more, actor="ann")
        ledger.review_events([samples[0].chosen[0].sequence], mark="reviewed", actor="bob")
        for sample in samples:
            again = ledger.sample(sample.only, method=sample.method, size=4, seed="42")
            assert again == sample
            known_at = sample.only.known_at
            asked = ledger.sample(MOVED, method=sample.method, size=4, seed="42", known_at=known_at)
            assert asked == sample
            now = ledger.sample(MOVED, method=sample.method, size=4, seed="42")
            assert content(now) != content(sample)
        unreviewed = EventFilter(review="unreviewed", known_at=samples[0].only.known_at)
        everything = ledger.sample(unreviewed, method="random", size=999, seed="1").population
        assert everything == ledger.sample(known_at=samples[0].only.known_at, method="random",
                                           size=1, seed="1").population  # fmt: skip
        newest = ledger.sample(method="random", size=9999, seed="1")
        assert "review" not in {row.event for row in ledger.events_of(newest.sequences)}


@pytest.mark.parametrize("method", ["random", "monetary"])
def test_what_comes_later_is_never_drawn_whatever_its_time(method: str) -> None:
    """A moment that is still to come, and events of the very instant of the newest."""
    with made() as (ledger, clock):
        ahead = clock.now + 100 * HOUR
        unreviewed = EventFilter(entitlement="PTS", review="unreviewed")
        samples = [
            ledger.sample(unreviewed, method=method, size=4, seed="42", known_at=known_at)
            for known_at in (None, ahead)
        ]
        more = [command("issue", f"m{n}", quantity=50) for n in range(20)]
        ledger.post(more[:10], actor="ann")
        ledger.review_events([samples[0].chosen[0].sequence], mark="reviewed", actor="bob")
        clock.now += HOUR
        ledger.post(more[10:], actor="ann")
        for sample in samples:
            assert ledger.sample(sample.only, method=method, size=4, seed="42") == sample
            drawn = ledger.events(sample.only, limit=1000).rows
            assert len(drawn) == sample.population
            assert all(row.review is None for row in drawn), "as it was known then"


def test_sums_beyond_64_bits_stay_exact() -> None:
    huge = 2**63 - 1
    with made([huge]) as (ledger, clock):
        clock.now += HOUR
        ledger.post([command("issue", "c", quantity=huge, customer="C2")], actor="ann")
        drawn = ledger.sample(MOVED, method="monetary", size=1, seed="x")
        assert drawn.total == 2 * huge == drawn.interval
        (only,) = drawn.chosen
        assert drawn.start is not None
        sequences = sorted(sizes_of(ledger))
        holder = sequences[0] if drawn.start <= huge else sequences[1]
        assert only.sequence == holder


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"method": "monetary"}, "name one entitlement: quantities of several cannot be added"),
        ({"method": "judgement"}, "'judgement' is no method: there are random and monetary"),
        ({"size": 0}, "a sample holds from 1 to 10,000 events: 0 is not that"),
        ({"size": 10_001}, "a sample holds from 1 to 10,000 events: 10001 is not that"),
        ({"seed": ""}, "a seed is text of 1 to 100 characters that can be printed"),
        ({"seed": "\x1b[2J"}, "a seed is text of 1 to 100 characters that can be printed"),
        ({"only": EventFilter(actor="nobody")}, "no event matches: there is nothing to draw from"),
        ({"only": EventFilter(over=5)}, "name the entitlement that `over` is about"),
        ({"only": EventFilter(entitlement="NIX")}, "no entitlement 'NIX': check the code"),
        ({"only": EventFilter(entitlement="FEA", actor="ann"), "method": "monetary"},
         "no event matches: there is nothing to draw from"),
        ({"only": EventFilter(entitlement="PTS", status="refused"), "method": "monetary"},
         "no event that matches moved any 'PTS': nothing can be drawn"),
        ({"only": EventFilter(text="a\x1b[2J")}, "text 'a\\x1b[2J' cannot be printed"),
        ({"known_at": START - 2000 * HOUR}, "knowledge begins at"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_said(ledger: Ledger, asked: dict[str, object], said: str) -> None:
    given = {"method": "random", "size": 3, "seed": "1", **asked}
    with pytest.raises(InputError) as refused:
        ledger.sample(**given)  # type: ignore[arg-type]
    assert said in str(refused.value)
