"""The commands of `entl` that answer: balances, history, and why they are what they are."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from entitlement_ledger.cli import printing
from entitlement_ledger.cli.commands import (
    INSTANT,
    TYPE,
    as_json,
    common,
    entl,
    on_store,
    opened,
)
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.errors import InputError

if TYPE_CHECKING:
    from entitlement_ledger.answers import HistoryFilter, TransactionRow
    from entitlement_ledger.ledger import Ledger

_PAGE = 1000


@entl.command()
@common
@as_json
@click.option("--customer", required=True)
@click.option("--entitlement")
@click.option("--at", type=INSTANT, help="As of this time; default now.")
@click.option("--known-at", type=INSTANT, help="As known at this time; default now.")
@click.pass_context
def balance(
    context: click.Context,
    customer: str,
    entitlement: str | None,
    at: Instant | None,
    known_at: Instant | None,
    as_json: bool,
) -> None:
    """Show what a customer has."""
    from entitlement_ledger.cli import showing

    with opened(context, read_only=True) as (ledger, _):
        showing.balances(ledger.balances(customer, entitlement, at=at, known_at=known_at), as_json)


@entl.command()
@on_store
@as_json
@click.option("--customer")
@click.option("--entitlement")
@click.option("--type", "of_type", type=TYPE)
@click.option("--actor", help="Asked for by this actor.")
@click.option("--since", type=INSTANT, help="Effective at this time or later.")
@click.option("--until", type=INSTANT, help="Effective before this time.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many; default all.")
@click.option("--after", type=int, metavar="SEQ", help="Go on after this sequence number.")
@click.pass_context
def history(
    context: click.Context,
    customer: str | None,
    entitlement: str | None,
    of_type: str | None,
    actor: str | None,
    since: Instant | None,
    until: Instant | None,
    limit: int | None,
    after: int | None,
    as_json: bool,
) -> None:
    """List transactions, newest first."""
    from entitlement_ledger.answers import HistoryFilter
    from entitlement_ledger.cli import showing

    only = HistoryFilter(customer, entitlement, of_type, actor, None, since, until)
    with opened(context, read_only=True) as (ledger, _):
        rows = _pages(ledger, only, after, limit)
        first = next(rows, None)
        if first is None:
            _say_unknown(ledger, only)
        showing.history(rows if first is None else itertools.chain([first], rows), as_json)


def _say_unknown(ledger: Ledger, only: HistoryFilter) -> None:
    """Say that nothing was found because nobody has that name, where that is so."""
    try:
        ledger.refuse_unknown(only)
    except InputError as error:
        printing.narrate(str(error))


def _pages(
    ledger: Ledger, only: HistoryFilter, after: int | None, limit: int | None
) -> Iterator[TransactionRow]:
    left = limit
    while left is None or left > 0:
        page = ledger.history(only, after=after, limit=min(_PAGE, left or _PAGE))
        yield from page.rows
        if page.next_after is None:
            return
        after = page.next_after
        left = None if left is None else left - len(page.rows)


@entl.command()
@common
@as_json
@click.argument("transaction")
@click.pass_context
def show(context: click.Context, transaction: str, as_json: bool) -> None:
    """Show one transaction, by id or key, with postings, event, before and after."""
    from entitlement_ledger.cli import detailing

    with opened(context, read_only=True) as (ledger, _):
        detailing.transaction(ledger.transaction(transaction), as_json)


@entl.command()
@common
@as_json
@click.option("--customer", required=True)
@click.option("--entitlement", required=True)
@click.option("--at", type=INSTANT, help="As of this time; default now.")
@click.pass_context
def explain(
    context: click.Context, customer: str, entitlement: str, at: Instant | None, as_json: bool
) -> None:
    """Explain a balance grant by grant, and what the next draw would take."""
    from entitlement_ledger.cli import explaining

    with opened(context, read_only=True) as (ledger, _):
        explaining.explanation(ledger.explain(customer, entitlement, at=at), as_json)


@entl.command()
@common
@as_json
@click.option("--customer", required=True)
@click.option("--entitlement", required=True)
@click.option("--at", type=INSTANT, help="As of this time; default now.")
@click.pass_context
def access(
    context: click.Context, customer: str, entitlement: str, at: Instant | None, as_json: bool
) -> None:
    """Say whether a customer has an entitlement, why, and what it opens."""
    from entitlement_ledger.cli import showing

    with opened(context, read_only=True) as (ledger, _):
        showing.access(ledger.access(customer, entitlement, at=at), as_json)


@entl.command()
@common
@as_json
@click.option("--at", type=INSTANT, help="The time that is asked about; default now.")
@click.option("--known-at", "known", type=INSTANT, multiple=True, help="Two moments, twice.")
@click.option("--customer", help="Only this customer.")
@click.pass_context
def diff(
    context: click.Context,
    at: Instant | None,
    known: tuple[Instant, ...],
    customer: str | None,
    as_json: bool,
) -> None:
    """Show what changed in our knowledge of one time between two moments."""
    from entitlement_ledger.cli import showing

    if len(known) != 2:
        raise InputError("give --known-at twice: what was known then, and what was known later")
    with opened(context, read_only=True) as (ledger, _):
        moment = ledger.now() if at is None else at
        showing.differences(ledger.difference(moment, *known, customer), as_json)
