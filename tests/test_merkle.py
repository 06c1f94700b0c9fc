"""The tree is RFC 6962's: held against the recursive definition, and against pymerkle."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from entitlement_ledger import merkle
from entitlement_ledger.domain.events import leaf_hash
from entitlement_ledger.merkle import Block, Frontier

BODIES = [f"event {number}".encode() for number in range(70)]
LEAVES = [leaf_hash(body) for body in BODIES]


def defined(leaves: list[bytes]) -> bytes:
    """The definition in section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    halves = defined(leaves[:split]) + defined(leaves[split:])
    return hashlib.sha256(b"\x01" + halves).digest()


def subtree(start: int, end: int) -> bytes:
    return defined(LEAVES[start:end])


def oracle(size: int) -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    for body in BODIES[:size]:
        tree.append_entry(body)
    return tree


@pytest.mark.parametrize("size", range(len(LEAVES) + 1))
def test_a_frontier_gives_the_defined_root(size: int) -> None:
    frontier = Frontier()
    for leaf in LEAVES[:size]:
        frontier.append(leaf)
    assert frontier.root() == defined(LEAVES[:size])
    assert frontier.size == size
    kept = Frontier(size, frontier.peaks)
    kept.append(b"\x07" * 32)
    assert kept.root() == defined([*LEAVES[:size], b"\x07" * 32])
    assert frontier.root() == defined(LEAVES[:size])
    if size:
        assert frontier.root() == oracle(size).get_root()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13, 64, 70])
def test_every_leaf_has_a_path_and_no_other_leaf_has_it(size: int) -> None:
    root, tree = defined(LEAVES[:size]), oracle(size)
    for place in range(size):
        path = merkle.inclusion_path(place, size, subtree)
        assert merkle.root_from_path(LEAVES[place], place, size, path) == root
        theirs = tree.prove_inclusion(place + 1, size)
        assert sorted([LEAVES[place], *path]) == sorted(theirs.path)
        for wrong in {place + 1, place - 1, size} - {place}:
            assert merkle.root_from_path(LEAVES[place], wrong, size, path) != root
        assert merkle.root_from_path(LEAVES[place - 1], place, size, path) != root or size == 1
        assert merkle.root_from_path(LEAVES[place], place, size, [*path, root]) is None
        assert merkle.root_from_path(LEAVES[place], place, size, path[:-1]) != root or not path


def test_every_old_tree_is_consistent_with_every_newer_one_and_with_no_other() -> None:
    for new in range(1, 40):
        for old in range(1, new + 1):
            path = merkle.consistency_path(old, new, subtree)
            roots = defined(LEAVES[:old]), defined(LEAVES[:new])
            assert merkle.consistent(old, roots[0], new, roots[1], path)
            assert not merkle.consistent(old, b"\x00" * 32, new, roots[1], path)
            assert not merkle.consistent(old, roots[0], new, b"\x00" * 32, path)
            assert not merkle.consistent(old, roots[0], new, roots[1], [*path, b"\x00" * 32])
            if path:
                assert not merkle.consistent(old, roots[0], new, roots[1], path[:-1])


@settings(max_examples=200)
@given(st.integers(1, 70), st.integers(1, 70), st.data())
def test_a_path_with_anything_changed_proves_nothing(a: int, b: int, data: st.DataObject) -> None:
    old, new = min(a, b), max(a, b)
    path = merkle.consistency_path(old, new, subtree)
    if path:
        place = data.draw(st.integers(0, len(path) - 1))
        path[place] = hashlib.sha256(path[place]).digest()
        assert not merkle.consistent(old, subtree(0, old), new, subtree(0, new), path)


@given(st.integers(0, 700), st.lists(st.integers(0, 1500), max_size=4))
def test_many_leaves_at_once_make_the_same_tree(before: int, steps: list[int]) -> None:
    leaves = [number.to_bytes(32, "big") for number in range(before + sum(steps))]
    one, many = Frontier(), Frontier()
    blocks: tuple[list[Block], list[Block]] = ([], [])
    for leaf in leaves[:before]:
        one.append(leaf, blocks[0])
        many.append(leaf, blocks[1])
    for leaf in leaves[before:]:
        one.append(leaf, blocks[0])
    for step in steps:
        many.extend(leaves[many.size : many.size + step], blocks[1])
    assert (one.size, one.peaks) == (many.size, many.peaks)
    assert sorted(blocks[0]) == sorted(blocks[1])
