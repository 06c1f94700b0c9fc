"""The hash tree over the journal, kept so that a root or a proof takes a few look-ups.

The leaves are the hashes in `journal`. The table `tree` holds the root of every complete subtree
of 256, of 65,536, … leaves: level n, place p is the root over the leaves from p * 256**n on.
Everything between is computed when it is asked for, from at most 256 hashes a level.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from entitlement_ledger.merkle import BLOCK_BITS, Block, Frontier, fold, perfect_root
from entitlement_ledger.store.dialect import append
from entitlement_ledger.store.tables import journal, tree

_BITS = BLOCK_BITS
_WIDTH = 1 << _BITS
_BLOCKS_AT_ONCE = 64


class TreeError(Exception):
    """Hashes that should be there are not: the journal or the tree has been cut."""


def extend(connection: Connection, before: int, size: int) -> None:
    """Add the subtrees that were completed when the journal grew from one size to another."""
    level, done, complete = 1, before >> _BITS, size >> _BITS
    while complete:
        for start in range(done, complete, _BLOCKS_AT_ONCE):
            blocks = range(start, min(start + _BLOCKS_AT_ONCE, complete))
            below = _hashes(connection, level - 1, start * _WIDTH, len(blocks) * _WIDTH)
            append(
                connection,
                tree,
                {
                    "level": [level] * len(blocks),
                    "place": list(blocks),
                    "hash": [
                        perfect_root(below[n * _WIDTH : (n + 1) * _WIDTH])
                        for n in range(len(blocks))
                    ],
                },
            )
        level, done, complete = level + 1, done >> _BITS, complete >> _BITS


def add_blocks(connection: Connection, blocks: Sequence[Block]) -> None:
    """Add complete subtrees that are known."""
    levels, places, hashes = zip(*blocks, strict=True) if blocks else ((), (), ())
    rows = {"level": list(levels), "place": list(places), "hash": list(hashes)}
    append(connection, tree, rows)


def frontier(connection: Connection, size: int) -> Frontier:
    """Give the tree as it was at a size, to append to.

    Raises:
        TreeError: hashes are missing.
    """
    return Edge(edge(connection, size)).frontier(size)


def edge(connection: Connection, size: int) -> list[list[bytes]]:
    """Give the hashes of each level, leaves first, that do not fill a subtree of the next.

    Raises:
        TreeError: hashes are missing.
    """
    rows = []
    for level in range(_levels(size) + 1):
        count = (size >> (_BITS * level)) % _WIDTH
        start = (size >> (_BITS * level)) - count
        rows.append(_hashes(connection, level, start, count))
    return rows


class Edge:
    """The right edge of the tree as it is stored: grown again, it gives what should be stored."""

    def __init__(self, rows: list[list[bytes]] | None = None) -> None:
        self._rows = rows or [[]]

    def append(self, leaf: bytes) -> list[bytes]:
        """Append a leaf; give the roots of the subtrees it completes, from level 1 up."""
        completed: list[bytes] = []
        self._rows[0].append(leaf)
        for level, row in enumerate(self._rows):
            if len(row) < _WIDTH:
                return completed
            root = perfect_root(row)
            completed.append(root)
            row.clear()
            if level + 1 == len(self._rows):
                self._rows.append([])
            self._rows[level + 1].append(root)
        return completed

    def frontier(self, size: int) -> Frontier:
        """Give the tree that has this edge."""
        peaks: list[bytes] = []
        for row in reversed(self._rows):
            part = Frontier()
            for each in row:
                part.append(each)
            peaks += part.peaks
        return Frontier(size, peaks)


def root_at(connection: Connection, size: int) -> bytes:
    """Give the root that the journal had at a size.

    Raises:
        TreeError: hashes are missing.
    """
    return frontier(connection, size).root()


def subtree_root(connection: Connection, start: int, end: int) -> bytes:
    """Give the root over the leaves from one place, which is in, to another, which is out.

    The place must be a multiple of a power of two that is not smaller than the number of leaves,
    as it is for every node of a tree.

    Raises:
        TreeError: hashes are missing.
    """
    peaks: list[bytes] = []
    while start < end:
        bits = (end - start).bit_length() - 1
        level, within = divmod(bits, _BITS)
        count = 1 << within
        peaks.append(perfect_root(_hashes(connection, level, start >> (_BITS * level), count)))
        start += 1 << bits
    return fold(peaks)


def _levels(size: int) -> int:
    return max(size.bit_length() - 1, 0) // _BITS


def _hashes(connection: Connection, level: int, start: int, count: int) -> list[bytes]:
    """Read hashes of one level, from a place on."""
    if not count:
        return []
    if level == 0:
        query = select(journal.c.hash).where(journal.c.sequence.between(start + 1, start + count))
        query = query.order_by(journal.c.sequence)
    else:
        query = select(tree.c.hash).where(
            tree.c.level == level, tree.c.place.between(start, start + count - 1)
        )
        query = query.order_by(tree.c.place)
    found = list(connection.execute(query).scalars().all())
    if len(found) != count:
        raise TreeError(f"{count} hashes of level {level} from {start} on, {len(found)} are there")
    return found
