"""A console over a small store with a clock that stands still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import START, HandClock, command, hours, new_store, write_feeds
from textual.pilot import Pilot

from entitlement_ledger.console.app import ConsoleApp
from entitlement_ledger.console.opening import Opening, Tell
from entitlement_ledger.console.session import Session
from entitlement_ledger.domain.policy import ApprovalRule
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.settings import Settings

HOSTILE = {
    "H1": "Bob[/red]",
    "H2": "\x1b]52;c;aGVsbG8=\x07Clip",
    "H3": "\u202eesreveR\u202c Name",
    "H4": "N" * 300,
    "H5": "[@click=app.leave]click[/]",
    "H6": "two\nlines\tand\ttabs",
}


@dataclass
class StillOpening(Opening):
    """Opens the store with a clock that stands still."""

    def session(self, tell: Tell) -> Session:
        tell("opening the store…")
        ledger = Ledger.open(
            self.settings.store,
            read_only=self.read_only,
            clock=HandClock(),
            approvals=self.settings.approvals,
        )
        return Session(
            ledger=ledger,
            name="store",
            actor="tester",
            read_only=self.read_only,
            vouched=ledger.vouched(),
        )


def make_store(folder: Path) -> str:
    """Make a store with a little history and with customers whose names are hostile."""
    clock = HandClock()
    store = new_store(folder, clock)
    hostile = folder / "hostile"
    write_feeds(hostile)
    with (hostile / "customers.csv").open("a", encoding="utf-8", newline="") as file:
        for name, shown in HOSTILE.items():
            file.write(f'{name},"{shown}",[b]x@example.com,"[i]s",active,\n')
    with Ledger.open(store, clock=clock) as ledger:
        assert not any(each.problems for each in ledger.import_files([hostile], actor="setup"))
        ledger.post(
            [
                command("issue", "a", quantity=1000, effective_at=hours(-48),
                        expires_at=hours(960)),
                command("consume", "b", quantity=350, effective_at=hours(-24), reference="order:7"),
                command("issue", "c", entitlement="CRD", quantity=1250, effective_at=hours(-20)),
                command("consume", "d", quantity=9999, effective_at=hours(-2), actor="shop"),
                command("adjust", "e", quantity=-50, effective_at=hours(-1), reason="[/red] x"),
                *(
                    command("issue", f"h{name}", quantity=5, customer=name, reason=shown,
                            actor=shown[:100], reference=f"ticket:{shown}"[:100])
                    for name, shown in HOSTILE.items()
                ),
            ],
            actor="tester",
        )  # fmt: skip
    return store


def make_app(
    store: str,
    *,
    read_only: bool = False,
    theme: str | None = None,
    approvals: Sequence[ApprovalRule] = (),
    keys: Mapping[str, str] | None = None,
) -> ConsoleApp:
    settings = Settings(
        store=store, actor="tester", theme=theme, approvals=tuple(approvals), keys=keys or {}
    )
    return ConsoleApp(StillOpening(settings, demo=False, read_only=read_only))


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until nothing is asked any more, twice over, and everything is on the screen."""
    calm = 0
    while calm < 2:
        # Not until the processor is idle, which costs more than most of what is waited for.
        await pilot.pause(0)
        calm = 0 if any(not each.is_finished for each in pilot.app.workers) else calm + 1
        await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def opened(pilot: Pilot[Any]) -> None:
    """Wait until the store is open and the first screen is filled."""
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    while app.session is None:
        assert app.problem is None, app.problem
        await pilot.pause(0.02)
    await settled(pilot)


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys as a person does: each lands before the next."""
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


async def type_in(pilot: Pilot[Any], text: str) -> None:
    """Type text into what has the focus."""
    for character in text:
        await pilot.press("space" if character == " " else character)
    await settled(pilot)


def screen_text(pilot: Pilot[Any]) -> str:
    """Give what is on the screen, as text."""
    width, height = pilot.app.size
    strips = pilot.app.screen._compositor.render_strips()
    assert len(strips) == height
    return "\n".join(strip.text[:width] for strip in strips)


__all__ = ["HOSTILE", "START", "make_app", "make_store", "opened", "press", "screen_text",
           "settled", "type_in"]  # fmt: skip
