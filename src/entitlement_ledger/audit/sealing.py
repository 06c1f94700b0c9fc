"""Checkpoints of a store, and what its witness says of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select

from entitlement_ledger.audit.witness import Seen, Witness
from entitlement_ledger.errors import StoreError
from entitlement_ledger.files import put_aside
from entitlement_ledger.store.dialect import append
from entitlement_ledger.store.journal import last
from entitlement_ledger.store.opening import store_id
from entitlement_ledger.store.tables import checkpoints
from entitlement_ledger.store.tree import TreeError, root_at

if TYPE_CHECKING:
    from entitlement_ledger.audit.notes import PublicKey, SigningKey

_ACCEPT = "or accept what is there with `entl witness reset --reason …`"


def origin_of(connection: Connection) -> str:
    """Give what a store's checkpoints call it."""
    return f"entitlement-ledger/{store_id(connection)}"


def last_checkpoint(connection: Connection) -> str | None:
    """Give the newest checkpoint as a signed note."""
    query = select(checkpoints.c.note).order_by(checkpoints.c.size.desc()).limit(1)
    return next(iter(connection.execute(query).scalars().all()), None)


def sealed_until(connection: Connection) -> int:
    """Give how many events the newest checkpoint covers, 0 without one."""
    query = select(func.coalesce(func.max(checkpoints.c.size), 0))
    return int(connection.execute(query).scalar_one())


def newest_seal(connection: Connection, key: PublicKey | None) -> tuple[int | None, bool]:
    """Give the size of the newest checkpoint, and whether the stored hashes bear it out.

    `key` is who must have signed it; without one nobody says.
    """
    note = last_checkpoint(connection)
    if note is None:
        return None, True
    from entitlement_ledger.audit.notes import Checkpoint, Note, NoteError

    try:
        read = Note.read(note)
        checkpoint = Checkpoint.read(read.text)
        found = root_at(connection, checkpoint.size)
    except (NoteError, TreeError):
        return None, False
    signed = key is None or read.verified(key)
    return checkpoint.size, signed and found == checkpoint.root


def make_checkpoint(connection: Connection, key: SigningKey) -> tuple[str, Seen | None]:
    """Sign what the journal is now; give the note, and what the witness is to remember.

    Where the newest checkpoint is of this very journal it is given again, and nothing is new.
    """
    size, _ = last(connection)
    query = select(checkpoints.c.note).where(checkpoints.c.size == size)
    known = connection.execute(query).scalars().all()
    if known:
        return known[0], None
    from entitlement_ledger.audit.notes import Checkpoint

    root = root_at(connection, size)
    note = key.sign(Checkpoint(origin_of(connection), size, root).text())
    append(connection, checkpoints, {"size": [size], "note": [note]})
    return note, Seen(size, root, checkpoint=hashlib.sha256(note.encode()).digest())


def check_witness(connection: Connection, witness: Witness, path: Path) -> Seen | None:
    """Refuse a store that is not what its witness has seen; give what was seen last.

    Raises:
        StoreError: it is smaller, or another history, or the witness cannot be used.
    """
    seen = witness.last()
    if seen is None:
        return None
    size, _ = last(connection)
    if size < seen.size:
        raise StoreError(
            f"{path} holds {size} events, and its witness {witness.path} has seen {seen.size}: "
            "events were cut off, or an older copy was put back; "
            f"restore the newest copy, {_ACCEPT}"
        )
    try:
        found = root_at(connection, seen.size)
    except TreeError:
        found = b""
    if found != seen.root:
        raise StoreError(
            f"{path} is not the history that its witness {witness.path} has seen: one of the "
            f"first {seen.size} events was altered, removed or put in; "
            f"restore the newest copy, {_ACCEPT}"
        )
    return seen


def as_it_is(connection: Connection) -> Seen:
    """Give what a witness would see now."""
    size, _ = last(connection)
    return Seen(size, root_at(connection, size))


def accept(connection: Connection, witness: Witness, actor: str, reason: str) -> Seen:
    """Accept the store as it is: the witness goes on from here, and keeps who said so, and why.

    A witness of another store, or one that is damaged, is moved away and a new one is begun.
    """
    seen = replace(as_it_is(connection), reset=(actor, reason))
    try:
        witness.last()
    except StoreError:
        put_aside(witness.path)
    witness.append(seen)
    return seen
