"""Files: made durable, hashed, moved out of the way."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from entitlement_ledger.errors import StoreError


def synced(path: Path) -> None:
    """Make durable what was renamed in a folder, or a file that somebody else has written."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(file: Path) -> str:
    """Give the SHA-256 of what is in a file, in hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


class OpenedFile:
    """A file that is kept open by its path, and written to even where that has come to nothing.

    What is written to a file that was removed is lost once it is closed, and no error says so.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.replaced()

    def replaced(self) -> None:
        """Take what is at the path now for it: whoever has it open has put it there."""
        self._was = _identity(self._path)

    def check(self) -> None:
        """Make sure that it is still there.

        Raises:
            StoreError: it was moved, removed or replaced, or its disk is gone.
        """
        try:
            is_there = _identity(self._path) == self._was
        except OSError:
            is_there = False
        if not is_there:
            raise StoreError(
                f"{self._path} is not there any more: put it back where it was and try again; "
                "nothing was recorded"
            )


def _identity(path: Path) -> tuple[int, int]:
    told = path.stat()
    return told.st_dev, told.st_ino


def put_aside(path: Path) -> None:
    """Move what is not to go on, if it is there, out of the way under a number; it is kept."""
    if not path.exists():
        return
    number = 1
    while (aside := path.with_name(f"{path.name}.{number}")).exists():
        number += 1
    path.rename(aside)
