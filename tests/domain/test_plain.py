"""Plain commands: what is left of grants says what a draw takes, in burn order."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement_ledger.domain.catalogue import CatalogueStatus, Entitlement, Kind
from entitlement_ledger.domain.events import canonical, encode_event
from entitlement_ledger.domain.holdings import burn_order
from entitlement_ledger.domain.instants import HOUR, MINUTE
from entitlement_ledger.domain.plain import are_plain, decide_plain, is_plain
from entitlement_ledger.domain.plain_events import Common, PlainEvent
from entitlement_ledger.domain.standing import Lot, Standing

NOW = 1000 * HOUR
ENTITLEMENT = Entitlement(
    code="E",
    name="Credits",
    description="",
    kind=Kind.CREDITS,
    unit='"cr"',
    scale=2,
    resources=(),
    status=CatalogueStatus.ACTIVE,
)


def _in_any_order(line: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.permutations(list(line.items())).map(dict)


def lot(
    number: int, left: int, *, held: int = 0, until: int | None = None, priority: int = 100
) -> Lot:
    key = burn_order(priority, until, "paid", 0, (number, 1))
    return Lot(key, left, held, until)


def standing(*lots: Lot, last_at: int = NOW) -> Standing:
    made = Standing.empty()
    for each in lots:
        made.add(each)
    made.unspent, made.last_at = made.left + made.held, last_at
    return made


class _Lots:
    """Lots that are made when they are asked for."""

    def __init__(self, lots: list[Lot]) -> None:
        self._lots = lots

    def some(self, start: int, end: int) -> list[Lot]:
        return self._lots[start:end]


def decided(
    where: Standing, kind: str = "consume", quantity: int = 5, at: int = NOW, **more: Any
) -> PlainEvent | None:
    line = {"type": kind, "key": "k", "customer": "C", "entitlement": "E", "quantity": quantity}
    return _decided(line | more, where, at)


def _decided(line: dict[str, Any], where: Standing, at: int = NOW) -> PlainEvent | None:
    assert is_plain(line, {})
    common = Common(NOW, "a", None, history=False)
    events, rest = decide_plain([line], [where], [common], [at], [9], {"E": ENTITLEMENT})
    return None if rest else events[0]


def test_a_draw_goes_on_to_the_next_grant_where_the_first_is_used_up() -> None:
    where = standing(lot(1, 3), lot(2, 4))
    event = decided(where)
    assert event is not None
    assert event.draws == (("G1.1", 3), ("G2.1", 2))
    assert (event.before, event.after) == (7, 2)
    assert [each.id for each in where.lots] == ["G2.1"]


def test_what_ends_first_is_drawn_first_and_nothing_once_it_has_ended() -> None:
    where = standing(lot(1, 9), lot(2, 9, until=NOW + HOUR))
    event = decided(where)
    assert event is not None and event.draws == (("G2.1", 5),)
    later = decided(where, at=NOW + MINUTE, quantity=6)
    assert later is not None and later.draws == (("G2.1", 4), ("G1.1", 2))
    ended = standing(lot(1, 9, until=NOW), lot(2, 5))
    event = decided(ended)
    assert event is not None
    assert (event.draws, event.before) == ((("G2.1", 5),), 5)


def test_a_new_grant_takes_its_place_in_the_burn_order() -> None:
    where = standing(lot(1, 9, priority=200))
    assert decided(where, "issue", 4) is not None
    event = decided(where)
    assert event is not None and event.draws == (("G9.1", 4), ("G1.1", 1))


def test_what_is_held_of_a_grant_that_is_used_up_still_counts_as_held() -> None:
    where = standing(lot(1, 5, held=2), lot(2, 7, held=1))
    first, second = decided(where), decided(where)
    assert first is not None and second is not None
    assert (first.held, second.held) == (3, 3)


@pytest.mark.parametrize("asked", [("consume", 2), ("consume", 9), ("issue", 4), ("consume", 3)])
@pytest.mark.parametrize("until", [None, NOW + HOUR])
def test_lots_behind_the_first_are_made_when_they_are_needed(
    asked: tuple[str, int], until: int | None
) -> None:
    def lots() -> list[Lot]:
        return [lot(1, 3, until=until), lot(2, 4), lot(3, 5, priority=200)]

    whole, lazy = standing(*lots()), standing(*lots())
    lazy.lots, lazy.rest, lazy.start, lazy.end = lots()[:1], _Lots(lots()), 1, 3
    for kind, quantity in (asked, ("issue", 1), ("consume", 1), ("consume", 6)):
        assert decided(lazy, kind, quantity) == decided(whole, kind, quantity)
    lazy.all_lots()
    assert lazy == whole


@pytest.mark.parametrize(
    ("kind", "quantity", "at"),
    [
        ("consume", 1, NOW - 1),
        ("issue", 1, NOW - 1),
        ("consume", 1, NOW + 5 * MINUTE + 1),
        ("issue", 1, NOW + 5 * MINUTE + 1),
    ],
)
def test_what_is_not_plain_moves_nothing(kind: str, quantity: int, at: int) -> None:
    where = standing(lot(1, 9))
    assert decided(where, kind, quantity, at) is None
    assert where == standing(lot(1, 9))


def test_a_draw_of_more_than_is_there_is_refused_and_moves_nothing() -> None:
    where = standing(lot(1, 9), lot(2, 5, until=NOW), last_at=NOW - 1)
    event = decided(where, quantity=10)
    assert event is not None and event.status == "refused"
    common = '0.10 "cr" asked for, 0.09 can be given at 1970-02-11T16:00:00.000000Z'
    assert (event.refused, event.draws) == (common, ())
    assert where == standing(lot(1, 9), lot(2, 5, until=NOW), last_at=NOW - 1)
    assert event.body() == encode_event(event.whole())


def test_what_could_pass_64_bits_is_left_to_the_rules() -> None:
    where = standing(lot(1, 1 << 60))
    assert decided(where, "issue", 1) is None
    where = standing(lot(1, 2))
    where.unspent = (1 << 60) - 1
    assert decided(where, "issue", 1) is not None


LINE: dict[str, Any] = {
    "type": "issue",
    "key": "k",
    "customer": "C",
    "entitlement": "E",
    "quantity": 1,
}
UNUSUAL: list[dict[str, Any]] = [
    {"key": 'a"b'},
    {"key": "entl:1"},
    {"key": ""},
    {"key": "a\x00b"},
    {"key": "a\ud800b"},
    {"key": "x" * 513},
    {"customer": "x" * 65},
    {"customer": "back\\slash"},
    {"quantity": 0},
    {"quantity": True},
    {"quantity": 2.0},
    {"quantity": 1 << 41},
    {"type": "hold"},
    {"type": ["issue"]},
    {"expires_at": "2026-01-01T00:00:00Z"},
    {"effective_at": "2026-01-01T00:00:00"},
    {"effective_at": 5},
    {"reason": ""},
    {"actor": 7},
    {"reason": "x" * 4097},
    {"reference": {}},
    {"effective_at": []},
    {"entitlement": b"E"},
    {"entitlement": ""},
    {"customer": None},
]


@pytest.mark.parametrize("unusual", UNUSUAL)
def test_what_is_unusual_in_a_line_is_left_to_the_shape(unusual: dict[str, Any]) -> None:
    assert is_plain(LINE, {})
    assert not is_plain(LINE | unusual, {})
    assert not is_plain({name: value for name, value in LINE.items() if name != "key"}, {})


_USUAL: list[dict[str, Any]] = [
    {},
    {"type": "consume", "quantity": 1 << 40, "key": "x" * 512, "customer": "x" * 64},
    {"actor": None, "reason": "because", "reference": "r", "effective_at": "2026-01-01T00:00:00Z"},
]


@pytest.mark.parametrize("unusual", UNUSUAL)
def test_among_many_lines_one_that_is_unusual_is_found(unusual: dict[str, Any]) -> None:
    usual = [LINE | each for each in _USUAL]
    assert are_plain(usual, {})
    assert not are_plain([*usual, LINE | unusual], {})


@given(st.lists(st.sampled_from([*[LINE | each for each in (*UNUSUAL, *_USUAL * 9)], None])))
def test_many_lines_are_plain_where_each_is(lines: list[dict[str, Any]]) -> None:
    assert are_plain(lines, {}) == (bool(lines) and all(is_plain(each, {}) for each in lines))


@pytest.mark.parametrize("kind", ["issue", "consume"])
@pytest.mark.parametrize(
    "more",
    [{}, {"reason": "because é", "reference": "order:1", "actor": "Bob", "effective_at": None}],
)
def test_the_body_is_that_of_the_whole_event(kind: str, more: dict[str, Any]) -> None:
    event = decided(standing(lot(1, 3), lot(2, 4, held=1)), kind, **more)
    assert event is not None
    assert event.body() == encode_event(event.whole())
    whole = event.whole()
    assert tuple((each.grant, each.quantity) for each in whole.draws) == event.draws
    moved = {(each.grant, each.account.value): each.quantity for each in whole.postings}
    if kind == "issue":
        assert moved == {("G9.1", "issuance"): -5, ("G9.1", "available"): 5}
    else:
        accounts = (("available", -1), ("consumed", 1))
        assert moved == {(grant, to): n * sign for grant, n in event.draws for to, sign in accounts}


_fields = {
    "type": st.sampled_from(["issue", "consume"]),
    "key": st.text("kK%sé{}'", min_size=1),
    "customer": st.text("C%(quantity)d", min_size=1, max_size=64),
    "entitlement": st.just("E"),
    "quantity": st.integers(1, 1 << 40),
}
_more = {
    name: st.none() | st.text("a%sé{}' ", min_size=1) for name in ("actor", "reason", "reference")
} | {"effective_at": st.none() | st.sampled_from(["1970-02-11T16:00:00Z", "1970-02-11t16:00:00Z"])}


@given(st.fixed_dictionaries(_fields, optional=_more).flatmap(_in_any_order))
def test_the_command_is_kept_canonically_however_it_was_given(line: dict[str, Any]) -> None:
    event = _decided(line, standing(lot(1, 1 << 41)))
    assert event is not None
    command = canonical({n: value for n, value in line.items() if n != "key"})
    assert event.command.encode() == command
    assert event.command_hash == sha256(command).hexdigest()
