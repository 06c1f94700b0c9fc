"""Reading files into blocks of rows that know where they came from, told by the file's suffix."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from entitlement_ledger.importing.blocks import BadFile, Block
from entitlement_ledger.importing.sources import Source

DELIMITED = (".csv", ".tsv", ".txt")
JSON = ".json"
JSON_LINES = (".jsonl", ".ndjson")
PARQUET = ".parquet"
SUFFIXES = (*DELIMITED, JSON, *JSON_LINES, PARQUET)


def read_blocks(source: Source, rows_at_once: int, known: Collection[str]) -> Iterator[Block]:
    """Read a file block by block; never more of it is in memory.

    Args:
        source: the file.
        rows_at_once: how many rows a block has at most.
        known: names of the columns that will be looked at.

    Raises:
        BadFile: it cannot be opened, is cut off, or is not well formed; blocks may have been given
            before.
    """
    suffix = source.path.suffix.lower()
    if suffix in DELIMITED:
        from entitlement_ledger.importing.delimited import read_delimited

        return read_delimited(source, rows_at_once, known)
    if suffix in (JSON, *JSON_LINES):
        from entitlement_ledger.importing.jsontext import read_json, read_json_lines

        return (read_json if suffix == JSON else read_json_lines)(source, rows_at_once)
    if suffix == PARQUET:
        from entitlement_ledger.importing.parquet import read_parquet

        return read_parquet(source, rows_at_once, known)
    raise BadFile(f"{source.path}: is none of {', '.join(SUFFIXES)}, told by its name")
