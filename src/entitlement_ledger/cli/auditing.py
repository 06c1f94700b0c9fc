"""`entl events`, `review-events` and `sample`: the audit trail, its review, and samples of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from entitlement_ledger.cli import printing
from entitlement_ledger.cli.commands import INSTANT, as_json, common, entl, opened
from entitlement_ledger.cli.trail import event_json, print_events
from entitlement_ledger.counted import counted
from entitlement_ledger.errors import InputError

if TYPE_CHECKING:
    from entitlement_ledger.answers import EventFilter, EventRow
    from entitlement_ledger.ledger import Ledger
    from entitlement_ledger.reviews import Sample, WorkingPaper

Command = TypeVar("Command", bound=Callable[..., Any])
_PAGE = 1000

_FILTERS = (
    click.option("--by", "by", metavar="ACTOR", help="Asked for by this actor."),
    click.option("--event", metavar="KIND", help="transaction, customer, product, finding, …"),
    click.option("--what", help="The type of a transaction, or what was done to a record."),
    click.option("--customer", help="Transactions of this customer."),
    click.option("--entitlement", help="Transactions that name or moved this entitlement."),
    click.option("--over", type=click.IntRange(min=0), metavar="QUANTITY",
                 help="That moved more of the entitlement than this, in its smallest unit."),
    click.option("--status", help="As it was recorded: completed, refused or pending."),
    click.option("--since", type=INSTANT, help="Recorded at this time or later."),
    click.option("--until", type=INSTANT, help="Recorded before this time."),
    click.option("--text",
                 help="A part of subject or actor, or of a transaction's reason or reference."),
    click.option("--review", type=click.Choice(["unreviewed", "reviewed", "flagged"])),
    click.option("--known-at", type=INSTANT, help="Only what was known then; default now."),
    click.option("--known-sequence", type=click.IntRange(min=0), metavar="SEQ",
                 help="Only what was known when the journal had come to this event."),
)  # fmt: skip


def filters(command: Command) -> Command:
    """Give a command the options that narrow the audit trail."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


def filter_of(asked: Mapping[str, Any]) -> EventFilter:
    """Make the filter that the options of a command ask for.

    Raises:
        InputError: a quantity without the entitlement that it is of.
    """
    from entitlement_ledger.answers import EventFilter

    given = {("actor" if name == "by" else name): value for name, value in asked.items()}
    if given["over"] is not None and given["entitlement"] is None:
        raise InputError("--over is a quantity of one entitlement: name it with --entitlement")
    return EventFilter(**given)


@entl.command()
@common
@as_json
@filters
@click.option("--limit", type=click.IntRange(min=1), help="At most so many; default all.")
@click.option("--after", type=int, metavar="SEQ", help="Go on after this sequence number.")
@click.option("--counts", is_flag=True, help="Only how many are reviewed, and how many not.")
@click.pass_context
def events(
    context: click.Context,
    /,
    as_json: bool,
    limit: int | None,
    after: int | None,
    counts: bool,
    **asked: Any,
) -> None:
    """List the events of the journal, newest first, with their reviews.

    What is long comes as several tables, each under its headings.
    """
    only = filter_of(asked)
    with opened(context, read_only=True) as (ledger, _):
        if counts:
            _print_counts(ledger, only, as_json)
        elif as_json:
            printing.print_json_list(
                event_json(each) for each in _pages(ledger, only, after, limit)
            )
        else:
            print_events(_pages(ledger, only, after, limit))


def _pages(
    ledger: Ledger, only: EventFilter, after: int | None, limit: int | None
) -> Iterator[EventRow]:
    left = limit
    while left is None or left > 0:
        page = ledger.events(only, after=after, limit=min(_PAGE, left or _PAGE))
        yield from page.rows
        if page.next_after is None:
            return
        after = page.next_after
        left = None if left is None else left - len(page.rows)


def _print_counts(ledger: Ledger, only: EventFilter, as_json: bool) -> None:
    counts = ledger.review_counts(only)
    told = {name: getattr(counts, name) for name in counts.__struct_fields__}
    if as_json:
        printing.print_json(told)
    else:
        for name, count in told.items():
            print(f"{name:<10} {count:,}")


@entl.command("review-events")
@common
@as_json
@click.option("--mark", required=True, help="reviewed or flagged.")
@click.option("--note", help="What there is to say: needed to flag, and to clear a flag.")
@filters
@click.argument("numbers", nargs=-1, metavar="[SEQ]...")
@click.pass_context
def review_events(
    context: click.Context,
    /,
    as_json: bool,
    mark: str,
    note: str | None,
    numbers: tuple[str, ...],
    **asked: Any,
) -> None:
    """Mark events as reviewed or flagged: by number, or all that the filters match.

    Nobody reviews what they asked for themselves: of what filters match, that is left out. A flag
    is taken away with a note only. All of it is recorded as one event, or nothing.
    """
    only = filter_of(asked)
    filtered = any(value is not None for value in asked.values())
    if bool(numbers) == filtered:
        raise InputError("give the numbers of events, or filters that find them")
    wanted, left_out = [_number(each) for each in numbers], 0
    with opened(context, read_only=False) as (ledger, settings):
        if filtered:
            wanted, left_out = _matching(ledger, only, settings.actor)
        review = ledger.review_events(wanted, mark=mark, note=note, actor=settings.actor)
    count = len(set(wanted))
    if as_json:
        told = {"mark": review.mark, "events": count, "sequence": review.sequence}
        printing.print_json({**told, "left_out": left_out})
    else:
        are = "is" if count == 1 else "are"
        printing.narrate(
            f"{counted(count, 'event')} {are} {review.mark}; recorded as event {review.sequence}"
        )
        if left_out:
            printing.narrate(f"{left_out:,} of your own left out: somebody else must review them")


def _number(text: str) -> int:
    digits = text.removeprefix("entl:")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise InputError(f"{text!a} is not the number of an event: give one such as 42 or entl:42")
    return int(digits)


def _matching(ledger: Ledger, only: EventFilter, actor: str) -> tuple[list[int], int]:
    """Give all that a filter matches and the actor can review, and how many are the actor's own.

    Raises:
        InputError: it is nothing.
    """
    from msgspec.structs import replace

    from entitlement_ledger.reviews import TOGETHER_MAX

    if only.review is None and only.event != "review":
        only = replace(only, review="unreviewed")
    found = ledger.event_sequences(only, limit=TOGETHER_MAX + 1)
    if not found:
        raise InputError("no event matches that is not reviewed: nothing was recorded")
    if len(found) > TOGETHER_MAX:
        return found, 0  # which is refused as too many, and counts the actor's own
    own = set(ledger.own_events(found, actor))
    others = [each for each in found if each not in own]
    if not others:
        raise InputError(
            f"{actor} asked for all {len(own):,} that match: somebody else must review them; "
            "nothing was recorded"
        )
    return others, len(own)


@entl.command()
@common
@as_json
@click.option("--method", type=click.Choice(["random", "monetary"]), required=True)
@click.option("--size", type=int, required=True, help="How many events, or units, to draw.")
@click.option("--seed", required=True, help="The same seed draws the same sample.")
@filters
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write a working paper, with the proof of each event, into a new folder.",
)
@click.pass_context
def sample(
    context: click.Context,
    /,
    as_json: bool,
    method: str,
    size: int,
    seed: str,
    output: Path | None,
    **asked: Any,
) -> None:
    """Draw events to be looked at: at random, or in proportion to what they moved.

    Monetary-unit sampling takes --entitlement: an event that moved more is drawn more likely.
    """
    only = filter_of(asked)
    paper = None
    with opened(context, read_only=output is None) as (ledger, settings):
        drawn = ledger.sample(only, method=method, size=size, seed=seed)
        rows = ledger.events_of([each.sequence for each in drawn.chosen])
        if output is not None:
            paper = ledger.write_working_paper(
                drawn, output, actor=settings.actor, progress=printing.progress
            )
    if as_json:
        _print_sample_json(drawn, rows, paper)
    else:
        _print_sample(drawn, rows)
    if paper is not None and not as_json:
        printing.narrate(f"{paper.folder}: {paper.events} events, SHA256SUMS is {paper.sha256}")
    if paper is not None and paper.unsealed:
        printing.narrate(f"{paper.unsealed} of them have no proof: no checkpoint covers them")


def _print_sample_json(drawn: Sample, rows: list[EventRow], paper: WorkingPaper | None) -> None:
    from entitlement_ledger.papers.telling import command_of, filter_of

    told: dict[str, Any] = {
        "method": drawn.method,
        "seed": drawn.seed,
        "size": drawn.size,
        "filter": filter_of(drawn.only),
        "known": drawn.known,
        "population": drawn.population,
        "unsized": drawn.unsized,
        "total": drawn.total,
        "interval": drawn.interval,
        "start": drawn.start,
        "command": command_of(drawn),
        "events": [
            {
                **event_json(row),
                "quantity": each.quantity,
                "hits": each.hits,
                "certain": each.certain,
            }
            for each, row in zip(drawn.chosen, rows, strict=True)
        ],
    }
    if paper is not None:
        told["paper"] = {
            "folder": str(paper.folder),
            "unsealed": paper.unsealed,
            "sha256": paper.sha256,
        }
    printing.print_json(told)


def _print_sample(drawn: Sample, rows: list[EventRow]) -> None:
    from entitlement_ledger.papers.telling import command_of

    moved = {each.sequence: each.quantity for each in drawn.chosen if each.quantity is not None}
    print_events(iter(rows), moved)
    said = f"{len(drawn.chosen):,} of {drawn.population:,} events, seed {drawn.seed}"
    if drawn.interval is not None:
        certain = sum(each.certain for each in drawn.chosen)
        said += (
            f", total {drawn.total:,}, interval {drawn.interval:,}, start {drawn.start:,}, "
            f"{certain:,} certain, {drawn.unsized:,} moved nothing"
        )
    printing.narrate(said)
    printing.narrate(f"drawn again by: {command_of(drawn)}")
