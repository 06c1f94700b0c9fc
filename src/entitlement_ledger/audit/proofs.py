"""Proofs that can be taken away: of one event, and that a later journal begins with an earlier one.

An inclusion proof is a C2SP tlog-proof; its `extra` is the event's body. Verifying one needs the
file and the public key, and no store.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, NoReturn

import msgspec
from sqlalchemy import Connection, select

from entitlement_ledger import merkle
from entitlement_ledger.audit.notes import (
    Checkpoint,
    Note,
    NoteError,
    PublicKey,
    strictly_decoded,
)
from entitlement_ledger.domain.events import leaf_hash, transaction_id
from entitlement_ledger.errors import InputError
from entitlement_ledger.store.tables import checkpoints, journal
from entitlement_ledger.store.tree import TreeError, subtree_root

INCLUSION = "c2sp.org/tlog-proof@v1"
CONSISTENCY = "entitlement-ledger/consistency-proof@v1"
_HASHES_MAX = 64
PROOF_BYTES_MAX = 64 * 1024 * 1024


class ProofError(Exception):
    """A proof that proves nothing; says why. `malformed` if it could not even be read."""

    def __init__(self, message: str, *, malformed: bool = False) -> None:
        super().__init__(message)
        self.malformed = malformed


class NoCheckpoint(InputError):
    """No checkpoint covers an event yet."""


@dataclass(frozen=True, slots=True)
class Proved:
    """What a proof proves.

    Attributes:
        checkpoint: what was signed, by whom.
        sequence, body: of the event, where it is a proof of one.
        old: the earlier checkpoint, where it is a proof of consistency.
    """

    checkpoint: Checkpoint
    signer: str
    sequence: int | None = None
    body: bytes | None = None
    old: Checkpoint | None = None


@dataclass(frozen=True, slots=True)
class Inclusion:
    """What an event is proved by: its body, the path to the root, and who has signed that.

    Attributes:
        size: how many events the checkpoint is over, whose note stands beside it.
    """

    body: bytes
    path: tuple[bytes, ...]
    size: int
    note: str


def prove_inclusion(connection: Connection, sequence: int) -> str:
    """Write the proof of one event against the first checkpoint that covers it.

    Raises:
        NoCheckpoint: none covers it yet.
        TreeError: hashes are missing.
    """
    found = inclusion(connection, sequence)
    if found is None:
        raise NoCheckpoint(
            f"no checkpoint covers {transaction_id(sequence)} yet: make one with `entl checkpoint`"
        )
    lines = [INCLUSION, f"extra {_text(found.body)}", f"index {sequence - 1}"]
    return "\n".join([*lines, *map(_text, found.path)]) + f"\n\n{found.note}"


def inclusion(connection: Connection, sequence: int) -> Inclusion | None:
    """Give what proves that an event is in the journal; None where no checkpoint covers it yet.

    Raises:
        TreeError: hashes are missing, or the event is.
    """
    query = select(checkpoints).where(checkpoints.c.size >= sequence)
    rows = connection.execute(query.order_by(checkpoints.c.size).limit(1)).all()
    if not rows:
        return None
    ((size, note),) = rows
    asked = select(journal.c.body).where(journal.c.sequence == sequence)
    bodies = connection.execute(asked).scalars().all()
    if len(bodies) != 1:
        raise TreeError(f"there are {len(bodies)} events of the sequence {sequence}")
    path = merkle.inclusion_path(
        sequence - 1, size, lambda start, end: subtree_root(connection, start, end)
    )
    return Inclusion(bodies[0], tuple(path), size, note)


def prove_consistency(connection: Connection, old: int, new: int) -> str:
    """Write the proof that the journal of one checkpoint begins with that of an earlier one.

    Raises:
        InputError: there is no checkpoint of one of these sizes, or the old one is not smaller.
        TreeError: hashes are missing.
    """
    if not 0 < old < new:
        raise InputError(f"{old} is not an earlier size than {new}: give the older size first")
    notes = []
    for size in (old, new):
        query = select(checkpoints.c.note).where(checkpoints.c.size == size)
        found = connection.execute(query).scalars().all()
        if not found:
            _no_checkpoint(connection, size)
        notes.append(found[0])
    path = merkle.consistency_path(
        old, new, lambda start, end: subtree_root(connection, start, end)
    )
    told = [
        f"{name} {_text(note.encode())}" for name, note in zip(("old", "new"), notes, strict=True)
    ]
    return "\n".join([CONSISTENCY, *told, *map(_text, path)]) + "\n"


def _no_checkpoint(connection: Connection, size: int) -> NoReturn:
    query = select(checkpoints.c.size).order_by(checkpoints.c.size.desc()).limit(10)
    known = ", ".join(str(each) for each in connection.execute(query).scalars().all())
    raise InputError(f"there is no checkpoint of size {size}: the newest are {known or 'none'}")


def verify_proof(text: str, key: PublicKey) -> Proved:
    """Verify a proof of either kind.

    Raises:
        ProofError: it proves nothing.
    """
    try:
        if text.startswith(INCLUSION + "\n"):
            return _verify_inclusion(text, key)
        if text.startswith(CONSISTENCY + "\n"):
            return _verify_consistency(text, key)
    except NoteError as error:
        raise ProofError(str(error)) from None
    raise ProofError("it is not a proof: its first line is not one of a proof's", malformed=True)


def _verify_inclusion(text: str, key: PublicKey) -> Proved:
    head, _, note = text.partition("\n\n")
    lines = head.split("\n")[1:]
    if len(lines) < 2 or not lines[0].startswith("extra ") or not lines[1].startswith("index "):
        raise ProofError("it is cut: event, index and checkpoint are needed", malformed=True)
    body = _bytes(lines[0].removeprefix("extra "))
    index = lines[1].removeprefix("index ")
    if not (index.isascii() and index.isdigit() and len(index) <= 18):
        raise ProofError("its index is not a number", malformed=True)
    checkpoint = _signed(note, key)
    root = merkle.root_from_path(leaf_hash(body), int(index), checkpoint.size, _hashes(lines[2:]))
    if root != checkpoint.root:
        raise ProofError("the event does not lead to the root that was signed: one was altered")
    sequence = int(index) + 1
    if _said(body).get("sequence") != sequence:
        raise ProofError("the event is not the one that stands at that place")
    return Proved(checkpoint, key.name, sequence, body)


def _verify_consistency(text: str, key: PublicKey) -> Proved:
    lines = text.rstrip("\n").split("\n")[1:]
    if len(lines) < 2 or not lines[0].startswith("old ") or not lines[1].startswith("new "):
        raise ProofError("it is cut: two checkpoints are needed", malformed=True)
    old, new = (_signed(_utf8(_bytes(line.partition(" ")[2])), key) for line in lines[:2])
    if old.origin != new.origin:
        raise ProofError("its checkpoints are of two stores")
    if not merkle.consistent(old.size, old.root, new.size, new.root, _hashes(lines[2:])):
        raise ProofError("the later journal does not begin with the earlier one")
    return Proved(new, key.name, old=old)


def _signed(note: str, key: PublicKey) -> Checkpoint:
    read = Note.read(note)
    if not read.verified(key):
        raise ProofError(f"its checkpoint is not signed by {key.name}")
    return Checkpoint.read(read.text)


def _said(body: bytes) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(body)
    except msgspec.MsgspecError:
        said = None
    if not isinstance(said, dict):
        raise ProofError("what it proves is not an event")
    return said


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        return strictly_decoded(text)
    except ValueError:
        raise ProofError("a part of it is not base64", malformed=True) from None


def _utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ProofError("a checkpoint in it is not text", malformed=True) from None


def _hashes(lines: list[str]) -> list[bytes]:
    found = [_bytes(line) for line in lines]
    if len(found) > _HASHES_MAX or any(len(each) != 32 for each in found):
        raise ProofError("its hashes are not hashes", malformed=True)
    return found
