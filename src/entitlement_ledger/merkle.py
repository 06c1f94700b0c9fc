"""The hash tree of RFC 6962, section 2.1, over leaves that are hashed already. Pure.

A tree of `size` leaves is described by its root. `Frontier` is all that has to be remembered of a
tree in order to append to it: the roots of its perfect subtrees, the largest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256 as _sha256

EMPTY_ROOT = _sha256(b"").digest()

BLOCK_BITS = 8
"""Complete subtrees of 2**8, 2**16, … leaves are kept: those of level 1, 2, …"""

Block = tuple[int, int, bytes]
"""A complete subtree: its level, its place among those of the level, its root."""

Subtree = Callable[[int, int], bytes]
"""Gives the root of the leaves from one place, which is in, to another, which is out."""


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees: SHA-256 over 0x01, the left root and the right one."""
    return _sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """Give the root over a power of two of subtrees of one size."""
    level = list(hashes)
    assert level, "a perfect tree has leaves"
    assert len(level) & (len(level) - 1) == 0, "a perfect tree has a power of two of them"
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [_sha256(b"\x01" + left + right).digest() for left, right in pairs]
    return level[0]


def fold(peaks: Sequence[bytes]) -> bytes:
    """Give the root over perfect subtrees, the largest first."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


class Frontier:
    """A tree that leaves can be appended to, each at the cost of two hashes on average."""

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self._peaks = list(peaks)
        assert len(self._peaks) == size.bit_count(), "one perfect subtree for each binary digit"

    def copy(self) -> Frontier:
        """Give another one to append to."""
        return Frontier(self.size, self._peaks)

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The roots of the perfect subtrees, the largest first."""
        return tuple(self._peaks)

    def append(self, leaf: bytes, blocks: list[Block] | None = None) -> None:
        """Append one leaf's hash; add the blocks that it completes, the smallest first."""
        self._carry(leaf, 0, blocks)

    def extend(self, leaves: Sequence[bytes], blocks: list[Block]) -> None:
        """Append many leaves' hashes, and add the blocks that they complete.

        Whole blocks are hashed level by level, which takes half as long as leaf by leaf.
        """
        width = 1 << BLOCK_BITS
        start = min(-self.size % width, len(leaves))
        for leaf in leaves[:start]:
            self.append(leaf, blocks)
        whole = start + (len(leaves) - start) // width * width
        for first in range(start, whole, width):
            root = perfect_root(leaves[first : first + width])
            blocks.append((1, self.size >> BLOCK_BITS, root))
            self._carry(root, BLOCK_BITS, blocks)
        for leaf in leaves[whole:]:
            self.append(leaf, blocks)

    def _carry(self, root: bytes, bits: int, blocks: list[Block] | None) -> None:
        """Append a perfect subtree of 2**bits leaves; none of those there is smaller."""
        added, carried = 1 << bits, root
        while self.size >> bits & 1:
            carried = node_hash(self._peaks.pop(), carried)
            bits += 1
            if not bits % BLOCK_BITS and blocks is not None:
                blocks.append((bits // BLOCK_BITS, self.size >> bits, carried))
        self._peaks.append(carried)
        self.size += added

    def root(self) -> bytes:
        """Give the root of all leaves so far."""
        return fold(self._peaks)


def _split(size: int) -> int:
    """Give the largest power of two below a size of at least two."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_path(place: int, size: int, subtree: Subtree) -> list[bytes]:
    """Give the path from the leaf at a place, from 0, to the root: the lowest sibling first."""
    assert 0 <= place < size, "the leaf is in the tree"
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if place < middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    return path[::-1]


def root_from_path(leaf: bytes, place: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Compute the root that a leaf and its path lead to; None where the path does not fit."""
    if not 0 <= place < size:
        return None
    node, root, last = place, leaf, size - 1
    for sibling in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            root = node_hash(sibling, root)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            root = node_hash(root, sibling)
        node >>= 1
        last >>= 1
    return root if last == 0 else None


def consistency_path(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """Give the proof that the tree of the new size begins with the tree of the old size."""
    assert 0 < old <= new, "an old tree has leaves, and is not larger"
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start, whole = middle, False
    if not whole:
        path.append(subtree(start, end))
    return path[::-1]


def consistent(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Say whether a path proves that the new tree begins with the old one (RFC 9162, 2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    rest = list(path)
    if old & (old - 1) == 0:
        rest.insert(0, old_root)
    if not rest:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node >>= 1
        last >>= 1
    first = second = rest[0]
    for sibling in rest[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            second = node_hash(second, sibling)
        node >>= 1
        last >>= 1
    return last == 0 and first == old_root and second == new_root
