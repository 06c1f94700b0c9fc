"""`entl suspicious`, `findings` and `review`: what the rules notice, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from entitlement_ledger.cli import printing
from entitlement_ledger.cli.commands import INSTANT, as_json, chosen, common, entl, opened
from entitlement_ledger.counted import counted
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.harmless import harmless

if TYPE_CHECKING:
    from entitlement_ledger.answers import Finding, ReviewStep

_DISMISSED = click.option("--dismissed", is_flag=True, help="Those that were dismissed, too.")


@entl.command()
@common
@as_json
@click.option("--since", type=INSTANT, help="With a transaction of this time or later.")
@click.option("--since-last", is_flag=True, help="Look only at what can have changed.")
@_DISMISSED
@click.option("--rules", "listing", is_flag=True, help="List the rules and what they are set to.")
@click.argument("rules", nargs=-1, metavar="[RULE]...")
@click.pass_context
def suspicious(
    context: click.Context,
    since: Instant | None,
    since_last: bool,
    dismissed: bool,
    listing: bool,
    rules: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run the rules of suspicious activity; tell what they find, the worst first."""
    if listing:
        _list_rules(context, rules, as_json)
        return
    with opened(context, read_only=False) as (ledger, _):
        found = ledger.suspicious(rules, since=since, since_last=since_last, dismissed=dismissed)
    _show(found, as_json)


@entl.command()
@common
@as_json
@_DISMISSED
@click.argument("name", required=False, metavar="[FINDING]")
@click.pass_context
def findings(context: click.Context, dismissed: bool, name: str | None, as_json: bool) -> None:
    """List what the rules found last, or tell one finding with the steps of its review."""
    with opened(context, read_only=True) as (ledger, _):
        if name is None:
            _show(ledger.findings(dismissed=dismissed), as_json)
            return
        found, steps = ledger.finding(name)
    if as_json:
        printing.print_json({**finding_json(found), "review": [_step_json(each) for each in steps]})
        return
    _show([found], as_json=False)
    for step in steps:
        to = f", assigned to {step.assigned_to}" if step.assigned_to else ""
        when = printing.time_text(step.recorded_at)
        print(harmless(f"{when}  {step.decision} by {step.actor}{to}: {step.reason}"))


@entl.command()
@common
@as_json
@click.option("--decision", required=True, help="investigating, confirmed or dismissed.")
@click.option("--reason", required=True)
@click.option("--assign", metavar="ACTOR", help="Who goes on with it.")
@click.argument("name", metavar="FINDING")
@click.pass_context
def review(
    context: click.Context, name: str, decision: str, reason: str, assign: str | None, as_json: bool
) -> None:
    """Record a step of a finding's review. Whom it is about cannot review it."""
    with opened(context, read_only=False) as (ledger, settings):
        found = ledger.review(
            name, decision=decision, reason=reason, actor=settings.actor, assigned_to=assign
        )
    if as_json:
        printing.print_json(finding_json(found))
    else:
        printing.narrate(f"{found.id} is {found.state}")


def finding_json(found: Finding) -> dict[str, object]:
    """Give a finding as the contract has it, and where its review stands."""
    return {
        "rule": found.rule,
        "severity": found.severity,
        "customer": found.customer,
        "actor": found.actor,
        "others": list(found.others),
        "transactions": list(found.transactions),
        "why": found.why,
        "score": found.score,
        "finding": found.id,
        "state": found.state,
        "assigned_to": found.assigned_to,
    }


def _step_json(step: ReviewStep) -> dict[str, object]:
    return {
        "decision": step.decision,
        "actor": step.actor,
        "assigned_to": step.assigned_to,
        "reason": step.reason,
        "transactions": list(step.transactions),
        "recorded_at": printing.time_json(step.recorded_at),
    }


def _show(found: Sequence[Finding], as_json: bool) -> None:
    if as_json:
        printing.print_json([finding_json(each) for each in found])
        return
    for each in found:
        who = ", ".join(part for part in (each.customer, each.actor) if part)
        state = "" if each.state == "open" else f"  [{each.state}]"
        count = len(each.transactions)
        of = each.transactions[0] if count == 1 else f"{each.transactions[0]} and {count - 1} more"
        print(harmless(f"{each.id}  {each.severity} {each.score}  {each.rule}  {who}{state}"))
        print(harmless(f"    {each.why} ({of})"))
    printing.narrate(counted(len(found), "finding"))


def _list_rules(context: click.Context, rules: Sequence[str], as_json: bool) -> None:
    from entitlement_ledger.checks.suspicion import parameters, rules_named

    settings = chosen(context)
    set_to = parameters(settings.suspicious, settings.approvals)
    named = rules_named(rules)
    if as_json:
        printing.print_json(
            [
                {
                    "rule": rule.name,
                    "severity": rule.severity.value,
                    "looks_for": rule.looks_for,
                    "parameters": dict(set_to[rule.name]),
                }
                for rule in named
            ]
        )
        return
    for rule in named:
        said = ", ".join(f"{name} {value}" for name, value in set_to[rule.name].items())
        print(f"{rule.name} ({rule.severity.value}): {rule.looks_for}")
        if said:
            print(f"    {said}")
