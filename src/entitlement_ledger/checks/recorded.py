"""The consistency checks that hold what is stored against the bodies of the journal.

They look into each body as the database reads JSON, so that another program can ask the same. That
the rules would decide so again, and that everything else follows from the journal, takes more than
a query: see `replaying` and `running`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Select,
    String,
    Subquery,
    case,
    cast,
    func,
    select,
)

from entitlement_ledger.checks.check import Check
from entitlement_ledger.domain.catalogue import Category
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import Account
from entitlement_ledger.store.functions import (
    each_of,
    field_of,
    hash_of_leaf,
    microseconds,
    part_of,
    place_of_each,
    read_json,
)
from entitlement_ledger.store.tables import (
    InstantColumn,
    grants,
    journal,
    postings,
    transactions,
)

_g, _j, _p, _t = grants.c, journal.c, postings.c, transactions.c

_FIELDS = (
    "type",
    "status",
    "code",
    "customer",
    "entitlement",
    "product",
    "quantity",
    "effective_at",
    "recorded_at",
    "actor",
    "role",
    "reason",
    "reference",
    "key",
    "target",
    "expires_at",
    "executes",
    "history",
    "proposal",
)
_OF_GRANTS = (
    "id",
    "customer",
    "entitlement",
    "quantity",
    "priority",
    "category",
    "effective_from",
    "expires_at",
    "parent",
    "subscription",
    "period",
    "rollover_max",
)
_OF_POSTINGS = ("grant", "entitlement", "account", "quantity", "effective_at")
_DRAWING = (CommandType.CONSUME, CommandType.HOLD, CommandType.ADJUST)


def _hashes() -> Select[Any]:
    again = hash_of_leaf(_j.body)
    return (
        select(_j.sequence, _j.hash, again.label("again"))
        .where(again != _j.hash)
        .order_by(_j.sequence)
    )


def _bodies() -> Subquery:
    """Give the bodies as JSON; what is none is left to other checks."""
    read = select(_j.sequence, read_json(_j.body).label("body")).subquery("read")
    return select(read).where(read.c.body.is_not(None)).subquery("bodies")


def _as_stored(text: ColumnElement[str], stored: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give a field of a body as the column holds it; instants as microseconds."""
    if isinstance(stored.type, Boolean):
        return func.coalesce(text, "false") == "true"
    if isinstance(stored.type, String):
        return text
    return cast(text, BigInteger)


def _unlike(text: ColumnElement[str], stored: ColumnElement[Any]) -> ColumnElement[bool]:
    held = microseconds(stored) if isinstance(stored.type, InstantColumn) else stored
    return _as_stored(text, stored).is_distinct_from(held)


def _transactions_as_recorded() -> Select[Any]:
    bodies = _bodies()
    unlike = [(_unlike(field_of(bodies.c.body, name), _t[name]), name) for name in _FIELDS]
    first = case(*unlike)
    return (
        select(_t.sequence, first.label("unlike"))
        .select_from(transactions.join(bodies, bodies.c.sequence == _t.sequence))
        .where(first.is_not(None))
        .order_by(_t.sequence)
    )


def _postings_as_recorded() -> Select[Any]:
    bodies = _bodies()
    legs = select(
        bodies.c.sequence,
        place_of_each(bodies.c.body, "postings").label("place"),
        each_of(bodies.c.body, "postings").label("leg"),
    ).subquery("legs")
    read = select(
        legs.c.sequence,
        legs.c.place,
        *(part_of(legs.c.leg, place).label(name) for place, name in enumerate(_OF_POSTINGS)),
    ).subquery("told")
    return _either(read, postings, _OF_POSTINGS)


def _grants_as_recorded() -> Select[Any]:
    bodies = _bodies()
    each = select(
        bodies.c.sequence,
        place_of_each(bodies.c.body, "grants").label("place"),
        each_of(bodies.c.body, "grants").label("lot"),
    ).subquery("lots")
    read = select(
        each.c.sequence,
        each.c.place,
        *(field_of(each.c.lot, name).label(name) for name in _OF_GRANTS),
    ).subquery("told")
    return _either(read, grants, _OF_GRANTS)


def _either(told: Subquery, stored: Any, names: Any) -> Select[Any]:
    """Give what bodies tell and the table does not hold alike, or holds and they do not tell."""
    s = stored.c
    same = (s.sequence == told.c.sequence) & (s.place == told.c.place)
    lacking = case((told.c.sequence.is_(None), "not in the body"), (s.sequence.is_(None), "lost"))
    unlike = [(_unlike(told.c[name], s[name]), name) for name in names]
    sequence = func.coalesce(s.sequence, told.c.sequence)
    first = func.coalesce(lacking, case(*unlike))
    return (
        select(sequence.label("sequence"), first.label("unlike"))
        .select_from(told.join(stored, same, full=True))
        .where(first.is_not(None))
        .order_by(sequence)
    )


def _draws_in_burn_order() -> Select[Any]:
    """Grants that one transaction drew from, in another order than they should have been."""
    drawn = (
        select(_p.sequence, _p.place, _p.grant)
        .select_from(postings.join(transactions, _t.sequence == _p.sequence))
        .where(
            _p.account == Account.AVAILABLE,
            _p.quantity < 0,
            func.coalesce(_t.executes, _t.type).in_(_DRAWING),
            _p.effective_at == _t.effective_at,
        )
        .subquery("drawn")
    )
    several = (
        select(drawn.c.sequence).group_by(drawn.c.sequence).having(func.count() > 1)
    ).scalar_subquery()
    promo_first = case((_g.category == Category.PROMO, 0), else_=1)
    order = (_g.priority, _g.expires_at.asc().nulls_last(), promo_first, _g.effective_from,
             _g.sequence, _g.place)  # fmt: skip
    ranked = (
        select(
            drawn.c.sequence,
            drawn.c.grant,
            func.row_number().over(partition_by=drawn.c.sequence, order_by=drawn.c.place)
            .label("drawn_as"),
            func.row_number().over(partition_by=drawn.c.sequence, order_by=order)
            .label("burns_as"),
        )
        .select_from(drawn.join(grants, _g.id == drawn.c.grant))
        .where(drawn.c.sequence.in_(several))
        .subquery("ranked")
    )  # fmt: skip
    return (
        select(ranked)
        .where(ranked.c.drawn_as != ranked.c.burns_as)
        .order_by(ranked.c.sequence, ranked.c.drawn_as)
    )


RECORDED = (
    Check("hashes", "bytes of an event changed behind the ledger's back", _hashes()),
    Check(
        "transactions_as_recorded",
        "a transaction that is not what its event says",
        _transactions_as_recorded(),
    ),
    Check(
        "postings_as_recorded",
        "a posting that no event made, or one that is lost",
        _postings_as_recorded(),
    ),
    Check(
        "grants_as_recorded",
        "a grant that no event gave, or one that is lost",
        _grants_as_recorded(),
    ),
    Check(
        "draws_in_burn_order",
        "a customer's paid points spent before those that were a gift, or lapse sooner",
        _draws_in_burn_order(),
    ),
)
