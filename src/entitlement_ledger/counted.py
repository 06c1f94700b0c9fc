"""Telling how many."""

from __future__ import annotations


def counted(count: int, one: str) -> str:
    """Give a count with what is counted: 1 event, 2,000 events."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}s"
