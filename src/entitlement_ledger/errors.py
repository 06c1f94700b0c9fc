"""Errors a face shows as one line: what is wrong, where, and what to do."""

from __future__ import annotations


class LedgerError(Exception):
    """An error with a message for people; `exit_code` is what the command line ends with."""

    exit_code = 2

    @property
    def lines(self) -> list[str]:
        """What is wrong, one thing a line."""
        return [str(self)]


class InputError(LedgerError):
    """What was given cannot be used: a bad argument, a bad row, an unknown name."""


class StoreError(LedgerError):
    """The store cannot be used: missing, locked, damaged, or newer than this program."""

    exit_code = 3


class Cancelled(LedgerError):
    """The query was interrupted because nobody waits for it any more."""


def fault_of(error: Exception) -> str:
    """Say what a fault of the program's own was, to whoever waits for an answer."""
    return f"a fault of this program, please report it: {type(error).__name__}: {error}"
