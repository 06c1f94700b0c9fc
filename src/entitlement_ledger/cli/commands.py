"""The commands of `entl`, one function each."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from entitlement_ledger import __version__
from entitlement_ledger.cli import printing
from entitlement_ledger.cli.elsewhere import Commands
from entitlement_ledger.domain.instants import Instant, parse_instant
from entitlement_ledger.errors import InputError, with_limit
from entitlement_ledger.settings import Settings, load_settings

if TYPE_CHECKING:
    from entitlement_ledger.ledger import Ledger

Command = TypeVar("Command", bound=Callable[..., Any])


class InstantArgument(click.ParamType[Instant]):
    """A time with an offset."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Instant:
        """Read the time, or fail with one line."""
        try:
            return value if isinstance(value, int) else parse_instant(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


class TypeArgument(click.ParamType[str]):
    """A type of transaction."""

    name = "type"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read the type, or fail with one line."""
        from entitlement_ledger.domain.commands import CommandType

        known = [each.value for each in CommandType]
        if value not in known:
            self.fail(f"{value!r} is not one of {', '.join(known)}", param, ctx)
        return str(value)


INSTANT = InstantArgument()
TYPE = TypeArgument()


class _Chosen:
    """The options that every command takes, before its name or after it."""

    store: str | None = None
    actor: str | None = None

    def settings(self) -> Settings:
        return load_settings(store=self.store, actor=self.actor)


def _remember(name: str) -> Callable[[click.Context, click.Parameter, str | None], None]:
    def callback(context: click.Context, _option: click.Parameter, value: str | None) -> None:
        if value is not None:
            setattr(context.ensure_object(_Chosen), name, value)

    return callback


on_store = click.option(
    "--store",
    metavar="PATH-OR-URL",
    help="The store; default ENTL_STORE, else the user's data folder.",
    expose_value=False,
    callback=_remember("store"),
)
as_actor = click.option(
    "--actor",
    metavar="NAME",
    help="Who is asking; default the operating-system user.",
    expose_value=False,
    callback=_remember("actor"),
)


def common(command: Command) -> Command:
    """Give a command the options that may stand before its name or after it."""
    return on_store(as_actor(command))


as_json = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")


def chosen(context: click.Context) -> Settings:
    """Give the settings, flags included."""
    return context.ensure_object(_Chosen).settings()


def given(context: click.Context) -> list[str]:
    """Give the flags that every command takes as they were given, for another process of this."""
    flags = context.ensure_object(_Chosen)
    named = (("--store", flags.store), ("--actor", flags.actor))
    return [each for name, value in named if value is not None for each in (name, value)]


@contextmanager
def opened(
    context: click.Context,
    *,
    read_only: bool,
    catching_up: bool = True,
    unwitnessed: bool = False,
) -> Iterator[tuple[Ledger, Settings]]:
    """Open the chosen store for the length of a command."""
    from entitlement_ledger.ledger import Ledger

    settings = chosen(context)
    with Ledger.open(
        settings.store,
        read_only=read_only,
        roles=settings.roles,
        approvals=settings.approvals,
        suspicious=settings.suspicious,
        reconcile=settings.reconcile,
        catching_up=catching_up,
        unwitnessed=unwitnessed,
        witness=settings.witness,
        signing_key=settings.signing_key,
    ) as ledger:
        yield ledger, settings


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="entl")
@common
def entl() -> None:
    """What does this customer have, why, who changed it, and can you prove it?"""


@entl.command()
@common
@click.pass_context
def init(context: click.Context) -> None:
    """Make an empty store."""
    from entitlement_ledger.ledger import Ledger

    settings = chosen(context)
    Ledger.create(settings.store, witness=settings.witness)
    printing.narrate(f"made an empty store at {settings.store}")


@entl.command(name="import")
@common
@as_json
@click.option(
    "--mapping",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="TOML with the names and values of another system's file, for a single PATH.",
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.pass_context
def import_(
    context: click.Context, paths: tuple[Path, ...], mapping: Path | None, as_json: bool
) -> int:
    """Load customers, entitlements, products, tickets and billing.

    Files are CSV (with commas, semicolons or tabs), JSON, JSON Lines or Parquet, told by name.
    """
    from entitlement_ledger.cli import showing

    with opened(context, read_only=False) as (ledger, settings):
        loaded = ledger.import_files(paths, actor=settings.actor, mapping=mapping)
    for each in loaded:
        for problem in with_limit(each.problems):
            printing.narrate(problem)
        if each.problems:
            printing.narrate(f"{each.file}: nothing loaded, correct it and import it again")
    if as_json:
        printing.print_json([showing.imported(each) for each in loaded])
    else:
        for each in loaded:
            if not each.problems:
                printing.narrate(
                    f"{each.file}: {each.rows} {each.table}, "
                    f"{each.added} added, {each.changed} changed"
                )
    return 2 if any(each.problems for each in loaded) else 0


@entl.command()
@common
@click.option("--atomic", is_flag=True, help="All or nothing.")
@click.option("--history", is_flag=True, help="Lines migrated from another system.")
@click.option("--dry-run", is_flag=True, help="Give the outcomes and record nothing.")
@click.option("--json", is_flag=True, expose_value=False, hidden=True)
@click.argument("file")
@click.pass_context
def post(context: click.Context, file: str, atomic: bool, history: bool, dry_run: bool) -> int:
    """Post commands in JSON Lines from FILE, or from standard input with `-`."""
    from entitlement_ledger.cli import showing
    from entitlement_ledger.cli.lines import read_batches, widen
    from entitlement_ledger.domain.lines import parse_line

    if file == "-" and sys.stdin is None:
        raise InputError("standard input is closed: give commands in JSON Lines there, or a FILE")
    if file != "-" and not Path(file).is_file():
        raise InputError(f"{file} is not a file: name one with commands in JSON Lines, or -")
    with opened(context, read_only=dry_run) as (ledger, settings):
        descriptor = 0 if file == "-" else os.open(file, os.O_RDONLY)
        widen(descriptor)
        batches: Iterator[list[bytes]] = read_batches(descriptor)
        if atomic or dry_run:
            # What a later line comes to depends on the earlier ones, which are not recorded.
            batches = iter([list(itertools.chain.from_iterable(batches))])
        answered = 0
        refused = False
        for lines in batches:
            given = [parse_line(line) for line in lines if line.strip()]
            if dry_run:
                outcomes = ledger.preview(
                    given, actor=settings.actor, atomic=atomic, history=history
                )
            else:
                outcomes = ledger.post(given, actor=settings.actor, atomic=atomic, history=history)
            numbers = [n for n, line in enumerate(lines, answered + 1) if line.strip()]
            showing.write_outcomes(zip(numbers, outcomes, strict=True))
            answered += len(lines)
            if atomic:
                refused = any(each.status == "refused" for each in outcomes)
    return 1 if atomic and refused else 0


@entl.command(name="run-due")
@common
@as_json
@click.option("--now", type=INSTANT, help="As if it were this time; may be ahead of the clock.")
@click.pass_context
def run_due(context: click.Context, now: Instant | None, as_json: bool) -> int:
    """Record what has become due; safe to run any number of times. Exit 1 when some cannot be."""
    from entitlement_ledger.cli import showing

    with opened(context, read_only=False) as (ledger, _):
        done = ledger.run_due(now=now, progress=printing.progress)
    showing.due_work(done, as_json)
    return 1 if done.stuck else 0


@entl.command()
@common
@as_json
@click.pass_context
def rebuild(context: click.Context, as_json: bool) -> None:
    """Drop the projections and make them again from the journal."""
    with opened(context, read_only=False, catching_up=False) as (ledger, _):
        events = ledger.rebuild(progress=printing.progress)
    if as_json:
        printing.print_json({"events": events})
    else:
        printing.narrate(f"rebuilt from {events} events")
