"""Findings and the catalogue by pages: filtered where they are stored, no row twice, none lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import HandClock, command, hours, new_store

from entitlement_ledger.answers import CatalogueFilter, CatalogueRow, Finding, FindingFilter
from entitlement_ledger.ledger import Ledger

EVERYBODY = FindingFilter()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Give a ledger in which five actors each gave many customers the same amount."""
    clock = HandClock()
    store = new_store(tmp_path, clock)
    rows = "".join(f"X{n},Name {n},,s,active,\n" for n in range(12))
    (tmp_path / "more").mkdir()
    header = "id,name,email,segment,status,created_at\n"
    (tmp_path / "more" / "customers.csv").write_text(header + rows, "utf-8")
    given = [
        command("adjust", f"{actor}{quantity}-{n}", customer=f"X{n}", quantity=quantity,
                actor=actor, reason=f"parcel {n}", reference=f"order:{n}",
                effective_at=hours(-200 + 30 * place + n / 60))
        for place, (actor, quantity) in enumerate(
            [("eve", 77), ("zoe", 78), ("Ève", 79), ("bob", 80), ("mallory", 81)])
        for n in range(12)
    ]  # fmt: skip
    (tmp_path / "more" / "entitlements.csv").write_text(
        "code,name,description,kind,unit,scale,resources,status\n"
        "MAP,Maps,Nächste Karten,feature,,0,,active\n",
        "utf-8",
    )
    opened = Ledger.open(store, clock=clock)
    opened.import_files([tmp_path / "more"], actor="setup")
    opened.post([command("issue", "a", quantity=1000, effective_at=hours(-248))], actor="x")
    opened.post(given, actor="setup", history=True)
    opened.suspicious()
    return opened


def paged(ledger: Ledger, only: FindingFilter, limit: int) -> list[Finding]:
    """Give all that a filter matches, page by page."""
    rows: list[Finding] = []
    after = None
    while True:
        page = ledger.findings_page(only, after=after, limit=limit)
        assert len(page.rows) == limit or page.next_after is None
        rows += page.rows
        if page.next_after is None:
            assert ledger.count_findings(only) == len(rows)
            return rows
        after = page.next_after


def test_the_pages_of_findings_are_all_findings_in_their_order(ledger: Ledger) -> None:
    found = ledger.findings()
    assert len(found) >= 5
    for limit in (1, 2, 3, 100):
        assert paged(ledger, EVERYBODY, limit) == found


def test_findings_are_found_by_rule_customer_actor_and_words(ledger: Ledger) -> None:
    found = ledger.findings()
    for only, expected in (
        (FindingFilter(rule="same_amount"), [e for e in found if e.rule == "same_amount"]),
        (FindingFilter(actor="eve"), [e for e in found if e.actor == "eve"]),
        (FindingFilter(customer="X1"), [e for e in found if e.customer == "X1"]),
        (FindingFilter(severity="high"), [e for e in found if e.severity == "high"]),
        (FindingFilter(text="EVE"), [e for e in found if e.actor in ("eve", "Ève")]),
        (FindingFilter(text="exactly 80"), [e for e in found if "exactly 80" in e.why]),
        (FindingFilter(text="same amount"), [e for e in found if e.rule == "same_amount"]),
        (FindingFilter(text=found[0].id), found[:1]),
        (FindingFilter(text="100%"), []),
    ):
        assert paged(ledger, only, 2) == expected, only
    assert any(each.rule == "same_amount" for each in found)


def test_what_is_dismissed_is_listed_only_where_it_is_asked_for(ledger: Ledger) -> None:
    one, two, *others = ledger.findings()
    ledger.review(one.id, decision="dismissed", reason="a campaign", actor="boss")
    ledger.review(two.id, decision="investigating", reason="odd", actor="boss")
    assert [each.id for each in paged(ledger, EVERYBODY, 2)] == [each.id for each in (two, *others)]
    for state, expected in (
        ("dismissed", [one]),
        ("investigating", [two]),
        ("open", others),
        ("confirmed", []),
    ):
        asked = paged(ledger, FindingFilter(state=state), 2)
        assert [each.id for each in asked] == [each.id for each in expected]
        assert {each.state for each in asked} <= {state}
    assert ledger.vouched().findings_open == len(others)


def test_what_was_dismissed_is_open_again_with_new_evidence(ledger: Ledger) -> None:
    found = next(each for each in ledger.findings() if "exactly 81" in each.why)
    ledger.review(found.id, decision="dismissed", reason="a campaign", actor="boss")
    assert ledger.count_findings(FindingFilter(state="dismissed")) == 1
    again = command("adjust", "again", quantity=81, actor="mallory", reason="parcel 99",
                    reference="order:99", effective_at=hours(-79.5))  # fmt: skip
    ledger.post([again], actor="setup", history=True)
    ledger.suspicious(since_last=True)
    (same,) = (each for each in ledger.findings() if each.id == found.id)
    assert len(same.transactions) == len(found.transactions) + 1
    assert ledger.count_findings(FindingFilter(state="dismissed")) == 0
    assert same in paged(ledger, FindingFilter(state="open"), 2)


def test_the_catalogue_is_paged_and_filtered(ledger: Ledger) -> None:
    everything = [*ledger.products(), *ledger.entitlements()]
    for limit in (1, 3, 100):
        rows: list[object] = []
        after = None
        while True:
            page = ledger.catalogue(CatalogueFilter(), after=after, limit=limit)
            rows += page.rows
            after = page.next_after
            if after is None:
                break
        assert rows == everything
    assert ledger.count_catalogue(CatalogueFilter()) == len(everything)


def test_the_catalogue_is_found_by_code_name_description_kind_and_status(ledger: Ledger) -> None:
    products, entitlements = ledger.products(), ledger.entitlements()
    everything: list[CatalogueRow] = [*products, *entitlements]
    described = next(each for each in entitlements if each.description)
    for only, expected in (
        (CatalogueFilter(kind="product"), products),
        (CatalogueFilter(kind="points"), [e for e in entitlements if e.kind == "points"]),
        (CatalogueFilter(status="retired"),
         [e for e in everything if e.status == "retired"]),
        (CatalogueFilter(text=products[0].name.upper()),
         [e for e in everything if products[0].name.lower() in e.name.lower()]),
        (CatalogueFilter(kind="product", text=products[1].code), [products[1]]),
        (CatalogueFilter(text="NACHSTE karten"), [described]),
        (CatalogueFilter(text="no such thing"), []),
    ):  # fmt: skip
        assert list(ledger.catalogue(only, limit=100).rows) == expected, only
        assert ledger.count_catalogue(only) == len(expected)
