"""What was sealed: the checkpoints of a store and its witness, to be held against the journal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from sqlalchemy import Connection, select

from entitlement_ledger.audit.notes import Checkpoint, Note, NoteError, PublicKey
from entitlement_ledger.audit.sealing import origin_of
from entitlement_ledger.audit.witness import Seen, Witness
from entitlement_ledger.errors import StoreError
from entitlement_ledger.store.journal import last
from entitlement_ledger.store.tables import checkpoints
from entitlement_ledger.store.tree import TreeError, root_at

Told = tuple[str, dict[str, Any]]
"""Which part of verification a fault belongs to, and the fault."""


@dataclass(slots=True)
class Sealed:
    """Checkpoints that can be read, what the witness saw, and what is wrong with either."""

    checkpoints: list[Checkpoint] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    faults: list[Told] = field(default_factory=list)

    @classmethod
    def read(cls, connection: Connection, witness: Witness, key: PublicKey | None) -> Self:
        """Read what was sealed; signatures are verified if it is known whose they must be."""
        sealed, notes = cls(), set()
        origin = origin_of(connection)
        query = select(checkpoints).order_by(checkpoints.c.size)
        for size, note in connection.execute(query).all():
            digest = hashlib.sha256(note.encode()).digest()
            try:
                if digest in notes:
                    raise NoteError("it is there twice")
                notes.add(digest)
                sealed.checkpoints.append(_checkpoint(size, note, origin, key))
            except NoteError as error:
                sealed.faults.append(("checkpoints", {"size": size, "why": str(error)}))
        try:
            sealed.seen = _compared(witness)
        except StoreError as error:
            sealed.faults.append(("witness", {"why": str(error)}))
        for seen in sealed.seen:
            if seen.checkpoint is not None and seen.checkpoint not in notes:
                why = "the checkpoint that the witness has seen is gone, or another"
                sealed.faults.append(("checkpoints", {"size": seen.size, "why": why}))
        return sealed

    def sizes(self) -> frozenset[int]:
        """Give the sizes at which the journal's root is wanted."""
        sealed = {each.size for each in self.checkpoints}
        return frozenset(sealed | {each.size for each in self.seen})

    def newest(self, connection: Connection) -> int:
        """Give the size of the newest checkpoint that the stored hashes bear out, or 0."""
        for each in reversed(self.checkpoints):
            try:
                if root_at(connection, each.size) == each.root:
                    return each.size
            except TreeError:
                continue
        return 0

    def compare(
        self,
        roots: Mapping[int, bytes],
        start: int,
        size: int,
        suspected: Iterable[int] = (),
    ) -> Iterator[Told]:
        """Hold what was sealed after `start` against the roots that were computed.

        `suspected` are events that tables tell of otherwise: the first of them within what cannot
        be as it was sealed is named.
        """
        told = [("checkpoints", each.size, each.root) for each in self.checkpoints]
        told += [("witness", each.size, each.root) for each in self.seen]
        sound = [then for _, then, root in told if roots.get(then) == root]
        for name, then, root in told:
            if then > size:
                why = f"only {size} events are there"
                yield name, {"size": then, "sequence": size + 1, "why": why}
            elif then > start and roots.get(then) != root:
                # What was sealed before and is borne out bounds where the first of them is.
                after = max((each for each in sound if each < then), default=start)
                why = f"the journal had another root then: of events {after + 1} to {then} not all"
                first = min((each for each in suspected if after < each <= then), default=None)
                named = {} if first is None else {"sequence": first}
                yield name, {"size": then, **named, "why": f"{why} are those that were sealed"}


def unlike_checkpoints(connection: Connection, witness: Witness) -> Iterator[dict[str, Any]]:
    """Tell checkpoints that the stored hashes do not bear out, or that are not those witnessed.

    Who signed them only verification says, which may be told whose key it must be.
    """
    sealed = Sealed.read(connection, witness, None)
    size, _ = last(connection)
    roots = {}
    for each in sealed.checkpoints:
        with suppress(TreeError):
            roots[each.size] = root_at(connection, each.size)
    for name, fault in (*sealed.faults, *sealed.compare(roots, 0, size)):
        if name == "checkpoints":
            yield fault


def _checkpoint(size: int, note: str, origin: str, key: PublicKey | None) -> Checkpoint:
    read = Note.read(note)
    checkpoint = Checkpoint.read(read.text)
    if checkpoint.size != size:
        raise NoteError(f"it is the checkpoint of size {checkpoint.size}")
    if checkpoint.origin != origin:
        raise NoteError(f"it is a checkpoint of {checkpoint.origin}, not of {origin}")
    if key is not None and not read.verified(key):
        signers = ", ".join(name for name, _, _ in read.signatures)
        raise NoteError(f"it is signed by {signers}, and not by {key.name}")
    return checkpoint


def _compared(witness: Witness) -> list[Seen]:
    """Give the newest line, which all before it lead to, and those of checkpoints.

    Only since somebody accepted another history: what was seen before is of that one.
    """
    kept: list[Seen] = []
    newest: Seen | None = None
    for newest in witness.all():
        if newest.reset is not None:
            kept.clear()
        elif newest.checkpoint is not None:
            kept.append(newest)
    if newest is not None and newest.checkpoint is None:
        kept.append(newest)
    return kept
