"""`reconciliation`: what a run of reconciliation told, as it was told then."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    not_,
    null,
    or_,
    select,
    try_cast,
)

from entitlement_ledger.errors import InputError
from entitlement_ledger.reconciliations import ENTITLEMENT, PRODUCT, Class, Run
from entitlement_ledger.store.copying import json_kind, json_member
from entitlement_ledger.store.reconciling.runs import runs
from entitlement_ledger.store.reporting.asked import Asked
from entitlement_ledger.store.reporting.columns import columns
from entitlement_ledger.store.reporting.sources import Sources
from entitlement_ledger.store.tables import discrepancies

COLUMNS = columns(
    "run:integer class reference customer ours_quantity:integer theirs_quantity:integer "
    "ours theirs why proposal first_run:integer discrepancy"
)
_d = discrepancies.c


def query(sources: Sources, asked: Asked) -> Select[Any]:
    """Give one row a discrepancy of a run, the latest by default.

    What a side says is a quantity or a text.

    Raises:
        InputError: there is no such run, or none at all.
    """
    number = run_asked(sources.connection, asked.run).number

    def member(name: str) -> ColumnElement[str]:
        return json_member(_d.said, name)

    # Of fields of the catalogue only one is a quantity; what a side says there names its field.
    of_field = or_(*(member("reference").like(f"{each}%") for each in (PRODUCT, ENTITLEMENT)))
    quantity_of_it = member("their_side[0].status").like("quantity %")
    of_another = and_(_d["class"] == Class.AMOUNT.value, of_field, not_(quantity_of_it))

    def is_word(side: str) -> ColumnElement[bool]:
        # A segment may consist of digits, and is a word nevertheless.
        return or_(json_kind(_d.said, side) == "VARCHAR", of_another)

    def quantity(side: str) -> ColumnElement[Any]:
        return case((is_word(side), null()), else_=try_cast(member(side), BigInteger))

    def words(side: str) -> ColumnElement[Any]:
        return case((is_word(side), member(side)), else_=null())

    return (
        select(
            _d.run,
            _d["class"],
            member("reference").label("reference"),
            member("customer").label("customer"),
            quantity("ours").label("ours_quantity"),
            quantity("theirs").label("theirs_quantity"),
            words("ours").label("ours"),
            words("theirs").label("theirs"),
            member("why").label("why"),
            member("proposal").label("proposal"),
            try_cast(member("first_run"), BigInteger).label("first_run"),
            _d.id.label("discrepancy"),
        )
        .where(_d.run == number, *asked.filtered(customer=member("customer")))
        .order_by(_d.place)
    )


def run_asked(connection: Connection, wanted: int | None) -> Run:
    """Give the run of a number, the latest by default.

    Raises:
        InputError: there is no such run, or none at all.
    """
    known = runs(connection)
    if not known:
        raise InputError("nothing was reconciled yet: `entl reconcile FILE --against billing`")
    found = [each for each in known if wanted in (None, each.number)]
    if not found:
        raise InputError(f"no run {wanted}: `entl reconcile --runs` lists them")
    return found[-1]
