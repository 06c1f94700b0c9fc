"""A store whose projections are behind what was committed is brought up when it is opened."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from entitlement_ledger.errors import StoreError
from entitlement_ledger.store.archives import Archives
from entitlement_ledger.store.dialect import ConstraintError, DatabaseError
from entitlement_ledger.store.journal import JournalError, lay_out_kept
from entitlement_ledger.store.opening import explain, open_engine
from entitlement_ledger.store.rebuilding import behind


def caught_up(
    engine: Engine,
    archives: Archives,
    path: Path,
    bring_up: Callable[[Connection], None],
    *,
    read_only: bool,
    tolerant: bool,
) -> tuple[Engine, Archives]:
    """Bring up what a crash left behind what was committed; give an engine to go on with.

    Where that cannot be done `tolerant` goes on to read what is there.

    Raises:
        StoreError: the journal cannot be read, or its tables do not go together with it.
    """
    try:
        with engine.connect() as connection:
            if not behind(connection):
                return engine, archives
        if read_only:
            engine.dispose()
            engine, archives = open_engine(path, read_only=False)
        with engine.begin() as connection:
            bring_up(connection)
    except (DatabaseError, SQLAlchemyError, JournalError) as error:
        if not (read_only and tolerant and _unfit(error)):
            engine.dispose()
            raise _told(error, path) from None
        _lay_out_only(engine)
    if not read_only:
        return engine, archives
    engine.dispose()
    return open_engine(path, read_only=True)


def _unfit(error: Exception) -> bool:
    """Say whether tables and journal do not go together, so that nothing can be brought up."""
    cause = getattr(error, "orig", None) or error
    return isinstance(cause, ConstraintError | JournalError)


def _told(error: Exception, path: Path) -> StoreError:
    if isinstance(error, JournalError):
        return StoreError(f"{path}: {error}")
    if _unfit(error):
        return StoreError(
            f"{path}: its tables do not fit its journal: run `entl --store {path} verify` to see "
            f"what was altered; where its journal is sound, `entl --store {path} rebuild`"
        )
    return explain(error, path)


def _lay_out_only(engine: Engine) -> None:
    """Let what was committed be read with the journal, as far as it fits there."""
    with suppress(DatabaseError, SQLAlchemyError), engine.begin() as connection:
        lay_out_kept(connection)
