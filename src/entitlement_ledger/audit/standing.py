"""How an event stands: sealed by a signed checkpoint, not yet, or at odds with it."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from entitlement_ledger import merkle
from entitlement_ledger.audit.notes import Checkpoint, Note, NoteError, PublicKey
from entitlement_ledger.audit.proofs import inclusion
from entitlement_ledger.domain.events import decode_event, leaf_hash
from entitlement_ledger.reviews import ProofStatus
from entitlement_ledger.store.tables import journal
from entitlement_ledger.store.tree import TreeError

_SEALED, _UNSEALED, _FAILS = "sealed", "unsealed", "fails"


def proof_status(connection: Connection, sequence: int, key: PublicKey | None) -> ProofStatus:
    """Say whether the first checkpoint that covers an event bears it out.

    Its bytes are hashed, and the path from there must lead to the root that was signed. `key` is
    who must have signed it; without one nobody says whose the signature has to be.
    """
    try:
        found = inclusion(connection, sequence)
        if found is None:
            return ProofStatus(_UNSEALED)
        note = Note.read(found.note)
        signed = Checkpoint.read(note.text)
        if key is not None and not note.verified(key):
            return ProofStatus(
                _FAILS, found.size, why=f"the checkpoint is not signed by {key.name}"
            )
    except (TreeError, NoteError) as error:
        return ProofStatus(_FAILS, why=str(error))
    root = merkle.root_from_path(leaf_hash(found.body), sequence - 1, found.size, found.path)
    if signed.size != found.size or root != signed.root:
        return ProofStatus(_FAILS, found.size, why="it does not lead to the root that was signed")
    if not _is(found.body, sequence):
        return ProofStatus(_FAILS, found.size, why="the event is not the one of that sequence")
    query = select(journal.c.recorded_at).where(journal.c.sequence == found.size)
    sealed_at = next(iter(connection.execute(query).scalars().all()), None)
    return ProofStatus(_SEALED, found.size, sealed_at)


def _is(body: bytes, sequence: int) -> bool:
    try:
        return decode_event(body).sequence == sequence
    except msgspec.MsgspecError:
        return False
