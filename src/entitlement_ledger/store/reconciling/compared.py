"""What of a billing extract and of the ledger does not agree at first sight.

Nearly all lines agree: one line, what names it, the same customer, right and quantity. They are
told from the rest in one pass over both sides; only the rest is looked at one by one. The tables
made here are temporary, and dropped by whoever asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    func,
    literal,
    not_,
    select,
    true,
    union_all,
)

from entitlement_ledger.domain.commands import CommandType
from entitlement_ledger.domain.events import Status
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.reconciliations import INVOICE
from entitlement_ledger.store.copying import divided
from entitlement_ledger.store.dialect import temporary
from entitlement_ledger.store.tables import (
    billing,
    customers,
    feed_lines,
    grants,
    resolutions,
    transactions,
)

_GIVES = [
    kind.value
    for kind in (
        CommandType.ISSUE,
        CommandType.ADJUST,
        CommandType.PURCHASE,
        CommandType.RENEW,
        CommandType.UPGRADE,
        CommandType.DOWNGRADE,
    )
]
_l, _t, _g, _b = feed_lines.c, transactions.c, grants.c, billing.c
PAID = "paid"


class Period:
    """A half-open period; None is without end."""

    def __init__(self, since: Instant | None, until: Instant | None) -> None:
        self.since, self.until = since, until

    def holds(self, instant: ColumnElement[Any]) -> ColumnElement[bool]:
        """Match instants within."""
        return and_(
            true() if self.since is None else instant >= self.since,
            true() if self.until is None else instant < self.until,
        )


def given_ones() -> CTE:
    """Give the transactions that gave something, asked for at once or approved.

    What was approved was asked for by its proposal: that one has the reference. An adjustment that
    takes something away gave less than nothing.
    """
    proposals = transactions.alias("proposals")
    p, r = proposals.c, resolutions.c
    gave = and_(_t.status != Status.REFUSED, ~_t.proposal)
    quantity = func.coalesce(_t.quantity, 1)
    undone = case((quantity < 0, -_t.undone), else_=_t.undone)
    left = case((_t.became == Status.REVERSED, 0), else_=quantity - undone)
    columns = [_t.sequence, _t.customer, _t.entitlement, _t.product, _t.effective_at]
    asked = select(
        *columns, _t.type.label("did"), _t.reference.label("reference"), left.label("left_of_it")
    ).where(gave, _t.type.in_(_GIVES))
    reference = func.coalesce(p.reference, _t.reference)
    approved = (
        select(*columns, _t.executes, reference, left)
        .select_from(
            transactions.join(resolutions, r.sequence == _t.sequence).join(
                proposals, and_(p.sequence == r.target, p.proposal)
            )
        )
        .where(gave, _t.executes.in_(_GIVES))
    )
    return union_all(asked, approved).cte("given")


def _theirs(feed: str, period: Period) -> Select[Any]:
    """Give the lines of a feed as they are compared; what is not paid is to be nothing."""
    expected = case((_l.status == PAID, func.coalesce(_l.quantity, 1)), else_=0)
    return select(
        _l.reference.label("name"),
        _l.customer.label("customer"),
        _l.entitlement.label("entitlement"),
        case((_l.entitlement == "", _l.product), else_="").label("product"),
        expected.label("quantity"),
        period.holds(_l.dated_at).label("within"),
        literal(1).label("theirs"),
    ).where(_l.feed == feed)


def _ours(period: Period) -> Select[Any]:
    """Give the transactions that name an invoice line, as they are compared."""
    given = given_ones().c
    return select(
        invoice_named(given.reference).label("name"),
        given.customer,
        func.coalesce(given.entitlement, "").label("entitlement"),
        case((given.entitlement.is_(None), given.product), else_="").label("product"),
        given.left_of_it.label("quantity"),
        period.holds(given.effective_at).label("within"),
        literal(0).label("theirs"),
    ).where(given.reference.like(f"{INVOICE}%"))


def invoice_named(reference: ColumnElement[str]) -> ColumnElement[str]:
    """Give the invoice line that a reference names."""
    return func.substr(reference, len(INVOICE) + 1)


@contextmanager
def odd_ones(
    connection: Connection, feed: str, period: Period, tolerance: int
) -> Iterator[tuple[FromClause, FromClause, FromClause]]:
    """Make tables of the lines and of the transactions that do not agree at first sight.

    The third is of transactions of those customers that name nothing that they are for. Tables of
    transactions have a row for each grant, so one of a purchase has several.
    """
    with (
        temporary(connection, "odd_names", _odd_names(feed, period, tolerance)) as odd,
        temporary(connection, "odd_items", _odd_items(feed, period, odd)) as items,
        temporary(connection, "odd_lines", _odd_lines(feed, period, odd, items)) as lines,
        temporary(connection, "loose_items", _loose_items(period, lines)) as loose,
    ):
        yield lines, items, loose


def _odd_names(feed: str, period: Period, tolerance: int) -> Select[Any]:
    """Give the invoice lines that are not one line with what it says in the ledger.

    A line and all that names it have the same customer, right and side of the cut-off, and their
    quantities cancel; a line that is to be nothing does so alone.
    """
    both = union_all(_theirs(feed, period), _ours(period)).subquery()
    b = both.c
    signed = case((b.theirs == 1, b.quantity), else_=-b.quantity)
    cancel = and_(func.sum(b.theirs) == 1, func.abs(func.sum(signed)) <= tolerance)
    groups = (b.name, b.customer, b.entitlement, b.product, b.within)
    odd = select(b.name).group_by(*groups).having(not_(func.coalesce(cancel, False)))
    return select(odd.subquery().c.name).distinct()


def _odd_lines(feed: str, period: Period, odd: FromClause, items: FromClause) -> Select[Any]:
    of_it: dict[str, Any] = {"partition_by": _l.reference, "order_by": _l.place}
    given_to = select(items.c.name, func.min(items.c.customer).label("customer"))
    taker = given_to.group_by(items.c.name).cte("taker")
    return (
        select(
            _l.line,
            _l.reference.label("name"),
            _l.customer,
            _l.product,
            _l.entitlement,
            _l.quantity,
            _l.status,
            _l.dated_at,
            period.holds(_l.dated_at).label("within"),
            func.first_value(_l.line).over(**of_it).label("first_line"),
            func.row_number().over(**of_it).label("nth"),
            taker.c.customer.label("our_customer"),
            customers.c.status.label("customer_status"),
        )
        .select_from(
            feed_lines.join(odd, odd.c.name == _l.reference)
            .outerjoin(taker, taker.c.name == _l.reference)
            .outerjoin(customers, customers.c.id == _l.customer)
        )
        .where(_l.feed == feed)
        .order_by(_l.customer, _l.place)
    )


def _items(period: Period, given: CTE) -> list[ColumnElement[Any]]:
    g = given.c
    return [
        g.sequence,
        g.did,
        g.customer,
        g.product,
        func.coalesce(_g.entitlement, g.entitlement).label("entitlement"),
        # What takes away has no grant: what it took is missing in the grants that it took it of.
        func.coalesce(_g.quantity, g.left_of_it).label("quantity"),
        g.left_of_it,
        func.coalesce(_g.quantity - _g.revoked, 0).label("kept"),
        func.coalesce(_g.available, 0).label("available"),
        _g.expires_at,
        g.effective_at,
        period.holds(g.effective_at).label("within"),
    ]


def _odd_items(feed: str, period: Period, odd: FromClause) -> Select[Any]:
    given = given_ones()
    name = invoice_named(given.c.reference)
    billed_to = (
        select(_l.reference.label("name"), func.min(_l.customer).label("customer"))
        .select_from(feed_lines.join(odd, odd.c.name == _l.reference))
        .where(_l.feed == feed)
        .group_by(_l.reference)
        .cte("billed_to")
    )
    return (
        select(
            name.label("name"),
            *_items(period, given),
            billed_to.c.customer.label("their_customer"),
            _b.invoiced_at.label("billed_at"),
            period.holds(_b.invoiced_at).label("billed_within"),
        )
        .select_from(
            given.join(odd, odd.c.name == name)
            .outerjoin(grants, _g.sequence == given.c.sequence)
            .outerjoin(billing, _b.invoice_line == name)
            .outerjoin(billed_to, billed_to.c.name == name)
        )
        .where(given.c.reference.like(f"{INVOICE}%"))
        .order_by(given.c.customer, given.c.sequence, _g.place)
    )


def _loose_items(period: Period, lines: FromClause) -> Select[Any]:
    """Give what was given to the customers of some lines without saying what for."""
    given = given_ones()
    return (
        select(literal("").label("name"), *_items(period, given))
        .select_from(given.join(grants, _g.sequence == given.c.sequence))
        .where(
            func.coalesce(given.c.reference, "") == "",
            given.c.customer.in_(select(lines.c.customer)),
        )
        .order_by(given.c.customer, given.c.sequence, _g.place)
    )


def counted(connection: Connection, feed: str, period: Period) -> tuple[int, int]:
    """Count the lines of a feed that lie in a period, and those that lie outside."""
    within = func.count().filter(period.holds(_l.dated_at))
    query = select(within, func.count()).where(_l.feed == feed)
    ((inside, total),) = connection.execute(query).all()
    return inside, total - inside


def customers_in_ranges(
    connection: Connection, tables: Sequence[FromClause], rows_max: int
) -> Sequence[Any]:
    """Give the `first` and `last` customer of ranges that have about so many rows of some tables.

    A range ends before it has that many more than the rows of its last customer, who is in one
    range only. A file may name no customer: the empty one is the first.
    """
    both = union_all(*(select(each.c.customer) for each in tables)).subquery().c
    rows_of_it = select(both.customer, func.count().label("rows")).group_by(both.customer).cte()
    of = rows_of_it.c
    before = func.sum(of.rows).over(order_by=of.customer) - of.rows
    placed = select(of.customer, divided(before, literal(rows_max)).label("nth")).subquery().c
    first = func.min(placed.customer).label("first")
    query = select(first, func.max(placed.customer).label("last")).group_by(placed.nth)
    return connection.execute(query.order_by(first)).all()


def rows_in(connection: Connection, *tables: FromClause) -> int:
    """Count the rows of some tables."""
    counts = [select(func.count()).select_from(each).scalar_subquery() for each in tables]
    return sum(connection.execute(select(*counts)).one())


def rows_of(connection: Connection, table: FromClause, first: str, last: str) -> Sequence[Any]:
    """Give the rows of a range of customers, both ends included."""
    query = select(table).where(table.c.customer.between(first, last))
    return connection.execute(query).all()
