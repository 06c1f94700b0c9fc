"""Putting a file in its place: it appears whole or not at all, and replaces nothing unasked."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from entitlement_ledger.errors import InputError, StoreError
from entitlement_ledger.files import sha256_of, synced
from entitlement_ledger.reports.parameters import FORMATS


def format_of(path: Path, format: str | None) -> str:
    """Give the format to write: the one that is asked for, else that of the suffix.

    Raises:
        InputError: there is no such format, or nothing says which.
    """
    known = ", ".join(FORMATS)
    if format is not None:
        if format not in FORMATS:
            raise InputError(f"no format {format!a}: there are {known}")
        return format
    suffix = path.suffix.removeprefix(".").lower()
    if suffix not in FORMATS:
        raise InputError(f"{path} does not say its format: give --format, one of {known}")
    return suffix


class Unfinished:
    """A file in a folder of its own, beside the place where it is to be."""

    def __init__(self, folder: Path, place: Path, *, force: bool) -> None:
        self.file = folder / place.name
        self.folder = folder
        self._place = place
        self._force = force

    def keep(self) -> str:
        """Put the file in its place, durably; give its SHA-256 in hexadecimal.

        Raises:
            InputError: something has come there meanwhile.
        """
        digest = sha256_of(self.file)
        synced(self.file)
        if self._force:
            self.file.replace(self._place)
        else:
            _refuse_existing(self._place)
            self.file.rename(self._place)
        synced(self._place.parent)
        return digest


@contextmanager
def placed(path: Path, own: Sequence[Path], *, force: bool) -> Iterator[Unfinished]:
    """Give a place to write a file in, which nobody else looks at; nothing of it is left behind.

    `own` are the files and folders of the store, which are never written to.

    Raises:
        InputError: there is something at that path, or no folder to put it in.
        StoreError: it cannot be written there.
    """
    place = path.absolute()
    _refuse_own(place, own)
    if place.is_dir():
        raise InputError(f"{path} is a folder: name a file in it")
    if place.exists() and not place.is_file():
        raise InputError(f"{path} is a device or a pipe, which no file replaces: name another")
    if not force:
        _refuse_existing(place)
    if not place.parent.is_dir():
        raise InputError(f"there is no folder {place.parent}: make it first, or name another")
    folder = place.with_name(f".entl-report-{secrets.token_hex(8)}")
    try:
        # Made in here, so that whoever stops it at the wrong moment leaves nothing behind either.
        folder.mkdir(mode=0o700)
        yield Unfinished(folder, place, force=force)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def placed_folder(path: Path, own: Sequence[Path]) -> Iterator[Path]:
    """Give an empty folder that nobody else looks at; what is in it appears at a path in the end.

    It is durable then: no file in it can turn out empty behind its name.

    `own` are the files and folders of the store, which are never written to.

    Raises:
        InputError: there is something at that path, or no folder to put it in.
        StoreError: it cannot be written there.
    """
    place = path.absolute()
    _refuse_own(place, own)
    _refuse_folder(place)
    if not place.parent.is_dir():
        raise InputError(f"there is no folder {place.parent}: make it first, or name another")
    unfinished = place.with_name(f".entl-paper-{secrets.token_hex(8)}")
    try:
        unfinished.mkdir()
        yield unfinished
        _refuse_folder(place)
        for each in (*unfinished.rglob("*"), unfinished):
            synced(each)
        unfinished.rename(place)
        synced(place.parent)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _refuse_folder(place: Path) -> None:
    if os.path.lexists(place):
        raise InputError(f"{place} exists already and was not touched: name a new folder")


def _refuse_existing(place: Path) -> None:
    if os.path.lexists(place):
        raise InputError(f"{place} exists already and was not touched: --force replaces it")


def _refuse_own(place: Path, own: Sequence[Path]) -> None:
    """Refuse a path that is a part of the store, however it is named."""
    real = place.resolve()
    for each in own:
        theirs = each.resolve()
        same = each.exists() and real.exists() and real.samefile(each)
        beside = real.parent == theirs.parent and real.name.startswith(f"{theirs.name}.")
        if same or beside or real == theirs or theirs in real.parents:
            raise InputError(f"{place} is a part of the store itself: name another file")
