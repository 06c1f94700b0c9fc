"""The consistency checks that hold what is stored against the bodies of the journal.

They look into bodies as the database reads JSON, so that another program can ask the same. That the
rules would decide so again, and that everything else follows from the journal, takes more than a
query: see `replaying` and `running`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    FromClause,
    Select,
    String,
    Subquery,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)

from entitlement_ledger.checks.check import Check
from entitlement_ledger.domain.catalogue import Category
from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import Account
from entitlement_ledger.store.functions import (
    each_of,
    hash_of_leaf,
    microseconds,
    place_of_each,
    read_json,
    texts_of,
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


def _labelled(texts: Iterable[ColumnElement[str]], names: Iterable[str]) -> Iterator[Any]:
    return (text.label(name) for text, name in zip(texts, names, strict=True))


def _bodies() -> Subquery:
    """Give the bodies as JSON; what is none is left to other checks."""
    read = select(_j.sequence, read_json(_j.body).label("body")).subquery("read")
    return select(read).where(read.c.body.is_not(None)).subquery("bodies")


def _each(name: str, keys: Sequence[str | int], columns: Sequence[str]) -> Subquery:
    """Give a row for each element of an array in the bodies: its place, and what it says."""
    bodies = _bodies()
    each = select(
        bodies.c.sequence,
        place_of_each(bodies.c.body, name).label("place"),
        each_of(bodies.c.body, name).label("said"),
    ).subquery(f"each_of_{name}")
    said = _labelled(texts_of(each.c.said, keys), columns)
    return select(each.c.sequence, each.c.place, *said).subquery(f"told_{name}")


def _as_stored(text: ColumnElement[str], stored: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give a field of a body as the column holds it; instants as microseconds."""
    if isinstance(stored.type, Boolean):
        return func.coalesce(text, "false") == "true"
    if isinstance(stored.type, String):
        return text
    return cast(text, BigInteger)


def _first_unlike(told: Mapping[str, ColumnElement[str]], stored: Any) -> ColumnElement[Any]:
    """Give the name of the first column that does not hold what was told; else nothing."""

    def unlike(name: str) -> ColumnElement[bool]:
        column = stored[name]
        held = microseconds(column) if isinstance(column.type, InstantColumn) else column
        return _as_stored(told[name], column).is_distinct_from(held)

    return case(*((unlike(name), name) for name in told))


def _transactions() -> Select[Any]:
    bodies = _bodies()
    said = select(bodies.c.sequence, *_labelled(texts_of(bodies.c.body, _FIELDS), _FIELDS))
    told = said.subquery("told_transactions")
    first = _first_unlike({name: told.c[name] for name in _FIELDS}, _t)
    return (
        select(literal("transactions").label("table"), _t.sequence, first.label("unlike"))
        .select_from(transactions.join(told, told.c.sequence == _t.sequence))
        .where(first.is_not(None))
    )


def _rows_of(
    name: str, keys: Sequence[str | int], columns: Sequence[str], stored: FromClause
) -> Select[Any]:
    """Give what bodies tell and a table does not hold alike, or holds and they do not tell."""
    told, s = _each(name, keys, columns), stored.c
    same = (s.sequence == told.c.sequence) & (s.place == told.c.place)
    alone = case((told.c.sequence.is_(None), "not in the body"), (s.sequence.is_(None), "lost"))
    first = func.coalesce(alone, _first_unlike({each: told.c[each] for each in columns}, s))
    sequence = func.coalesce(s.sequence, told.c.sequence)
    columns_told: list[ColumnElement[Any]] = [literal(name), sequence, first]
    rows = select(*columns_told).select_from(told.join(stored, same, full=True))
    return rows.where(first.is_not(None))


def _projections() -> Select[Any]:
    """What transactions, postings and grants hold, against the bodies."""
    rows = union_all(
        _transactions(),
        _rows_of("postings", range(len(_OF_POSTINGS)), _OF_POSTINGS, postings),
        _rows_of("grants", _OF_GRANTS, _OF_GRANTS, grants),
    ).subquery("rows")
    return select(rows).order_by(rows.c.sequence)


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
        "draws_in_burn_order",
        "a customer's paid points spent before those that were a gift, or lapse sooner",
        _draws_in_burn_order(),
    ),
)

PROJECTIONS = Check("projections", "a stored row that the journal does not give", _projections())
"""What a query can say of the check of this name; the program makes every table again."""
