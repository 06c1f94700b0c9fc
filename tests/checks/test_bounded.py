"""Checks that keep what they read in memory keep so much of it, and say the same."""

from __future__ import annotations

import hashlib
import json
from functools import partial

import duckdb
import pytest

from entitlement_ledger.bench.detection import planted_year
from entitlement_ledger.checks import telling
from entitlement_ledger.checks.replaying import decisions
from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.commands import Line
from entitlement_ledger.domain.events import TransactionEvent, decode_event
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.store.journal import last, read_rows

ALL = 1_000_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A year in which outcomes of some customers were altered, and postings of others."""
    folder = tmp_path_factory.mktemp("bounded")
    year = planted_year(7, folder / "year")
    lines: list[Line] = [json.loads(line) for line in year.read_text("utf-8").splitlines()]
    store = str(folder / "ledger.duckdb")
    Ledger.create(store)
    with Ledger.open(store) as ledger:
        ledger.import_files([year.parent], actor="sample")
        ledger.post(lines[:3000], actor="sample", history=True)
    with duckdb.connect(store) as connection:
        rows = connection.execute(
            "SELECT sequence, body FROM live_journal WHERE sequence % 97 = 0"
        ).fetchall()
        altered = 0
        for sequence, body in rows:
            event = decode_event(body)
            if isinstance(event, TransactionEvent) and event.status.value == "completed":
                changed = body.replace(b'"code":null', b'"code":"invalid_time"', 1)
                leaf = hashlib.sha256(b"\x00" + changed).digest()
                connection.execute(
                    "UPDATE live_journal SET body = ?, hash = ? WHERE sequence = ?",
                    [changed, leaf, sequence],
                )
                altered += changed != body
        assert altered > 10
        connection.execute(
            "UPDATE live_postings SET quantity = quantity - 1 "
            "WHERE account = 'available' AND sequence % 89 = 0"
        )
    return store


def test_deciding_again_for_some_customers_at_a_time_finds_the_same(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 0

    def taken(book: Book, event: TransactionEvent) -> None:
        nonlocal most
        take(book, event)
        most = max(most, len(book.originals))

    take = Book.take
    monkeypatch.setattr(Book, "take", taken)
    with Ledger.open(store, read_only=True) as ledger, ledger._read() as connection:
        read, events = partial(read_rows, connection), last(connection)[0]
        at_once = list(decisions(read, events, ALL))
        in_memory, most = most, 0
        in_parts = list(decisions(read, events, 500))
    assert len(at_once) > 10
    assert in_parts == at_once
    assert most < 800 < in_memory


def test_what_was_told_is_put_aside_and_compared_alike(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.open(store, read_only=True) as ledger, ledger._read() as connection:
        at_once = list(telling.told_balances(connection, ALL))
        monkeypatch.setattr(telling, "_FAULTS_AT_ONCE", 3)
        monkeypatch.setattr("entitlement_ledger.store.journal.CHUNK_ROWS", 100)
        parts = [len(told) for told in telling._last_told(connection, 50)]
        in_parts = list(telling.told_balances(connection, 50))
    assert len(at_once) > 10
    assert len(parts) > 3 and max(parts) < 50 + 200
    assert in_parts == at_once
