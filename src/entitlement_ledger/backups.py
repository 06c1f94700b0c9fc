"""Backups: the store as it is between two commits, with what it must be to be believed.

A manifest beside the files has the SHA-256 of each, by its path in the backup. What is put back is
copied aside and held against it first: no store gives way to what is not what was backed up.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from entitlement_ledger.errors import InputError, StoreError
from entitlement_ledger.files import put_aside, sha256_of, synced
from entitlement_ledger.store.archives import archive_folder
from entitlement_ledger.store.opening import refuse_misread

Progress = Callable[[int, int], None]

_MANIFEST, _STORE, _WITNESS = "manifest.json", "ledger.duckdb", "ledger.duckdb.witness"
_ARCHIVES = archive_folder(Path(_STORE)).name
_OF_ARCHIVES = re.compile(re.escape(_ARCHIVES) + r"/[0-9]+/[a-z]+\.(parquet|json)")
_CHUNK_BYTES = 4 * 1024 * 1024


def write_backup(
    copy_store: Callable[[Path], None],
    archives: Iterable[Path],
    witness: Path,
    folder: Path,
    checkpoint: str | None,
) -> None:
    """Write a backup into a new folder. It appears whole or not at all.

    `copy_store` writes a copy of the store, to which nobody posts meanwhile, to a path. `archives`
    are the folders of its archives.

    Raises:
        InputError: there is something in that place, or no database can be there.
        StoreError: it cannot be written.
    """
    folder = folder.absolute()
    refuse_misread(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} exists already and was not touched: name a new folder")
    unfinished = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    try:
        unfinished.mkdir(parents=True)
        copy_store(unfinished / _STORE)
        files = {_STORE: _sealed(unfinished / _STORE)}
        for archive in archives:
            for file in sorted(archive.iterdir()):
                name = f"{_ARCHIVES}/{archive.name}/{file.name}"
                if _OF_ARCHIVES.fullmatch(name):
                    files[name] = _copy(file, unfinished / name, _silent)
        if witness.exists():
            files[_WITNESS] = _copy(witness, unfinished / _WITNESS, _silent)
        said = {"checkpoint": checkpoint, "files": files}
        (unfinished / _MANIFEST).write_text(json.dumps(said, indent=2) + "\n", "utf-8")
        unfinished.rename(folder)
    except OSError as error:
        raise StoreError(f"cannot write a backup to {folder}: {error.strerror}") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def growing(file: Path, total: int, progress: Progress) -> Iterator[None]:
    """Tell how far a file has grown that somebody else writes, of about how many bytes."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            with suppress(OSError):
                progress(min(file.stat().st_size, total - 1), total)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        done.set()
        watching.join()
    progress(total, total)


def restore_backup(
    folder: Path, store: Path, witness: Path, progress: Progress, *, instead: bool = False
) -> str | None:
    """Put a backup where no store is; give the checkpoint that it was made with.

    The witness that is there stays, so that an older copy is noticed; only where there is none
    does the backup's own come along. `instead` moves a store that is there aside; it is kept.

    Raises:
        InputError: it is not a backup, is damaged, or there is a store already.
        StoreError: it cannot be written.
    """
    said = _manifest(folder)
    if store.exists() and not instead:
        raise InputError(
            f"{store} exists already and was not touched: move it away, or use --force"
        )
    unfinished = store.with_name(f".{store.name}.{os.getpid()}.new")
    aside: Path | None = None
    try:
        unfinished.mkdir(parents=True)
        _copy_whole(folder, said["files"], unfinished, progress)
        aside = _put_aside(store) if instead else None
        put_aside(archive_folder(store))
        if (unfinished / _ARCHIVES).exists():
            (unfinished / _ARCHIVES).rename(archive_folder(store))
        os.link(unfinished / _STORE, store)
        if not witness.exists() and (unfinished / _WITNESS).exists():
            _copy(unfinished / _WITNESS, witness, _silent)
    except FileExistsError:
        raise InputError(f"{store} exists already and was not touched") from None
    except OSError as error:
        kept = f"; what was there is {aside} now" if aside is not None else ""
        raise StoreError(f"cannot restore to {store}: {error.strerror}{kept}") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    checkpoint = said.get("checkpoint")
    return checkpoint if isinstance(checkpoint, str) else None


def _copy_whole(folder: Path, files: dict[str, str], target: Path, progress: Progress) -> None:
    """Copy the files of a backup; each must be what was backed up."""
    for name, digest in files.items():
        try:
            copied = _copy(folder / name, target / name, progress)
        except FileNotFoundError:
            raise InputError(f"{folder / name} is missing: the backup is not whole") from None
        if copied != digest:
            raise InputError(f"{folder / name} is not what was backed up: it was cut or changed")


def _put_aside(store: Path) -> Path | None:
    """Move a store, its log and its archives out of the way; say where to, if there is one."""
    there = store.exists()
    number = 1
    while (aside := store.with_name(f"{store.name}.replaced-{number}")).exists():
        number += 1
    for ending in ("", ".wal", ".archive"):
        file = store.with_name(store.name + ending)
        if file.exists():
            file.rename(aside.with_name(aside.name + ending))
    return aside if there else None


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        said = json.loads((folder / _MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        raise InputError(f"{folder} is not a backup: it has no {_MANIFEST}") from None
    if isinstance(said, dict) and "sha256" in said:
        raise InputError(f"{folder} was written by an earlier version, which can restore it")
    files = said.get("files") if isinstance(said, dict) else None
    if not isinstance(files, dict) or _STORE not in files or not all(map(_is_inside, files)):
        raise InputError(f"{folder / _MANIFEST} is damaged")
    return {"checkpoint": said.get("checkpoint"), "files": files}


def _is_inside(name: str) -> bool:
    """Say whether a file that a manifest names is one that a backup can have."""
    return name in (_STORE, _WITNESS) or bool(_OF_ARCHIVES.fullmatch(name))


def _silent(_done: int, _total: int) -> None:
    """Tell nobody."""


def _sealed(file: Path) -> str:
    """Make a file durable; give its SHA-256."""
    synced(file)
    return sha256_of(file)


def _copy(source: Path, target: Path, progress: Progress) -> str:
    """Copy a file durably; give its SHA-256."""
    hashed, done, total = hashlib.sha256(), 0, source.stat().st_size
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as read, target.open("xb") as written:
        while chunk := read.read(_CHUNK_BYTES):
            written.write(chunk)
            hashed.update(chunk)
            done += len(chunk)
            progress(done, total)
        written.flush()
        os.fsync(written.fileno())
    return hashed.hexdigest()
