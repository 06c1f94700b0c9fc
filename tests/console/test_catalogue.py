"""The catalogue on the screen, and what the status line says of the store."""

from __future__ import annotations

from pathlib import Path

import pytest
from console_support import make_app, opened, press, screen_text, type_in
from support import HandClock

from entitlement_ledger.console.widgets.paged_table import PagedTable
from entitlement_ledger.ledger import Ledger


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_products_and_entitlements_are_told_in_words(
    store: str, size: tuple[int, int]
) -> None:
    async with make_app(store).run_test(size=size) as pilot:
        await opened(pilot)
        await press(pilot, "8")
        text = screen_text(pilot)
        assert "8 in all" in text
        assert "5 pt of PTS, paid, priority 100, lapses with the period, rolls over up to" in text
        assert "0.03 pt of CRD, promo, priority 50, never lapses" in text
        assert "○ retired" in text or "· retired" in text
        await press(pilot, "G")
        assert "given by" in screen_text(pilot)


async def test_the_catalogue_is_filtered_and_loaded_by_pages(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entitlement_ledger.console.screens.paged.PAGE", 3)
    async with make_app(store).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "8")
        table = pilot.app.screen.query_one("#rows", PagedTable)
        await press(pilot, "G", "G", "G")
        assert len(table.rows_held) == 8
        await press(pilot, "slash")
        await type_in(pilot, "kind:points pts")
        await press(pilot, "enter")
        assert "1 match: kind:points pts" in screen_text(pilot)
        assert [row.code for row in table.rows_held] == ["PTS"]
        assert "given by" in screen_text(pilot)
        await press(pilot, "escape")
        assert "8 in all" in screen_text(pilot)


async def test_the_status_line_says_whether_the_seal_holds(store: str, tmp_path: Path) -> None:
    key, other = tmp_path / "key", tmp_path / "other"
    with Ledger.open(store, clock=HandClock(), signing_key=key) as ledger:
        ledger.checkpoint()
        sealed = ledger.status().events
    with Ledger.open(store, clock=HandClock(), signing_key=other, read_only=True) as ledger:
        assert ledger.vouched().seal_holds, "there is no such key to ask"
    (tmp_path / "stranger").mkdir()
    stranger = str(tmp_path / "stranger" / "ledger.duckdb")
    Ledger.create(stranger)
    with Ledger.open(stranger, clock=HandClock(), signing_key=other) as ledger:
        ledger.checkpoint()
    with Ledger.open(store, clock=HandClock(), signing_key=other, read_only=True) as ledger:
        assert not ledger.vouched().seal_holds, "somebody else has signed it"
    async with make_app(store).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        assert f"✓ sealed {sealed:,}" in screen_text(pilot)
