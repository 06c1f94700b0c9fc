"""Commands that are in other modules, imported when one of theirs is asked for.

All of them together take longer to import than most commands to be carried out.
"""

from __future__ import annotations

import importlib

import click

COMMANDS = {
    "answering": ("access", "balance", "diff", "explain", "history", "show"),
    "auditing": ("events", "review-events", "sample"),
    "benching": ("bench", "detection"),
    "configuring": ("config",),
    "consoling": ("console",),
    "proving": ("archive", "backup", "check", "checkpoint", "forget", "proof", "restore", "verify",
                "verify-proof", "witness"),
    "reconciling": ("reconcile",),
    "reporting": ("report",),
    "suspecting": ("findings", "review", "suspicious"),
    "theming": ("themes",),
}  # fmt: skip
"""By module, the commands that join when it is imported."""

_MODULES = {name: module for module, names in COMMANDS.items() for name in names}


class Commands(click.Group):
    """Commands of this module and of others."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Give a command by its name."""
        module = _MODULES.get(cmd_name)
        if module is not None:
            importlib.import_module(f"entitlement_ledger.cli.{module}")
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names of all commands."""
        return sorted({*super().list_commands(ctx), *_MODULES})
