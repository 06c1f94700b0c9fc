"""The rules of suspicious activity against a year in which cases are planted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest
from support import SOAK, HandClock, command, new_store

from entitlement_ledger.answers import Finding
from entitlement_ledger.bench.detection import Detection, Score, detect, planted_year
from entitlement_ledger.checks import renewing, suspects
from entitlement_ledger.checks.finding import compared_with, find, find_of
from entitlement_ledger.checks.rules.base import Reach, acts
from entitlement_ledger.checks.suspicion import RULES, parameters
from entitlement_ledger.clock import system_clock
from entitlement_ledger.domain.commands import Line
from entitlement_ledger.domain.instants import HOUR, MINUTE
from entitlement_ledger.domain.policy import ApprovalRule
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.sample.planted import POINTS
from entitlement_ledger.store.reviewing import Found

_NEEDS_MORE = {"after_close"}
"""What a year without a closed period cannot hold: `test_suspicious.py` has it."""


def test_what_is_planted_is_found_and_hardly_anything_else(tmp_path: Path) -> None:
    found = detect([307, 308], tmp_path, lambda text: None)
    assert found.ok, {name: (e.recall, e.precision) for name, e in found.scores.items()}
    assert set(found.scores) == set(RULES) - _NEEDS_MORE


def test_too_little_found_or_too_much_is_not_good_enough() -> None:
    good = {"a": Score(planted=10, found=10, findings=10, true=10)}
    assert Detection(good, false=5, normal=10_000).ok
    assert not Detection(good, false=6, normal=10_000).ok
    assert not Detection({"a": Score(10, 8, 10, 10)}, 0, 10_000).ok
    assert not Detection({"a": Score(10, 10, 20, 10)}, 0, 10_000).ok
    assert not Detection({**good, "b": Score(1, 0, 0, 0)}, 0, 10_000).ok


@pytest.mark.parametrize("seed", [3, 11, *range(100, 110)][:SOAK])
def test_looking_at_what_is_new_finds_what_looking_at_all_of_it_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """In one store the rules look at what is new, in the other they look at everything."""
    year = planted_year(seed, tmp_path / "year")
    lines: list[Line] = [json.loads(line) for line in year.read_text("utf-8").splitlines()]
    chance, clock = Random(seed), HandClock(system_clock())
    approvals = [ApprovalRule(frozenset({"adjust"}), above=2000)]
    cuts = [*sorted(chance.sample(range(len(lines) - 4), min(SOAK, 2))), len(lines)]
    with ExitStack() as stack:
        both = []
        for name in ("news", "everything"):
            store = str(tmp_path / f"{name}.duckdb")
            Ledger.create(store)
            ledger = Ledger.open(store, clock=clock, approvals=approvals)
            both.append(stack.enter_context(ledger))
            ledger.import_files([year.parent], actor="sample")
        one, other = both
        start = 0
        for number, end in enumerate(cuts):
            # Whom they look at is listed, or joined where it is too many.
            monkeypatch.setattr(suspects, "LISTED_MAX", (2_000, 1)[number % 2])
            for ledger in both:
                ledger.post(lines[start:end], actor="sample", history=True)
            if end == len(lines):
                one.suspicious(["outflow", "own_beneficiary"])
            assert one.suspicious(since_last=True) == other.suspicious()
            for some in (lines[end : end + 1], lines[end + 1 : end + 3]):
                for ledger in both:
                    ledger.post(some, actor="sample", history=True)
                assert one.suspicious(since_last=True) == other.suspicious()
            for change in (_approve_each_other, _reverse_grants, _rename):
                change(both, clock, number, tmp_path / f"{change.__name__}{number}")
                assert one.suspicious(since_last=True) == other.suspicious()
            start = min(end + 3, len(lines))
        found = {each.rule for each in one.findings()}
        assert len(one.findings()) > 20
        assert {"mutual_approval", "quick_approval", "own_beneficiary", "outflow"} <= found


def test_everybody_is_looked_at_again_once_what_they_are_compared_with_has_changed(
    tmp_path: Path,
) -> None:
    def adjusted(customer: str, number: int, **more: str) -> Line:
        return command("adjust", f"a{customer}{number}", customer=customer, reason="r", quantity=5,
                       **more)  # fmt: skip

    clock = HandClock()
    with Ledger.open(new_store(tmp_path, clock), clock=clock) as ledger:
        ledger.post([adjusted("C1", 1)], actor="ann")
        ledger.post([adjusted("C2", n, reference=f"order:{n}") for n in range(4)], actor="ann")
        found = ledger.suspicious(since_last=True)
        assert [each.customer for each in found if each.rule == "no_reference"] == ["C1"]
        ledger.post([adjusted("C2", n) for n in range(4, 8)], actor="bob")
        found = ledger.suspicious(since_last=True)
        assert found == ledger.suspicious()
        assert "no_reference" not in {each.rule for each in found}


@pytest.mark.parametrize("seed", [5, 12, *range(110, 120)][:SOAK])
def test_history_that_arrives_in_any_order_is_judged_as_all_at_once(
    tmp_path: Path, seed: int
) -> None:
    """Parts of a year come in any order, a few lines of each later: what is kept must bear it."""
    year = planted_year(seed, tmp_path / "year")
    lines: list[Line] = [json.loads(line) for line in year.read_text("utf-8").splitlines()]
    chance = Random(seed)
    cuts = sorted(chance.sample(range(len(lines)), 5))
    parts = [lines[begin:end] for begin, end in zip([0, *cuts], [*cuts, None], strict=True)]
    chance.shuffle(parts)
    late = [line for part in parts for line in part if chance.random() < 0.02]
    parts = [[line for line in part if line not in late] for part in parts]
    store = str(tmp_path / "ledger.duckdb")
    Ledger.create(store)
    with Ledger.open(store) as ledger:
        ledger.import_files([year.parent], actor="sample")
        ledger.suspicious()
        for part in (*parts, late[::2], late[1::2]):
            ledger.post(part, actor="sample", history=True)
            again = ledger.suspicious(since_last=True)
            with ledger._read() as connection:
                everything = list(find(connection, list(RULES.values()), parameters({})))
            known = {each.id: (each.why, each.sequences) for each in everything}
            told = {each.id: (each.why, _numbers(each)) for each in again}
            assert told == known
    assert len({each.rule for each in again}) > 15


def test_a_customer_by_any_name_is_looked_at_again(tmp_path: Path) -> None:
    name, clock = "O'B\\%s{}\u202e;--", HandClock()
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "customers.csv").write_text(
        f"id,name,email,segment,status,created_at\n{name},Name,,s,active,\n", "utf-8"
    )
    with Ledger.open(new_store(tmp_path, clock), clock=clock) as ledger:
        ledger.import_files([tmp_path / "more"], actor="cam")
        ledger.suspicious()
        ledger.post([command("issue", "i", customer=name, quantity=500)], actor="ann")
        draws = [command("consume", f"d{n}", customer=name, quantity=60) for n in range(8)]
        ledger.post(draws, actor="shop")
        again = ledger.suspicious(since_last=True)
        assert {each.customer for each in again} == {name}
        assert again == ledger.suspicious()


def _numbers(found: Finding) -> tuple[int, ...]:
    return tuple(int(each.removeprefix("entl:")) for each in found.transactions)


def test_what_was_kept_in_another_way_is_counted_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = HandClock()
    with Ledger.open(new_store(tmp_path, clock), clock=clock) as ledger:
        line = command("adjust", "a", reason=".", quantity=5, reference="ticket:T9")
        ledger.post([line], actor="ann")
        before = ledger.suspicious()
        monkeypatch.setattr(renewing, "KEPT", 99)
        monkeypatch.setattr(renewing, "_run_again", None)
        assert ledger.suspicious(since_last=True) == before


def _approve_each_other(
    both: Sequence[Ledger], clock: HandClock, number: int, _folder: Path
) -> None:
    """Let two people approve each other, one of them sometimes within seconds."""
    customer = both[0].customers(limit=1)[0].id
    for place, (proposer, approver) in enumerate((("amy", "bob"), ("bob", "amy"))):
        key = f"swap:{number}:{place}"
        proposal = {
            "type": "adjust", "key": key, "customer": customer, "entitlement": POINTS,
            "quantity": 2001 + number, "reason": f"swap {number}", "reference": "order:1",
        }  # fmt: skip
        decision = {
            "type": "approve", "key": f"{key}:yes", "customer": customer, "transaction": key,
            "reason": "fine",
        }  # fmt: skip
        for ledger in both:
            ledger.post([proposal], actor=proposer)
        clock.now += (1 + 9 * place * number) * MINUTE // 6
        for ledger in both:
            ledger.post([decision], actor=approver)
        clock.now += HOUR


def _reverse_grants(both: Sequence[Ledger], clock: HandClock, _number: int, _folder: Path) -> None:
    """Take back, whole, one of the grants of an invoice line that was granted twice."""
    twice = [each for each in both[0].findings() if each.rule == "invoice_twice"]
    if not twice:
        return
    found = min(twice, key=lambda each: each.id)
    line = {
        "type": "reverse", "key": f"back:{found.transactions[-1]}", "customer": found.customer,
        "transaction": found.transactions[-1], "reason": "granted twice",
    }  # fmt: skip
    clock.now += HOUR
    for ledger in both:
        ledger.post([line], actor="amy")


def _rename(both: Sequence[Ledger], _clock: HandClock, number: int, folder: Path) -> None:
    """Give the customer to whom two people gave much the name of one of them, then another."""
    customer = both[0].customers(limit=1)[0].id
    folder.mkdir()
    name = ("Amy", "Somebody Else")[number % 2]
    (folder / "customers.csv").write_text(
        f"id,name,email,segment,status,created_at\n{customer},{name},,member,active,\n", "utf-8"
    )
    for ledger in both:
        ledger.import_files([folder], actor="sample")


def test_a_rule_of_a_customers_own_patterns_looks_at_nobody_else(tmp_path: Path) -> None:
    """Asked about half of the customers, it finds of them what it finds when asked about all."""
    year = planted_year(5, tmp_path / "year")
    lines: list[Line] = [json.loads(line) for line in year.read_text("utf-8").splitlines()]
    store = str(tmp_path / "ledger.duckdb")
    Ledger.create(store)
    with Ledger.open(store) as ledger:
        ledger.import_files([year.parent], actor="sample")
        ledger.post(lines, actor="sample", history=True)
        half = sorted(row.id for row in ledger.customers(limit=1000))[::2]
        of_customers = [rule for rule in RULES.values() if rule.reach is Reach.CUSTOMER]
        set_to = parameters({})
        of_half: list[Found] = []
        with ledger._read() as connection:
            of_all = list(find(connection, of_customers, set_to))
            some = acts(lambda act: act.customer.in_(half))
            for rule in of_customers:
                with compared_with(connection, rule, set_to[rule.name]) as compared:
                    of_half += find_of(connection, rule, set_to[rule.name], compared, some)
    assert len({each.rule for each in of_half}) > 4
    assert sorted(of_half, key=repr) == sorted(
        (each for each in of_all if each.customer in half), key=repr
    )


def test_a_rule_of_an_actors_own_patterns_looks_at_nobody_else(tmp_path: Path) -> None:
    """Asked about one actor after the other, it finds what it finds when asked about all."""
    year = planted_year(5, tmp_path / "year")
    lines: list[Line] = [json.loads(line) for line in year.read_text("utf-8").splitlines()]
    store = str(tmp_path / "ledger.duckdb")
    Ledger.create(store)
    with Ledger.open(store) as ledger:
        ledger.import_files([year.parent], actor="sample")
        ledger.post(lines, actor="sample", history=True)
        of_actors = [rule for rule in RULES.values() if rule.reach is Reach.ACTOR]
        set_to = parameters({"under_limit": {"limit": 2000}})
        with ledger._read() as connection:
            of_all = list(find(connection, of_actors, set_to))
            one_by_one = [
                found
                for actor in sorted({each.actor for each in of_all if each.actor})
                for rule in of_actors
                for found in find_of(
                    connection,
                    rule,
                    set_to[rule.name],
                    some=acts(lambda act: act.actor == actor),  # noqa: B023
                )
            ]
    assert {each.rule for each in of_all} == {rule.name for rule in of_actors}
    assert sorted(one_by_one, key=repr) == sorted(of_all, key=repr)
