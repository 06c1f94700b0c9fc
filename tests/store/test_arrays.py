"""Columns in memory give the values that were read."""

from __future__ import annotations

from array import array

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement_ledger.store import arrays
from entitlement_ledger.store.arrays import Hashes, Texts


@given(st.lists(st.text(max_size=20)), st.integers(0, 3))
def test_texts_are_those_of_the_column_wherever_it_begins(texts: list[str], start: int) -> None:
    column = Texts(pa.array(texts, pa.string()).slice(start))
    assert [column[place] for place in range(len(texts[start:]))] == texts[start:]


_hashes = st.integers(0, (1 << 64) - 1) | st.sampled_from([0, 1, 1 << 63, (1 << 64) - 1])


@given(st.lists(_hashes, max_size=40), _hashes, st.sampled_from([1, 3, 64]))
def test_a_hash_is_found_where_it_stands_first(known: list[int], other: int, near: int) -> None:
    known.sort()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "_NEAR", near)
        hashes = Hashes(array("Q", known))
    for sought in (*known, other):
        assert hashes.place(sought) == (known.index(sought) if sought in known else None)
