"""What each report says, of a small ledger in which everything happens once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import START, HandClock, command, hours, new_store, write_feeds

from entitlement_ledger.domain.events import RecordEvent, decode_event
from entitlement_ledger.domain.instants import HOUR
from entitlement_ledger.domain.policy import ApprovalRule
from entitlement_ledger.errors import InputError
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.reports.names import REPORTS
from entitlement_ledger.reports.parameters import Parameters
from entitlement_ledger.reports.placing import format_of

Row = dict[str, Any]


def rows(ledger: Ledger, report: str, **asked: Any) -> list[Row]:
    found = ledger.report_rows(report, Parameters(**asked), limit=10_000)
    names = [each.name for each in found.columns]
    return [dict(zip(names, row, strict=True)) for row in found.rows]


def only(found: list[Row], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in found]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A ledger with a hold that lapsed, a grant that did, a proposal, a reversal, a purchase."""
    clock = HandClock(START - 1000 * HOUR)
    store = new_store(tmp_path_factory.mktemp("reports"), clock)
    watching = (ApprovalRule(frozenset({"adjust"}), above=3),)
    with Ledger.open(store, clock=clock, approvals=watching) as ledger:
        clock.now = START
        lines = [
            command("issue", "lapses", quantity=10, expires_at=hours(4)),
            command("issue", "stays", quantity=20, reference="invoice:1"),
            command("consume", "drawn", quantity=3, reason="=1+1"),
            command("hold", "held", quantity=5, expires_at=hours(2)),
            command("purchase", "bought", product="BASIC"),
            command("adjust", "asked", quantity=4, reference="ticket:7", actor="ann"),
            command("consume", "refused", quantity=1000),
        ]
        ledger.post(lines, actor="tester")
        clock.now = START + HOUR
        later = [
            command("approve", "yes", transaction="asked", reason="fair", actor="bob"),
            command("reverse", "back", transaction="drawn", quantity=1, reason="too many"),
        ]
        ledger.post(later, actor="tester")
        clock.now = START + 5 * HOUR
        yield ledger


def test_balances_are_of_everybody_who_was_given_something(told: Ledger) -> None:
    found = rows(told, "balances")
    names = ("customer", "segment", "entitlement", "scale", "available", "held", "expires_next")
    assert only(found, *names) == [
        ("C1", "plus", "CRD", 2, 3, 0, None),
        ("C1", "plus", "PTS", 0, 29, 0, START + 24 * HOUR),
    ]
    (then,) = rows(told, "balances", at=START + HOUR, entitlement="PTS")
    assert (then["available"], then["held"]) == (32, 5)
    assert rows(told, "balances", segment="other") == []
    for at, available in ((START + 4 * HOUR - 1, 37), (START + 4 * HOUR, 29)):
        (row,) = rows(told, "balances", at=at, entitlement="PTS")
        assert row["available"] == available


def test_liability_expects_the_share_to_lapse_that_has_lapsed(told: Ledger) -> None:
    found = rows(told, "liability", entitlement="PTS")
    names = ("expiry_month", "category", "outstanding", "past_granted", "past_expired")
    assert only(found, *names, "expected_to_lapse") == [
        ("2026-03", "paid", 5, 10, 8, 4),
        (None, "paid", 20, 10, 8, 0),
        (None, "promo", 4, 0, 0, 0),
    ]


def test_a_share_of_the_largest_quantities_is_exact(tmp_path: Path) -> None:
    """Of three customers: what is owed times what has lapsed would pass 128 bits."""
    clock, half = HandClock(START), 2**62 - 1
    with Ledger.open(new_store(tmp_path), clock=clock) as ledger:
        for name, end in (("over", 1), ("new", 9)):
            lines = [
                command("issue", name + who, customer=who, quantity=half, expires_at=hours(end))
                for who in ("C1", "C2", "SUSP")
            ]
            done = ledger.post(lines, actor="x")
            assert {each.code for each in done} == {None}
        clock.now = START + 2 * HOUR
        (row,) = rows(ledger, "liability")
    assert row["outstanding"] == row["expected_to_lapse"] == 3 * half
    assert row["past_granted"] == row["past_expired"] == 3 * half


def test_a_rollforward_ties_out(told: Ledger) -> None:
    names = ("entitlement", "opening", "issued", "consumed", "expired", "revoked", "closing")
    assert only(rows(told, "rollforward"), *names, "ties_out") == [
        ("CRD", 0, 3, 0, 0, 0, 3, "yes"),
        ("PTS", 0, 39, 2, 8, 0, 29, "yes"),
    ]
    span = {"since": START + HOUR, "until": START + 4 * HOUR, "entitlement": "PTS"}
    assert only(rows(told, "rollforward", **span), *names) == [("PTS", 32, 4, -1, 0, 0, 37)]


def test_a_statement_tells_what_time_alone_brought_about(told: Ledger) -> None:
    found = rows(told, "statement", customer="C1", entitlement="PTS")
    assert only(found, "effective_at", "type", "available_change", "held_change") == [
        (START, "issue", 10, 0),
        (START, "issue", 20, 0),
        (START, "consume", -3, 0),
        (START, "hold", -5, 5),
        (START, "purchase", 5, 0),
        (START + HOUR, "adjust", 4, 0),
        (START + HOUR, "reverse", 1, 0),
        (START + 2 * HOUR, "release", 5, -5),
        (START + 4 * HOUR, "expire", -8, 0),
    ]
    adjusted, lapsed = found[5], found[7]
    assert (adjusted["actor"], adjusted["reason"], adjusted["reference"]) == (
        "bob",
        "fair",
        "ticket:7",
    )
    hold = found[3]["transaction"]
    assert (lapsed["transaction"], lapsed["reason"]) == (None, f"the end of the hold {hold}")
    later = rows(told, "statement", customer="C1", since=START + 3 * HOUR)
    assert only(later, "type", "entitlement", "available", "held") == [
        ("opening", "CRD", 3, 0),
        ("opening", "PTS", 37, 0),
        ("expire", "PTS", 29, 0),
    ]


def test_usage_is_less_what_was_reversed(told: Ledger) -> None:
    names = ("month", "entitlement", "product", "segment")
    assert only(rows(told, "usage"), *names, "draws", "consumed", "customers") == [
        ("2026-03", "PTS", None, "plus", 1, 2, 1)
    ]
    assert only(rows(told, "allocation"), *names, "grants", "quantity", "carried_over") == [
        ("2026-03", "CRD", "BASIC", "plus", 1, 3, 0),
        ("2026-03", "PTS", "BASIC", "plus", 1, 5, 0),
        ("2026-03", "PTS", None, "plus", 3, 34, 0),
    ]
    assert rows(told, "usage", since=START + 2 * HOUR) == []
    assert len(rows(told, "allocation", product="BASIC")) == 2


def test_what_expires_soon_is_what_still_holds_something(told: Ledger) -> None:
    names = ("entitlement", "expires_at", "available", "held", "product")
    assert only(rows(told, "expiring"), *names) == [
        ("PTS", START + 24 * HOUR, 5, 0, "BASIC"),
    ]
    found = rows(told, "expiring", at=START, until=START + 5 * HOUR)
    assert only(found, *names) == [("PTS", START + 4 * HOUR, 2, 5, None)]
    assert rows(told, "expiring", since=START + 25 * HOUR) == []


def test_the_audit_log_is_the_journal(told: Ledger) -> None:
    found = rows(told, "audit-log")
    bodies = [decode_event(body) for some in told.bodies() for body in some]
    assert [row["sequence"] for row in found] == [each.sequence for each in bodies]
    for row, event in zip(found, bodies, strict=True):
        assert row["recorded_at"] == event.recorded_at
        assert (row["actor"], row["role"], row["reason"]) == (event.actor, event.role, event.reason)
        if isinstance(event, RecordEvent):
            assert (row["event"], row["what"], row["subject"]) == (
                event.record,
                event.what,
                event.id,
            )
        else:
            assert (row["event"], row["what"], row["status"]) == (
                "transaction",
                event.type,
                event.status,
            )
            assert (row["code"], row["key"], row["quantity"]) == (
                event.code,
                event.key,
                event.quantity,
            )
    shown = told.transaction("drawn")
    (row,) = [each for each in found if each["key"] == "drawn"]
    assert row["hash"] == shown.hash
    assert only(rows(told, "audit-log", actor="ann"), "key") == [("asked",)]
    assert only(rows(told, "audit-log", since=START + HOUR), "key") == [("yes",), ("back",)]


def test_reasons_and_roles_of_changes_to_records_are_told(tmp_path: Path) -> None:
    clock = HandClock(START)
    with Ledger.open(new_store(tmp_path), clock=clock, roles={"ann": "supervisor"}) as ledger:
        ledger.forget("C2", actor="ann", reason="asked to be")
        *_, row = rows(ledger, "audit-log", customer="C2")
    assert (row["what"], row["role"], row["reason"]) == ("forgotten", "supervisor", "asked to be")


def test_an_approval_is_told_as_far_as_it_was_known(told: Ledger) -> None:
    names = ("type", "proposed_by", "quantity", "status", "decided_by", "decision_reason")
    assert only(rows(told, "approvals"), *names) == [
        ("adjust", "ann", 4, "approved", "bob", "fair")
    ]
    (before,) = rows(told, "approvals", known_at=START)
    assert (before["status"], before["decided_by"], before["executed"]) == ("pending", None, None)
    assert rows(told, "approvals", since=START + HOUR) == []


def test_a_rejected_proposal_is_told(tmp_path: Path) -> None:
    watching = (ApprovalRule(frozenset({"issue"}), above=0),)
    with Ledger.open(new_store(tmp_path), clock=HandClock(), approvals=watching) as ledger:
        lines = [
            command("issue", "asked", quantity=4, actor="ann"),
            command("reject", "no", transaction="asked", reason="unfounded", actor="bob"),
        ]
        ledger.post(lines, actor="tester")
        (row,) = rows(ledger, "approvals")
    assert (row["status"], row["decision_reason"], row["executed"]) == (
        "rejected",
        "unfounded",
        None,
    )


def test_findings_are_told_with_their_review(tmp_path: Path) -> None:
    with Ledger.open(new_store(tmp_path), clock=HandClock()) as ledger:
        assert rows(ledger, "findings") == []
        lines = [
            command("issue", key, quantity=500, actor="eve", reference="invoice:1") for key in "ab"
        ]
        ledger.post(lines, actor="tester")
        found = ledger.suspicious()
        assert found
        ledger.review(found[0].id, decision="dismissed", reason="a test", actor="ann")
        told = rows(ledger, "findings")
        assert {row["finding"] for row in told} == {each.id for each in found}
        dismissed = [row for row in told if row["state"] == "dismissed"]
        assert only(dismissed, "finding", "rule") == [(found[0].id, found[0].rule)]
        assert dismissed[0]["transactions"] == " ".join(found[0].transactions)


def test_customers_and_the_catalogue_are_told_as_they_were_known(tmp_path: Path) -> None:
    clock = HandClock(START - 1000 * HOUR)
    with Ledger.open(new_store(tmp_path, clock), clock=clock) as ledger:
        clock.now = START
        lines = [
            command("issue", "a", quantity=5),
            command("issue", "b", quantity=5, customer="C2", entitlement="CRD"),
        ]
        ledger.post(lines, actor="x")
        clock.now = START + HOUR
        feeds = write_feeds(tmp_path / "changed")
        for name, old, new in (
            ("customers.csv", "plus,active", "gold,suspended"),
            ("entitlements.csv", "credits,pt,2", "credits,cent,3"),
        ):
            file = feeds / name
            file.write_text(file.read_text("utf-8").replace(old, new), "utf-8")
        ledger.import_files([feeds], actor="x")
        names = ("customer", "segment", "status", "unit", "scale")
        assert only(rows(ledger, "balances"), *names) == [
            ("C1", "gold", "suspended", "pt", 0),
            ("C2", "gold", "suspended", "cent", 3),
        ]
        assert only(rows(ledger, "balances", known_at=START), *names) == [
            ("C1", "plus", "active", "pt", 0),
            ("C2", "plus", "active", "pt", 2),
        ]


@pytest.mark.parametrize(
    ("report", "asked", "said"),
    [
        ("ballances", {}, "do you mean balances?"),
        ("nothing of the kind", {}, "there are balances, liability"),
        ("findings", {"known_at": START}, "takes no --known-at: it takes --customer, --actor"),
        ("statement", {}, "needs --customer"),
        ("balances", {"at": START - 2000 * HOUR}, "history begins at"),
        ("balances", {"known_at": START - 2000 * HOUR}, "knowledge begins at"),
        ("rollforward", {"until": START}, "history begins at"),
        ("audit-log", {"until": START - 2000 * HOUR}, "knowledge begins at"),
        ("usage", {"since": START + 2 * HOUR, "until": START + HOUR}, "the span begins at"),
        ("statement", {"customer": "NOBODY"}, "no customer 'NOBODY'"),
        ("balances", {"entitlement": "NOTHING"}, "no entitlement 'NOTHING'"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_one_line(
    told: Ledger, report: str, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError) as refused:
        rows(told, report, **asked)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_empty_store_has_empty_reports(tmp_path: Path) -> None:
    store = str(tmp_path / "empty.duckdb")
    Ledger.create(store)
    with Ledger.open(store, clock=HandClock()) as ledger:
        for name, report in REPORTS.items():
            if "run" in report.options:
                continue
            needed = dict.fromkeys(report.needs, "C1")
            assert rows(ledger, name, **needed) == [], name


def test_a_preview_says_whether_there_is_more(told: Ledger) -> None:
    assert told.report_rows("audit-log", limit=3).more
    assert len(told.report_rows("audit-log", limit=3).rows) == 3
    assert not told.report_rows("balances", limit=2).more


def test_reports_say_what_they_take(told: Ledger) -> None:
    infos = {each.name: each for each in told.reports()}
    assert list(infos) == list(REPORTS)
    assert infos["statement"].needs == ("customer",)
    assert infos["findings"].columns[0].name == "rule"


def test_the_suffix_says_the_format_unless_somebody_does() -> None:
    assert format_of(Path("a.CSV"), None) == "csv"
    assert format_of(Path("a.csv"), "json") == "json"
    for path, said in (("a.txt", None), ("a", None), ("a.csv", "pdf")):
        with pytest.raises(InputError, match="csv, json, parquet, xlsx, html"):
            format_of(Path(path), said)


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (command("capture", "later", transaction="hold"), (6, 0)),
        (command("release", "later", transaction="hold"), (10, 0)),
        (command("cancel", "later", grant="the grant"), (0, 0)),
    ],
    ids=["captured", "released", "cancelled"],
)
def test_a_hold_that_ends_is_told_as_it_was_known(
    tmp_path: Path, later: dict[str, Any], expected: tuple[int, int]
) -> None:
    clock = HandClock(START - 1000 * HOUR)
    with Ledger.open(new_store(tmp_path, clock), clock=clock) as ledger:
        clock.now = START
        lines = [
            command("issue", "give", quantity=10),
            command("hold", "hold", quantity=4, expires_at=hours(2)),
        ]
        given, _ = ledger.post(lines, actor="x")
        clock.now = START + HOUR
        if "grant" in later:
            later = {**later, "grant": given.grants[0]}
        (answer,) = ledger.post([later], actor="x")
        assert answer.code is None
        asked = {"at": START + 3 * HOUR, "entitlement": "PTS"}
        names = ("available", "held")
        assert only(rows(ledger, "balances", known_at=START, **asked), *names) == [(10, 0)]
        assert only(rows(ledger, "balances", **asked), *names) == [expected]
        (tied,) = rows(ledger, "rollforward", until=START + 3 * HOUR)
        assert (tied["closing"], tied["difference"]) == (sum(expected), 0)
        (*_, last) = rows(ledger, "statement", customer="C1", until=START + 3 * HOUR)
        assert (last["available"], last["held"]) == expected


def test_what_is_held_on_a_grant_that_has_lapsed_is_still_owed(tmp_path: Path) -> None:
    clock = HandClock(START)
    with Ledger.open(new_store(tmp_path), clock=clock) as ledger:
        lines = [
            command("issue", "give", quantity=5, expires_at=hours(2)),
            command("hold", "hold", quantity=3, expires_at=hours(3)),
        ]
        ledger.post(lines, actor="x")
        clock.now = START + 9 * HOUR
        names = ("expired", "closing", "held_on_expired", "ties_out")
        for until, expected in ((3, (2, 3, 3, "yes")), (4, (5, 0, 0, "yes"))):
            found = rows(ledger, "rollforward", until=START + until * HOUR)
            assert only(found, *names) == [expected]
        told = rows(ledger, "statement", customer="C1")
        assert only(told, "type", "available", "held") == [
            ("issue", 5, 0),
            ("hold", 2, 3),
            ("expire", 0, 0),
        ]


def test_what_is_spent_does_not_expire_and_what_counts_now_is_in(tmp_path: Path) -> None:
    with Ledger.open(new_store(tmp_path), clock=HandClock(START)) as ledger:
        lines = [
            command("issue", "spent", quantity=1, expires_at=hours(2)),
            command("consume", "spends", quantity=1),
            command("issue", "left", quantity=2, expires_at=hours(3)),
        ]
        ledger.post(lines, actor="x")
        assert only(rows(ledger, "expiring"), "expires_at", "available") == [(START + 3 * HOUR, 2)]
        for asked in ({}, {"known_at": START}):
            told = rows(ledger, "statement", customer="C1", **asked)
            assert only(told, "type", "available") == [("issue", 1), ("consume", 0), ("issue", 2)]
