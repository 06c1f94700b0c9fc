"""Styles are read once for each theme, however many screens come up."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from console_support import make_app, opened, press
from textual.css import stylesheet

from entitlement_ledger.console.themes import DEFAULT_THEME


async def test_no_style_is_read_twice_with_the_same_colours(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Counter[tuple[Any, ...]] = Counter()
    as_ever = vars(stylesheet)["parse"]

    def parse(scope: str, css: str, where: Any, **more: Any) -> Any:
        read[(scope, css, where, more["tie_breaker"])] += 1
        return as_ever(scope, css, where, **more)

    monkeypatch.setattr(stylesheet, "parse", parse)
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, *"2345678", "1")
        assert read
        assert max(read.values()) == 1
        ground = pilot.app.screen.styles.background
        pilot.app.theme = next(each for each in pilot.app.available_themes if "light" in each)
        await press(pilot, "2", "1")
        assert max(read.values()) == 2, "other colours: all are read once more"
        assert pilot.app.screen.styles.background != ground
        pilot.app.theme = DEFAULT_THEME
        await press(pilot, "2", "1")
        assert pilot.app.screen.styles.background == ground
