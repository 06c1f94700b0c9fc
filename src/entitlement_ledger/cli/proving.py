"""The commands of `entl` that prove: checks, verification, checkpoints, the witness, backups."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from entitlement_ledger.cli import printing, showing
from entitlement_ledger.cli.commands import INSTANT, as_json, chosen, common, entl, opened
from entitlement_ledger.counted import counted
from entitlement_ledger.domain.instants import Instant, format_instant
from entitlement_ledger.errors import InputError
from entitlement_ledger.harmless import harmless
from entitlement_ledger.reports.placing import placed

if TYPE_CHECKING:
    from entitlement_ledger.audit.proofs import Proved

_KEY_HELP = "The public key that must have signed, or a file with it; default: the own one."


def _key_text(given: str | None) -> str | None:
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
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.pass_context
def check(context: click.Context, names: tuple[str, ...], as_json: bool) -> int:
    """Run the consistency checks; exit 1 when one fails."""
    with opened(context, read_only=True, unwitnessed=True) as (ledger, _):
        results = ledger.check(names)
    showing.checks(results, as_json)
    return 0 if all(each.ok for each in results) else 1


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
            key=_key_text(key), since_checkpoint=since_checkpoint, progress=printing.progress
        )
    showing.checks(results, as_json)
    first = showing.first_at_fault(results)
    if first is not None:
        printing.narrate(f"the first event at fault is {first}")
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


@entl.command()
@common
@click.argument("transaction", required=False)
@click.option("--consistency", nargs=2, type=int, metavar="OLD NEW", help="Of two checkpoints.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write it.")
@click.pass_context
def proof(
    context: click.Context,
    transaction: str | None,
    consistency: tuple[int, int] | None,
    output: Path | None,
) -> None:
    """Write a proof that can be verified without the store."""
    if (transaction is None) == (consistency is None):
        raise click.UsageError("give a transaction, or --consistency OLD NEW")
    with opened(context, read_only=True) as (ledger, _):
        if consistency is not None:
            text = ledger.prove_consistency(*consistency)
        else:
            assert transaction is not None, "one of the two is given"
            text = ledger.prove(transaction)
        key, own = ledger.public_key(), ledger.own_files
    if output is None:
        print(text, end="")
        return
    with placed(output, own, force=True) as unfinished:
        unfinished.file.write_text(text, "utf-8")
        unfinished.keep()
    printing.narrate(f"wrote {output}; verify it: entl verify-proof {output} --key {key}")


@entl.command("verify-proof")
@as_json
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--key", metavar="PUB", help=_KEY_HELP)
def verify_proof(file: Path, key: str | None, as_json: bool) -> int:
    """Verify a proof, without any store; exit 1 when it proves nothing."""
    from entitlement_ledger.audit import proofs
    from entitlement_ledger.audit.notes import NoteError, PublicKey, load_key

    own = None if key is not None else load_key(_own_key(), make=False)
    if key is None and own is None:
        raise InputError("say whose signature to believe: --key PUB")
    try:
        believed = own.public if own is not None else PublicKey.read(_key_text(key) or "")
        with file.open("rb") as opened_file:
            data = opened_file.read(proofs.PROOF_BYTES_MAX + 1)
        proved = proofs.verify_proof(data.decode(), believed)
    except NoteError as error:
        raise InputError(f"--key: {error}") from None
    except UnicodeDecodeError:
        raise InputError(f"{file} is not a proof: it is not text") from None
    except proofs.ProofError as error:
        if error.malformed:
            raise InputError(f"{file}: {error}") from None
        printing.narrate(f"{file} proves nothing: {error}")
        return 1
    _show(proved, as_json)
    return 0


def _own_key() -> Path:
    """Say where the own signing key is."""
    from entitlement_ledger.settings import load_settings

    path = load_settings().signing_key
    assert path is not None, "there is a default"
    return path


def _show(proved: Proved, as_json: bool) -> None:
    """Show what a proof proves."""
    checkpoint = proved.checkpoint
    event = None if proved.body is None else json.loads(proved.body)
    if as_json:
        printing.print_json(
            {
                "ok": True,
                "kind": "consistency" if proved.old else "inclusion",
                "origin": checkpoint.origin,
                "size": checkpoint.size,
                "root": checkpoint.root.hex(),
                "signed_by": proved.signer,
                "sequence": proved.sequence,
                "old_size": proved.old.size if proved.old else None,
                "event": event,
            }
        )
        return
    signed = f"{checkpoint.origin}, as {proved.signer} has signed it"
    if proved.old is not None:
        print(harmless(
            f"proved: the {checkpoint.size} events of {signed}, begin with the "
            f"{proved.old.size} events signed earlier"
        ))  # fmt: skip
    else:
        print(harmless(
            f"proved: this is event {proved.sequence} of the {checkpoint.size} of {signed}"
        ))  # fmt: skip
        print(harmless(json.dumps(event, ensure_ascii=False)))


@entl.command()
@common
@click.argument("folder", type=click.Path(path_type=Path))
@click.pass_context
def backup(context: click.Context, folder: Path) -> None:
    """Copy the store into a new folder, with a checkpoint to believe it by."""
    with opened(context, read_only=False) as (ledger, _):
        ledger.backup(folder, printing.progress)
    printing.narrate(f"backed up to {folder}")


@entl.command()
@common
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Put a store that is there aside; it is kept.")
@click.pass_context
def restore(context: click.Context, folder: Path, force: bool) -> None:
    """Put a backup where no store is; the witness says whether it is the newest."""
    from entitlement_ledger.ledger import Ledger

    settings = chosen(context)
    Ledger.restore(
        settings.store, folder, witness=settings.witness, progress=printing.progress, instead=force
    )
    with opened(context, read_only=True) as (ledger, _):
        events = ledger.status().events
    printing.narrate(f"restored {events} events to {settings.store}")


@entl.command()
@common
@click.argument("customer")
@click.option("--reason", required=True, help="Why: it is recorded.")
@click.pass_context
def forget(context: click.Context, customer: str, reason: str) -> None:
    """Destroy a customer's name and email for good; everything else still verifies."""
    with opened(context, read_only=False) as (ledger, settings):
        ledger.forget(customer, actor=settings.actor, reason=reason)
    printing.narrate(f"{customer} is forgotten; backups made before still hold the name")


@entl.command()
@common
@click.option("--before", type=INSTANT, required=True, help="When the period to close ends.")
@click.option("--reason", help="Why: it is recorded.")
@click.pass_context
def archive(context: click.Context, before: Instant, reason: str | None) -> None:
    """Close a period: its detail goes into Parquet files, and is read from there."""
    with opened(context, read_only=False) as (ledger, settings):
        done = ledger.archive(
            before,
            actor=settings.actor,
            reason=reason,
            progress=printing.progress,
        )
    printing.narrate(
        f"archived {counted(done.events, 'event')} and {counted(done.postings, 'posting')} "
        f"before {format_instant(done.before)} in {done.folder}"
    )


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
