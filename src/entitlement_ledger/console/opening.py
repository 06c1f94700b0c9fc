"""Opening the store behind the first paint, or making the demo's."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from entitlement_ledger.console.drawing import bar
from entitlement_ledger.console.graphics import letters_of
from entitlement_ledger.console.session import Session
from entitlement_ledger.errors import Cancelled, LedgerError, StoreError
from entitlement_ledger.settings import Settings

if TYPE_CHECKING:
    from entitlement_ledger.ledger import Ledger

Tell = Callable[[str], None]
"""Told in a few words what is being waited for."""

_BAR = 12
_URL = "duckdb:///"


@dataclass(slots=True)
class Opening:
    """How the console comes to its session. Everything here may run in a worker thread.

    Attributes:
        new: whether the store is to be made first, empty.
        cancelled: set to stop the making of a demo.
        missing: whether there was no store when it was last to be opened.
    """

    settings: Settings
    demo: bool
    read_only: bool
    new: bool = False
    cancelled: bool = False
    missing: bool = False
    _folder: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)

    @property
    def file(self) -> Path:
        """The file of the store that the settings name."""
        return Path(self.settings.store.removeprefix(_URL)).expanduser()

    def otherwise(self, *, store: str = "", demo: bool = False, new: bool = False) -> Opening:
        """Give the opening of another store, by its path, or of the demo's."""
        settings = replace(self.settings, store=store or self.settings.store)
        return replace(self, settings=settings, demo=demo, new=new, missing=False, _folder=None)

    def session(self, tell: Tell) -> Session:
        """Open the store; make it first where it is the demo's, or is to be a new one.

        Raises:
            InputError: there is something where a new one is to be; its path is none.
            StoreError: it cannot be used, or not be made.
            Cancelled: nobody waits any more.
        """
        try:
            store = self._make_demo(tell) if self.demo else self.settings.store
            ledger = self._open(store, tell)
        except OSError as error:
            place = error.filename if self.demo else self.file
            raise StoreError(f"{place} cannot be used: {error.strerror}") from None
        try:
            vouched = ledger.vouched()
        except LedgerError:
            ledger.close()
            raise
        return Session(
            ledger=ledger,
            name="sample company" if self.demo else Path(store).name,
            actor=self.settings.actor,
            role=self.settings.roles.get(self.settings.actor),
            read_only=self.read_only,
            demo=self.demo,
            vouched=vouched,
        )

    def _open(self, store: str, tell: Tell) -> Ledger:
        from entitlement_ledger.ledger import Ledger

        if self.new:
            tell("making an empty store…")
            Ledger.create(store, witness=self.settings.witness)
        tell("opening the store…")
        self.missing = not self.demo and not os.path.lexists(self.file)
        return Ledger.open(
            store,
            read_only=self.read_only,
            roles=self.settings.roles,
            approvals=self.settings.approvals,
            suspicious=self.settings.suspicious,
            reconcile=self.settings.reconcile,
            witness=None if self.demo else self.settings.witness,
            signing_key=_key_beside(store) if self.demo else self.settings.signing_key,
        )

    def close(self) -> None:
        """Remove the demo's store, if there is one."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _make_demo(self, tell: Tell) -> str:
        from entitlement_ledger.demo import make_demo

        letters = letters_of(self.settings)

        def progress(done: int, total: int) -> None:
            self._go_on()
            drawn = bar(done, max(total, 1), _BAR, letters)
            tell(f"making the sample company {drawn} {done:,}/{total:,}")

        self.close()
        self._folder = tempfile.TemporaryDirectory(prefix="entl-demo-")
        store = make_demo(Path(self._folder.name), progress)
        tell("bringing the sample company up to date…")
        self._bring_up_to_date(store)
        return store

    def _bring_up_to_date(self, store: str) -> None:
        """Do what a company does each night: what is due, and the rules. Closing seals it."""
        from entitlement_ledger.ledger import Ledger

        with Ledger.open(store, signing_key=_key_beside(store)) as ledger:
            ledger.run_due(progress=lambda _done, _total: self._go_on())
            ledger.suspicious()
            self._go_on()

    def _go_on(self) -> None:
        if self.cancelled:
            raise Cancelled("nobody waits for the demo any more")


def _key_beside(store: str) -> Path:
    """Give the demo's own signing key, thrown away with it: its events can be proved, too."""
    return Path(store).with_suffix(".key")
