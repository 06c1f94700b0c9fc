"""Signed notes and checkpoints, as C2SP specifies them (signed-note, tlog-checkpoint).

A checkpoint says what the journal was at a size: its origin, its size, its root. Keys are Ed25519,
in the encodings of signed notes, so that other tools can read them.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from entitlement_ledger.errors import InputError

_ED25519 = b"\x01"
_PRIVATE = "PRIVATE+KEY+"
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,200}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_SIGNATURE = re.compile("— ([^ +\n]+) ([A-Za-z0-9+/=]+)")
_NOTE_MAX = 64 * 1024


class NoteError(Exception):
    """A note, or a key, that is not what it should be; says in what."""


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def strictly_decoded(text: str) -> bytes:
    """Read base64. No other text stands for the same bytes, so that no altered one passes.

    Raises:
        ValueError: it is not base64, or not as it is written.
    """
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("another text for these bytes")
    return data


def _decoded(text: str) -> bytes:
    try:
        return strictly_decoded(text)
    except ValueError:
        raise NoteError("it is not base64 where it should be") from None


def _key_parts(text: str) -> tuple[str, str, bytes]:
    """Take a key apart: its name, the id it says, its 32 bytes."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
        raise NoteError("it is not a key: NAME+ID+BASE64 is")
    data = _decoded(parts[2])
    if data[:1] != _ED25519 or len(data) != 33:
        raise NoteError("it is not an Ed25519 key")
    return parts[0], parts[1], data[1:]


def _same_id(made: bytes, said: str) -> None:
    if made.hex() != said:
        raise NoteError("the key's id is not that of its name and bytes: it was cut or changed")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Whom to believe: `name+id+base64`."""

    name: str
    raw: bytes

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a key as it is written in a file or on a command line.

        Raises:
            NoteError: it is not one.
        """
        name, key_id, raw = _key_parts(text)
        key = cls(name, raw)
        _same_id(key.id, key_id)
        return key

    @property
    def id(self) -> bytes:
        """What signatures of this key begin with."""
        return _key_id(self.name, self.raw)

    def __str__(self) -> str:
        """Write it as it is read."""
        data = base64.b64encode(_ED25519 + self.raw).decode()
        return f"{self.name}+{self.id.hex()}+{data}"

    def verify(self, text: str, signature: bytes) -> bool:
        """Say whether a signature over a text is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and its name."""

    name: str
    seed: bytes

    @classmethod
    def make(cls) -> Self:
        """Make a new one, with a name of its own."""
        seed = os.urandom(32)
        return cls(f"entl-{hashlib.sha256(_public_of(seed)).hexdigest()[:12]}", seed)

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a key from its file.

        Raises:
            NoteError: it is not one.
        """
        if not text.startswith(_PRIVATE):
            raise NoteError("it is not a signing key")
        name, key_id, seed = _key_parts(text.removeprefix(_PRIVATE))
        key = cls(name, seed)
        _same_id(key.public.id, key_id)
        return key

    def __str__(self) -> str:
        """Write it as it is read. It is secret."""
        data = base64.b64encode(_ED25519 + self.seed).decode()
        return f"{_PRIVATE}{self.name}+{self.public.id.hex()}+{data}"

    @property
    def public(self) -> PublicKey:
        """The key that verifies what this one signs."""
        return PublicKey(self.name, _public_of(self.seed))

    def sign(self, text: str) -> str:
        """Give the note: the text and its signature."""
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        data = base64.b64encode(self.public.id + signature).decode()
        return f"{text}\n— {self.name} {data}\n"


def _public_of(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def load_key(path: Path, *, make: bool) -> SigningKey | None:
    """Read the signing key; make one, for its owner only, where there is none.

    Raises:
        InputError: the file cannot be read or written, or holds something else.
    """
    try:
        return SigningKey.read(path.read_text("utf-8"))
    except FileNotFoundError:
        return _make_key(path) if make else None
    except (OSError, UnicodeDecodeError, NoteError) as error:
        raise InputError(f"{path}: the signing key cannot be used: {error}") from None


def _make_key(path: Path) -> SigningKey:
    key = SigningKey.make()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as written:
            written.write(f"{key}\n")
        path.with_name(path.name + ".pub").write_text(f"{key.public}\n", "utf-8")
    except FileExistsError:
        return SigningKey.read(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: the signing key cannot be made: {error.strerror}") from None
    return key


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the journal was at a size."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Write what is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read the text of a note.

        Raises:
            NoteError: it is not a checkpoint.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise NoteError("it is not a checkpoint: origin, size and root are three lines")
        if not _SIZE.fullmatch(lines[1]):
            raise NoteError("the checkpoint's size is not a number")
        root = _decoded(lines[2])
        if len(root) != 32:
            raise NoteError("the checkpoint's root is not a SHA-256")
        return cls(lines[0], int(lines[1]), root)


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signatures under it, as (name, key id, signature)."""

    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]

    @classmethod
    def read(cls, note: str) -> Self:
        """Take a note apart; nothing of it has been verified then.

        Raises:
            NoteError: it is not a note.
        """
        text, gap, below = note.rpartition("\n\n")
        if not gap or len(note) > _NOTE_MAX or not below.endswith("\n"):
            raise NoteError("it is not a signed note")
        signatures = []
        for line in below[:-1].split("\n"):
            found = _SIGNATURE.fullmatch(line)
            if found is None:
                raise NoteError("under a note there is a line that is not a signature")
            data = _decoded(found[2])
            if len(data) < 5:
                raise NoteError("a signature is too short")
            signatures.append((found[1], data[:4], data[4:]))
        return cls(text + "\n", tuple(signatures))

    def verified(self, key: PublicKey) -> bool:
        """Say whether a key has signed it.

        Raises:
            NoteError: a signature that names the key is not its own.
        """
        for name, key_id, signature in self.signatures:
            if (name, key_id) == (key.name, key.id):
                if not key.verify(self.text, signature):
                    raise NoteError(f"the signature of {name} is wrong")
                return True
        return False
