"""The commands of `entl` that prove: checkpoints, the witness, verification."""

from __future__ import annotations

from pathlib import Path

import click

from entitlement_ledger.cli import printing, showing
from entitlement_ledger.cli.commands import as_json, common, entl, opened
from entitlement_ledger.errors import InputError

_KEY_HELP = "The public key that must have signed, or a file with it; default: the own one."


def key_text(given: str | None) -> str | None:
    """Read a key that is given as text, or as the name of a file."""
    if given is None or "+" in given:
        return given
    try:
        return Path(given).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{given}: the key cannot be read: {error}") from None


@entl.command()
@common
@as_json
@click.option("--key", metavar="PUB", help=_KEY_HELP)
@click.option("--since-checkpoint", is_flag=True, help="Only what came after the newest one.")
@click.pass_context
def verify(context: click.Context, key: str | None, since_checkpoint: bool, as_json: bool) -> int:
    """Compute everything again from the journal and compare; exit 1 when something is wrong."""
    with opened(context, read_only=True, unwitnessed=True) as (ledger, _):
        results = ledger.verify(
            key=key_text(key), since_checkpoint=since_checkpoint, progress=printing.progress
        )
    showing.checks(results, as_json)
    return 0 if all(each.ok for each in results) else 1


@entl.command()
@common
@as_json
@click.pass_context
def checkpoint(context: click.Context, as_json: bool) -> None:
    """Sign what the journal is now."""
    with opened(context, read_only=False) as (ledger, _):
        note = ledger.checkpoint()
        key = ledger.public_key()
    if as_json:
        printing.print_json({"checkpoint": note, "key": key})
    else:
        print(note, end="")
        printing.narrate(f"verify it with --key {key}")


@entl.group()
def witness() -> None:
    """What remembers, outside the store, what the store has been."""


@witness.command()
@common
@click.option("--reason", required=True, help="Why the store is right as it is.")
@click.pass_context
def reset(context: click.Context, reason: str) -> None:
    """Accept the store as it is, after a restore; the witness keeps who said so, and why."""
    if not reason.strip():
        raise InputError("say why: an auditor will ask")
    with opened(context, read_only=False, unwitnessed=True) as (ledger, settings):
        ledger.accept_history(actor=settings.actor, reason=reason)
        events = ledger.status().events
    printing.narrate(f"accepted as it is: {events} events")
