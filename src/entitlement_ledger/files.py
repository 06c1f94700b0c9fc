"""Files: made durable, hashed, moved out of the way."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def synced(path: Path) -> None:
    """Make durable what was renamed in a folder, or a file that somebody else has written."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(file: Path) -> str:
    """Give the SHA-256 of what is in a file, in hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def put_aside(path: Path) -> None:
    """Move what is not to go on, if it is there, out of the way under a number; it is kept."""
    if not path.exists():
        return
    number = 1
    while (aside := path.with_name(f"{path.name}.{number}")).exists():
        number += 1
    path.rename(aside)
