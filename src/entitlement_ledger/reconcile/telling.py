"""Telling a discrepancy of billing: its class, both sides, why, and what would settle it."""

from __future__ import annotations

from collections.abc import Sequence

from entitlement_ledger.domain.instants import format_instant
from entitlement_ledger.reconcile.proposals import Command, Proposals
from entitlement_ledger.reconcile.sides import PAID, Draft, Given, InvoiceLine
from entitlement_ledger.reconciliations import INVOICE, Class, Side


class Telling:
    """Makes discrepancies, each with the proposal that there can be."""

    def __init__(self, proposals: Proposals) -> None:
        self._proposals = proposals

    def timing(self, line: InvoiceLine, served: Sequence[Given]) -> Draft:
        """The two sides agree, but fall into different periods."""
        ours, theirs = format_instant(served[0].effective_at), format_instant(line.dated_at)
        inside = "the line is in the period" if line.within else "the transaction is in the period"
        why = (
            f"the cut-off lies between: invoiced at {theirs}, {served[0].transaction} counts at "
            f"{ours}; only {inside}"
        )
        return _draft(Class.TIMING, line, ours, theirs, why, served)

    def twice_there(self, line: InvoiceLine, named: Sequence[Given]) -> Draft:
        """The file has the line again."""
        ours = sum(each.parts[line.right].left for each in named) if named else None
        why = f"line {line.line} has the id of line {line.first_line} again"
        return _draft(Class.DUPLICATE, line, ours, line.sold, why, named, subject=str(line.nth))

    def twice_here(self, line: InvoiceLine, given: Given, keep: Given) -> Draft:
        """The ledger gave for the line again."""
        ours = given.parts[line.right].left
        back = self._proposals.take_back(
            [given], line.right, ours, f"{INVOICE}{line.name} was given twice"
        )
        proposal, why = _or_why(
            back, f"{given.transaction} gave it again, after {keep.transaction}"
        )
        return _draft(
            Class.DUPLICATE,
            line,
            ours,
            line.expected,
            why,
            [keep, given],
            subject=given.transaction,
            proposal=proposal,
        )

    def amount(self, line: InvoiceLine, named: Sequence[Given], ours: int) -> Draft:
        """The two sides know the line, and differ in how much."""
        gave, what = ", ".join(each.transaction for each in named), line.right[1]
        if ours < line.expected:
            found = self._proposals.give(line, line.expected - ours)
        else:
            because = f"{INVOICE}{line.name} is {line.status}: {line.sold} sold"
            found = self._proposals.take_back(named, line.right, ours - line.expected, because)
        if line.status == PAID:
            why = f"{line.sold} of {what} sold, {ours} given by {gave}"
        else:
            why = f"the line is {line.status}, and {ours} of {what} given by {gave} was kept"
        proposal, why = _or_why(found, why)
        return _draft(Class.AMOUNT, line, ours, line.expected, why, named, proposal=proposal)

    def proposed(self, line: InvoiceLine, alike: Sequence[Given]) -> Draft:
        """Something is similar enough to be looked at, and not more."""
        ours = sum(each.parts[line.right].left for each in alike)
        first = alike[0]
        named = f"names {INVOICE}{first.name}" if first.name else "names no invoice line"
        who = ", ".join(each.transaction for each in alike)
        why = (
            f"{who} gave as much of {line.right[1]} at {format_instant(first.effective_at)} and "
            f"{named}: look whether it is for this line"
        )
        return _draft(Class.PROPOSED, line, ours, line.expected, why, alike)

    def missing_here(self, line: InvoiceLine) -> Draft:
        """It was sold, and the ledger gave nothing."""
        what = line.right[1]
        sold = f"{line.sold} of {what} sold" if what else f"{line.sold} sold"
        why = f"{sold}, and no transaction gives it"
        proposal, why = _or_why(self._proposals.give(line, line.expected), why)
        if line.given_to not in (None, line.customer):
            why += f"; what names this line went to {line.given_to}"
        return _draft(Class.MISSING_HERE, line, None, line.expected, why, [], proposal=proposal)

    def missing_there(self, given: Given, ours: int) -> Draft:
        """The ledger gave it, and no line of the file sold it in the period.

        `ours` is how much of it is left, less what was taken off for the same line.
        """
        right = given.main
        reference = f"{INVOICE}{given.name}"
        sides = tuple(given.side(each) for each in given.parts)
        why = f"{given.transaction} gave {ours} of {right[1]}, and no line sold it"
        if given.billed_at is not None and not given.billed_within:
            at, theirs = format_instant(given.effective_at), format_instant(given.billed_at)
            return Draft(
                Class.TIMING,
                reference,
                given.customer,
                at,
                theirs,
                f"{given.transaction} counts at {at}; its line was invoiced at {theirs}, "
                "in another period",
                (given.transaction,),
                None,
                sides,
                (Side(given.name, at=given.billed_at),),
            )
        if given.billed_to not in (None, given.customer):
            why += f"; the line of that id is of {given.billed_to}"
        back = self._proposals.take_back(
            [given], right, ours, f"{reference} is not in the invoices"
        )
        proposal, why = _or_why(back, why)
        return Draft(
            Class.MISSING_THERE,
            reference,
            given.customer,
            ours,
            None,
            why,
            (given.transaction,),
            proposal,
            sides,
        )


def _or_why(found: Command | str, why: str) -> tuple[Command | None, str]:
    """Give a proposal with why there is a discrepancy, or none with what stands against it."""
    return (None, f"{why}; {found}") if isinstance(found, str) else (found, why)


def _draft(
    class_: Class,
    line: InvoiceLine,
    ours: int | str | None,
    theirs: int | str | None,
    why: str,
    served: Sequence[Given],
    *,
    subject: str = "",
    proposal: Command | None = None,
) -> Draft:
    return Draft(
        class_,
        f"{INVOICE}{line.name}",
        line.customer,
        ours,
        theirs,
        why,
        (subject,) if subject else (),
        proposal,
        tuple(each.side(line.right) for each in served),
        (line.side(),),
    )
