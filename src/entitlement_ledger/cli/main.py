"""The `entl` command: errors become one line and an exit code."""

from __future__ import annotations

import sys

import click

from entitlement_ledger.cli.commands import entl
from entitlement_ledger.cli.printing import narrate
from entitlement_ledger.cli.streams import AnswerError, give_up, prepare
from entitlement_ledger.errors import InputError, LedgerError
from entitlement_ledger.garbage import look_seldom

_INTERRUPTED = 130
_NOBODY_READS = 141
"""As whoever is stopped by such a signal: nobody knows what came of it."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    prepare()
    look_seldom()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; give the exit code."""
    try:
        _refuse_unreadable(arguments)
        code = entl.main(arguments, prog_name="entl", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.ClickException as error:
        narrate(f"{error.format_message()} (see `entl --help`)".replace("\n", " "))
        return 2
    except LedgerError as error:
        for line in error.lines:
            narrate(line)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _stopped()
    except RuntimeError as error:
        # Ctrl-C within a query: the database makes an error of its own of it.
        if "interrupted" not in str(error).lower():
            raise
        return _stopped()
    except AnswerError as error:
        return _unanswered(error)
    except OSError as error:
        narrate(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))
        return 3


def _refuse_unreadable(arguments: list[str]) -> None:
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise InputError(f"{argument!a} is not UTF-8: nothing can be called that") from None


def _unanswered(error: AnswerError) -> int:
    give_up()
    if error.gone:
        return _NOBODY_READS
    narrate(str(error))
    return 2


def _stopped() -> int:
    narrate("stopped; what was answered is recorded")
    return _INTERRUPTED
