"""The proving part of the façade: checkpoints, verification, proofs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from entitlement_ledger.answers import CheckResult
from entitlement_ledger.audit.sealing import accept, make_checkpoint
from entitlement_ledger.audit.witness import Witness
from entitlement_ledger.errors import InputError, StoreError
from entitlement_ledger.seeing import Seeing
from entitlement_ledger.store.archives import Archives
from entitlement_ledger.store.tree import TreeError

if TYPE_CHECKING:
    from entitlement_ledger.audit.notes import PublicKey

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""


def silent(_done: int, _total: int) -> None:
    """Tell nobody."""


class Proving(Seeing):
    """An open ledger that can be sealed, verified, proved."""

    _read_only: bool
    _roles: Mapping[str, str]
    _witness: Witness
    _signing_key: Path | None
    _archives: Archives

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

    def check_names(self) -> list[str]:
        """Give the names of the consistency checks, in the order in which they run."""
        from entitlement_ledger.checks.running import check_names

        return check_names()

    def check(self, names: Sequence[str] = ()) -> list[CheckResult]:
        """Run the consistency checks of these names, or all.

        Raises:
            InputError: there is no check of a name.
        """
        from entitlement_ledger.audit.against import unlike_checkpoints
        from entitlement_ledger.checks.running import run_checks

        with self._read() as connection:
            sealed = partial(unlike_checkpoints, witness=self._witness)
            return list(run_checks(connection, names, self._now(connection), sealed))

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
                connection,
                self._archives,
                self._witness,
                signer,
                progress,
                since_checkpoint=since_checkpoint,
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

    def accept_history(self, *, actor: str, reason: str) -> None:
        """Let the witness accept the store as it is; it keeps who said so, and why."""
        with self._read() as connection:
            accept(connection, self._witness, actor, reason)
