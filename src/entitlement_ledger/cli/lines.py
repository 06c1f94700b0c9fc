"""JSON Lines as they arrive: whole lines only, in batches that nobody waits for."""

from __future__ import annotations

import fcntl
import os
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import suppress

from entitlement_ledger.domain.lines import LINE_BYTES_MAX

BATCH_LINES_MAX = 100_000
_READ_BYTES = 1 << 23
_PIPE_BYTES = 1 << 20


def widen(descriptor: int) -> None:
    """Let a pipe hold more than the usual 64 KiB, so that fewer and larger batches come of it."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def read_batches(descriptor: int) -> Iterator[list[bytes]]:
    """Give what has arrived so far, line by line, in batches: nobody waits for a full one.

    The mark that some programs put at the beginning of a file is not part of the first line.
    A line beyond the limit is given cut, one byte too long, so that it is seen to be so.
    """
    rest = bytearray()
    too_long = False
    begins = True
    while chunk := os.read(descriptor, _READ_BYTES):
        rest += chunk
        *whole, tail = bytes(rest).split(b"\n")
        if whole and begins:
            whole[0] = whole[0].removeprefix(BOM_UTF8)
            begins = False
        if whole and too_long:
            whole[0] = whole[0][: LINE_BYTES_MAX + 1]
        rest = bytearray(tail)
        too_long = len(rest) > LINE_BYTES_MAX
        if too_long:
            del rest[LINE_BYTES_MAX + 1 :]
        for start in range(0, len(whole), BATCH_LINES_MAX):
            yield whole[start : start + BATCH_LINES_MAX]
    if rest:
        yield [bytes(rest).removeprefix(BOM_UTF8) if begins else bytes(rest)]
