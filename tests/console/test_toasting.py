"""Toasts: what is said again while it is still seen is seen once."""

from __future__ import annotations

from console_support import make_app, opened, press, screen_text
from textual.widgets._toast import Toast


async def test_the_same_toast_is_shown_once_at_a_time(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24), notifications=True) as pilot:
        await opened(pilot)
        await press(pilot, "4", "n", "n", "n")
        assert screen_text(pilot).count("Nothing is open.") == 1
        assert len(pilot.app.screen.query(Toast)) == 1
        pilot.app.notify("Nothing is open.", severity="error", markup=False)
        pilot.app.notify("Something else.", markup=False)
        await press(pilot, "n")
        said = [each._notification.message for each in pilot.app.screen.query(Toast)]
        assert sorted(said) == ["Nothing is open.", "Nothing is open.", "Something else."]
