"""Errors a face shows as one line: what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

PROBLEMS_MAX = 100


def with_limit(problems: Sequence[str]) -> list[str]:
    """Give problems as they are told, with a line at the end where more may not be."""
    if len(problems) < PROBLEMS_MAX:
        return list(problems)
    return [*problems, f"… and perhaps more: no more than {PROBLEMS_MAX} are told at once"]


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
