"""What a run tells, set aside in a file until all of it is known.

Rows that are appended in many statements of one transaction stay in memory until it ends; what is
appended in one is written as it comes. So what is told goes into a file first, which has no name
and is gone with whoever has it open, however that ends. It lies beside the store, where there is
room for what the store is to hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from entitlement_ledger.errors import StoreError


class Aside:
    """Lines without line feeds in them, written first and then read again."""

    def __init__(self, file: IO[bytes], folder: Path) -> None:
        self._file = file
        self._folder = folder

    def add(self, lines: Sequence[bytes]) -> None:
        """Set lines aside, after those that were before.

        Raises:
            StoreError: they cannot be written there.
        """
        with _explained(self._folder):
            self._file.write(b"".join([line + b"\n" for line in lines]))

    def chunks(self, size: int) -> Iterator[list[bytes]]:
        """Give all lines again, so many at a time; then there is nothing to be added any more.

        Raises:
            StoreError: they cannot be written or read there.
        """
        with _explained(self._folder):
            self._file.seek(0)
        while True:
            with _explained(self._folder):
                some = list(islice(self._file, size))
            if not some:
                return
            yield [line.rstrip(b"\n") for line in some]


@contextmanager
def set_aside(folder: Path) -> Iterator[Aside]:
    """Give a place to set lines aside, in a folder; nothing of it is left behind.

    Raises:
        StoreError: there cannot be a file in that folder.
    """
    with _explained(folder):
        file = TemporaryFile(prefix=".entl-aside-", dir=folder)  # noqa: SIM115 -- closed below
    try:
        yield Aside(file, folder)
    finally:
        with _explained(folder):
            file.close()


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise StoreError(f"{folder}: what a run tells cannot be set aside there: {why}") from None
