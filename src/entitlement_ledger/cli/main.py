"""The `entl` command: errors become one line and an exit code."""

from __future__ import annotations

import os
import sys

import click

from entitlement_ledger.cli.commands import entl
from entitlement_ledger.cli.printing import narrate
from entitlement_ledger.errors import LedgerError
from entitlement_ledger.garbage import look_seldom

_INTERRUPTED = 130


def main() -> None:
    """Run the command line and leave with its exit code."""
    look_seldom()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; give the exit code."""
    try:
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
    except BrokenPipeError:
        # The reader has gone: leave quietly, without another error when Python flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        narrate(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))
        return 3


def _stopped() -> int:
    narrate("stopped; what was answered is recorded")
    return _INTERRUPTED
