"""The consistency checks that are one query each: a query finds the rows at fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, case, func, select, union_all

from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import Account, Status
from entitlement_ledger.store.reversals import did
from entitlement_ledger.store.tables import (
    customers,
    entitlements,
    grants,
    idempotency,
    journal,
    postings,
    records,
    resolutions,
    transactions,
)

_g, _j, _p, _r, _t = grants.c, journal.c, postings.c, resolutions.c, transactions.c


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it protects from, and the query that finds what is at fault."""

    name: str
    protects: str
    at_fault: Select[Any]


def _zero_sum() -> Select[Any]:
    total = func.sum(_p.quantity)
    return (
        select(_p.sequence, _p.entitlement, total.label("sum"))
        .group_by(_p.sequence, _p.entitlement)
        .having(total != 0)
        .order_by(_p.sequence)
    )


def _grant_conservation() -> Select[Any]:
    held = (
        select(_p.grant, func.sum(_p.quantity).label("quantity"))
        .where(_p.account != Account.ISSUANCE)
        .group_by(_p.grant)
        .subquery("held")
    )
    return (
        select(_g.id, _g.quantity, held.c.quantity.label("in_accounts"))
        .select_from(grants.outerjoin(held, held.c.grant == _g.id))
        .where(func.coalesce(held.c.quantity, 0) != _g.quantity)
        .order_by(_g.id)
    )


def _no_negative_account() -> Select[Any]:
    moved = (
        select(_p.grant, _p.account, _p.effective_at, func.sum(_p.quantity).label("quantity"))
        .where(_p.account != Account.ISSUANCE)
        .group_by(_p.grant, _p.account, _p.effective_at)
        .subquery("moved")
    )
    running = select(
        moved.c.grant,
        moved.c.account,
        moved.c.effective_at,
        func.sum(moved.c.quantity)
        .over(partition_by=[moved.c.grant, moved.c.account], order_by=moved.c.effective_at)
        .label("quantity"),
    ).subquery("running")
    return select(running).where(running.c.quantity < 0).order_by(running.c.grant)


def _sequence_without_gaps() -> Select[Any]:
    numbered = select(
        _j.sequence, func.row_number().over(order_by=_j.sequence).label("place")
    ).subquery("numbered")
    return (
        select(numbered)
        .where(numbered.c.sequence != numbered.c.place)
        .order_by(numbered.c.sequence)
    )


def _time_never_goes_back() -> Select[Any]:
    before = func.lag(_j.recorded_at).over(order_by=_j.sequence)
    pairs = select(_j.sequence, _j.recorded_at, before.label("before")).subquery("pairs")
    return select(pairs).where(pairs.c.recorded_at < pairs.c.before).order_by(pairs.c.sequence)


def _hold_resolved_once() -> Select[Any]:
    return (
        select(_r.target, func.count().label("resolutions"))
        .select_from(resolutions.join(transactions, _t.sequence == _r.target))
        .where(did(CommandType.HOLD), _r.status != Status.EXPIRED)
        .group_by(_r.target)
        .having(func.count() > 1)
        .order_by(_r.target)
    )


def _not_reversed_beyond() -> Select[Any]:
    later = transactions.alias("later")
    undone = func.sum(later.c.quantity)
    return (
        select(_t.sequence, _t.quantity, undone.label("reversed"))
        .select_from(transactions.join(later, later.c.target == _t.sequence))
        .where(
            (later.c.type == CommandType.REVERSE) | (later.c.executes == CommandType.REVERSE),
            later.c.status == Status.COMPLETED,
        )
        .group_by(_t.sequence, _t.quantity)
        .having(undone > func.abs(_t.quantity))
        .order_by(_t.sequence)
    )


def _key_has_one_outcome() -> Select[Any]:
    return (
        select(_t.key, func.count().label("outcomes"), func.count(idempotency.c.key).label("kept"))
        .select_from(
            transactions.outerjoin(
                idempotency,
                (idempotency.c.key == _t.key) & (idempotency.c.sequence == _t.sequence),
            )
        )
        .group_by(_t.key)
        .having((func.count() != 1) | (func.count(idempotency.c.key) != 1))
        .order_by(_t.key)
    )


def _every_event_is_projected() -> Select[Any]:
    projected = union_all(select(_t.sequence), select(records.c.sequence)).subquery("projected")
    times = func.count(projected.c.sequence)
    return (
        select(_j.sequence, times.label("rows"))
        .select_from(journal.outerjoin(projected, projected.c.sequence == _j.sequence))
        .group_by(_j.sequence)
        .having(times != 1)
        .order_by(_j.sequence)
    )


def _references_exist() -> Select[Any]:
    missing = case(
        (customers.c.id.is_(None), "customer"), (entitlements.c.code.is_(None), "entitlement")
    )
    return (
        select(_g.id, missing.label("missing"))
        .select_from(
            grants.outerjoin(customers, customers.c.id == _g.customer).outerjoin(
                entitlements, entitlements.c.code == _g.entitlement
            )
        )
        .where(customers.c.id.is_(None) | entitlements.c.code.is_(None))
        .order_by(_g.id)
    )


def _approved_by_another() -> Select[Any]:
    approval = transactions.alias("approval")
    return (
        select(approval.c.sequence, approval.c.actor, _t.sequence.label("proposal"))
        .select_from(
            resolutions.join(approval, approval.c.sequence == _r.sequence).join(
                transactions, _t.sequence == _r.target
            )
        )
        .where(_t.proposal, approval.c.actor == _t.actor)
        .order_by(approval.c.sequence)
    )


CHECKS = (
    Check("zero_sum", "a transaction that makes or loses quantity", _zero_sum()),
    Check(
        "grant_conservation",
        "a grant whose accounts do not add up to what was given",
        _grant_conservation(),
    ),
    Check(
        "no_negative_account",
        "an account below zero at some instant",
        _no_negative_account(),
    ),
    Check("sequence_without_gaps", "an event taken out of the journal", _sequence_without_gaps()),
    Check("time_never_goes_back", "an event recorded before an earlier one",
          _time_never_goes_back()),
    Check("hold_resolved_once", "a hold captured or released twice", _hold_resolved_once()),
    Check("not_reversed_beyond", "more reversed than there was", _not_reversed_beyond()),
    Check("key_has_one_outcome", "a command done twice", _key_has_one_outcome()),
    Check("every_event_is_projected", "a balance that lacks an event",
          _every_event_is_projected()),
    Check("approved_by_another", "somebody deciding on what they proposed",
          _approved_by_another()),
    Check("references_exist", "a grant of nobody, or of nothing", _references_exist()),
)  # fmt: skip
