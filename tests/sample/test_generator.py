"""The sample company: the committed files are what the generator makes, and look like a year."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from entitlement_ledger.domain.decide import Outcome
from entitlement_ledger.domain.lines import parse_line
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.sample.__main__ import SEED, main, make_files

SAMPLE_DATA = Path(__file__).parents[2] / "sample_data"
MADE = (
    "customers.csv",
    "entitlements.csv",
    "products.json",
    "tickets.csv",
    "billing.csv",
    "commands.jsonl",
)
YEAR_FROM = datetime(2025, 11, 1, tzinfo=UTC)
YEAR_UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
SYSTEMS = {"billing-system", "loyalty-engine", "shop-checkout"}

# What the contract allows, written down a second time on purpose.
COMMON = {"type", "key", "customer", "effective_at", "actor", "reason", "reference"}
FIELDS = {
    "issue": COMMON | {"entitlement", "quantity", "expires_at", "priority", "category"},
    "consume": COMMON | {"entitlement", "quantity"},
    "adjust": COMMON | {"entitlement", "quantity"},
    "reverse": COMMON | {"transaction", "quantity"},
    "hold": COMMON | {"entitlement", "quantity", "expires_at"},
    "capture": COMMON | {"transaction", "quantity"},
    "release": COMMON | {"transaction"},
    "purchase": COMMON | {"product", "timezone"},
    "renew": COMMON | {"product"},
    "upgrade": COMMON | {"from", "to", "timing", "carry_over"},
    "downgrade": COMMON | {"from", "to", "timing", "carry_over"},
    "cancel": COMMON | {"product", "timing"},
}
HEADERS = {
    "customers.csv": "id,name,email,segment,status,created_at",
    "entitlements.csv": "code,name,description,kind,unit,scale,resources,status",
    "tickets.csv": "id,customer,status,subject,opened_at,closed_at",
    "billing.csv": (
        "invoice_line,customer,product,entitlement,quantity,amount,currency,status,invoiced_at"
    ),
}

Line = dict[str, Any]


def _no_float(digits: str) -> NoReturn:
    raise AssertionError(f"a float: {digits}")


def _json(text: str) -> Any:
    return json.loads(text, parse_float=_no_float, parse_constant=_no_float)


def _rows(name: str) -> list[dict[str, str]]:
    with (SAMPLE_DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def _named(lines: list[Line], kind: str) -> list[tuple[Line, str]]:
    """Give the lines whose reference is of a kind, with the id that it names."""
    return [
        (line, line["reference"].removeprefix(f"{kind}:"))
        for line in lines
        if line.get("reference", "").startswith(f"{kind}:")
    ]


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    text = (SAMPLE_DATA / "commands.jsonl").read_text(encoding="utf-8")
    return [_json(line) for line in text.removesuffix("\n").split("\n")]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Outcome]]:
    """What a new store answers to the whole year."""
    store = str(tmp_path_factory.mktemp("sample") / "store.duckdb")
    Ledger.create(store)
    year = (SAMPLE_DATA / "commands.jsonl").read_bytes().splitlines()
    with Ledger.open(store) as ledger:
        ledger.import_files([SAMPLE_DATA], actor="test")
        yield list(ledger.post([parse_line(line) for line in year], actor="test", history=True))


@pytest.mark.parametrize("name", MADE)
def test_the_committed_file_is_what_the_generator_makes(name: str) -> None:
    assert make_files()[name] == (SAMPLE_DATA / name).read_bytes()


def test_the_generator_makes_every_file_but_the_readme(tmp_path: Path) -> None:
    main([str(tmp_path / "new" / "folder")])
    made = {path.name: path.read_bytes() for path in (tmp_path / "new" / "folder").iterdir()}
    assert set(made) == set(MADE) == {path.name for path in SAMPLE_DATA.iterdir()} - {"README.md"}
    assert made == {name: (SAMPLE_DATA / name).read_bytes() for name in MADE}


def test_another_seed_makes_another_year() -> None:
    ours, other = make_files(), make_files(SEED + 1)
    assert set(ours) == set(other)
    catalogue = {"entitlements.csv", "products.json"}
    assert {name for name in ours if ours[name] == other[name]} == catalogue


@pytest.mark.parametrize("name", MADE)
def test_files_are_utf8_with_plain_line_ends(name: str) -> None:
    content = (SAMPLE_DATA / name).read_bytes()
    content.decode("utf-8")
    assert b"\r" not in content
    assert content.endswith(b"\n")
    assert not content.startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("name", HEADERS)
def test_csv_files_have_the_columns_of_the_contract(name: str) -> None:
    with (SAMPLE_DATA / name).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, strict=True)
    assert ",".join(header) == HEADERS[name]
    assert all(len(row) == len(header) for row in rows)


def test_customers_are_sixty_people_and_companies_of_no_real_address() -> None:
    customers = _rows("customers.csv")
    assert 55 <= len(customers) <= 65
    assert len({customer["id"] for customer in customers}) == len(customers)
    statuses = Counter(customer["status"] for customer in customers)
    assert set(statuses) == {"active", "suspended", "closed"}
    assert 2 <= statuses["suspended"] <= 3
    assert statuses["closed"] == 2
    assert len({customer["segment"] for customer in customers}) >= 3
    domains = {customer["email"].split("@")[1] for customer in customers}
    assert domains <= {"example.com", "example.org", "example.net"}
    names = "".join(customer["name"] for customer in customers)
    assert "é" in names
    assert any("\u4e00" <= letter <= "\u9fff" for letter in names)


def test_the_catalogue_has_twelve_entitlements_of_all_five_kinds() -> None:
    entitlements = _rows("entitlements.csv")
    assert len({entitlement["code"] for entitlement in entitlements}) == len(entitlements) == 12
    kinds = {entitlement["kind"] for entitlement in entitlements}
    assert kinds == {"points", "credits", "quota", "feature", "offer"}
    assert [e["status"] for e in entitlements].count("retired") == 1
    assert {e["scale"] for e in entitlements if e["kind"] == "credits"} == {"2"}
    assert any(";" in entitlement["resources"] for entitlement in entitlements)


def test_the_catalogue_has_eight_products_in_three_tiers() -> None:
    products = _json((SAMPLE_DATA / "products.json").read_text(encoding="utf-8"))
    assert len({product["code"] for product in products}) == len(products) == 8
    assert {product["tier"] for product in products} == {1, 2, 3}
    known = {entitlement["code"] for entitlement in _rows("entitlements.csv")}
    for product in products:
        assert set(product) == {"code", "name", "tier", "period", "lines"}
        for line in product["lines"]:
            assert set(line) == {
                "entitlement", "quantity", "valid_for", "priority", "category", "rollover_max",
            }  # fmt: skip
            assert line["entitlement"] in known
            assert product["period"] is not None or line["valid_for"] != "period"
    assert any(line["rollover_max"] for product in products for line in product["lines"])


def test_a_year_is_about_five_thousand_commands(lines: list[Line]) -> None:
    assert 4_500 <= len(lines) <= 5_500
    assert {line["type"] for line in lines} == set(FIELDS)


def test_eight_staff_and_three_systems_ask(lines: list[Line]) -> None:
    actors = Counter(line["actor"] for line in lines)
    assert len(actors) == 11
    assert set(actors) > SYSTEMS
    assert sum(actors[system] for system in SYSTEMS) > 0.85 * len(lines)


def test_staff_work_on_weekdays_in_office_hours(lines: list[Line]) -> None:
    moments = [
        datetime.fromisoformat(line["effective_at"])
        for line in lines
        if line["actor"] not in SYSTEMS
    ]
    assert {moment.weekday() for moment in moments} == set(range(5))
    assert {moment.hour for moment in moments} == set(range(8, 17))


def test_lines_have_only_fields_that_the_contract_allows(lines: list[Line]) -> None:
    for line in lines:
        assert set(line) <= FIELDS[line["type"]], line
        assert {"type", "key", "customer", "effective_at", "actor"} <= set(line), line
        assert all(type(value) in {str, int} for value in line.values()), line
        assert not line["key"].startswith("entl:")


def test_the_lines_are_exactly_one_year(lines: list[Line]) -> None:
    moments = [datetime.fromisoformat(line["effective_at"]) for line in lines]
    assert all(YEAR_FROM <= moment < YEAR_UNTIL for moment in moments)
    assert min(moments) - YEAR_FROM < timedelta(days=1)
    assert YEAR_UNTIL - max(moments) < timedelta(days=1)


def test_some_dozens_of_lines_arrive_late(lines: list[Line]) -> None:
    latest, late = YEAR_FROM, 0
    for line in lines:
        moment = datetime.fromisoformat(line["effective_at"])
        late += latest - moment > timedelta(hours=1)
        latest = max(latest, moment)
    assert 24 <= late <= 100


def test_a_key_comes_again_only_in_repeats_and_conflicts(
    lines: list[Line], outcomes: list[Outcome]
) -> None:
    first: dict[str, Line] = {}
    again = Counter[str]()
    for line, outcome in zip(lines, outcomes, strict=True):
        original = first.setdefault(line["key"], line)
        if original is not line:
            again["repeat" if line == original else "conflict"] += 1
            assert line["actor"] == "shop-checkout"
        assert outcome.duplicate == (original is not line and line == original)
    assert again["repeat"] >= 3
    assert 1 <= again["conflict"] <= 6


def test_tickets_that_are_named_exist_and_are_opened_before(lines: list[Line]) -> None:
    tickets = {ticket["id"]: ticket for ticket in _rows("tickets.csv")}
    named = _named(lines, "ticket")
    assert len(named) > 100
    for line, ticket_id in named:
        ticket, acted = tickets[ticket_id], datetime.fromisoformat(line["effective_at"])
        assert ticket["customer"] == line["customer"]
        assert datetime.fromisoformat(ticket["opened_at"]) < acted
        assert not ticket["closed_at"] or acted < datetime.fromisoformat(ticket["closed_at"])


def test_tickets_are_closed_when_they_say_so() -> None:
    tickets = _rows("tickets.csv")
    assert len({ticket["id"] for ticket in tickets}) == len(tickets)
    assert {ticket["status"] for ticket in tickets} == {"open", "closed"}
    assert all((ticket["status"] == "closed") == bool(ticket["closed_at"]) for ticket in tickets)
    customers = {customer["id"] for customer in _rows("customers.csv")}
    assert {ticket["customer"] for ticket in tickets} <= customers


def test_billing_lines_are_what_was_issued_for_them(lines: list[Line]) -> None:
    billing = _rows("billing.csv")
    issues = {
        invoice: line for line, invoice in _named(lines, "invoice") if line["type"] == "issue"
    }
    assert set(issues) == {row["invoice_line"] for row in billing}
    for row in billing:
        line = issues[row["invoice_line"]]
        assert line["actor"] == "billing-system"
        assert row["customer"] == line["customer"]
        assert row["entitlement"] == line["entitlement"]
        assert row["quantity"] == str(line["quantity"])
        assert str(int(row["amount"])) == row["amount"]
    products = _json((SAMPLE_DATA / "products.json").read_text(encoding="utf-8"))
    assert {row["product"] for row in billing} == {product["code"] for product in products}


def test_what_was_refunded_or_void_is_reversed(lines: list[Line], outcomes: list[Outcome]) -> None:
    taken_back = {
        invoice
        for line, invoice in _named(lines, "invoice")
        if line["type"] == "reverse" and line["actor"] == "billing-system"
    }
    unpaid = {row["invoice_line"] for row in _rows("billing.csv") if row["status"] != "paid"}
    assert {row["status"] for row in _rows("billing.csv")} == {"paid", "refunded", "void"}
    assert taken_back == unpaid
    refused = {outcome.key for outcome in outcomes if outcome.status == "refused"}
    assert not refused & {f"bill-back-{invoice}" for invoice in unpaid}


def test_the_ledger_refuses_a_few_in_a_hundred(outcomes: list[Outcome]) -> None:
    codes = Counter(outcome.code for outcome in outcomes if outcome.status == "refused")
    assert set(codes) == {
        "already_resolved", "exceeds_original", "insufficient_balance", "invalid_quantity",
        "key_conflict", "not_consumable", "reason_required", "unknown_customer",
        "unknown_entitlement", "unknown_transaction",
    }  # fmt: skip
    assert 0.01 * len(outcomes) < codes.total() < 0.03 * len(outcomes)


def test_corrections_go_both_ways_whole_and_in_part(
    lines: list[Line], outcomes: list[Outcome]
) -> None:
    types = {line["key"]: line["type"] for line in reversed(lines)}
    done = [
        line for line, outcome in zip(lines, outcomes, strict=True) if outcome.status == "completed"
    ]
    adjusts = [line["quantity"] > 0 for line in done if line["type"] == "adjust"]
    assert set(adjusts) == {True, False}
    reversals = {
        (types[line["transaction"]], "quantity" in line)
        for line in done
        if line["type"] == "reverse"
    }
    assert reversals >= {("consume", True), ("consume", False), ("issue", False)}
