"""The keeping part of the façade: due work, backups, forgetting, archives."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from entitlement_ledger.answers import ArchivedPeriod, DueWork
from entitlement_ledger.archiving import archive
from entitlement_ledger.backups import growing, write_backup
from entitlement_ledger.domain.instants import INSTANT_MIN, Instant, format_instant
from entitlement_ledger.errors import InputError
from entitlement_ledger.files import OpenedFile
from entitlement_ledger.proving import Progress, silent
from entitlement_ledger.reconciling import Reconciling
from entitlement_ledger.store.dialect import BusyError, copy_to, rewrite
from entitlement_ledger.store.due import due_customers, due_holdings
from entitlement_ledger.sweeping import due_work, renew, sweep


class Keeping(Reconciling):
    """An open ledger that is looked after."""

    _opened_file: OpenedFile

    def forget(self, customer: str, *, actor: str, reason: str) -> None:
        """Destroy a customer's personal data and the key to what the journal holds of it.

        The store's file is written anew, so that it does not hold them in some free place.

        Raises:
            InputError: no such customer, forgotten already, no reason, or not permitted.
        """
        from entitlement_ledger.forgetting import forget

        role = self._may(actor, "forget a customer")
        with self._explained():
            forget(self._writer, customer, actor=actor, role=role, reason=reason)
            try:
                self._write_anew()
            except BusyError:
                raise InputError(
                    f"{customer} is forgotten, but the file still holds the name: it is being "
                    "read; ask again when nothing else is open"
                ) from None

    def _write_anew(self) -> None:
        """Write the store's file anew, without what was deleted from it.

        Raises:
            BusyError: somebody in this process still reads.
        """

        def alone() -> None:
            with self._nobody_reading():
                self._opened_file.check()
                rewrite(self._engine, self._path)
                self._opened_file.replaced()

        self._writer.between_commits(alone)

    def archive(
        self,
        before: Instant,
        *,
        actor: str,
        reason: str | None = None,
        progress: Progress = silent,
    ) -> ArchivedPeriod:
        """Close the period before an instant: its events and postings go into files.

        Work due in it is recorded first. Every question is answered as before.

        Raises:
            InputError: it is closed already, nothing lies wholly in it, something in it cannot be
                settled, it is not over yet, or not permitted.
            StoreError: the files cannot be written; nothing is archived then.
        """
        role = self._may(actor, "archive a period")
        now = self.now()
        if before > now:
            raise InputError(
                f"{format_instant(before)} is still to come: it is {format_instant(now)}"
            )
        if before == INSTANT_MIN:
            raise InputError(f"nothing to archive lies wholly before {format_instant(before)}")
        self.run_due(now=before - 1, progress=progress)
        try:
            with self._explained():
                done = archive(
                    self._writer,
                    self._archives,
                    before,
                    lambda: self._nobody_reading(writing=1),
                    progress,
                    actor=actor,
                    role=role,
                    reason=reason,
                )
        except BusyError:
            raise InputError("the store is being read: archive when nothing else is open") from None
        with suppress(BusyError), self._explained():
            # The file is as large as before otherwise, until the next time.
            self._write_anew()
        return done

    def _may(self, actor: str, what: str) -> str | None:
        """Give an actor's role, or refuse what is not for everybody."""
        role = self._roles.get(actor)
        if self._roles and role in (None, "auditor"):
            raise InputError(f"{actor} may not {what}: the role does not allow it")
        return role

    def run_due(self, *, now: Instant | None = None, progress: Progress = silent) -> DueWork:
        """Record what has become due by `now`, which may be ahead of the clock."""
        until = self.now() if now is None else now
        with self._read() as connection:
            customers_due = due_customers(connection, until)
        with self._explained():
            events, stuck = renew(self._writer, customers_due, until, progress)
        with self._read() as connection:
            pairs = due_holdings(connection, until)
        with self._explained():
            events += sweep(self._writer, pairs, until, progress)
        return due_work(events, stuck)

    def backup(self, folder: Path, progress: Progress = silent) -> str | None:
        """Copy the store into a new folder while it stays open; give the checkpoint it ends with.

        Nothing is posted meanwhile. Without a signing key there is no checkpoint.

        Raises:
            InputError: there is something at that place.
            StoreError: it cannot be written.
        """
        note = None if self._signing_key is None or self._read_only else self.checkpoint()

        def copy(target: Path) -> None:
            with growing(target, self._path.stat().st_size, progress):
                copy_to(self._engine, target)

        with self._explained():
            self._writer.between_commits(
                lambda: write_backup(
                    copy, self._archives.folders(), self._witness.path, folder, note
                )
            )
        return note
