"""Opening the store behind the first paint, or making the demo's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from entitlement_ledger.console.session import Session
from entitlement_ledger.errors import Cancelled, LedgerError
from entitlement_ledger.settings import Settings

Tell = Callable[[str], None]
"""Told in a few words what is being waited for."""

_BAR = 12


@dataclass(slots=True)
class Opening:
    """How the console comes to its session. Everything here may run in a worker thread.

    Attributes:
        cancelled: set to stop the making of a demo.
    """

    settings: Settings
    demo: bool
    read_only: bool
    cancelled: bool = False
    _folder: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)

    def session(self, tell: Tell) -> Session:
        """Open the store; make it first where it is the demo's.

        Raises:
            StoreError: it cannot be used.
            Cancelled: nobody waits any more.
        """
        from entitlement_ledger.ledger import Ledger

        store = self._make_demo(tell) if self.demo else self.settings.store
        tell("opening the store…")
        ledger = Ledger.open(
            store,
            read_only=self.read_only,
            roles=self.settings.roles,
            approvals=self.settings.approvals,
            suspicious=self.settings.suspicious,
            reconcile=self.settings.reconcile,
            witness=None if self.demo else self.settings.witness,
            signing_key=None if self.demo else self.settings.signing_key,
        )
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

    def close(self) -> None:
        """Remove the demo's store, if there is one."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _make_demo(self, tell: Tell) -> str:
        from entitlement_ledger.demo import make_demo

        def progress(done: int, total: int) -> None:
            if self.cancelled:
                raise Cancelled("nobody waits for the demo any more")
            full = _BAR * done // max(total, 1)
            tell(f"making the sample company {'█' * full}{'░' * (_BAR - full)} {done:,}/{total:,}")

        self.close()
        self._folder = tempfile.TemporaryDirectory(prefix="entl-demo-")
        return make_demo(Path(self._folder.name), progress)
