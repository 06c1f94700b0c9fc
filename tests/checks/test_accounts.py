"""An account below zero is found at every instant at which it was, whatever came before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entitlement_ledger.ledger import Ledger

Posting = tuple[int, str, int, int]
"""A grant, an account, a minute and a quantity."""

_postings = st.lists(
    st.tuples(
        st.integers(1, 2),
        st.sampled_from(["available", "held", "issuance"]),
        st.integers(0, 4),
        st.integers(-3, 3).filter(bool),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    store = str(tmp_path_factory.mktemp("accounts") / "ledger.duckdb")
    Ledger.create(store)
    with duckdb.connect(store) as connection:
        yield connection


def below_zero(postings: Sequence[Posting]) -> set[Posting]:
    """Add everything up, minute by minute."""
    found = set()
    of_accounts = sorted(each for each in postings if each[1] != "issuance")
    for (grant, account), moved in groupby(of_accounts, key=lambda each: each[:2]):
        there = 0
        for minute, at_once in groupby(moved, key=lambda each: each[2]):
            there += sum(quantity for *_, quantity in at_once)
            if there < 0:
                found.add((grant, account, minute, there))
    return found


@settings(max_examples=150, deadline=None)
@given(_postings)
def test_below_zero_is_found_as_by_adding_up(
    store: duckdb.DuckDBPyConnection, postings: list[Posting]
) -> None:
    with store.cursor() as connection:
        connection.execute("DELETE FROM live_postings")
        rows = [
            [place, str(grant), account, quantity, minute]
            for place, (grant, account, minute, quantity) in enumerate(postings)
        ]
        if rows:
            connection.executemany(
                'INSERT INTO live_postings (sequence, place, "grant", customer, entitlement,'
                " account, quantity, effective_at, recorded_at) VALUES (1, ?, ?, 'C1', 'PTS', ?, ?,"
                " TIMESTAMP '2026-01-01' + to_minutes(?), TIMESTAMP '2026-01-01')",
                rows,
            )
        found = connection.execute(
            'SELECT CAST("grant" AS INTEGER), account, minute(effective_at), quantity'
            " FROM check_no_negative_account"
        ).fetchall()
    assert len(found) == len(set(found))
    assert set(found) == below_zero(postings)
