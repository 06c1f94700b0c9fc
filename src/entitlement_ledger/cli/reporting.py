"""`entl report`: reports as files, and which there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from entitlement_ledger.cli import printing
from entitlement_ledger.cli.commands import INSTANT, as_json, entl, on_store, opened
from entitlement_ledger.cli.ending import tidily
from entitlement_ledger.counted import counted
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.errors import InputError
from entitlement_ledger.reports.parameters import FORMATS, Parameters

if TYPE_CHECKING:
    from entitlement_ledger.reports.parameters import ReportInfo, Written


@entl.command()
@on_store
@as_json
@click.option("--format", "format", type=click.Choice(FORMATS), help="Default: by the suffix.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--at", type=INSTANT, help="As of this time; default --known-at, else now.")
@click.option("--known-at", type=INSTANT, help="Only what was known then; default now.")
@click.option("--since", type=INSTANT, help="From this time on.")
@click.option("--until", type=INSTANT, help="Before this time.")
@click.option("--customer", help="Only this customer.")
@click.option("--entitlement", help="Only this entitlement.")
@click.option("--product", help="Only this product.")
@click.option("--segment", help="Only customers of this segment.")
@click.option("--actor", help="Only what this actor asked for.")
@click.option("--run", type=int, help="The number of a stored reconciliation.")
@click.argument("name", required=False, metavar="[NAME]")
@click.pass_context
def report(
    context: click.Context,
    name: str | None,
    format: str | None,
    output: Path | None,
    force: bool,
    as_json: bool,
    at: Instant | None,
    known_at: Instant | None,
    since: Instant | None,
    until: Instant | None,
    customer: str | None,
    entitlement: str | None,
    product: str | None,
    segment: str | None,
    actor: str | None,
    run: int | None,
) -> int:
    """Write a report to a file, or list the reports; exit 1 when it finds something wrong."""
    asked = Parameters(
        at, known_at, since, until, customer, entitlement, product, segment, actor, run
    )
    if name is None:
        _list(context, as_json)
        return 0
    if output is None:
        raise InputError(f"say where to write it: entl report {name} --output PATH")
    with tidily(), opened(context, read_only=True) as (ledger, settings):
        written = ledger.write_report(
            name,
            asked,
            output,
            format,
            force=force,
            actor=settings.actor,
            progress=printing.progress,
        )
    _tell(written, as_json)
    return 0 if written.ok else 1


def _tell(written: Written, as_json: bool) -> None:
    if as_json:
        printing.print_json(
            {
                "report": written.report,
                "format": written.format,
                "output": str(written.path),
                "rows": written.rows,
                "sha256": written.sha256,
                "checkpoint": {"size": written.size, "root": written.root},
            }
        )
    else:
        printing.narrate(f"{written.path}: {counted(written.rows, 'row')}, sha256 {written.sha256}")
    if not written.ok:
        printing.narrate(f"{written.report} finds something wrong: look into {written.path}")


def _list(context: click.Context, as_json: bool) -> None:
    from entitlement_ledger.reports.names import REPORTS

    listed = [each.info() for each in REPORTS.values()]
    if as_json:
        printing.print_json([_json(each) for each in listed])
        return
    for each in listed:
        print(f"{each.name}: {each.answers}")
        print(f"    {' '.join(_option(name, each) for name in each.options)}")


def _option(name: str, of: ReportInfo) -> str:
    return f"--{name} (needed)" if name in of.needs else f"--{name}"


def _json(told: ReportInfo) -> dict[str, object]:
    return {
        "report": told.name,
        "answers": told.answers,
        "options": list(told.options),
        "needs": list(told.needs),
        "columns": [{"name": each.name, "kind": each.kind.value} for each in told.columns],
    }
