"""A part of any text of a transaction finds it, case and accents aside, however it was recorded."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import command, new_store

from entitlement_ledger.answers import HistoryFilter
from entitlement_ledger.domain.commands import Line
from entitlement_ledger.ledger import Ledger

SAID = [
    ("Zürich goodwill", "order:A_1"),
    ("ÅSA said 100%", "ticket:T-7"),
    ("naïve\x1fname", "order:B\\2"),
    (None, "ORDER:a_1"),
    ("cd begins", "ends with ab"),
    ("Straße", None),
    ("日本", "order:cafe\u0301"),
]
PARTS = [
    *("zurich", "ZÜRICH", "a_1", "_", "%", "100%", "\\", "abcd", "ab", "cd", "asa", "Ása", "naive"),
    *("strasse", "straße", "本", "café", "cafe", "order:", "eve", "ÈVE", "C1", "said-3", "'", "--"),
]


@pytest.fixture(scope="module")
def ledger_of_texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store in which every text was recorded plainly and otherwise."""
    folder: Path = tmp_path_factory.mktemp("words")
    lines: list[Line] = []
    for number, (reason, reference) in enumerate(SAID):
        said = {"reason": reason or "none", "reference": reference}
        said = {name: each for name, each in said.items() if each is not None}
        lines.append(command("issue", f"said-{number}", quantity=5, **said))
        lines.append(command("hold", f"held-{number}", quantity=1, **said))
    with Ledger.open(new_store(folder)) as ledger:
        ledger.post(lines, actor="Ève")
    return folder / "ledger.duckdb"


def without(text: str) -> str:
    """Take case and accents off a text."""
    parts = unicodedata.normalize("NFKD", text.lower())
    kept = "".join(each for each in parts if not unicodedata.combining(each))
    return unicodedata.normalize("NFC", kept)


def found_by_looking(ledger: Ledger, part: str) -> list[str]:
    rows = ledger.history(limit=1000).rows
    texts = [(r.transaction, (r.customer, r.reference, r.reason, r.key, r.actor)) for r in rows]
    return [name for name, each in texts if any(without(part) in without(t or "") for t in each)]


def found(ledger: Ledger, part: str) -> list[str]:
    return [row.transaction for row in ledger.history(HistoryFilter(text=part), limit=1000).rows]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_a_text_is_found(ledger_of_texts: Path, part: str) -> None:
    with Ledger.open(str(ledger_of_texts), read_only=True) as ledger:
        assert found(ledger, part) == found_by_looking(ledger, part)
        assert ledger.count_history(HistoryFilter(text=part)) == len(found(ledger, part))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_part_is_found(ledger_of_texts: Path, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([text for each in SAID for text in each if text]))
    begin = data.draw(st.integers(0, len(whole) - 1))
    part = whole[begin : data.draw(st.integers(begin + 1, len(whole)))]
    with Ledger.open(str(ledger_of_texts), read_only=True) as ledger:
        if part.strip():
            assert found(ledger, part) == found_by_looking(ledger, part.strip())


def test_the_words_are_the_same_after_a_rebuild(ledger_of_texts: Path) -> None:
    def words() -> list[tuple[str]]:
        with duckdb.connect(str(ledger_of_texts)) as connection:
            return connection.execute("SELECT words FROM transactions ORDER BY sequence").fetchall()

    before = words()
    with Ledger.open(str(ledger_of_texts)) as ledger:
        ledger.rebuild()
    assert words() == before
    assert before[0] == ("c1\x1forder:a_1\x1fzurich goodwill\x1fsaid-0\x1feve",)
