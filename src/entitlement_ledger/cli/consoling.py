"""`entl console`: in this terminal, or in a browser on this machine."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import click

from entitlement_ledger.cli.commands import chosen, common, entl, given
from entitlement_ledger.cli.printing import narrate
from entitlement_ledger.errors import InputError
from entitlement_ledger.settings import CONSOLE, Settings, settings_path

_NEEDED = ("aiohttp", "textual_serve")


@entl.command()
@common
@click.option("--demo", is_flag=True, help="The sample company, in a temporary store.")
@click.option("--read-only", is_flag=True, help="Look, and change nothing.")
@click.option("--web", is_flag=True, help="In a browser on this machine, one at a time.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Where --web listens; default: a free port."
)
@click.option("--graphics", type=click.Choice(CONSOLE["graphics"]), help="Draw with what.")
@click.pass_context
def console(
    context: click.Context,
    demo: bool,
    read_only: bool,
    web: bool,
    port: int | None,
    graphics: str | None,
) -> None:
    """Open the terminal console."""
    settings = chosen(context)
    if graphics is not None:
        settings = replace(settings, console={**settings.console, "graphics": graphics})
    if web:
        flags = [*(["--demo"] if demo else []), *(["--read-only"] if read_only else [])]
        flags += [] if graphics is None else ["--graphics", graphics]
        _serve(settings, given(context), flags, port or 0)
        return
    if port is not None:
        raise InputError("--port is where --web listens: say --web, too")
    if not _is_served() and not (os.isatty(0) and os.isatty(1)):
        raise InputError("the console needs a terminal: use the other commands in scripts")
    from entitlement_ledger.console.app import run_console

    run_console(settings, demo=demo, read_only=read_only)


def _is_served() -> bool:
    """Say whether this process is the console of a browser, and so needs no terminal."""
    return os.environ.get("TEXTUAL_DRIVER", "").startswith("entitlement_ledger.console.web.")


def _serve(settings: Settings, options: list[str], flags: list[str], port: int) -> None:
    """Serve the console until Ctrl-C.

    `options` stand before the name of its command, `flags` behind it: the console's process is
    given them as they were given here, and reads the settings that follow from them by itself.

    Raises:
        InputError: what it takes is not installed, the settings cannot be used, or not the port.
    """
    try:
        from entitlement_ledger.console.web.serving import serve as serve_console
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _NEEDED:
            raise
        raise InputError(
            "a console in the browser needs textual-serve: pip install 'entitlement-ledger[web]'"
        ) from None
    from entitlement_ledger.console.keys import read_keys

    read_keys(settings.keys, settings_path())
    demo = "--demo" in flags
    store = "of the demo" if demo else Path(settings.store).name
    # -P: a file beside whoever starts it is no module of this program.
    program = [sys.executable, "-P", "-m", "entitlement_ledger.cli"]
    serve_console([*program, *options, "console", *flags], store, port, _ready)


def _ready(url: str) -> None:
    narrate(f"the console is at {url}")
    narrate("one browser at a time may have it; Ctrl-C ends it")
