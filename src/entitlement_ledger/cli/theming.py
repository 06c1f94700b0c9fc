"""`entl themes`: which there are, where they are, and how well their texts can be read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from entitlement_ledger.cli import printing
from entitlement_ledger.cli.commands import as_json, chosen, common, entl
from entitlement_ledger.errors import InputError
from entitlement_ledger.nearest import nearest

if TYPE_CHECKING:
    from entitlement_ledger.console.themes import FoundTheme


@entl.command()
@common
@as_json
@click.option(
    "--check",
    "checking",
    is_flag=True,
    help="Check one FILE, or all: exit 1 when a text is hard to read.",
)
@click.option("--copy", "copied", metavar="NAME", help="Copy a theme to your own, to begin from.")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.pass_context
def themes(
    context: click.Context, checking: bool, copied: str | None, file: Path | None, as_json: bool
) -> int:
    """List the console's themes: the program's, and those in the folder beside the settings."""
    if checking and copied is not None:
        raise InputError("--check and --copy do not go together: one after the other")
    if file is not None and not checking:
        raise InputError(f"{file}: a file is named to check it: entl themes --check {file}")
    if copied is not None:
        return _copy(copied, as_json)
    if checking:
        return _check(file, as_json)
    return _list(chosen(context).theme, as_json)


def _list(chosen_name: str | None, as_json: bool) -> int:
    from entitlement_ledger.console.contrast import HIGH, measure
    from entitlement_ledger.console.themes import DEFAULT_THEME, find_themes

    found, problems = find_themes()
    in_use = chosen_name if chosen_name in found else DEFAULT_THEME
    rows = []
    for name, each in sorted(found.items()):
        lowest = measure(each.theme)[0]
        rows.append(
            {
                "name": name,
                "dark": each.theme.dark,
                "in_use": name == in_use,
                "own": each.own,
                "file": str(each.path),
                "contrast": f"{lowest.ratio:.2f}",
                "lowest_pair": str(lowest),
                "high_contrast": lowest.ratio >= HIGH,
            }
        )
    if as_json:
        printing.print_json(rows)
    else:
        printing.print_table(
            ["", "theme", "is", "contrast", "lowest pair", "file"],
            [
                [
                    "*" if row["in_use"] else "",
                    str(row["name"]),
                    ("dark" if row["dark"] else "light")
                    + (", high contrast" if row["high_contrast"] else ""),
                    str(row["contrast"]),
                    str(row["lowest_pair"]),
                    str(row["file"]),
                ]
                for row in rows
            ],
            right="contrast",
        )
    if chosen_name is not None and chosen_name not in found:
        near = nearest(chosen_name, found, otherwise="")
        printing.narrate(f"the settings name a theme that there is not, {chosen_name!a}{near}")
    for line in problems.values():
        printing.narrate(line)
    return 2 if problems else 0


def _check(file: Path | None, as_json: bool) -> int:
    from entitlement_ledger.console.contrast import READABLE, measure
    from entitlement_ledger.console.themes import FoundTheme, find_themes, read_theme

    problems: dict[Path, str] = {}
    if file is None:
        found, problems = find_themes()
    else:
        found = {file.stem: FoundTheme(read_theme(file), file, own=True)}
    low = [
        (each, pair)
        for _, each in sorted(found.items())
        for pair in measure(each.theme)
        if pair.ratio < READABLE
    ]
    if as_json:
        printing.print_json(
            [
                {
                    "file": str(each.path),
                    "ink": pair.ink,
                    "ground": pair.ground,
                    "contrast": f"{pair.ratio:.2f}",
                }
                for each, pair in low
            ]
        )
    else:
        for each, pair in low:
            told = f"{each.path}: {pair} is {pair.ratio:.2f}, below {READABLE}"
            printing.print_line(told)
    for line in problems.values():
        printing.narrate(line)
    if problems:
        return 2
    if not low:
        printing.narrate(f"{len(found)} checked: every text is at {READABLE} or above")
    return 1 if low else 0


def _copy(name: str, as_json: bool) -> int:
    from entitlement_ledger.console.themes import find_themes, own_themes

    found, _ = find_themes()
    if name not in found:
        near = nearest(name, found, otherwise=f"{', '.join(sorted(found))} are")
        raise InputError(f"{name!a} is not a theme{near}")
    target = _place(found[name], own_themes())
    if as_json:
        printing.print_json({"file": str(target)})
    else:
        printing.print_line(str(target))
    printing.narrate(
        "it takes the place of the program's; under another file name it stands beside"
    )
    return 0


def _place(theme: FoundTheme, folder: Path) -> Path:
    """Write the copy; give the file.

    Raises:
        InputError: there is one already, or the folder cannot be written to.
    """
    target = folder / theme.path.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as opened:
            opened.write(theme.path.read_bytes())
    except FileExistsError:
        raise InputError(f"{target} is there already: edit it, or move it away first") from None
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror}") from None
    return target
