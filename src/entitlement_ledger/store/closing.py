"""What lies wholly before an instant, written into the files of an archive and taken out of tables.

An event goes into the archive when neither it nor any of its postings takes effect at the instant
or later, and nothing about it is still open: a hold, a change at a period's end, a proposal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnClause,
    Connection,
    FromClause,
    Select,
    String,
    Table,
    cast,
    column,
    delete,
    func,
    select,
    union_all,
)

from entitlement_ledger.domain.events import Status, leaf_hash
from entitlement_ledger.domain.instants import Instant
from entitlement_ledger.errors import StoreError
from entitlement_ledger.files import sha256_of
from entitlement_ledger.store.archives import ArchivedFile, file_name
from entitlement_ledger.store.dialect import export, exported
from entitlement_ledger.store.same import same_rows
from entitlement_ledger.store.tables import (
    journal,
    live_journal,
    live_postings,
    postings,
    records,
    resolutions,
    transactions,
)

Progress = Callable[[int, int], None]

BALANCES = "balances"
_AT_ONCE = 10_000
_j, _p, _r, _t = live_journal.c, live_postings.c, records.c, transactions.c
_OF_A_GRANT = ("customer", "entitlement", "grant", "account")


def closed_before(before: Instant) -> Select[Any]:
    """Select the sequences of the live events that lie wholly before an instant."""
    later = select(_p.sequence).where(_p.effective_at >= before)
    still_open = (_t.status == Status.PENDING) & _t.sequence.not_in(select(resolutions.c.target))
    done = select(_t.sequence).where(
        _t.effective_at < before, ~still_open, _t.sequence.not_in(later)
    )
    changed = select(_r.sequence).where(_r.recorded_at < before, _r.record != "archive")
    either = union_all(done, changed).subquery("either")
    return select(_j.sequence).where(_j.sequence.in_(select(either.c.sequence)))


def closing_balances(of: FromClause, before: Instant) -> Select[Any]:
    """Select what is on each account of each grant by postings that take effect before."""
    p = of.c
    total = func.sum(p.quantity)
    return (
        select(
            p.customer, p.entitlement, p.grant, p.account, cast(total, BigInteger).label("quantity")
        )
        .where(p.effective_at < before)
        .group_by(p.customer, p.entitlement, p.grant, p.account)
        .having(total != 0)
    )


def balances_in(file: Path) -> Select[Any]:
    """Select the closing balances that a file holds."""
    columns: list[ColumnClause[Any]] = [column(name, String) for name in _OF_A_GRANT]
    columns.append(column("quantity", BigInteger))
    return select(*exported(file, *columns).c)


def write_files(
    connection: Connection, before: Instant, folder: Path, progress: Progress
) -> dict[str, ArchivedFile]:
    """Write the files of an archive, and read them again to see that they hold what they should.

    Raises:
        StoreError: what was written is not what was read back.
    """
    chosen = closed_before(before)
    told = {
        journal.name: select(*_j).where(_j.sequence.in_(chosen)),
        postings.name: select(*_p).where(_p.sequence.in_(chosen)),
        BALANCES: closing_balances(postings, before),
    }
    order = {
        journal.name: [_j.sequence],
        postings.name: [_p.customer, _p.entitlement, _p.sequence, _p.place],
        BALANCES: [postings.c[name] for name in _OF_A_GRANT],
    }
    files = {}
    for part, query in told.items():
        file = folder / file_name(part)
        export(connection, query.order_by(*order[part]), file)
        rows = _as_written(connection, query, file)
        files[file.name] = ArchivedFile(rows, file.stat().st_size, sha256_of(file))
    _hash_again(connection, folder / file_name(journal.name), progress)
    return files


def _as_written(connection: Connection, query: Select[Any], file: Path) -> int:
    """Give how many rows a file holds, once they are known to be the query's."""
    columns = [column(each.name, each.type) for each in query.selected_columns]
    read = exported(file, *columns)
    if not same_rows(connection, query, select(*read.c)):
        raise StoreError(f"{file} does not hold what was written: nothing was archived")
    return connection.execute(select(func.count()).select_from(read)).scalar_one()


def _hash_again(connection: Connection, file: Path, progress: Progress) -> None:
    """Hash every body in a file; it must be the leaf that stands beside it."""
    read = exported(file, *(column(each.name, each.type) for each in journal.c))
    total = connection.execute(select(func.count()).select_from(read)).scalar_one()
    for done, (body, digest) in enumerate(_bodies(connection, read), 1):
        if leaf_hash(body) != digest:
            raise StoreError(f"{file}: an event is not what was hashed: run `entl verify`")
        if not done % _AT_ONCE:
            progress(done, total)
    progress(total, total)


def _bodies(connection: Connection, read: FromClause) -> Iterator[tuple[bytes, bytes]]:
    after = 0
    while True:
        rows = connection.execute(
            select(read.c.sequence, read.c.body, read.c.hash)
            .where(read.c.sequence > after)
            .order_by(read.c.sequence)
            .limit(_AT_ONCE)
        ).all()
        if not rows:
            return
        yield from ((row.body, row.hash) for row in rows)
        after = rows[-1].sequence


def range_of(connection: Connection, before: Instant) -> tuple[int, int, int]:
    """Give how many live events lie wholly before an instant, and the first and last sequence."""
    chosen = closed_before(before).subquery("chosen")
    query = select(func.count(), func.min(chosen.c.sequence), func.max(chosen.c.sequence))
    ((events, first, last),) = connection.execute(query.select_from(chosen)).all()
    return events, first, last


def take_out(connection: Connection, folder: Path, files: Mapping[str, ArchivedFile]) -> None:
    """Take the rows that an archive's files hold out of the live tables.

    Raises:
        StoreError: they are not as many as the files hold.
    """
    read = exported(folder / file_name(journal.name), column("sequence", BigInteger))
    for view, live in ((postings, live_postings), (journal, live_journal)):
        before = _count(connection, live)
        connection.execute(delete(live).where(live.c.sequence.in_(select(read.c.sequence))))
        if before - _count(connection, live) != files[file_name(view.name)].rows:
            raise StoreError(f"{folder} does not hold what was taken out: nothing was archived")


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()
