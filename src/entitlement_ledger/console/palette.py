"""The palette: what keys do here, reports and themes; as it is typed, what is in the ledger."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.style import Style
from textual.types import IgnoreReturnCallbackType

from entitlement_ledger.answers import CustomerRow, HistoryFilter, TransactionRow
from entitlement_ledger.console.actions import key_names
from entitlement_ledger.console.travel import narrowed
from entitlement_ledger.console.wording import amount, plain, when
from entitlement_ledger.errors import LedgerError

if TYPE_CHECKING:
    from entitlement_ledger.console.app import ConsoleApp
    from entitlement_ledger.console.session import Session
    from entitlement_ledger.ledger import Ledger

Answer = TypeVar("Answer")

_FOUND_MAX = 8
"""How many customers, and how many transactions, are offered at most."""

_LEAST_TYPED = 2
_PAUSE_SECONDS = 0.15
"""How long nothing is asked after a key: most are followed by another."""

_NAMED, _BEGINS, _HOLDS, _FOUND, _HOLDS_WORDS = 5.0, 4.0, 3.0, 2.0, 1.0
"""How offers are ranked; what is in the ledger comes behind the names of what can be done."""


class ActionProvider(Provider):
    """Offers what keys do, by name."""

    def _offers(self) -> Iterator[tuple[str, str, IgnoreReturnCallbackType]]:
        app = cast("ConsoleApp", self.app)
        for action in app.actions_here(self.screen):
            if action.name != "command_palette":
                label = f"{action.help.rstrip('.')} ({key_names(action)})"
                yield label, action.label, partial(app.run_registered, action)
        if app.session is not None:
            for report in app.session.ledger.reports():
                opens = partial(app.open_report, report.name)
                yield f"Report {report.name}: {report.answers}", "", opens
        for theme in sorted(app.our_themes):
            yield f"Theme {theme}", "", partial(setattr, app, "theme", theme)

    async def discover(self) -> Hits:
        """Offer everything before anything is typed."""
        for label, note, call in self._offers():
            yield DiscoveryHit(plain(label), call, label, help=note)

    async def search(self, query: str) -> Hits:
        """Offer what holds every word that was typed."""
        for label, note, call in self._offers():
            score = _score(query, label, note)
            if score:
                yield Hit(score, _marked(label, query, self.match_style), call, label, help=note)


def _score(query: str, label: str, note: str) -> float:
    """Rank an offer: one that is called so before one that holds just that, or just its words."""
    typed, about = query.strip().casefold(), f"{label} {note}".casefold()
    if typed == note.casefold():
        return _NAMED
    if typed in about:
        return _BEGINS if about.startswith(typed) else _HOLDS
    return _HOLDS_WORDS if all(word in about for word in typed.split()) else 0


def _marked(label: str, query: str, style: Style | None) -> Content:
    """Mark what was typed; a label holds names from outside, and is never markup."""
    shown = plain(label)
    if style is None:
        return shown
    for word in {query.strip(), *query.split()}:
        place = shown.plain.casefold().find(word.casefold())
        if place >= 0 and len(shown.plain.casefold()) == len(shown.plain):
            shown = shown.stylize(style, place, place + len(word))
    return shown


class LedgerProvider(Provider):
    """Offers customers and transactions: by id, name, email, key, or what they refer to."""

    async def search(self, query: str) -> Hits:
        """Offer a few of what the ledger finds; a newer search interrupts the older one."""
        app, typed = cast("ConsoleApp", self.app), query.strip()
        session = app.session
        if session is None or len(typed) < _LEAST_TYPED:
            return
        await asyncio.sleep(_PAUSE_SECONDS)
        for customer in await _asked(session, lambda ledger: _customers(ledger, typed)) or ():
            named = (customer.id, customer.name, customer.email)
            label = f"Customer {' · '.join(part for part in (*named, customer.status) if part)}"
            yield self._hit(label, typed, named, partial(app.open_customer, customer.id))
        for row in await _asked(session, partial(_transactions, session, typed)) or ():
            also = [row.customer, row.reference or "", when(row.effective_at)[:10], row.key]
            about = f"{row.type} {amount(row.quantity, row.scale)} {row.entitlement or ''}".strip()
            label = " · ".join(
                part for part in (f"Transaction {row.transaction}", about, *also) if part
            )
            named = (row.transaction, row.key, row.reference or "")
            yield self._hit(label, typed, named, partial(app.open_transaction, row.transaction))

    def _hit(
        self, label: str, typed: str, named: tuple[str, ...], call: IgnoreReturnCallbackType
    ) -> Hit:
        exactly = typed.casefold() in {name.casefold() for name in named}
        shown = _marked(label, typed, self.match_style)
        return Hit(_NAMED if exactly else _FOUND, shown, call, shown.plain)


def _customers(ledger: Ledger, typed: str) -> list[CustomerRow]:
    return ledger.customers(search=typed, limit=_FOUND_MAX)


def _transactions(session: Session, typed: str, ledger: Ledger) -> list[TransactionRow]:
    """Find a transaction by its id; else those that hold the words, the newest first.

    Either way only what the moment that is shown has.
    """
    only = narrowed(HistoryFilter(text=typed), session.moment)
    for row in ledger.transactions([typed.casefold()]):
        was = only.until is None or row.effective_at < only.until
        if was and (only.known_at is None or row.recorded_at <= only.known_at):
            return [row]
    return list(ledger.history(only, limit=_FOUND_MAX).rows)


async def _asked(session: Session, question: Callable[[Ledger], Answer]) -> Answer | None:
    """Ask in a thread, so that keys go on; None where there is no answer, or nobody waits for it.

    What went wrong is not told: the screens that ask the same tell it better.
    """
    thread: list[int] = []

    def ask() -> Answer | None:
        thread.append(threading.get_ident())
        try:
            return question(session.ledger)
        except LedgerError:
            return None
        finally:
            thread.clear()

    try:
        return await asyncio.to_thread(ask)
    except asyncio.CancelledError:
        for each in thread:
            session.ledger.interrupt(each)
        raise
