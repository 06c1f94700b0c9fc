"""import: files told by name; a bad row is named, and nothing of its file is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from support import CUSTOMERS as KNOWN
from support import ENTITLEMENTS, PROJECT, command, entl, new_store, post, write_feeds

from entitlement_ledger.ledger import Ledger

CUSTOMERS = "id,name,email,segment,status,created_at\n"


@pytest.fixture
def store(tmp_path: Path) -> str:
    return new_store(tmp_path)


def test_the_sample_company_is_imported_whole(tmp_path: Path) -> None:
    store = tmp_path / "sample.duckdb"
    assert entl("init", store=store).returncode == 0
    done = entl("import", str(PROJECT / "sample_data"), "--json", store=store)
    assert done.returncode == 0, done.stderr
    rows = {each["table"]: each["rows"] for each in json.loads(done.stdout)}
    assert rows["customers"] == 61
    assert rows["entitlements"] == 12
    assert rows["products"] == 8
    assert {"tickets", "billing"} <= set(rows)


def test_the_same_file_again_changes_nothing(store: str, tmp_path: Path) -> None:
    folder = write_feeds(tmp_path / "again")
    loaded = json.loads(entl("import", str(folder), "--json", store=store).stdout)
    assert {(each["added"], each["changed"]) for each in loaded} == {(0, 0)}


def test_what_cannot_be_renewed_is_told_and_ends_with_1(store: str, tmp_path: Path) -> None:
    line = {"entitlement": "PTS", "quantity": 2**63 - 1, "valid_for": None, "priority": 1,
            "category": "paid", "rollover_max": None}  # fmt: skip
    product = {"code": "HUGE", "name": "Huge", "tier": 1, "period": "P1M", "lines": [line]}
    (tmp_path / "products.json").write_text(json.dumps([product]))
    assert entl("import", str(tmp_path / "products.json"), store=store).returncode == 0
    post(store, [command("purchase", "p", product="HUGE")])
    assert entl("run-due", store=store).returncode == 0
    done = entl("run-due", "--now", "2999-01-01T00:00:00Z", store=store)
    assert done.returncode == 1
    assert "1 stuck: C1: what is due would pass 64 bits" in done.stderr


def test_of_a_feed_what_is_new_and_what_is_changed_is_counted(store: str, tmp_path: Path) -> None:
    file = tmp_path / "tickets.csv"

    def counted(*rows: str) -> tuple[int, int]:
        file.write_text("\n".join(["id,customer,status,subject,opened_at,closed_at", *rows]))
        (loaded,) = json.loads(entl("import", str(file), "--json", store=store).stdout)
        return loaded["added"], loaded["changed"]

    one, two = (f"T{n},C1,open,lost,2026-03-01T00:00:00Z," for n in (1, 2))
    assert counted(one) == (1, 0)
    assert counted(one) == (0, 0)
    assert counted(one.replace("lost", "found"), two) == (1, 1)


def test_a_change_is_an_event_without_personal_data(store: str, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "customers.csv").write_text(
        CUSTOMERS + "C1,Secret Name,secret@example.com,gold,suspended,2025-01-01T00:00:00Z\n"
    )
    assert entl("import", str(folder), store=store).returncode == 0
    (refused,) = post(store, [command("consume", "a", quantity=1)])
    assert refused["code"] == "customer_suspended"
    with duckdb.connect(store, read_only=True) as connection:
        bodies = b"".join(
            row[0] for row in connection.execute("SELECT body FROM journal").fetchall()
        )
    assert b'"suspended"' in bodies
    assert b"Secret" not in bodies
    assert b"secret@" not in bodies


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("customers.csv", CUSTOMERS + "X1,n,e,s,active,\nX2,n,e,s,asleep,\n",
         "line 3, column status"),
        ("customers.csv", CUSTOMERS + ",n,e,s,active,\n", "line 2, column id"),
        ("customers.csv", CUSTOMERS + f"{'x' * 65},n,e,s,active,\n", "line 2, column id"),
        ("customers.csv", CUSTOMERS + "X1,n,e,s,active,2026-01-01\n", "column created_at"),
        ("customers.csv", CUSTOMERS + "X1,n,e\n", "line 2"),
        ("customers.csv", CUSTOMERS + "X1,n,e,s,active,\nX1,n,e,s,active,\n", "line 3"),
        ("customers.csv", "id,name\nX1,n\n", "email"),
        ("customers.csv", "", "customers.csv"),
        ("entitlements.csv",
         "code,name,description,kind,unit,scale,resources,status\nX,n,,gold,u,0,,active\n",
         "line 2, column kind"),
        ("entitlements.csv",
         "code,name,description,kind,unit,scale,resources,status\nX,n,,points,u,1.5,,active\n",
         "line 2, column scale"),
        ("products.json", '[{"code":"P","name":"n","tier":1,"period":"1 month","lines":[]}]',
         "period"),
        ("products.json", '[{"code":"P","name":"n","tier":1.5,"period":null,"lines":[]}]', "tier"),
        ("products.json", "[", "products.json"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_and_nothing_is_loaded(
    store: str, tmp_path: Path, name: str, content: str, says: str
) -> None:
    file = tmp_path / name
    file.write_text(content, "utf-8")
    done = entl("import", str(file), store=store)
    assert done.returncode == 2
    assert says in done.stderr
    assert "nothing loaded" in done.stderr
    assert "Traceback" not in done.stderr
    with Ledger.open(store) as ledger:
        assert {row.id for row in ledger.customers()} == set(KNOWN)
        assert {row.code for row in ledger.entitlements()} == set(ENTITLEMENTS)


def test_a_file_that_is_no_feed_is_refused(store: str, tmp_path: Path) -> None:
    file = tmp_path / "holidays.csv"
    file.write_text("a,b\n")
    done = entl("import", str(file), store=store)
    assert done.returncode == 2
    assert "holidays.csv" in done.stderr


def test_byte_order_mark_and_carriage_returns_are_read(store: str, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_bytes(
        b"\xef\xbb\xbf" + CUSTOMERS.replace("\n", "\r\n").encode() + b'X9,"a\r\nb",e,s,active,\r\n'
    )
    done = entl("import", str(file), store=store)
    assert done.returncode == 0, done.stderr
    with Ledger.open(store) as ledger:
        assert ledger.customer("X9").name == "a\r\nb"


MAPPING = """
ignore = "*"
[columns]
id = "Account"
[values.status]
"LIVE" = "active"
[defaults]
email = ""
segment = "retail"
created_at = ""
"""


def test_a_file_of_another_system_is_imported_through_a_mapping(store: str, tmp_path: Path) -> None:
    mapping, file = tmp_path / "crm.toml", tmp_path / "customers-crm.tsv"
    mapping.write_text(MAPPING)
    file.write_text("Account\tname\tOwner\tstatus\nX7\tAnn\tBob\tLIVE\nX8\tCat\tBob\tDEAD\n")
    done = entl("import", "--mapping", str(mapping), str(file), store=store)
    assert done.returncode == 2
    assert f"{file}, line 3, column status: must be one of active" in done.stderr
    file.write_text(file.read_text().replace("DEAD", "LIVE"))
    done = entl("import", "--mapping", str(mapping), str(file), store=store)
    assert done.returncode == 0, done.stderr
    with Ledger.open(store) as ledger:
        assert ledger.customer("X8").segment == "retail"


def test_a_mapping_is_of_one_file(store: str, tmp_path: Path) -> None:
    mapping = tmp_path / "crm.toml"
    mapping.write_text(MAPPING)
    folder = write_feeds(tmp_path / "several")
    done = entl("import", "--mapping", str(mapping), str(folder), store=store)
    assert done.returncode == 2
    assert "is the mapping of one file" in done.stderr
    assert done.stderr.count("\n") == 1
