"""Commits: what is durable already, and not laid out in the journal yet.

A statement costs more than a row, and a wide row more than a narrow one. So what is posted is
committed as a row that holds the bodies of all its events, compressed. Right behind it they go into
the journal, a row each, and into the projections, in one transaction that takes that row away.
After a crash the rows that are there say what the journal lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, delete, func, select

from entitlement_ledger.errors import StoreError
from entitlement_ledger.store.dialect import append
from entitlement_ledger.store.tables import commits

_BODIES_MAX = 10_000
"""So many in one row at most: whoever reads it has all of them in memory."""
_BETWEEN = b"\n"
"""No body has a line break in it: it is JSON on one line."""


@cache
def _zstd() -> Any:
    from pyarrow import Codec

    return Codec("zstd", compression_level=1)


def keep_commit(connection: Connection, last_sequence: int, bodies: Sequence[bytes]) -> None:
    """Make events durable with the transaction; the last of them has this sequence."""
    before = last_sequence - len(bodies)
    starts = range(0, len(bodies), _BODIES_MAX)
    wholes = [_BETWEEN.join(bodies[start : start + _BODIES_MAX]) for start in starts]
    append(
        connection,
        commits,
        {
            "sequence": [before + min(start + _BODIES_MAX, len(bodies)) for start in starts],
            "size": [len(whole) for whole in wholes],
            "bodies": [_zstd().compress(whole, asbytes=True) for whole in wholes],
        },
    )


def kept_commits(connection: Connection) -> Iterator[tuple[int, list[bytes]]]:
    """Give what the journal lacks, in order: the sequence of the last event, and all bodies.

    Raises:
        StoreError: a commit cannot be read.
    """
    sequences = connection.execute(select(commits.c.sequence).order_by(commits.c.sequence))
    for sequence in sequences.scalars().all():
        yield sequence, _bodies(connection, sequence)


def last_kept(connection: Connection) -> tuple[int, list[bytes]] | None:
    """Give the last event that the journal lacks, in the same way; None if it lacks none."""
    sequence = connection.execute(select(func.max(commits.c.sequence))).scalars().all()[0]
    return None if sequence is None else (sequence, _bodies(connection, sequence)[-1:])


def _bodies(connection: Connection, sequence: int) -> list[bytes]:
    asked = select(commits.c.size, commits.c.bodies).where(commits.c.sequence == sequence)
    from pyarrow import ArrowException

    ((size, packed),) = connection.execute(asked).all()
    try:
        whole: bytes = _zstd().decompress(packed, decompressed_size=size, asbytes=True)
    except (ArrowException, OSError) as error:
        raise damaged(sequence, str(error)) from None
    return whole.split(_BETWEEN)


def damaged(sequence: int, why: str) -> StoreError:
    """Say that a commit is not what was written."""
    return StoreError(
        f"the commit that ends with event {sequence} is damaged: {why}; restore a backup"
    )


def drop_commits(connection: Connection, until: int) -> None:
    """Drop what the journal has now: the commits up to one sequence."""
    connection.execute(delete(commits).where(commits.c.sequence <= until))
