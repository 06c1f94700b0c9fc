"""However much does not agree, little of it is in memory at a time."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from billing_support import ledger_with, reconciled, sold, write
from support import START, HandClock, command, hours, new_store

from entitlement_ledger import reconciling
from entitlement_ledger.errors import StoreError
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.reconcile import running
from entitlement_ledger.reconcile.sides import Draft, InvoiceLine
from entitlement_ledger.reconciliations import Against, Discrepancy
from entitlement_ledger.store.dialect import append_all
from entitlement_ledger.store.reconciling import aside, paging, runs

LINES = 300
FEW = 7
ONE = command("issue", "a", quantity=10, effective_at=hours(0), reference="invoice:I1")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let few lines be taken at a time; what is in memory before is not counted each time."""
    for module, name in (
        (running, "_ROWS_AT_ONCE"),
        (running, "_TOLD_AT_ONCE"),
        (runs, "_ROWS_AT_ONCE"),
        (paging, "_ROWS_AT_ONCE"),
        (reconciling, "_PLACES_AT_ONCE"),
    ):
        monkeypatch.setattr(module, name, FEW)
    gc.freeze()
    yield
    gc.unfreeze()


def in_memory() -> int:
    """Count the lines and discrepancies that are there as Python objects."""
    known = (Discrepancy, Draft, InvoiceLine)
    return sum(isinstance(each, known) for each in gc.get_objects())


def all_wrong(folder: Path, lines: int = LINES) -> Path:
    """Write a file of which no line agrees, three of them of each customer."""
    wrong = [sold(f"X{n}", n + 1, at=n, customer=f"K{n // 3:05}") for n in range(lines)]
    return write(folder / "b.csv", wrong)


@pytest.mark.usefixtures("few")
def test_few_lines_and_discrepancies_are_in_memory_while_they_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = []

    def watched(work: Callable[..., Any]) -> Callable[..., Any]:
        def watch(*given: Any) -> Any:
            most.append(in_memory())
            return work(*given)

        return watch

    monkeypatch.setattr(runs.Telling, "take", watched(runs.Telling.take))
    with ledger_with(tmp_path, [ONE]) as ledger:
        file, before = all_wrong(tmp_path), in_memory()
        run = ledger.reconcile(file, Against.BILLING, actor="fin")
        assert run.counts == {"missing_here": LINES, "missing_there": 1}
        assert len(most) >= LINES // FEW
        assert max(most) - before <= 6 * FEW


@pytest.mark.usefixtures("few")
def test_few_discrepancies_are_in_memory_while_they_are_read(tmp_path: Path) -> None:
    with ledger_with(tmp_path, [ONE]) as ledger:
        first, found = reconciled(ledger, all_wrong(tmp_path))
        later, _ = reconciled(ledger, write(tmp_path / "b.csv", [sold("I1")]))
        expected = [each.id for each in found if each.class_ == "missing_here"]
        del found
        before, most = in_memory(), 0
        for told in (ledger.all_discrepancies(first.number), ledger.all_resolved(later)):
            names = []
            for each in told:
                names.append(each.id)
                if len(names) % FEW == 0:  # to count takes long
                    most = max(most, in_memory() - before)
            assert [name for name in names if name in set(expected)] == expected
        assert 0 < most <= 2 * FEW


@pytest.mark.usefixtures("few")
def test_all_is_written_in_one_statement_that_is_given_few_rows_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In many statements of one transaction the database would keep all of it in memory."""
    written: list[list[int]] = []

    def noting(connection: Any, into: Any, chunks: Iterable[Any]) -> None:
        written.append([])

        def noted() -> Iterator[Any]:
            for chunk in chunks:
                written[-1].append(len(chunk["id"]))
                yield chunk

        append_all(connection, into, noted())

    monkeypatch.setattr(runs, "append_all", noting)
    with ledger_with(tmp_path, [ONE]) as ledger:
        reconciled(ledger, all_wrong(tmp_path))
    (sizes,) = written
    assert sum(sizes) == LINES + 1
    assert max(sizes) <= FEW


@pytest.mark.usefixtures("few")
def test_lists_of_customers_are_told_few_at_a_time_too(tmp_path: Path) -> None:
    rows = [f"N{n:05},X,x@example.com,plus,active," for n in range(LINES)]
    path = tmp_path / "cam.csv"
    path.write_text("\n".join(["id,name,email,segment,status,created_at", *rows, ""]), "utf-8")
    with ledger_with(tmp_path, [ONE]) as ledger:
        run, found = reconciled(ledger, path, Against.CAM)
        here = [each.reference for each in found if each.class_ == "missing_here"]
        assert here == [f"customer:N{n:05}" for n in range(LINES)]
        assert (run.matched, run.counts["missing_there"]) == (0, 4)


@pytest.mark.usefixtures("few")
def test_in_however_small_pieces_a_run_tells_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = set()
    for name, size in (("small", FEW), ("large", 10_000)):
        monkeypatch.setattr(running, "_ROWS_AT_ONCE", size)
        (folder := tmp_path / name).mkdir()
        with ledger_with(folder, [ONE]) as ledger:
            digests.add(reconciled(ledger, all_wrong(folder))[0].digest)
    assert len(digests) == 1


def test_where_nothing_can_be_set_aside_nothing_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def write(self, _some: bytes) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            pass

    monkeypatch.setattr(aside, "TemporaryFile", lambda **_where: Full())
    with Ledger.open(new_store(tmp_path), clock=HandClock(START)) as ledger:
        with pytest.raises(StoreError, match="No space left"):
            reconciled(ledger, write(tmp_path / "b.csv", [sold("I1")]))
        assert ledger.runs() == []
