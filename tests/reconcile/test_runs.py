"""Runs: shown again as they were, compared with the one before, and vouched for by the journal."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from billing_support import ledger_with, reconciled, sold, told, write
from support import START, HandClock, command, hours, new_store

from entitlement_ledger.domain.instants import HOUR
from entitlement_ledger.domain.policy import ApprovalRule
from entitlement_ledger.errors import Cancelled, InputError
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.reconcile import running
from entitlement_ledger.reconciliations import Against
from entitlement_ledger.reports.parameters import Parameters
from entitlement_ledger.store.tables import metadata

ONE = command("issue", "a", quantity=10, effective_at=hours(0), reference="invoice:I1")
COLUMNS = [
    (name, column.name)
    for name in ("feed_lines", "discrepancies")
    for column in metadata.tables[name].columns
]


def test_a_run_is_compared_with_the_one_before_and_shown_as_it_was(tmp_path: Path) -> None:
    with ledger_with(tmp_path, [ONE]) as ledger:
        path = write(tmp_path / "b.csv", [sold("I1"), sold("I2", 3), sold("I3", 4)])
        first, found = reconciled(ledger, path)
        assert (first.new, first.ageing, first.resolved, first.previous) == (2, 0, 0, None)
        (settled,) = [each for each in found if each.reference == "invoice:I2"]
        (outcome,) = ledger.post([settled.proposal or {}], actor="fin")
        assert outcome.code is None
        path = write(path, [sold("I1"), sold("I2", 3), sold("I3", 4), sold("I4", 5)])
        second, later = reconciled(ledger, path)
        assert (second.new, second.ageing, second.resolved, second.previous) == (1, 1, 1, 1)
        assert [each.id for each in ledger.all_resolved(second)] == [settled.id]
        ages = {each.reference: each.first_run for each in later}
        assert ages == {"invoice:I3": 1, "invoice:I4": 2}
        other, _ = reconciled(ledger, path, since=START)
        assert other.previous is None, "of another period"
        assert ledger.run(1) == first
        assert list(ledger.all_discrepancies(1)) == found


def test_what_was_resolved_comes_in_pages_like_the_rest(tmp_path: Path) -> None:
    with ledger_with(tmp_path, [ONE]) as ledger:
        wrong = [sold(f"I{number}", number) for number in range(2, 7)]
        _, found = reconciled(ledger, write(tmp_path / "b.csv", [sold("I1"), *wrong]))
        run, _ = reconciled(ledger, write(tmp_path / "b.csv", [sold("I1")]))
        some, after = ledger.resolved(run, limit=3)
        assert after is not None
        rest, end = ledger.resolved(run, after=after, limit=3)
        assert [*some, *rest] == found == list(ledger.all_resolved(run))
        assert end is None
        assert run.resolved == len(found) == 5


def test_a_run_tells_how_far_it_is_in_reading_and_in_matching(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_LOOKED_AT_ONCE", 1)
    told: list[float] = []
    with ledger_with(tmp_path, [ONE]) as ledger:
        wrong = [sold(f"I{number}", number, customer=f"C{number}") for number in range(2, 7)]
        file = write(tmp_path / "b.csv", [sold("I1"), *wrong])
        reconciled(ledger, file, progress=lambda done, total: told.append(done / total))
    matching = [share for share in told if share > 0.5]
    assert told == sorted(told)
    assert len(set(matching)) == 4, "once a customer, before it is looked at"
    assert 0.5 in told


def test_a_proposal_is_posted_once_however_often_it_is_told(tmp_path: Path) -> None:
    with ledger_with(tmp_path, [ONE]) as ledger:
        path = write(tmp_path / "b.csv", [sold("I1"), sold("I2", 3)])
        proposals = [reconciled(ledger, path)[1][0].proposal or {} for _ in range(2)]
        assert proposals[0] == proposals[1]
        outcomes = ledger.post(proposals, actor="fin")
        assert [each.duplicate for each in outcomes] == [False, True]
        assert ledger.balances("C1", "PTS")[0].available == 13
        assert reconciled(ledger, path)[1] == []


def test_a_proposal_gives_what_the_product_gives(tmp_path: Path) -> None:
    with ledger_with(tmp_path, [ONE]) as ledger:
        lines = [sold("I1"), sold("I2", 5, product="BASIC"), sold("I3", 3, entitlement="CRD")]
        _, found = reconciled(ledger, write(tmp_path / "b.csv", lines))
        proposals = {each.reference: each.proposal for each in found}
        by_product = proposals["invoice:I2"]
        assert by_product is not None
        assert by_product["expires_at"] == hours(24)
        assert by_product["effective_at"] == hours(0)
        assert (by_product["priority"], by_product["category"]) == (100, "paid")
        assert "expires_at" not in (proposals["invoice:I3"] or {"expires_at": 1})


def _proposal(ledger: Ledger, path: Path) -> dict[str, Any]:
    """Give the proposal of the only discrepancy that there is."""
    _, (found,) = reconciled(ledger, path)
    assert found.proposal is not None
    return found.proposal


def test_a_proposal_that_was_refused_is_made_anew(tmp_path: Path) -> None:
    spent = command("consume", "c", quantity=8, effective_at=hours(1))
    with ledger_with(tmp_path, [ONE]) as ledger:
        path = write(tmp_path / "b.csv", [sold("I1", status="void")])
        first = _proposal(ledger, path)
        # Somebody spends what was to be taken back, and it is given back after that.
        assert ledger.post([spent, first], actor="fin")[1].code == "insufficient_balance"
        back = command("reverse", "r", transaction="c", effective_at=hours(2), reason="x")
        assert ledger.post([back], actor="fin")[0].code is None
        second = _proposal(ledger, path)
        assert second["key"] != first["key"]
        assert ledger.post([second], actor="fin")[0].code is None
        assert reconciled(ledger, path)[1] == []


def test_what_is_settled_in_part_is_settled_by_the_next_proposal(tmp_path: Path) -> None:
    other = {**ONE, "key": "b", "quantity": 7}
    with ledger_with(tmp_path, [ONE, other]) as ledger:
        path = write(tmp_path / "b.csv", [sold("I1", 4)])
        for _ in range(2):
            assert ledger.post([_proposal(ledger, path)], actor="fin")[0].code is None
        assert reconciled(ledger, path)[1] == []
        assert ledger.balances("C1", "PTS")[0].available == 4


def test_a_proposal_that_waits_for_approval_keeps_its_key(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    rule = ApprovalRule(frozenset({"issue"}))
    with Ledger.open(store, clock=HandClock(START + HOUR), approvals=[rule]) as ledger:
        path = write(tmp_path / "b.csv", [sold("I1")])
        first = _proposal(ledger, path)
        assert ledger.post([first], actor="fin")[0].status == "pending"
        assert _proposal(ledger, path) == first
        no = command("reject", "n", transaction=first["key"], reason="not yet")
        assert ledger.post([no], actor="bob")[0].code is None
        again = _proposal(ledger, path)
        assert again["key"] != first["key"]
        assert ledger.post([again], actor="fin")[0].status == "pending"
        yes = command("approve", "y", transaction=again["key"], reason="seen")
        assert ledger.post([yes], actor="bob")[0].code is None
        assert reconciled(ledger, path)[1] == []


def test_a_proposal_has_one_key_whatever_the_period_it_was_found_in(tmp_path: Path) -> None:
    with ledger_with(tmp_path, [ONE]) as ledger:
        path = write(tmp_path / "b.csv", [sold("I1"), sold("I2", 3)])
        _, (of_all_time,) = reconciled(ledger, path)
        _, (of_a_period,) = reconciled(ledger, path, since=START)
        assert of_all_time.proposal == of_a_period.proposal


UNSETTLED = {
    "of somebody who is not known": (sold("I2", customer="NO"), "no such customer here"),
    "of somebody whose account is closed": (sold("I2", customer="SHUT"), "the customer is closed"),
    "of an entitlement that is not known": (sold("I2", entitlement="NO"), "no such entitlement"),
    "of an entitlement that is retired": (sold("I2", entitlement="OLD"), "entitlement is retired"),
    "of a product that is not known": (
        sold("I2", 1, product="NO", entitlement=""),
        "no such product",
    ),
    "of a product that is retired": (
        sold("I2", 1, product="GONE", entitlement=""),
        "product is retired",
    ),
    "of nothing": (sold("I2", 1, entitlement=""), "1 sold, and no transaction gives it; it names"),
}


@pytest.mark.parametrize("case", UNSETTLED)
def test_nothing_is_proposed_that_would_be_refused(tmp_path: Path, case: str) -> None:
    line, why = UNSETTLED[case]
    with ledger_with(tmp_path, [ONE]) as ledger:
        _, (found,) = reconciled(ledger, write(tmp_path / "b.csv", [sold("I1"), line]))
        assert (found.class_, found.proposal) == ("missing_here", None)
        assert why in found.why


LAST = 69897198
"""Hours from the start to the last day that there is."""
BASIC: dict[str, Any] = {"product": "BASIC", "entitlement": ""}
FOR_AN_ORDER = command("purchase", "p", product="BASIC", effective_at=hours(4), reference="order:1")
ENDED = command("cancel", "x", product="BASIC", effective_at=hours(6))


@pytest.mark.parametrize(
    ("commands", "line", "why"),
    [
        ([FOR_AN_ORDER], sold("I2", 1, at=5, **BASIC), "subscribed to BASIC already, since"),
        ([FOR_AN_ORDER], sold("I2", 1, at=3, **BASIC), "subscribed to BASIC already, since"),
        ([FOR_AN_ORDER, ENDED], sold("I2", 1, at=5, **BASIC), "subscribed to BASIC already"),
        ([FOR_AN_ORDER, ENDED], sold("I2", 1, at=7, **BASIC), None),
        ([FOR_AN_ORDER], sold("I2", 1, at=5, customer="C2", **BASIC), None),
        ([], sold("I2", 3, **BASIC), "a product is bought once"),
        ([], sold("I2", 1, product="WORN", entitlement=""), "gives OLD, which is retired"),
        ([], sold("I2", 1, at=LAST, **BASIC), "outside the years 0001 to 9999"),
        ([], sold("I2", 5, at=LAST, product="BASIC"), "outside the years 0001 to 9999"),
        ([], sold("I" * 512), "too long for a reference"),
        ([], sold("I" * 504), None),
    ],
)
def test_a_proposal_is_one_that_is_not_refused(
    tmp_path: Path, commands: list[dict[str, Any]], line: str, why: str | None
) -> None:
    with ledger_with(tmp_path, [ONE, *commands]) as ledger:
        worn = {"entitlement": "OLD", "quantity": 1, "valid_for": None}
        product = {"code": "WORN", "name": "Worn", "tier": 1, "period": None, "lines": [worn]}
        (tmp_path / "products.json").write_text(json.dumps([product]), "utf-8")
        ledger.import_files([tmp_path / "products.json"], actor="fin")
        _, (found,) = reconciled(ledger, write(tmp_path / "b.csv", [sold("I1"), line]))
        assert (found.class_, found.proposal is None) == ("missing_here", why is not None)
        assert (why or "") in found.why
        if found.proposal is not None:
            assert ledger.post([found.proposal], actor="fin")[0].code is None


def test_a_product_is_proposed_once_to_a_customer(tmp_path: Path) -> None:
    with ledger_with(tmp_path, [ONE]) as ledger:
        lines = [sold("I1"), sold("I2", 1, at=9, **BASIC), sold("I3", 1, at=8, **BASIC)]
        _, found = reconciled(ledger, write(tmp_path / "b.csv", lines))
        first, second = sorted(found, key=lambda each: each.proposal is None)
        assert first.reference == "invoice:I3", "the earliest"
        assert second.proposal is None
        assert "is to buy BASIC for invoice:I3, and only once" in second.why
        assert ledger.post([first.proposal or {}], actor="fin")[0].code is None
        _, (left,) = reconciled(ledger, write(tmp_path / "b.csv", lines))
        assert left.id == second.id
        assert "subscribed to BASIC already" in left.why


BOUGHT = command("purchase", "p", product="BASIC", reference="invoice:I2", effective_at=hours(0))
FOR_LIFE = {**BOUGHT, "product": "LIFE"}
SPENT = command("consume", "c", quantity=1, effective_at=hours(1))
RENEWED = command("renew", "r", product="BASIC", reference="invoice:I3", effective_at=hours(23))


@pytest.mark.parametrize(
    ("commands", "taken_back"),
    [
        ([FOR_LIFE], True),
        ([FOR_LIFE, SPENT], False),
        ([BOUGHT], False),
        ([BOUGHT, RENEWED], False),
    ],
)
def test_only_a_purchase_that_is_untouched_is_proposed_to_be_taken_back(
    tmp_path: Path, commands: list[dict[str, Any]], taken_back: bool
) -> None:
    with ledger_with(tmp_path, commands) as ledger:
        lines = [sold("I2", 1, product="BASIC", entitlement="")] if RENEWED in commands else []
        _, (found,) = reconciled(ledger, write(tmp_path / "b.csv", lines))
        assert found.class_ == "missing_there"
        assert (found.proposal is not None) == taken_back
        against = "taken back whole" if RENEWED not in commands else "renew is not reversed"
        assert (against in found.why) != taken_back
        if found.proposal is not None:
            assert ledger.post([found.proposal], actor="fin")[0].code is None


def test_what_has_expired_is_not_proposed_to_be_taken_back(tmp_path: Path) -> None:
    with ledger_with(tmp_path, [{**ONE, "expires_at": hours(5)}]) as ledger:
        _, (found,) = reconciled(ledger, write(tmp_path / "b.csv", []))
        assert (found.class_, found.proposal) == ("missing_there", None)


def test_a_purchase_is_not_taken_back_for_one_of_its_parts(tmp_path: Path) -> None:
    with ledger_with(tmp_path, [{**BOUGHT, "reference": "invoice:I2-1"}]) as ledger:
        lines = [
            sold("I2-1", 5, product="BASIC", status="refunded"),
            sold("I2-2", 3, product="BASIC", entitlement="CRD"),
        ]
        _, found = reconciled(ledger, write(tmp_path / "b.csv", lines))
        assert {each.reference: each.proposal for each in found}["invoice:I2-1"] is None


def test_a_refunded_product_whose_subscription_was_ended_agrees(tmp_path: Path) -> None:
    ended = command("cancel", "x", product="BASIC", effective_at=hours(1))
    with ledger_with(tmp_path, [BOUGHT, ended]) as ledger:
        line = sold("I2", 1, product="BASIC", entitlement="", status="refunded")
        run, found = reconciled(ledger, write(tmp_path / "b.csv", [line]))
        assert (run.matched, found) == (1, [])


def test_what_is_given_now_for_a_closed_period_lasts_from_now(tmp_path: Path) -> None:
    with ledger_with(tmp_path, [ONE]) as ledger:
        ledger.archive(START + 48 * HOUR, actor="fin", reason="closed")
        lines = [sold("I1"), sold("I2", 5, product="BASIC")]
        path = write(tmp_path / "b.csv", lines)
        proposal = _proposal(ledger, path)
        assert "effective_at" not in proposal
        assert ledger.post([proposal], actor="fin")[0].code is None
        assert ledger.balances("C1", "PTS")[0].available == 15


def test_what_has_been_spent_is_not_proposed_to_be_taken_back(tmp_path: Path) -> None:
    spent = command("consume", "c", quantity=8, effective_at=hours(1))
    with ledger_with(tmp_path, [ONE, spent]) as ledger:
        _, (found,) = reconciled(ledger, write(tmp_path / "b.csv", [sold("I1", status="void")]))
        assert found.proposal is not None
        assert found.proposal["quantity"] == 2
        (outcome,) = ledger.post([found.proposal], actor="fin")
        assert outcome.code is None
        _, (left,) = reconciled(ledger, write(tmp_path / "b.csv", [sold("I1", status="void")]))
        assert (left.ours, left.proposal) == (8, None)
        assert left.why.endswith("; nothing of it is left to take back")


def test_a_file_that_is_stopped_or_bad_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(_done: int, _total: int) -> None:
        raise Cancelled("stopped")

    with ledger_with(tmp_path, [ONE]) as ledger:
        path = write(tmp_path / "b.csv", [sold("I1"), sold("I2", 3)])
        with pytest.raises(Cancelled):
            reconciled(ledger, path, progress=stop)
        bad = write(tmp_path / "bad.csv", [sold("I1"), sold("I2", "x"), sold("", 3)])
        with pytest.raises(InputError, match="line 3, column quantity") as told_all:
            reconciled(ledger, bad)
        assert len(told_all.value.problems) == 2  # type: ignore[attr-defined]
        assert ledger.runs() == []
        events = ledger.status().events
    with duckdb.connect(str(ledger.path)) as database:
        assert database.execute("SELECT count(*) FROM feed_lines").fetchall() == [(0,)]
        assert database.execute("SELECT max(sequence) FROM journal").fetchall() == [(events,)]


def test_a_mapping_names_the_columns_of_others(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(
        'ignore = ["Comment"]\n[columns]\ninvoice_line = "Item"\nquantity = "Qty"\n'
        'customer = "Buyer"\nentitlement = "Right"\nstatus = "State"\ninvoiced_at = "When"\n'
        '[values.status]\nPAID = "paid"\n',
        "utf-8",
    )
    path = tmp_path / "theirs.csv"
    path.write_text(
        f'Item;Buyer;Right;Qty;State;When;Comment\nI1;C1;PTS;10;PAID;{hours(0)};"a;b"\n', "utf-8"
    )
    with ledger_with(tmp_path, [ONE]) as ledger:
        run, found = reconciled(ledger, path, mapping=mapping)
        assert (run.matched, found) == (1, [])


def test_customers_are_compared_by_id_status_and_segment(tmp_path: Path) -> None:
    rows = (
        "id,name,email,segment,status,created_at\n"
        "C1,X,x@example.com,plus,active,\n"
        "C2,X,x@example.com,basic,active,\n"
        "SUSP,X,x@example.com,plus,closed,\n"
        "NEW,X,x@example.com,plus,active,\n"
        "NEW,X,x@example.com,plus,active,\n"
    )
    path = tmp_path / "cam.csv"
    path.write_text(rows, "utf-8")
    with ledger_with(tmp_path, [ONE]) as ledger:
        run, found = reconciled(ledger, path, Against.CAM)
        assert told(found) == [
            ("amount", "customer:C2", "plus", "basic"),
            ("amount", "customer:SUSP", "suspended", "closed"),
            ("duplicate", "customer:NEW", None, "active"),
            ("missing_here", "customer:NEW", None, "active"),
            ("missing_there", "customer:SHUT", "closed", None),
        ]
        assert run.matched == 1
    with duckdb.connect(str(ledger.path)) as database:
        kept = database.execute("SELECT * FROM feed_lines").fetchall()
        assert not any("example.com" in str(row) for row in kept), "no personal data is kept"


def test_an_empty_segment_is_another_and_a_lacking_column_is_none(tmp_path: Path) -> None:
    statuses = {"C1": "active", "C2": "active", "SUSP": "suspended", "SHUT": "closed"}
    with ledger_with(tmp_path, [ONE]) as ledger:
        for header, segments, unlike in (
            ("id,status,segment", {"C1": "", "C2": "=plus"}, ["C1", "C2"]),
            ("id,status", {}, []),
        ):
            rows = [
                f"{name},{status}" + (f",{segments.get(name, 'plus')}" if segments else "")
                for name, status in statuses.items()
            ]
            path = tmp_path / "cam.csv"
            path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
            _, found = reconciled(ledger, path, Against.CAM)
            assert [row[1:] for row in told(found)] == [
                (f"customer:{name}", "plus", segments[name]) for name in unlike
            ]


def test_entitlements_are_compared_field_by_field(tmp_path: Path) -> None:
    with ledger_with(tmp_path, [ONE]) as ledger:
        told_here = (tmp_path / "feeds" / "entitlements.csv").read_text("utf-8")
        path = tmp_path / "entitlements.csv"
        path.write_text(told_here.replace("PTS,Pts,,", "PTS,Points,what parcels give,"), "utf-8")
        _, found = reconciled(ledger, path, Against.CATALOG)
        assert told(found) == [
            ("amount", "entitlement:PTS", "", "what parcels give"),
            ("amount", "entitlement:PTS", "Pts", "Points"),
        ]
        lines = [line.split(",") for line in told_here.splitlines()]
        path.write_text("\n".join(",".join([a, *rest]) for a, _, _, *rest in lines), "utf-8")
        _, found = reconciled(ledger, path, Against.CATALOG)
        assert found == []


def test_products_are_compared_line_by_line_and_grants_with_them(tmp_path: Path) -> None:
    commands = [
        command("purchase", "p", product="BASIC", effective_at=hours(0)),
        command("purchase", "q", product="LIFE", effective_at=hours(0)),
    ]
    with ledger_with(tmp_path, commands) as ledger:
        products = json.loads((tmp_path / "feeds" / "products.json").read_text("utf-8"))
        by_code = {each["code"]: each for each in products}
        by_code["BASIC"]["lines"][0]["quantity"] = 4
        by_code["PLUS"]["tier"] = 7
        del by_code["LIFE"]
        by_code["EXTRA"] = {**by_code["BASIC"], "code": "EXTRA"}
        path = tmp_path / "extract.json"
        path.write_text(json.dumps([*by_code.values(), by_code["PLUS"]]), "utf-8")
        run, found = reconciled(ledger, path, Against.CATALOG)
        assert told(found) == [
            ("amount", "product:BASIC/PTS", 5, 4),
            ("amount", "product:PLUS", 2, 7),
            ("duplicate", "product:PLUS", None, 9),
            ("missing_here", "product:EXTRA/CRD", None, 3),
            ("missing_here", "product:EXTRA/PTS", None, 4),
            ("missing_there", "product:BASIC/PTS", 5, 4),
            ("missing_there", "product:LIFE/FEA", 1, None),
            ("missing_there", "product:LIFE/FEA", 1, None),
            ("missing_there", "product:LIFE/PTS", 7, None),
            ("missing_there", "product:LIFE/PTS", 7, None),
        ]
        assert run.matched == 2, "BASIC/CRD and GONE, which gives nothing"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    with ledger_with(folder, [ONE]) as ledger:
        lines = [sold("I1"), sold("I2", 5, product="BASIC"), sold("I3", 4)]
        _, found = reconciled(ledger, write(folder / "b.csv", lines))
        assert len(found) == 2
    return folder


def _faults(folder: Path) -> set[str]:
    path = str(folder / "ledger.duckdb")
    with Ledger.open(path, read_only=True, clock=HandClock(START + 20_000 * HOUR)) as ledger:
        return {each.name for each in ledger.verify() if not each.ok}


def _change(folder: Path, statement: str) -> None:
    with duckdb.connect(str(folder / "ledger.duckdb")) as database:
        database.execute(statement)


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_what_is_changed_afterwards_is_found(
    made: Path, tmp_path: Path, table: str, column: str
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(made, folder)
    kind = str(metadata.tables[table].columns[column].type)
    new = {
        "VARCHAR": f"""coalesce("{column}", '') || 'x'""",
        "BIGINT": f'coalesce("{column}", 0) + 5',
        "INTEGER": f'"{column}" + 5',
    }.get(kind, f"coalesce(\"{column}\", TIMESTAMP '2026-01-01') + INTERVAL 1 HOUR")
    ends = f'SELECT max(rowid) FROM "{table}"'
    _change(folder, f'UPDATE "{table}" SET "{column}" = {new} WHERE rowid = ({ends})')
    assert _faults(folder) == {"reconciliations"}


@pytest.mark.parametrize("table", ["feed_lines", "discrepancies"])
def test_a_row_taken_out_or_doubled_is_found(made: Path, tmp_path: Path, table: str) -> None:
    for number, statement in enumerate(
        (
            f'DELETE FROM "{table}" WHERE rowid = (SELECT max(rowid) FROM "{table}")',
            f'INSERT INTO "{table}" SELECT * FROM "{table}" LIMIT 1',
        )
    ):
        folder = tmp_path / str(number)
        shutil.copytree(made, folder)
        _change(folder, statement)
        assert _faults(folder) == {"reconciliations"}


def test_a_store_that_nobody_changed_is_well(made: Path) -> None:
    assert _faults(made) == set()


def test_a_run_is_printed_with_what_it_was_made_of_and_always_the_same(tmp_path: Path) -> None:
    with ledger_with(tmp_path, [ONE]) as ledger:
        path = write(tmp_path / "b.csv", [sold("I1"), sold("I2", 3), sold("I3", 4, at=9000)])
        run, _ = reconciled(ledger, path, since=START, until=START + 48 * HOUR)
        latest, later = tmp_path / "latest.html", tmp_path / "later.html"
        written = ledger.write_report("reconciliation", None, latest, actor="fin")
        assert (written.size, written.root) == (run.size, run.root)
        page = latest.read_text("utf-8")
        assert "<h1>Reconciliation: run 1</h1>" in page
        for name, said in (
            ("File", "b.csv"),
            ("Feed", run.feed.partition(":")[2]),
            ("Against", "billing"),
            ("From (is in)", hours(0)),
            ("Until (is out)", hours(48)),
            ("Lines", "3"),
            ("Outside", "1"),
            ("Matched", "1"),
            ("Missing here", "1"),
            ("Checkpoint root", run.root),
        ):
            assert f"<dt>{name}</dt><dd>{said}</dd>" in page
        ledger.post([command("issue", "z", quantity=1)], actor="fin")
        reconciled(ledger, path)
        ledger.write_report("reconciliation", Parameters(run=1), later, actor="fin")
        assert later.read_bytes() == latest.read_bytes()


def test_only_quantities_are_told_as_quantities_in_a_report(tmp_path: Path) -> None:
    rows = "id,name,email,segment,status,created_at\nC1,X,x@example.com,2024,active,\n"
    (path := tmp_path / "cam.csv").write_text(rows, "utf-8")
    with ledger_with(tmp_path, [ONE]) as ledger:
        products = json.loads((tmp_path / "feeds" / "products.json").read_text("utf-8"))
        products[0]["tier"], products[0]["lines"][0]["quantity"] = 7, 4
        (catalogue := tmp_path / "products.json").write_text(json.dumps(products), "utf-8")
        reconciled(ledger, path, Against.CAM)
        reconciled(ledger, write(tmp_path / "b.csv", [sold("I1", 12)]))
        reconciled(ledger, catalogue, Against.CATALOG)
        assert _sides(ledger, tmp_path, 1) == [(None, None, "plus", "2024")]
        assert _sides(ledger, tmp_path, 2) == [(10, 12, None, None)]
        assert _sides(ledger, tmp_path, 3) == [(None, None, "1", "7"), (5, 4, None, None)]


def _sides(ledger: Ledger, folder: Path, run: int) -> list[tuple[Any, ...]]:
    """Give what the report of a run says of both sides, where both know a thing."""
    file = folder / f"{run}-told.json"
    ledger.write_report("reconciliation", Parameters(run=run), file, actor="fin")
    names = ("ours_quantity", "theirs_quantity", "ours", "theirs")
    rows = json.loads(file.read_text("utf-8"))
    return [tuple(each[name] for name in names) for each in rows if each["class"] == "amount"]
