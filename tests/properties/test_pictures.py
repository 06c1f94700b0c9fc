"""What is drawn is what balances, explanations and the history say, of any moment as known then."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st
from strategies import history
from support import SOAK, START
from test_store_keeps_the_rules import History, Naming, _begun, _sweep_only, fresh

from entitlement_ledger.answers import GrantPart, HistoryFilter
from entitlement_ledger.domain.instants import DAY, HOUR
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.overviews import BurnDown, Step

_hour = st.integers(-40, 90).map(lambda hour: START + hour * HOUR)
_question = st.tuples(st.integers(0, 39), _hour, st.sampled_from(list(Step)))
"""After which line it is asked, as known then, about which instant, by days, weeks or months."""


@settings(max_examples=3 * SOAK, deadline=None)
@given(history, st.lists(_question, min_size=1, max_size=1), st.sets(st.integers(0, 40)))
def test_pictures_agree_with_explanations(
    steps: History, asked: list[tuple[int, int, Step]], sweeps: set[int]
) -> None:
    with fresh() as (ledger, clock):
        clock.now, naming, known = START, Naming(), []
        for number, (wait, line) in enumerate(steps):
            clock.now += wait + 1
            if number in sweeps:
                _sweep_only(ledger, clock.now + 30 * HOUR)
            if number % 5 == 4:
                ledger.run_due()
            naming.note(ledger.post([naming.given(line)], actor="tester"))
            known.append(clock.now)
        if all(row.status == "refused" for row in ledger.history(limit=1000).rows):
            assert ledger.use("C1").uses == ()
            return
        begun = _begun(ledger, clock)
        for number, moment, step in asked:
            known_at = known[min(number, len(known) - 1)]
            at = max(moment, begun)
            for customer in ("C1", "C2"):
                for code in ("PTS", "CRD"):
                    _uses(ledger, customer, code, step, at, known_at, begun)
                _burns_down(ledger, customer, at, known_at, begun)
                _lapses(ledger, customer, at, known_at)
            _counts(ledger, step, at, known_at)


def parts(ledger: Ledger, customer: str, code: str, at: int, known_at: int) -> dict[str, GrantPart]:
    explained = ledger.explain(customer, code, at=at, known_at=known_at)
    return {each.grant.id: each for each in explained.parts}


def _so_far(
    ledger: Ledger, customer: str, code: str, at: int, known_at: int, begun: int
) -> tuple[int, int, int, int]:
    """Give what was issued, consumed, expired and revoked up to an instant."""
    if at < begun:
        return (0, 0, 0, 0)
    found = parts(ledger, customer, code, at, known_at).values()
    lapsed = [each for each in found if each.grant.expires_at and each.grant.expires_at <= at]
    return (
        sum(each.grant.quantity for each in found if each.grant.effective_from <= at),
        sum(each.consumed for each in found),
        sum(each.expired for each in found) + sum(each.available for each in lapsed),
        sum(each.revoked for each in found),
    )


def _uses(
    ledger: Ledger, customer: str, code: str, step: Step, at: int, known_at: int, begun: int
) -> None:
    told = ledger.use(customer, code, step=step, pieces=4, at=at, known_at=known_at)
    (use,) = told.uses
    ends = [each - 1 for each in told.span.begins[1:]] + [at]
    before = _so_far(ledger, customer, code, told.span.begins[0] - 1, known_at, begun)
    for place, end in enumerate(ends):
        after = _so_far(ledger, customer, code, end, known_at, begun)
        expected = tuple(now - then for now, then in zip(after, before, strict=True))
        found = (use.issued, use.consumed, use.expired, use.revoked)
        assert tuple(values[place] for values in found) == expected, (place, step)
        before = after
        event("something was used in a piece", payload=str(expected[1] != 0))
    all_of_them = ledger.use(customer, step=step, pieces=4, at=at, known_at=known_at)
    moved = any(any(v) for v in (use.issued, use.consumed, use.expired, use.revoked))
    assert (use in all_of_them.uses) or not moved


def _burns_down(ledger: Ledger, customer: str, at: int, known_at: int, begun: int) -> None:
    for name, part in parts(ledger, customer, "PTS", at, known_at).items():
        told = ledger.burn_down(name, pieces=7, changes=3, at=at, known_at=known_at)
        lapsed = part.grant.expires_at is not None and part.grant.expires_at <= at
        gone = part.available if lapsed else 0
        assert told.consumed == part.consumed
        assert told.revoked + told.carried == part.revoked
        assert told.expired == part.expired + gone
        assert told.left == (0 if lapsed else part.available + part.held)
        assert (told.grant, told.customer) == (part.grant, customer)
        if told.curve:
            _curve(ledger, told, known_at)
        else:
            assert told.grant.effective_from >= told.until
        for change in told.changes:
            there = parts(ledger, customer, "PTS", max(change.at, begun), known_at)[name]
            last = max(each.at for each in told.changes if each.at <= change.at) == change.at
            newest = next(each for each in told.changes if each.at == change.at)
            if last and change is newest:
                assert change.left == there.available + there.held
        event("a grant was drawn", payload=str(part.consumed > 0))


def _curve(ledger: Ledger, told: BurnDown, known_at: int) -> None:
    assert len(told.curve) <= 7
    for place, left in enumerate(told.curve, 1):
        end = min(told.grant.effective_from + place * told.width, told.until) - 1
        there = parts(ledger, told.customer, "PTS", end, known_at)[told.grant.id]
        assert left == there.available + there.held, (place, told)


def _lapses(ledger: Ledger, customer: str, at: int, known_at: int) -> None:
    expected: Counter[tuple[int, str]] = Counter()
    quantities: Counter[tuple[int, str]] = Counter()
    found: set[str] = set()
    for code in ("PTS", "CRD", "FEA", "OLD"):
        now = parts(ledger, customer, code, at, known_at)
        for name, part in now.items():
            ends = part.grant.expires_at
            if ends is None:
                continue
            begins = max(at, part.grant.effective_from)
            there = part if begins == at else parts(ledger, customer, code, begins, known_at)[name]
            lapsing = there.available + there.expired
            if lapsing or there.held:
                expected[ends // DAY * DAY, code] += 1
                quantities[ends // DAY * DAY, code] += lapsing
                found.add(name)
    days: dict[tuple[int, str], tuple[int, int]] = {}
    for month in range(-1, 3):
        told = ledger.lapses(START + month * 30 * DAY, customer, at=at, known_at=known_at)
        assert not told.more
        for each in told.days:
            assert told.since <= each.day < told.until
            days[each.day, each.entitlement] = (each.grants, each.quantity)
    assert days == {each: (expected[each], quantities[each]) for each in expected}
    named = set()
    for day in {each for each, _ in days}:
        page = ledger.lapsing_grants(day, customer, limit=1, at=at, known_at=known_at)
        named |= {each.grant for each in page.rows}
        while page.more:
            page = ledger.lapsing_grants(
                day, customer, after=page.rows[-1], limit=1, at=at, known_at=known_at
            )
            named |= {each.grant for each in page.rows}
    assert named == found


def _counts(ledger: Ledger, step: Step, at: int, known_at: int) -> None:
    only = HistoryFilter(known_at=known_at)
    told = ledger.counts(only, step=step, pieces=3, at=at)
    rows: list[Any] = list(ledger.history(only, limit=1000).rows)
    before = [row for row in rows if row.effective_at < told.span.begins[0]]
    after = [row for row in rows if row.effective_at > at]
    assert (told.before, told.after) == (len(before), len(after))
    ends = [*told.span.begins[1:], at + 1]
    for place, (begin, end) in enumerate(zip(told.span.begins, ends, strict=True)):
        inside = Counter(
            "refused" if row.code else row.type for row in rows if begin <= row.effective_at < end
        )
        found = {each.type: each.counts[place] for each in told.types if each.counts[place]}
        assert found == dict(inside)
