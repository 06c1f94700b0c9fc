"""`entl reconcile`: an outside file against the ledger, line by line."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from entitlement_ledger.cli import printing
from entitlement_ledger.cli.commands import INSTANT, as_json, common, entl, opened
from entitlement_ledger.cli.ending import tidily
from entitlement_ledger.counted import counted
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.errors import InputError
from entitlement_ledger.harmless import harmless
from entitlement_ledger.reports.placing import placed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entitlement_ledger.ledger import Ledger
    from entitlement_ledger.reconciliations import Discrepancy, Run, Side

_SHOWN_MAX = 10
"""How many discrepancies of each class are shown to people."""


@entl.command()
@common
@as_json
@click.option("--against", type=click.Choice(["billing", "cam", "catalog"]))
@click.option("--since", type=INSTANT, help="The period's beginning, which is in it.")
@click.option("--until", type=INSTANT, help="The period's end, which is not.")
@click.option("--mapping", type=click.Path(path_type=Path), help="How the file names its columns.")
@click.option(
    "--proposals", type=click.Path(path_type=Path), help="Write commands for `entl post`."
)
@click.option("--force", is_flag=True, help="Replace a file of proposals that is there.")
@click.option("--run", "number", type=int, metavar="N", help="Show a run again.")
@click.option("--runs", "listing", is_flag=True, help="List all runs.")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.pass_context
def reconcile(
    context: click.Context,
    file: Path | None,
    against: str | None,
    since: Instant | None,
    until: Instant | None,
    mapping: Path | None,
    proposals: Path | None,
    force: bool,
    number: int | None,
    listing: bool,
    as_json: bool,
) -> int:
    """Match an outside file line by line; or show what a run came to."""
    if (file is not None) + (number is not None) + listing != 1:
        raise InputError("give a FILE with --against, or --run N, or --runs")
    if file is not None and against is None:
        raise InputError("say what the file is an extract of: --against billing, cam or catalog")
    if file is None and (against or since or until or mapping):
        raise InputError("--against, --since, --until and --mapping are of a FILE")
    with tidily(), opened(context, read_only=file is None) as (ledger, settings):
        if listing:
            _list_runs(ledger.runs(), as_json)
            return 0
        # A run is recorded for good: whether its proposals can be written is seen before it.
        with _proposing(ledger, proposals, force=force) as write_proposals:
            if file is None or against is None:
                run = ledger.run(number or 0)
            else:
                from entitlement_ledger.reconciliations import Against

                run = ledger.reconcile(
                    file,
                    Against(against),
                    actor=settings.actor,
                    since=since,
                    until=until,
                    mapping=mapping,
                    progress=printing.percent,
                )
            with ledger.sparingly():
                write_proposals(run)
        if as_json:
            with ledger.sparingly():
                _print_json(ledger, run)
        else:
            _show(ledger, run)
    return 1 if run.discrepancies else 0


def _print_json(ledger: Ledger, run: Run) -> None:
    """Print a run as the contract has it, discrepancy by discrepancy."""
    from entitlement_ledger.reconciliations import Class

    told = ledger.all_discrepancies(run.number)
    print(f'{{"matched": {run.matched},\n "discrepancies": ', end="")
    printing.print_json_list(_json(each, run) for each in told if each.class_ != Class.UNEXPLAINED)
    unexplained = run.counts.get(Class.UNEXPLAINED, 0)
    said = ledger.all_discrepancies(run.number, Class.UNEXPLAINED) if unexplained else ()
    print(' ,"unexplained": ', end="")
    printing.print_json_list(_json(each, run) for each in said)
    print(' ,"resolved": ', end="")
    printing.print_json_list(_json(each, run) for each in ledger.all_resolved(run))
    print(f' ,"run": {printing.json_text(_run_json(run))}}}')


def _json(each: Discrepancy, run: Run) -> dict[str, Any]:
    return {
        "class": each.class_.value,
        "reference": each.reference,
        "customer": each.customer,
        "ours": each.ours,
        "theirs": each.theirs,
        "why": each.why,
        "proposal": each.proposal,
        "discrepancy": each.id,
        "our_side": [_side(side) for side in each.our_side],
        "their_side": [_side(side) for side in each.their_side],
        "state": "new" if each.first_run == run.number else "ageing",
        "first_run": each.first_run,
        "first_seen": printing.time_json(each.first_seen),
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "what": side.what,
        "quantity": side.quantity,
        "status": side.status,
        "at": printing.time_json(side.at),
        "line": side.line,
        "transaction": side.transaction,
    }


def _run_json(run: Run) -> dict[str, Any]:
    said = {name: getattr(run, name) for name in run.__struct_fields__}
    times = {name: printing.time_json(said[name]) for name in ("since", "until", "recorded_at")}
    return {**said, "against": run.against.value, **times}


def _show(ledger: Ledger, run: Run) -> None:
    from entitlement_ledger.reconciliations import Class

    print(harmless(f"run {run.number}: {run.file} against {run.against.value}, {_period(run)}"))
    outside = f", {run.outside:,} outside the period" if run.outside else ""
    print(f"{counted(run.lines, 'line')}, {run.matched:,} matched{outside}")
    for class_ in Class:
        count = run.counts.get(class_.value, 0)
        if not count:
            continue
        print(f"\n{class_.value}: {count:,}")
        shown, _ = ledger.discrepancies(run.number, class_, limit=_SHOWN_MAX)
        for each in shown:
            aged = "" if each.first_run == run.number else f" (since run {each.first_run})"
            who = f" {each.customer}" if each.customer else ""
            print(harmless(f"  {each.reference}{who}: {each.why}{aged}"))
        if count > len(shown):
            print(f"  … {count - len(shown):,} more; --json gives all")
    if run.previous is not None:
        told = f"{run.new:,} new, {run.ageing:,} ageing, {run.resolved:,} resolved"
        print(f"\nsince run {run.previous}: {told}")
    if not run.discrepancies:
        print("it ties out")


def _period(run: Run) -> str:
    if run.since is None and run.until is None:
        return "of all time"
    since = printing.time_text(run.since) or "the beginning"
    return f"from {since} until {printing.time_text(run.until) or 'now'}"


def _list_runs(runs: list[Run], as_json: bool) -> None:
    if as_json:
        printing.print_json([_run_json(run) for run in runs])
        return
    printing.print_table(
        ("run", "recorded", "by", "against", "file", "lines", "matched", "discrepancies"),
        [
            (
                str(run.number),
                printing.time_text(run.recorded_at),
                run.actor,
                run.against.value,
                run.file,
                f"{run.lines:,}",
                f"{run.matched:,}",
                f"{run.discrepancies:,}",
            )
            for run in runs
        ],
        right="run lines matched discrepancies",
    )


@contextmanager
def _proposing(
    ledger: Ledger, path: Path | None, *, force: bool
) -> Iterator[Callable[[Run], None]]:
    """Give what writes the proposed commands of a run as JSON Lines, all of them or no file."""
    if path is None:
        yield lambda _run: None
        return
    with placed(path, ledger.own_files, force=force) as unfinished:

        def write(run: Run) -> None:
            written = 0
            with unfinished.file.open("w", encoding="utf-8") as file:
                for each in ledger.all_discrepancies(run.number):
                    if each.proposal is not None:
                        file.write(json.dumps(each.proposal, ensure_ascii=False) + "\n")
                        written += 1
            unfinished.keep()
            printing.narrate(f"{path}: {written} commands, for `entl post`")

        yield write
