"""Standard input, output and error: whatever the caller did with them."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

_ERRORS = "backslashreplace"
"""What an encoding lacks is spelled out: an answer never ends in the middle because of it."""


class AnswerError(Exception):
    """The answer could not be written; `gone` where nobody reads it any more."""

    def __init__(self, error: OSError) -> None:
        """Say why, in a line."""
        super().__init__(f"the answer cannot be written: {error.strerror}; name another place")
        self.gone = isinstance(error, BrokenPipeError)


class _Answers(io.RawIOBase):
    """Standard output, of which an error is told from those of the store and of other files."""

    def writable(self) -> bool:
        """Say that this is for writing."""
        return True

    def fileno(self) -> int:
        """Give the descriptor of standard output."""
        return 1

    def isatty(self) -> bool:
        """Say whether somebody looks."""
        return os.isatty(1)

    def write(self, data: Any, /) -> int | None:
        """Write what can be written at once; give how much that was, or None: not now."""
        try:
            return os.write(1, data)
        except BlockingIOError:
            return None
        except OSError as error:
            raise AnswerError(error) from None


def prepare() -> None:
    """Have all three: what is opened next must not become the input or output of anybody.

    `sys.stdin` stays None where it was closed: nothing was given.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free
    if sys.stderr is None:
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), write_through=True)
    encoding = "utf-8" if sys.stdout is None else sys.stdout.encoding
    answers = io.BufferedWriter(_Answers())
    sys.stdout = io.TextIOWrapper(
        answers, encoding=encoding, errors=_ERRORS, line_buffering=os.isatty(1)
    )
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors=_ERRORS)


def give_up() -> None:
    """Let what is left of the answer go nowhere, so that nothing is told of it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
