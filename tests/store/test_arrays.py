"""Columns in memory give the values that were read."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from entitlement_ledger.store.arrays import Texts


@given(st.lists(st.text(max_size=20)), st.integers(0, 3))
def test_texts_are_those_of_the_column_wherever_it_begins(texts: list[str], start: int) -> None:
    column = Texts(pa.array(texts, pa.string()).slice(start))
    assert [column[place] for place in range(len(texts[start:]))] == texts[start:]
