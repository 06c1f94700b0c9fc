"""The façade: everything that console, command line and scripts do with a ledger.

Reads may come from any thread, each on a connection of its own; writing is one batch at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from entitlement_ledger.answers import (
    CheckResult,
    DueWork,
    Imported,
)
from entitlement_ledger.audit.sealing import accept, as_it_is, check_witness, make_checkpoint
from entitlement_ledger.audit.witness import Witness, put_aside
from entitlement_ledger.backups import growing, restore_backup, write_backup
from entitlement_ledger.clock import Clock, system_clock
from entitlement_ledger.domain.commands import CommandType, Line
from entitlement_ledger.domain.decide import Outcome
from entitlement_ledger.domain.events import Event, TransactionEvent
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.domain.policy import ApprovalRule, Policy
from entitlement_ledger.errors import InputError, LedgerError, StoreError
from entitlement_ledger.forgetting import forget
from entitlement_ledger.importing.recording import import_files
from entitlement_ledger.posting import Writer
from entitlement_ledger.reading import Reading
from entitlement_ledger.store.dialect import (
    BusyError,
    ConstraintError,
    DatabaseError,
    copy_to,
    rewrite,
)
from entitlement_ledger.store.due import due_customers, due_holdings
from entitlement_ledger.store.journal import last
from entitlement_ledger.store.opening import (
    create_store,
    explain,
    open_engine,
    refuse_locked,
    store_id,
    store_path,
)
from entitlement_ledger.store.rebuilding import behind, catch_up, rebuild
from entitlement_ledger.store.tree import TreeError
from entitlement_ledger.sweeping import renew, sweep

if TYPE_CHECKING:
    from entitlement_ledger.audit.notes import PublicKey

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""


def _silent(_done: int, _total: int) -> None:
    """Tell nobody."""


class Ledger(Reading):
    """An open ledger."""

    def __init__(
        self,
        engine: Engine,
        path: Path,
        *,
        read_only: bool,
        clock: Clock,
        roles: Mapping[str, str],
        approvals: Sequence[ApprovalRule] = (),
        witness: Witness,
        signing_key: Path | None = None,
    ) -> None:
        """Use `open` instead."""
        super().__init__(engine, path, read_only=read_only, clock=clock)
        self._roles = roles
        policy = Policy(mapped=bool(roles), approvals=tuple(approvals))
        self._witness = witness
        self._signing_key = signing_key
        self._writer = Writer(engine, clock, roles.get, policy, witness)

    @classmethod
    def create(cls, store: str, *, witness: Path | None = None) -> None:
        """Make an empty store. The witness of a store that was there before is put aside.

        Raises:
            InputError: there is something at that path.
            StoreError: it cannot be written.
        """
        path = store_path(store)
        create_store(path)
        put_aside(witness_path(path, witness))

    @classmethod
    def open(
        cls,
        store: str,
        *,
        read_only: bool = False,
        clock: Clock = system_clock,
        roles: Mapping[str, str] | None = None,
        approvals: Sequence[ApprovalRule] = (),
        catching_up: bool = True,
        witness: Path | None = None,
        signing_key: Path | None = None,
        unwitnessed: bool = False,
    ) -> Self:
        """Open a store that exists.

        `roles` gives actors their roles; `approvals` says what needs a second person. Projections
        that a crash left behind the journal are brought up, unless they are to be rebuilt.
        `witness` is the folder of the witness, beside the store by default; `signing_key` the file
        of the key, made where it is missing, by which the ledger is sealed when it is closed.
        `unwitnessed` opens a store whatever its witness has seen.

        Raises:
            StoreError: it is missing, locked, damaged, not a store, or newer than this program.
        """
        path = store_path(store)
        engine = open_engine(path, read_only=read_only)
        try:
            if catching_up:
                engine = _caught_up(engine, path, read_only=read_only)
            watched = _watched(engine, path, witness, read_only=read_only, unwitnessed=unwitnessed)
        except StoreError:
            engine.dispose()
            raise
        return cls(
            engine,
            path,
            read_only=read_only,
            clock=clock,
            roles=roles or {},
            approvals=approvals,
            witness=watched,
            signing_key=signing_key,
        )

    def close(self) -> None:
        """Close every connection; the file is free for others then.

        Projections that cannot be brought up to the journal now are brought up when it is opened;
        a checkpoint that cannot be made now is made at the next session's end.
        """
        with suppress(DatabaseError, SQLAlchemyError, LedgerError):
            self._writer.catch_up()
            if self._signing_key is not None and not self._read_only:
                self.checkpoint()
        self._witness.close()
        self._engine.dispose()

    def __enter__(self) -> Self:
        """Give the ledger, to be closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the ledger."""
        self.close()

    # Writing

    def post(
        self, commands: Sequence[Line], *, actor: str, atomic: bool = False, history: bool = False
    ) -> list[Outcome]:
        """Record commands as one batch; give their outcomes in order, once they are durable.

        `atomic` records all or nothing; `history` marks lines migrated from another system.

        Raises:
            StoreError: nothing of the batch was recorded.
        """
        with self._explained():
            return self._writer.post(commands, actor=actor, atomic=atomic, history=history)

    def preview(
        self, commands: Sequence[Line], *, actor: str, atomic: bool = False, history: bool = False
    ) -> list[Outcome]:
        """Give the very outcomes that posting would, and record nothing."""
        with self._read() as connection:
            return self._writer.preview(
                connection, commands, actor=actor, atomic=atomic, history=history
            )

    def import_files(self, paths: Sequence[Path], *, actor: str) -> list[Imported]:
        """Load customers, catalogue, tickets and billing; each file whole or not at all.

        Raises:
            InputError: a path that does not exist or is not named like a feed.
        """
        with self._explained():
            return import_files(self._writer, paths, actor=actor, role=self._roles.get(actor))

    def run_due(self, *, now: Instant | None = None, progress: Progress = _silent) -> DueWork:
        """Record what has become due by `now`, which may be ahead of the clock."""
        until = self.now() if now is None else now
        with self._read() as connection:
            customers_due = due_customers(connection, until)
        with self._explained():
            events = renew(self._writer, customers_due, until, progress)
        with self._read() as connection:
            pairs = due_holdings(connection, until)
        with self._explained():
            events += sweep(self._writer, pairs, until, progress)
        return _due_work(events)

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
        progress: Progress = _silent,
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

    def backup(self, folder: Path, progress: Progress = _silent) -> str | None:
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

    @classmethod
    def restore(
        cls,
        store: str,
        folder: Path,
        *,
        witness: Path | None = None,
        progress: Progress = _silent,
        instead: bool = False,
    ) -> str | None:
        """Put a backup where no store is; give the checkpoint that it was made with.

        `instead` puts a store that is there aside first; no process may have it open.

        Raises:
            InputError: it is not a backup, is damaged, or there is a store already.
            StoreError: it cannot be written.
        """
        path = store_path(store)
        if instead and path.exists():
            refuse_locked(path)
        return restore_backup(folder, path, witness_path(path, witness), progress, instead=instead)

    def accept_history(self, *, actor: str, reason: str) -> None:
        """Let the witness accept the store as it is; it keeps who said so, and why."""
        with self._read() as connection:
            accept(connection, self._witness, actor, reason)

    def rebuild(self, progress: Progress = _silent) -> int:
        """Drop the projections and make them again; give the number of events read."""
        with self._explained():
            return self._writer.alone(lambda connection: rebuild(connection, progress))


def witness_path(path: Path, folder: Path | None) -> Path:
    """Say where the witness of a store is."""
    return (path.parent if folder is None else folder) / f"{path.name}.witness"


def _watched(
    engine: Engine, path: Path, folder: Path | None, *, read_only: bool, unwitnessed: bool
) -> Witness:
    """Hold a store against its witness; a store that has none yet gets one that begins now."""
    try:
        with engine.connect() as connection:
            witness = Witness(witness_path(path, folder), store_id(connection))
            if unwitnessed:
                return witness
            seen = check_witness(connection, witness, path)
            if seen is None and not read_only and last(connection)[0]:
                # A journal with a gap has no root: `verify` says so, and nothing is witnessed.
                with suppress(TreeError):
                    witness.append(as_it_is(connection))
    except (DatabaseError, SQLAlchemyError) as error:
        raise explain(error, path) from None
    return witness


def _due_work(events: list[Event]) -> DueWork:
    counts = Counter(
        (event.type, ":rollover" in event.key)
        for event in events
        if isinstance(event, TransactionEvent)
    )
    changed = (CommandType.UPGRADE, CommandType.DOWNGRADE, CommandType.CANCEL)
    return DueWork(
        expired=counts[CommandType.EXPIRE, False],
        lapsed=counts[CommandType.RELEASE, False],
        renewed=counts[CommandType.RENEW, False],
        rolled_over=counts[CommandType.RENEW, True],
        changed=sum(counts[each, False] for each in changed),
    )


def _caught_up(engine: Engine, path: Path, *, read_only: bool) -> Engine:
    """Bring up projections that a crash left behind the journal; give an engine to go on with."""
    try:
        with engine.connect() as connection:
            if not behind(connection):
                return engine
        if read_only:
            engine.dispose()
            engine = open_engine(path, read_only=False)
        with engine.begin() as connection:
            catch_up(connection)
    except (DatabaseError, SQLAlchemyError) as error:
        engine.dispose()
        if isinstance(error, ConstraintError):
            raise StoreError(
                f"{path}: its tables do not fit its journal: run `entl --store {path} rebuild`"
            ) from None
        raise explain(error, path) from None
    if not read_only:
        return engine
    engine.dispose()
    return open_engine(path, read_only=True)
