"""Reports say what balances say, of any moment as known at any other, and tie out to the unit."""

from __future__ import annotations

from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st
from strategies import history
from support import CUSTOMERS, SOAK, START
from test_store_keeps_the_rules import History, Naming, _begun, _sweep_only, fresh

from entitlement_ledger.domain.instants import HOUR
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.reports.parameters import Parameters

_hour = st.integers(-60, 120).map(lambda hour: START + hour * HOUR)
_question = st.tuples(st.integers(0, 39), _hour, _hour, st.integers(0, 1))
"""After which line it is asked, as known then, about two instants, and whether just after them."""

Row = dict[str, Any]


@settings(max_examples=5 * SOAK, deadline=None)
@given(history, st.lists(_question, min_size=2, max_size=2), st.sets(st.integers(0, 40)))
def test_reports_agree_with_balances_and_tie_out(
    steps: History, asked: list[tuple[int, int, int, int]], sweeps: set[int]
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
        begun = _begun(ledger, clock)
        for number, one, other, after in asked:
            known_at = known[min(number, len(known) - 1)]
            since, until = sorted(max(each, begun + 1) + after for each in (one, other))
            told = _balances(ledger, until - 1, known_at)
            _rolls_forward(ledger, since, until, known_at, told)
            _is_lost_or_held(ledger, until, known_at, told)
            for customer in ("C1", "C2"):
                _states(ledger, customer, since, until, known_at)


def rows(ledger: Ledger, name: str, **asked: Any) -> list[Row]:
    found = ledger.report_rows(name, Parameters(**asked), limit=10_000)
    assert not found.more
    names = [each.name for each in found.columns]
    return [dict(zip(names, row, strict=True)) for row in found.rows]


def _balances(ledger: Ledger, at: int, known_at: int) -> list[Row]:
    """The report says of every customer what a balance says."""
    told = rows(ledger, "balances", at=at, known_at=known_at)
    for customer in CUSTOMERS:
        expected = [
            (each.entitlement, each.kind, each.scale, each.available, each.held, each.expires_next)
            for each in ledger.balances(customer, at=at, known_at=known_at)
        ]
        names = ("entitlement", "kind", "scale", "available", "held", "expires_next")
        found = [tuple(row[name] for name in names) for row in told if row["customer"] == customer]
        assert found == expected, (customer, at, known_at)
    return told


def _rolls_forward(
    ledger: Ledger, since: int, until: int, known_at: int, balances: list[Row]
) -> None:
    """What was, came and went is what is; and that is what the balances say."""
    whole = rows(ledger, "rollforward", until=until, known_at=known_at)
    part = rows(ledger, "rollforward", since=since, until=until, known_at=known_at)
    assert [row for row in whole + part if row["difference"] or row["ties_out"] != "yes"] == []
    assert all(row["opening"] == 0 for row in whole)
    for before, row in zip(whole, part, strict=True):
        assert (row["closing"], row["held_on_expired"]) == (
            before["closing"],
            before["held_on_expired"],
        )
        of_it = [each for each in balances if each["entitlement"] == row["entitlement"]]
        outstanding = sum(each["available"] + each["held"] for each in of_it)
        assert row["closing"] == outstanding + row["held_on_expired"]
        event("something has expired", payload=str(row["expired"] != 0))
    opened = rows(ledger, "rollforward", until=since, known_at=known_at)
    assert [row["closing"] for row in opened] == [row["opening"] for row in part]


def _is_lost_or_held(ledger: Ledger, until: int, known_at: int, balances: list[Row]) -> None:
    """Every loss is told to whoever had it, and open holds are all that is held."""
    asked = {"at": until - 1, "known_at": known_at, "limit": 10_000}
    told = [ledger.situation(customer, **asked) for customer in CUSTOMERS]
    for row in rows(ledger, "rollforward", until=until, known_at=known_at):
        code = row["entitlement"]
        lapsed = [
            each.quantity
            for s in told
            for each in s.lost
            if (each.entitlement, each.how) == (code, "expired")
        ]
        assert sum(lapsed) == row["expired"], row
        held = sum(each.quantity for s in told for each in s.holds if each.entitlement == code)
        kept = sum(each["held"] for each in balances if each["entitlement"] == code)
        assert held == kept + row["held_on_expired"], row
        event("something is held", payload=str(held != 0))
    taken: dict[str, int] = {}
    for each in (loss for s in told for loss in s.lost if loss.how == "revoked"):
        taken[each.grant] = taken.get(each.grant, 0) + each.quantity
    for grant, quantity in taken.items():
        # Some may have been given back since; what was carried over is not lost.
        down = ledger.burn_down(grant, at=until - 1, known_at=known_at)
        assert 0 <= down.revoked <= quantity
        event("something was taken back")
    for each in (loss for s in told for loss in s.lost):
        if each.transaction is not None:
            assert ledger.transaction(each.transaction).row.reason == each.reason


def _states(ledger: Ledger, customer: str, since: int, until: int, known_at: int) -> None:
    """The running balance is the balance: at the end, and just before and after each movement."""
    whole = rows(ledger, "statement", customer=customer, until=until, known_at=known_at)
    part = rows(ledger, "statement", customer=customer, since=since, until=until, known_at=known_at)
    assert [row for row in whole if row["effective_at"] >= since] == [
        row for row in part if row["type"] != "opening"
    ]
    last: dict[str, Row] = {}
    for row in part:
        before = last.get(row["entitlement"])
        if row["type"] != "opening":
            had = (before["available"], before["held"]) if before else (0, 0)
            changed = (row["available_change"], row["held_change"])
            assert (row["available"], row["held"]) == (had[0] + changed[0], had[1] + changed[1])
        last[row["entitlement"]] = row
    for each in ledger.balances(customer, at=until - 1, known_at=known_at):
        row = last.get(each.entitlement, {"available": 0, "held": 0})
        assert (row["available"], row["held"]) == (each.available, each.held), row
