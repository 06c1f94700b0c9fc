"""The façade: everything that console, command line and scripts do with a ledger.

Reads may come from any thread, each on a connection of its own; writing is one batch at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from entitlement_ledger.answers import Imported
from entitlement_ledger.audit.sealing import as_it_is, check_witness
from entitlement_ledger.audit.witness import Witness
from entitlement_ledger.backups import restore_backup
from entitlement_ledger.clock import Clock, system_clock
from entitlement_ledger.domain.commands import Line
from entitlement_ledger.domain.decide import Outcome
from entitlement_ledger.domain.policy import ApprovalRule, Policy
from entitlement_ledger.errors import InputError, LedgerError, StoreError
from entitlement_ledger.files import OpenedFile, put_aside
from entitlement_ledger.keeping import Keeping
from entitlement_ledger.posting import HOLDINGS_MAX, Writer
from entitlement_ledger.proving import Progress, silent
from entitlement_ledger.store.archives import Archives, archive_folder
from entitlement_ledger.store.bringing_up import caught_up
from entitlement_ledger.store.dialect import DatabaseError
from entitlement_ledger.store.journal import last, lay_out_kept
from entitlement_ledger.store.opening import (
    create_store,
    explain,
    open_engine,
    refuse_locked,
    store_id,
    store_path,
)
from entitlement_ledger.store.rebuilding import catch_up, rebuild
from entitlement_ledger.store.tree import TreeError


class Ledger(Keeping):
    """An open ledger."""

    def __init__(
        self,
        engine: Engine,
        path: Path,
        *,
        read_only: bool,
        clock: Clock,
        archives: Archives,
        roles: Mapping[str, str],
        approvals: Sequence[ApprovalRule] = (),
        witness: Witness,
        signing_key: Path | None = None,
        plainly: bool = True,
        remembered_max: int = HOLDINGS_MAX,
        suspicious: Mapping[str, object] | None = None,
        reconcile: Mapping[str, object] | None = None,
    ) -> None:
        """Use `open` instead."""
        super().__init__(engine, path, read_only=read_only, clock=clock)
        self._roles = roles
        policy = Policy(mapped=bool(roles), approvals=tuple(approvals))
        self._witness = witness
        self._signing_key = signing_key
        self._approvals = tuple(approvals)
        self._suspicious = suspicious or {}
        self._reconcile = reconcile or {}
        self._archives = archives
        self._opened_file = OpenedFile(path)
        self._writer = Writer(
            engine,
            clock,
            roles.get,
            policy,
            witness,
            plainly=plainly,
            holdings_max=remembered_max,
            check_file=self._opened_file.check,
        )

    @classmethod
    def create(cls, store: str, *, witness: Path | None = None) -> None:
        """Make an empty store. The witness of a store that was there before is put aside.

        Raises:
            InputError: there is something at that path.
            StoreError: it cannot be written.
        """
        from entitlement_ledger.checks.published import publish

        path = store_path(store)
        create_store(path, publish)
        put_aside(witness_path(path, witness))
        put_aside(archive_folder(path))

    @classmethod
    def restore(
        cls,
        store: str,
        folder: Path,
        *,
        witness: Path | None = None,
        progress: Progress = silent,
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
        plainly: bool = True,
        remembered_max: int = HOLDINGS_MAX,
        suspicious: Mapping[str, object] | None = None,
        reconcile: Mapping[str, object] | None = None,
    ) -> Self:
        """Open a store that exists.

        `roles` gives actors their roles; `approvals` says what needs a second person. Projections
        that a crash left behind are brought up, unless they are to be rebuilt.
        `witness` is the folder of the witness, beside the store by default; `signing_key` the file
        of the key, made where it is missing, by which the ledger is sealed when it is closed.
        `suspicious` sets parameters of the rules of suspicious activity, by rule; `reconcile` what
        is allowed when outside files are matched, by kind of file.
        `unwitnessed` opens a store whatever its witness has seen; to be read only, even where its
        projections cannot be brought up to its journal, so that it can be verified. `plainly`
        decides plain commands from what is left of grants; without it the rules decide every
        command, to the same effect.
        `remembered_max` is of how many holdings the writer remembers what they hold; 0 remembers
        nothing from one batch to the next.

        Raises:
            StoreError: it is missing, locked, damaged, not a store, or newer than this program.
        """
        path = store_path(store)
        engine, archives = open_engine(path, read_only=read_only)
        try:
            bring_up = catch_up if catching_up else lay_out_kept
            engine, archives = caught_up(
                engine, archives, path, bring_up, read_only=read_only, tolerant=unwitnessed
            )
            watched = _watched(engine, path, witness, read_only=read_only, unwitnessed=unwitnessed)
        except StoreError:
            engine.dispose()
            raise
        return cls(
            engine,
            path,
            read_only=read_only,
            clock=clock,
            archives=archives,
            roles=roles or {},
            approvals=approvals,
            witness=watched,
            signing_key=signing_key,
            plainly=plainly,
            remembered_max=remembered_max,
            suspicious=suspicious,
            reconcile=reconcile,
        )

    def close(self) -> None:
        """Close every connection; the file is free for others then.

        Projections that cannot be brought up to the journal now are brought up when it is opened;
        a checkpoint that cannot be made now is made at the next session's end.
        """
        self._writer.close()
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
    ) -> Sequence[Outcome]:
        """Record commands as one batch; give their outcomes in order, once they are durable.

        `atomic` records all or nothing; `history` marks lines migrated from another system.

        Raises:
            StoreError: nothing of the batch was recorded.
        """
        with self._explained():
            return self._writer.post(commands, actor=actor, atomic=atomic, history=history)

    def remembered(self) -> tuple[int, int]:
        """Say how often the writer asked where a holding stands, and how often it remembered."""
        return self._writer.counts.asked, self._writer.counts.known

    def remember(self) -> None:
        """Wait for what the writer reads of the whole store beside posting, if it is at it."""
        self._writer.remember()

    def preview(
        self, commands: Sequence[Line], *, actor: str, atomic: bool = False, history: bool = False
    ) -> Sequence[Outcome]:
        """Give the very outcomes that posting would, and record nothing."""
        with self._read() as connection:
            return self._writer.preview(
                connection, commands, actor=actor, atomic=atomic, history=history
            )

    def import_files(
        self, paths: Sequence[Path], *, actor: str, mapping: Path | None = None
    ) -> list[Imported]:
        """Load customers, catalogue, tickets and billing; each file whole or not at all.

        Args:
            paths: files, or folders of files, told by their names.
            actor: who is asking.
            mapping: a TOML file with the names and values of another system, for a single file.

        Raises:
            InputError: a path that does not exist or is not named like a feed, a mapping that
                cannot be used, or not permitted.
        """
        from entitlement_ledger.importing.recording import import_files

        with self._explained():
            role = self._roles.get(actor)
            if role == "auditor":
                raise InputError(f"{actor} may not import: the role does not allow it")
            return import_files(self._writer, paths, actor=actor, role=role, mapping=mapping)

    def rebuild(self, progress: Progress = silent) -> int:
        """Drop the projections and make them again; give the number of events read."""
        with self._explained():
            return self._writer.alone(lambda connection: self._rebuild(connection, progress))

    def _rebuild(self, connection: Connection, progress: Progress) -> int:
        from entitlement_ledger.checks.published import publish
        from entitlement_ledger.checks.suspicion import parameters

        done = rebuild(connection, progress)
        publish(connection, parameters(self._suspicious, self._approvals))
        return done


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
