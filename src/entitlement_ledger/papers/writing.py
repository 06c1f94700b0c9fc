"""Writing a working paper into a folder that nobody else looks at yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection

from entitlement_ledger.answers import EventFilter, EventRow
from entitlement_ledger.audit.proofs import NoCheckpoint, prove_inclusion
from entitlement_ledger.audit.sealing import last_checkpoint
from entitlement_ledger.domain.events import canonical
from entitlement_ledger.domain.quantities import fits
from entitlement_ledger.files import sha256_of
from entitlement_ledger.papers.telling import About, facts, method_of, readme
from entitlement_ledger.reports.cover import Cover
from entitlement_ledger.reports.writing import write
from entitlement_ledger.reviews import Sample, Sampled, WorkingPaper
from entitlement_ledger.store.auditing.events import events_of
from entitlement_ledger.store.auditing.papers import hashes_of, in_memory
from entitlement_ledger.store.opening import store_id
from entitlement_ledger.store.reporting.columns import Kind, columns
from entitlement_ledger.store.tree import root_at

Progress = Callable[[int, int], None]

_COLUMNS = (
    "sequence:integer recorded_at:instant event what subject status code effective_at:instant "
    "actor role reason reference approver proposer before after message quantity:{quantity} "
    "hits:integer certain mark marked_by marked_at:instant note hash:digest proof"
)
_PROOFS, _SUMS = "proofs", "SHA256SUMS"


def write_paper(
    connection: Connection, sample: Sample, about: About, folder: Path, progress: Progress
) -> WorkingPaper:
    """Write a sample, the proof of each event and how to check it all into an empty folder.

    `about` is completed by what is found out here. An event that no checkpoint covers has no proof.

    Raises:
        OSError: it cannot be written.
        TreeError: hashes are missing.
    """
    proofs = _write_proofs(connection, sample, folder, progress)
    about = replace(
        about,
        store_id=store_id(connection),
        root=root_at(connection, sample.known).hex(),
        checkpoint=last_checkpoint(connection),
        sealed=len(proofs),
    )
    _write_rows(connection, sample, about, proofs, folder)
    said = msgspec.json.format(msgspec.json.encode(method_of(sample, about)), indent=2)
    texts = {"method.json": said.decode() + "\n", "README.txt": readme(sample, about)}
    if about.checkpoint is not None:
        texts["checkpoint.txt"] = about.checkpoint
    if about.key is not None:
        texts["key.txt"] = f"{about.key}\n"
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    sums = _write_sums(folder)
    return WorkingPaper(folder, len(sample.chosen), len(sample.chosen) - len(proofs), sums)


def _write_proofs(
    connection: Connection, sample: Sample, folder: Path, progress: Progress
) -> dict[int, str]:
    """Write what proves each event; give the names of the files."""
    (folder / _PROOFS).mkdir()
    names = {}
    for done, each in enumerate(sample.chosen, 1):
        name = f"{_PROOFS}/{each.sequence}.tlog-proof"
        try:
            proof = prove_inclusion(connection, each.sequence)
        except NoCheckpoint:
            continue
        finally:
            progress(done, len(sample.chosen))
        (folder / name).write_text(proof, "utf-8")
        names[each.sequence] = name
    return names


def _write_rows(
    connection: Connection, sample: Sample, about: About, proofs: Mapping[int, str], folder: Path
) -> None:
    """Write the events as a table, in which nothing is a formula."""
    sequences = [each.sequence for each in sample.chosen]
    found = events_of(connection, sequences, EventFilter())
    hashes = hashes_of(connection, sequences)
    # A sum of several legs may be longer than a number of 64 bits can be.
    exact = all(fits(each.quantity or 0) for each in sample.chosen)
    listed = columns(_COLUMNS.format(quantity=Kind.INTEGER if exact else Kind.TEXT))
    rows = [
        _cells(each, row, hashes[row.sequence], proofs.get(row.sequence), exact=exact)
        for each, row in zip(sample.chosen, found, strict=True)
    ]
    lines = tuple(facts(sample, about))
    cover = Cover("Working paper", lines, about.written_at, sample.known, about.root)
    with in_memory(connection, listed, rows) as query:
        for format in ("csv", "xlsx"):
            file = folder / f"sample.{format}"
            write(connection, query, listed, cover, format, file, _silent)


def _cells(
    each: Sampled, row: EventRow, digest: bytes, proof: str | None, *, exact: bool
) -> list[Any]:
    review = row.review
    moved = each.quantity if exact or each.quantity is None else str(each.quantity)
    return [
        row.sequence,
        row.recorded_at,
        row.event,
        row.what,
        row.subject,
        row.status,
        row.code,
        row.effective_at,
        row.actor,
        row.role,
        row.reason,
        row.reference,
        row.approver,
        row.proposer,
        _state(row, "before"),
        _state(row, "after"),
        row.message,
        moved,
        each.hits,
        "yes" if each.certain else "no",
        *(
            ("unreviewed", None, None, None)
            if review is None
            else (review.mark, review.actor, review.recorded_at, review.note)
        ),
        digest,
        proof or "no checkpoint covers it",
    ]


def _state(row: EventRow, when: str) -> str | None:
    """Write what there was before, or after: balances of a transaction, fields of a record."""
    if row.event != "transaction":
        said = getattr(row, when)
        return None if said is None else canonical(said).decode()
    touched = {
        each.entitlement: {
            "available": getattr(each, f"available_{when}"),
            "held": getattr(each, f"held_{when}"),
        }
        for each in row.balances
    }
    return canonical(touched).decode() if touched else None


def _write_sums(folder: Path) -> str:
    """Write the digest of every file, as `sha256sum` reads them; give the digest of that."""
    lines = [f"{sha256_of(file)}  {name}\n" for name, file in _files(folder)]
    sums = folder / _SUMS
    sums.write_text("".join(lines), "utf-8")
    return sha256_of(sums)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    found: Sequence[Path] = sorted(each for each in folder.rglob("*") if each.is_file())
    for file in found:
        yield file.relative_to(folder).as_posix(), file


def _silent(_done: int, _total: int) -> None:
    """Tell nobody: the proofs take the time."""
