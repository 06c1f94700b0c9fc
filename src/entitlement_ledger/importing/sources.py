"""Reading a file's text once, from its beginning to its end, with little of it in memory."""

from __future__ import annotations

import codecs
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from entitlement_ledger.files import sha256_of
from entitlement_ledger.importing.blocks import BadFile

Progress = Callable[[int, int], None]
"""Told how many bytes of a file have been read, and how many there are."""

_PIECE_BYTES = 1 << 20
PIECE_MAX = 4 << 20
"""The most characters that one line, or one object of a JSON list, may have."""


def silent(_done: int, _all: int) -> None:
    """Tell nobody."""


class Source:
    """A file on its way in.

    Attributes:
        path: the file, as the messages name it.
        done: how many bytes have been read.
    """

    def __init__(self, path: Path, progress: Progress = silent) -> None:
        self.path = path
        self.done = 0
        self.progress = progress
        self._hash = hashlib.sha256()
        self._whole = False

    def texts(self) -> Iterator[str]:
        """Give the file's UTF-8 text in pieces; a byte order mark is left out.

        Raises:
            BadFile: it cannot be opened, or is not UTF-8.
        """
        decoder = codecs.getincrementaldecoder("utf-8")()
        for begin, piece in self._pieces():
            waiting = len(decoder.getstate()[0])
            try:
                yield decoder.decode(piece)
            except UnicodeDecodeError as error:
                yield error.object[: error.start].decode()
                raise self._not_text(begin - waiting + error.start) from None
        waiting = len(decoder.getstate()[0])
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise self._not_text(self.done - waiting) from None

    def lines(self, ends: str) -> Iterator[str]:
        r"""Give the text in pieces that end where a line ends.

        Args:
            ends: the characters that end a line, of `\r` and `\n`; `\r\n` is never cut in two.

        Raises:
            BadFile: as for `texts`, or a line is too long to be one.
        """
        rest, line = "", 1
        for text in self.texts():
            whole = rest + text
            # What the last character ends may only be told by the one after it.
            cut = max(whole.rfind("\n"), whole.rfind("\r", 0, -1) if "\r" in ends else -1) + 1
            rest = whole[cut:]
            if len(rest) > PIECE_MAX:
                line += whole.count("\n", 0, cut)
                raise BadFile(
                    f"{self.path}, line {line}: is longer than {PIECE_MAX} characters, "
                    "which is no line of a feed"
                )
            if cut:
                line += whole.count("\n", 0, cut)
                yield whole[:cut]
        if rest:
            yield rest

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes that were read, in hexadecimal.

        A file that was not read from end to end, as Parquet is not, is read for it.
        """
        return self._hash.hexdigest() if self._whole else sha256_of(self.path)

    def _pieces(self) -> Iterator[tuple[int, bytes]]:
        try:
            with self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                while piece := file.read(_PIECE_BYTES):
                    begin = self.done
                    self._hash.update(piece)
                    self.done += len(piece)
                    if begin == 0:
                        begin, piece = self._without_mark(piece)
                    yield begin, piece
                    self.progress(self.done, max(size, self.done))
        except OSError as error:
            raise cannot_be_read(self.path, error) from None
        self._whole = True

    def _without_mark(self, piece: bytes) -> tuple[int, bytes]:
        if piece.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise BadFile(f"{self.path}, line 1: is UTF-16 text: save it as UTF-8 and try again")
        if piece.startswith(codecs.BOM_UTF8):
            return len(codecs.BOM_UTF8), piece[len(codecs.BOM_UTF8) :]
        return 0, piece

    def _not_text(self, offset: int) -> BadFile:
        line, left = 1, offset
        with self.path.open("rb") as file:
            while left and (piece := file.read(min(left, _PIECE_BYTES))):
                line += piece.count(b"\n")
                left -= len(piece)
        return BadFile(f"{self.path}, line {line}: is not UTF-8 text")


def cannot_be_read(path: Path, error: OSError) -> BadFile:
    """Say why the system does not give a file."""
    return BadFile(f"{path}: cannot be read: {error.strerror or error}")
