"""Opening and making stores, with one clear line for everything that can be wrong with one."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from entitlement_ledger.errors import InputError, StoreError
from entitlement_ledger.store.archives import Archives
from entitlement_ledger.store.dialect import (
    DatabaseError,
    append,
    make_engine,
    make_indexes,
    make_view,
    raw,
)
from entitlement_ledger.store.tables import INDEXED, SCHEMA_VERSION, VIEWS, metadata, store

_LOCKED = re.compile(r"Conflicting lock is held in (.*?) ?\(PID (\d+)\)", re.DOTALL)
_SCHEMA = "schema_version"
STORE_ID = "id"


def store_path(place: str) -> Path:
    """Give the file that a path or a `duckdb:///` URL names.

    Raises:
        InputError: a URL of another database, or a path that DuckDB takes for another.
    """
    # From the root on, where none is taken for a scheme, such as `md:`, or for `:memory:`.
    path = (Path(place).expanduser() if "://" not in place else _of_url(place)).absolute()
    refuse_misread(path)
    return path


def refuse_misread(path: Path) -> None:
    """Refuse a path that DuckDB takes for another: its log or the database would be elsewhere.

    Raises:
        InputError: it is one.
    """
    for character in "?" if os.sep == "\\" else "?\\":
        if character in str(path):
            raise InputError(f"{path}: no database can be in a place with {character} in its name")


def _of_url(place: str) -> Path:
    try:
        url = make_url(place)
    except ArgumentError:
        raise InputError(f"{place} is not a store's path or URL") from None
    if url.get_backend_name() != "duckdb" or not url.database:
        raise InputError(
            f"{url.drivername} is not a kind of store: give a path, or duckdb:///PATH"
        ) from None
    return Path(url.database)


def open_engine(path: Path, *, read_only: bool) -> tuple[Engine, Archives]:
    """Open a store that exists, with its archives in view.

    Raises:
        StoreError: it is missing, locked, damaged, not a store, or of a newer version; a file of an
            archive is missing or altered.
    """
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not a store: name the file in it")
    if not path.exists():
        raise StoreError(f"no store at {path}: make one with `entl --store {path} init`")
    engine = make_engine(str(path), read_only=read_only)
    archives = Archives(path)
    try:
        _check_version(engine, path)
        with engine.connect() as connection:
            archives.load(connection)
    except (DatabaseError, SQLAlchemyError) as error:
        engine.dispose()
        raise explain(error, path) from None
    except StoreError:
        engine.dispose()
        raise
    archives.follow(engine)
    return engine, archives


def refuse_locked(path: Path) -> None:
    """Refuse a store that another process has open, whatever else is wrong with it.

    Raises:
        StoreError: it is locked; the process is named.
    """
    engine = make_engine(str(path), read_only=False)
    try:
        engine.connect().close()
    except (DatabaseError, SQLAlchemyError) as error:
        if _LOCKED.search(str(error)):
            raise explain(error, path) from None
    finally:
        engine.dispose()


def _check_version(engine: Engine, path: Path) -> None:
    with engine.connect() as connection:
        known = connection.exec_driver_sql(
            "SELECT count(*) FROM duckdb_tables() WHERE table_name IN ('store', 'live_journal')"
        ).scalar_one()
        if known != 2:
            raise StoreError(f"{path} is a database but not a ledger's store: name another file")
        version = connection.execute(select(store.c.value).where(store.c.name == _SCHEMA)).scalar()
    if version is None or not version.isdigit():
        raise StoreError(f"{path} does not say its version: it is damaged; restore a backup")
    if int(version) > SCHEMA_VERSION:
        raise StoreError(
            f"{path} was written by a newer program (store version {version}, this one knows "
            f"{SCHEMA_VERSION}): update entl"
        )
    if int(version) < SCHEMA_VERSION:
        raise StoreError(
            f"{path} was written by a program older than 0.1 (store version {version}, this one "
            f"knows {SCHEMA_VERSION}): make a new store, import and post again"
        )


def store_id(connection: Connection) -> str:
    """Give what tells this store from every other; empty where it has been taken away."""
    asked = select(store.c.value).where(store.c.name == STORE_ID)
    return "".join(connection.execute(asked).scalars().all())


def create_store(path: Path, furnish: Callable[[Connection], None]) -> None:
    """Make an empty store, with what `furnish` puts into it. It appears whole or not at all.

    Raises:
        InputError: there is something at that path already.
        StoreError: it cannot be written there.
    """
    if path.exists() or path.is_symlink():
        raise InputError(f"{path} exists already and was not touched: name another path")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_empty(unfinished, furnish)
        os.link(unfinished, path)
    except FileExistsError:
        raise InputError(f"{path} exists already and was not touched: name another path") from None
    except OSError as error:
        raise StoreError(f"cannot make a store at {path}: {error.strerror}") from None
    except (DatabaseError, SQLAlchemyError) as error:
        raise explain(error, path, making=True) from None
    finally:
        for leftover in (unfinished, unfinished.with_name(unfinished.name + ".wal")):
            leftover.unlink(missing_ok=True)


def _write_empty(path: Path, furnish: Callable[[Connection], None]) -> None:
    engine = make_engine(str(path), read_only=False)
    try:
        with engine.begin() as connection:
            metadata.create_all(connection, checkfirst=False)
            make_indexes(connection, INDEXED)
            for view, live in VIEWS.items():
                make_view(raw(connection), view, live)
            furnish(connection)
            said = {_SCHEMA: str(SCHEMA_VERSION), STORE_ID: uuid.uuid4().hex}
            append(connection, store, {"name": list(said), "value": list(said.values())})
    finally:
        engine.dispose()


def explain(error: Exception, path: Path, *, making: bool = False) -> StoreError:
    """Say in one line what a database error means for the store, and what to do.

    `making` says that there was none yet.
    """
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    text = str(cause)
    first = text.splitlines()[0] if text else type(cause).__name__
    if locked := _LOCKED.search(text):
        return StoreError(
            f"{path} is in use by process {locked[2]} ({Path(locked[1]).name}): "
            "end that process or wait for it"
        )
    if "not a valid DuckDB database file" in text:
        return StoreError(f"{path} is not a ledger's store: name another file")
    lower = text.lower()
    if "no space left" in lower or "file too large" in lower or "not enough disk" in lower:
        return StoreError(f"no space left for {path}: make room and try again; nothing was lost")
    if "permission denied" in lower or "read-only file system" in lower:
        return StoreError(f"{path} cannot be written: permission denied for this user or folder")
    if "newer version" in lower:
        return StoreError(f"{path} was written by a newer program: update entl")
    if making:
        return StoreError(f"cannot make a store at {path}: {first}; name another path")
    return StoreError(f"{path} cannot be used, it may be damaged: {first}; restore a backup")
