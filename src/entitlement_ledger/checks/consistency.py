"""The consistency checks that are one query each: a query finds the rows at fault.

Each is a view in the store too, `check_NAME`, for whoever reads it with another program. The ledger
itself never believes a view: it asks the query.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
)

from entitlement_ledger.checks.check import NOW, Check
from entitlement_ledger.checks.recorded import RECORDED
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import Account, Status
from entitlement_ledger.store.reversals import did
from entitlement_ledger.store.tables import (
    customers,
    entitlements,
    grants,
    idempotency,
    journal,
    lapses,
    postings,
    product_versions,
    records,
    resolutions,
    subscriptions,
    transactions,
)

_g, _j, _l, _p, _r, _t = (
    table.c for table in (grants, journal, lapses, postings, resolutions, transactions)
)


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
    """Sum an account up in the order of time only where it can have been below zero.

    Where nothing came in after something first went out, it never held less than it does in the
    end: that is so of all but a few, and is found without putting anything in order.
    """
    total = func.sum(_p.quantity)
    first_out = func.min(case((_p.quantity < 0, _p.effective_at)))
    last_in = func.max(case((_p.quantity > 0, _p.effective_at)))
    suspects = (
        select(_p.grant, _p.account)
        .where(_p.account != Account.ISSUANCE)
        .group_by(_p.grant, _p.account)
        .having((total < 0) | (last_in > first_out))
        .subquery("suspects")
    )
    theirs = and_(suspects.c.grant == _p.grant, suspects.c.account == _p.account)
    moved = (
        select(_p.grant, _p.account, _p.effective_at, total.label("quantity"))
        .select_from(postings.join(suspects, theirs))
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
    """Every transaction is the one for which its key is kept; and a key is kept once."""
    its = select(idempotency.c.key).where(
        idempotency.c.sequence == _t.sequence, idempotency.c.key == _t.key
    )
    return select(_t.key, _t.sequence).where(~its.exists()).order_by(_t.key, _t.sequence)


def _every_event_is_projected() -> Select[Any]:
    """An event became a transaction or a record, which have a sequence once each, and not both."""
    of_transactions = select(_t.sequence).where(_t.sequence == _j.sequence)
    of_records = select(records.c.sequence).where(records.c.sequence == _j.sequence)
    never = select(_j.sequence, literal(0).label("rows")).where(
        ~of_transactions.exists(), ~of_records.exists()
    )
    twice = select(_t.sequence, literal(2).label("rows")).where(
        select(records.c.sequence).where(records.c.sequence == _t.sequence).exists()
    )
    wrong = union_all(never, twice).subquery("wrong")
    return select(wrong).order_by(wrong.c.sequence)


def _references_exist() -> Select[Any]:
    """Of what was refused, the customer or the entitlement need not exist."""
    of_grants = select(
        _g.sequence, _g.customer, _g.entitlement, literal(None).label("product")
    ).select_from(grants)
    of_others = select(_t.sequence, _t.customer, _t.entitlement, _t.product).where(
        _t.status != Status.REFUSED
    )
    named = union_all(of_grants, of_others).subquery("named")
    missing = case(
        (customers.c.id.is_(None), "customer"),
        (
            and_(named.c.entitlement.is_not(None), entitlements.c.code.is_(None)),
            "entitlement",
        ),
        (
            and_(
                named.c.product.is_not(None),
                named.c.product.not_in(select(product_versions.c.code)),
            ),
            "product",
        ),
    )
    return (
        select(named.c.sequence, named.c.customer, missing.label("missing"))
        .select_from(
            named.outerjoin(customers, customers.c.id == named.c.customer).outerjoin(
                entitlements, entitlements.c.code == named.c.entitlement
            )
        )
        .where(missing.is_not(None))
        .order_by(named.c.sequence)
    )


def _grant_accounts() -> Select[Any]:
    """What is kept beside each grant, against the postings."""

    def total(account: Account) -> ColumnElement[Any]:
        posted = func.sum(case((_p.account == account.value, _p.quantity), else_=0))
        return func.coalesce(posted, 0).label(account.value)

    kept = [account for account in Account if account is not Account.ISSUANCE]
    sums = (
        select(_p.grant, *map(total, kept), func.max(_p.effective_at).label("last_at"))
        .group_by(_p.grant)
        .subquery("sums")
    )
    unlike = [func.coalesce(sums.c[each.value], 0) != _g[each.value] for each in kept]
    return (
        select(_g.id, *(_g[each.value] for each in kept))
        .select_from(grants.outerjoin(sums, sums.c.grant == _g.id))
        .where(or_(*unlike, sums.c.last_at.is_distinct_from(_g.last_at)))
        .order_by(_g.id)
    )


def _what_became() -> Select[Any]:
    """What is kept beside each transaction, against the later ones."""
    later = transactions.alias("later")
    undone = (
        select(later.c.target, func.sum(later.c.quantity).label("undone"))
        .where(
            or_(
                later.c.executes == CommandType.REVERSE,
                and_(later.c.type == CommandType.REVERSE, ~later.c.proposal),
            ),
            later.c.status == Status.COMPLETED,
        )
        .group_by(later.c.target)
        .subquery("reversed")
    )
    newest = func.row_number().over(
        partition_by=_r.target, order_by=(_r.sequence.desc(), _r.place.desc())
    )
    ranked = select(_r.target, _r.status, newest.label("place")).subquery("ranked")
    joined = transactions.outerjoin(undone, undone.c.target == _t.sequence).outerjoin(
        ranked, and_(ranked.c.target == _t.sequence, ranked.c.place == 1)
    )
    return (
        select(_t.sequence, _t.undone, undone.c.undone.label("reversed"), _t.became)
        .select_from(joined)
        .where(
            or_(
                func.coalesce(undone.c.undone, 0) != _t.undone,
                ranked.c.status.is_distinct_from(_t.became),
            )
        )
        .order_by(_t.sequence)
    )


def _orphaned_holds() -> Select[Any]:
    """What grants hold, against what the holds that nobody has ended keep on them."""
    newest = func.row_number().over(
        partition_by=(_l.hold, _l.grant), order_by=(_l.sequence.desc(), _l.place.desc())
    )
    ranked = select(_l.hold, _l.grant, _l.account, newest.label("place")).subquery("ranked")
    ended = select(ranked.c.hold).where(
        ranked.c.place == 1,
        ranked.c.account != Account.HELD,
        ranked.c.hold == _p.sequence,
        ranked.c.grant == _p.grant,
    )
    kept = (
        select(_p.grant, func.sum(_p.quantity).label("kept"))
        .select_from(postings.join(transactions, _t.sequence == _p.sequence))
        .where(
            _p.account == Account.HELD,
            _p.quantity > 0,
            did(CommandType.HOLD),
            or_(_t.became.is_(None), _t.became == Status.EXPIRED),
            ~ended.exists(),
        )
        .group_by(_p.grant)
        .subquery("kept")
    )
    return (
        select(_g.id, _g.held, func.coalesce(kept.c.kept, 0).label("kept_by_holds"))
        .select_from(grants.outerjoin(kept, kept.c.grant == _g.id))
        .where(func.coalesce(kept.c.kept, 0) != _g.held)
        .order_by(_g.id)
    )


def _due_work() -> Select[Any]:
    """What should have been recorded long ago: grants that ended, holds that lapsed."""
    ended = (
        select(_g.id.label("what"), _g.expires_at.label("due_at"))
        .select_from(grants.join(transactions, _t.sequence == _g.sequence))
        .where(_g.available > 0, _g.expires_at <= NOW, _t.recorded_at <= NOW)
    )
    lapsed = select(func.concat("entl:", _t.sequence).label("what"), _t.expires_at).where(
        did(CommandType.HOLD),
        _t.status == Status.PENDING,
        _t.became.is_(None),
        _t.expires_at <= NOW,
        _t.recorded_at <= NOW,
    )
    due = union_all(ended, lapsed).subquery("due")
    return select(due).order_by(due.c.due_at, due.c.what)


def _missed_renewals() -> Select[Any]:
    s = subscriptions.c
    return (
        select(s.id, s.customer, s.product, s.due_at)
        .select_from(subscriptions.join(transactions, _t.sequence == s.sequence))
        .where(s.due_at <= NOW, _t.recorded_at <= NOW)
        .order_by(s.due_at, s.id)
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
    Check("grant_accounts", "a quick balance that the postings do not sum to", _grant_accounts()),
    Check("what_became", "a status that no later transaction gave", _what_became()),
    Check("orphaned_holds", "a quantity held for nobody, or a hold that keeps nothing",
          _orphaned_holds()),
    Check("due_work", "an end that was due for more than a day and is not recorded", _due_work()),
    Check("missed_renewals", "a period that should have begun more than a day ago",
          _missed_renewals()),
    *RECORDED,
)  # fmt: skip
