"""The tree kept in the store is the tree over the journal, at every size and in every place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from entitlement_ledger import merkle
from entitlement_ledger.store import tree
from entitlement_ledger.store.dialect import append, make_engine
from entitlement_ledger.store.tables import journal, metadata
from entitlement_ledger.store.tables import tree as tree_table

LEAVES = [hashlib.sha256(b"%d" % number).digest() for number in range(66_000)]


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """A journal of nothing but hashes, extended by batches of odd sizes."""
    engine = make_engine(":memory:", read_only=False)
    with engine.begin() as connection:
        metadata.create_all(connection, tables=[journal, tree_table], checkfirst=False)
        size = 0
        for batch in (1, 254, 1, 1, 700, 20_001, 44_577, 1, 464):
            rows = range(size + 1, size + batch + 1)
            append(
                connection,
                journal,
                {
                    "sequence": list(rows),
                    "recorded_at": [0] * batch,
                    "hash": LEAVES[size : size + batch],
                    "body": [b""] * batch,
                },
            )
            tree.extend(connection, size, size + batch)
            size += batch
        assert size == len(LEAVES)
        yield connection
    engine.dispose()


def test_the_root_at_every_size_is_the_trees(connection: Connection) -> None:
    asked = {0, 1, 2, 255, 256, 257, 511, 512, 3000, 65_535, 65_536, 65_537, 65_792, 66_000}
    grown = merkle.Frontier()
    for size in range(len(LEAVES) + 1):
        if size in asked:
            assert tree.root_at(connection, size) == grown.root(), size
            kept = tree.frontier(connection, size)
            assert kept.peaks == grown.peaks
        if size < len(LEAVES):
            grown.append(LEAVES[size])


@pytest.mark.parametrize("size", [1, 257, 1000, 65_536, 66_000])
def test_every_node_of_a_proof_is_given(connection: Connection, size: int) -> None:
    def subtree(start: int, end: int) -> bytes:
        return tree.subtree_root(connection, start, end)

    root = tree.root_at(connection, size)
    for place in {0, size // 3, size // 2, size - 1}:
        path = merkle.inclusion_path(place, size, subtree)
        assert merkle.root_from_path(LEAVES[place], place, size, path) == root
    for old in {1, size // 2 or 1, size}:
        path = merkle.consistency_path(old, size, subtree)
        assert merkle.consistent(old, tree.root_at(connection, old), size, root, path)


def test_what_is_cut_is_not_taken_for_a_smaller_tree(connection: Connection) -> None:
    with pytest.raises(tree.TreeError):
        tree.root_at(connection, len(LEAVES) + 1)
    with pytest.raises(tree.TreeError):
        tree.root_at(connection, 66_100)
