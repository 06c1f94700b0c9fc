"""One of a thing is told as one."""

from __future__ import annotations

import pytest

from entitlement_ledger.counted import counted


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 events"), (1, "1 event"), (2, "2 events"), (12_345, "12,345 events")]
)
def test_a_count_is_told_with_what_is_counted(count: int, told: str) -> None:
    assert counted(count, "event") == told
