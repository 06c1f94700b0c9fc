"""A forgotten customer's name is gone from the file, and everything recorded still verifies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import command, entl, new_store, one_line, post, write_feeds

NAME, MAIL, SUBJECT = "Zenobia Quillfeather", "zenobia@example.org", "My Quillfeather order is late"


@pytest.fixture
def store(tmp_path: Path) -> str:
    store = new_store(tmp_path)
    folder = _feeds(tmp_path / "more")
    assert entl("import", str(folder), store=store).returncode == 0
    post(store, [command("issue", "a", customer="Z1", quantity=7)])
    return store


def _feeds(folder: Path) -> Path:
    write_feeds(folder)
    rows = "".join(f"F{n},Filler Person {n},f{n}@example.com,s,active,\n" for n in range(3000))
    (folder / "customers.csv").write_text(
        f"id,name,email,segment,status,created_at\n{rows}"
        f"Z1,{NAME},{MAIL},plus,active,2025-01-01T00:00:00Z\n",
        "utf-8",
    )
    (folder / "tickets.csv").write_text(
        "id,customer,status,subject,opened_at,closed_at\n"
        f"T-1,Z1,open,{SUBJECT},2026-01-01T00:00:00Z,\n"
        "T-2,F1,open,Hello,2026-01-01T00:00:00Z,\n",
        "utf-8",
    )
    return folder


def bytes_of(store: str) -> bytes:
    files = [Path(store), Path(store + ".wal"), Path(store + ".witness")]
    return b"".join(file.read_bytes() for file in files if file.exists())


def verified(store: str) -> bool:
    return entl("verify", store=store).returncode == 0


def test_name_mail_and_subject_are_gone_and_what_was_recorded_is_not(store: str) -> None:
    assert b"Quillfeather" in bytes_of(store)
    before = entl("show", "a", "--json", store=store).stdout
    assert entl("forget", "Z1", "--reason", "asked for", "--actor", "dana",
                store=store).returncode == 0  # fmt: skip
    for told in (NAME, MAIL, SUBJECT, "Quillfeather", "zenobia"):
        assert told.encode() not in bytes_of(store)
    assert verified(store)
    assert entl("check", store=store).returncode == 0
    assert entl("show", "a", "--json", store=store).stdout == before
    assert json.loads(entl("balance", "--customer", "Z1", "--json", store=store).stdout)[0][
        "available"
    ] == 7  # fmt: skip


def test_a_later_import_leaves_a_forgotten_customer_blank(store: str, tmp_path: Path) -> None:
    assert entl("forget", "Z1", "--reason", "asked for", store=store).returncode == 0
    assert entl("import", str(_feeds(tmp_path / "again")), store=store).returncode == 0
    assert b"Quillfeather" not in bytes_of(store)
    assert verified(store)


def test_what_cannot_be_forgotten_is_said_in_one_line(store: str) -> None:
    nobody = entl("forget", "Z9", "--reason", "x", store=store)
    assert nobody.returncode == 2
    assert "no customer 'Z9'" in one_line(nobody.stderr)
    blank = entl("forget", "Z1", "--reason", " ", store=store)
    assert blank.returncode == 2
    assert "say why" in one_line(blank.stderr)
    assert entl("forget", "Z1", "--reason", "x", store=store).returncode == 0
    again = entl("forget", "Z1", "--reason", "x", store=store)
    assert again.returncode == 2
    assert "forgotten already" in one_line(again.stderr)
