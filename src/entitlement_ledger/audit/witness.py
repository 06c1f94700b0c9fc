"""The witness: a file outside the store that remembers what the store has been.

It begins with the store's id. Every commit appends one line, synced before the commit is
acknowledged: how many events the journal holds, and the root over them. A checkpoint's line says
the hash of the note too. Lines are never changed; one that was being written when the machine
stopped has no end and does not count.

A store that is smaller than its witness has seen, or has another root at that size, has lost events
or is another history.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from entitlement_ledger.errors import StoreError
from entitlement_ledger.files import synced

_HEADER = "entl-witness 1 "
_TAIL_BYTES = 64 * 1024
_HASH_HEX = 64


@dataclass(frozen=True, slots=True)
class Seen:
    """What a line of the witness says.

    Attributes:
        size: events in the journal.
        root: of the tree over them.
        checkpoint: SHA-256 of the note, where the line is of a checkpoint.
        reset: who accepted another history from here on, and why.
    """

    size: int
    root: bytes
    checkpoint: bytes | None = None
    reset: tuple[str, str] | None = None

    def line(self) -> str:
        """Write it as it stands in the file."""
        words = [str(self.size), self.root.hex()]
        if self.checkpoint is not None:
            words += ["checkpoint", self.checkpoint.hex()]
        if self.reset is not None:
            words += ["reset", json.dumps(self.reset, ensure_ascii=True)]
        return " ".join(words) + "\n"

    @classmethod
    def read(cls, line: str) -> Self:
        """Read a line.

        Raises:
            ValueError: it is not a line of a witness.
        """
        size, root, *rest = line.split(" ", 3)
        if not (size.isascii() and size.isdigit()) or len(size) > 18 or len(root) != _HASH_HEX:
            raise ValueError(line)
        seen = int(size), bytes.fromhex(root)
        match rest:
            case []:
                return cls(*seen)
            case ["checkpoint", digest] if len(digest) == _HASH_HEX:
                return cls(*seen, checkpoint=bytes.fromhex(digest))
            case ["reset", told]:
                actor, reason = json.loads(told)
                return cls(*seen, reset=(str(actor), str(reason)))
        raise ValueError(line)


class Witness:
    """The witness of one store. Its file is made when there is first something to say."""

    def __init__(self, path: Path, store: str) -> None:
        self.path = path
        self._store = store
        self._file: int | None = None

    def last(self) -> Seen | None:
        """Give what was seen last; None where nothing has been.

        Raises:
            StoreError: it cannot be read, is damaged, or is the witness of another store.
        """
        try:
            with self.path.open("rb") as file:
                self._check_header(file.readline(_TAIL_BYTES))
                start = file.tell()
                end = file.seek(0, os.SEEK_END)
                file.seek(max(start, end - _TAIL_BYTES))
                lines = file.read().split(b"\n")[:-1]
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{self.path}: the witness cannot be read: {error.strerror}") from None
        return self._read(lines[-1]) if lines else None

    def all(self) -> Iterator[Seen]:
        """Give everything that was seen, oldest first.

        Raises:
            StoreError: as for `last`.
        """
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        with file:
            self._check_header(file.readline(_TAIL_BYTES))
            for line in file:
                if line.endswith(b"\n"):
                    yield self._read(line[:-1])

    def append(self, seen: Seen) -> None:
        """Remember something, durably.

        Raises:
            StoreError: it could not be made durable; what was committed stays committed.
        """
        try:
            if self._file is None:
                self._file = self._open()
            line = seen.line().encode()
            if os.write(self._file, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file)
        except OSError as error:
            self.close()
            raise StoreError(
                f"{self.path}: the witness cannot be written: {error.strerror}; what was asked for "
                "is recorded: make room and ask again with the same keys"
            ) from None

    def _open(self) -> int:
        """Open the file at its end; a line without an end is cut off first."""
        file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        size = os.fstat(file).st_size
        os.lseek(file, max(size - _TAIL_BYTES, 0), os.SEEK_SET)
        tail = os.read(file, _TAIL_BYTES)
        os.ftruncate(file, size - (len(tail) - (tail.rfind(b"\n") + 1)))
        if os.lseek(file, 0, os.SEEK_END) == 0:
            os.write(file, f"{_HEADER}{self._store}\n".encode())
            synced(self.path.parent)
        return file

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _check_header(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip("\n")
        if not text.startswith(_HEADER):
            raise StoreError(f"{self.path} is not a witness: name another file, or move it away")
        if text != f"{_HEADER}{self._store}":
            raise StoreError(
                f"{self.path} is the witness of another store: put that store back, or accept this "
                "one with `entl witness reset --reason …`"
            )

    def _read(self, line: bytes) -> Seen:
        try:
            return Seen.read(line.decode("ascii"))
        except (ValueError, TypeError):
            raise StoreError(
                f"{self.path} is damaged: {line[:80]!r} is not a line of a witness; restore it, or "
                "accept the store as it is with `entl witness reset --reason …`"
            ) from None
