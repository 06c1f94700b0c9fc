"""The proving part of the façade: checkpoints, verification, proofs, backups, forgetting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from entitlement_ledger.answers import CheckResult
from entitlement_ledger.audit.sealing import accept, make_checkpoint
from entitlement_ledger.audit.witness import Witness
from entitlement_ledger.backups import growing, write_backup
from entitlement_ledger.errors import InputError, StoreError
from entitlement_ledger.forgetting import forget
from entitlement_ledger.reading import Reading
from entitlement_ledger.store.dialect import BusyError, copy_to, rewrite
from entitlement_ledger.store.tree import TreeError

if TYPE_CHECKING:
    from entitlement_ledger.audit.notes import PublicKey

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""


def silent(_done: int, _total: int) -> None:
    """Tell nobody."""


class Proving(Reading):
    """An open ledger that can be sealed, verified, proved, backed up."""

    _read_only: bool
    _roles: Mapping[str, str]
    _witness: Witness
    _signing_key: Path | None

    def checkpoint(self) -> str:
        """Sign what the journal is now; give the checkpoint as a signed note.

        Raises:
            InputError: there is no signing key, or it cannot be used.
        """
        if self._signing_key is None or self._read_only:
            raise InputError("a checkpoint needs a signing key, and a store that may be written")
        from entitlement_ledger.audit.notes import load_key

        key = load_key(self._signing_key, make=True)
        assert key is not None, "it is made where it is missing"
        with self._explained():
            return self._writer.seal(lambda connection: make_checkpoint(connection, key))

    def verify(
        self,
        *,
        key: str | None = None,
        since_checkpoint: bool = False,
        progress: Progress = silent,
    ) -> list[CheckResult]:
        """Compute everything again from the journal's raw rows, and hold it against what is stored.

        `key` is the public key that must have signed the checkpoints: by default the one of the
        signing key, where there is one.

        Raises:
            InputError: the key is not one.
        """
        from entitlement_ledger.audit.verifying import verify

        signer = self._signer(key)
        with self._read() as connection:
            return verify(
                connection, self._witness, signer, progress, since_checkpoint=since_checkpoint
            )

    def prove(self, transaction: str) -> str:
        """Write the proof of one transaction, to be taken away.

        Raises:
            InputError: there is no such transaction, or no checkpoint covers it yet.
            StoreError: hashes are missing: verify.
        """
        from entitlement_ledger.audit.proofs import prove_inclusion

        sequence = self.transaction(transaction).row.sequence
        with self._read() as connection:
            return self._whole(lambda: prove_inclusion(connection, sequence))

    def prove_consistency(self, old: int, new: int) -> str:
        """Write the proof that the journal of one checkpoint begins with that of an earlier one.

        Raises:
            InputError: there is no checkpoint of one of these sizes.
            StoreError: hashes are missing: verify.
        """
        from entitlement_ledger.audit.proofs import prove_consistency

        with self._read() as connection:
            return self._whole(lambda: prove_consistency(connection, old, new))

    def _whole(self, prove: Callable[[], str]) -> str:
        try:
            return prove()
        except TreeError as error:
            raise StoreError(f"{self._path}: {error}: run `entl verify`") from None

    def public_key(self) -> str | None:
        """Give the public key that checkpoints of this ledger are signed with, if there is one."""
        signer = self._signer(None)
        return None if signer is None else str(signer)

    def _signer(self, key: str | None) -> PublicKey | None:
        from entitlement_ledger.audit.notes import NoteError, PublicKey, load_key

        if key is not None:
            try:
                return PublicKey.read(key)
            except NoteError as error:
                raise InputError(f"{key[:80]!a}: {error}") from None
        if self._signing_key is None:
            return None
        own = load_key(self._signing_key, make=False)
        return None if own is None else own.public

    def forget(self, customer: str, *, actor: str, reason: str) -> None:
        """Destroy a customer's personal data and the key to what the journal holds of it.

        The store's file is written anew, so that it does not hold them in some free place.

        Raises:
            InputError: no such customer, forgotten already, no reason, or not permitted.
        """
        role = self._roles.get(actor)
        if self._roles and role in (None, "auditor"):
            raise InputError(f"{actor} may not forget a customer: the role does not allow it")
        with self._explained():
            forget(self._writer, customer, actor=actor, role=role, reason=reason)
            try:
                self._writer.between_commits(lambda: rewrite(self._engine, self._path))
            except BusyError:
                raise InputError(
                    f"{customer} is forgotten, but the file still holds the name: it is being "
                    "read; ask again when nothing else is open"
                ) from None

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
                lambda: write_backup(copy, self._witness.path, folder, note)
            )
        return note

    def accept_history(self, *, actor: str, reason: str) -> None:
        """Let the witness accept the store as it is; it keeps who said so, and why."""
        with self._read() as connection:
            accept(connection, self._witness, actor, reason)
