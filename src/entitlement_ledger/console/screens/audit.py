"""Audit: every event of the journal, with who, when, what, why, its review and its proof."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Input, Static

from entitlement_ledger.answers import EventFilter, EventRow, Page
from entitlement_ledger.console.actions import AUDIT, TABLE, bindings_of
from entitlement_ledger.console.moment import Moment
from entitlement_ledger.console.screens import audit_event as telling
from entitlement_ledger.console.screens.audit_queue import QueueScreen
from entitlement_ledger.console.screens.detail import TransactionScreen
from entitlement_ledger.console.widgets.paged_table import Column, PagedTable
from entitlement_ledger.console.wording import STATUS_SIGNS, when
from entitlement_ledger.domain.events import transaction_id
from entitlement_ledger.reviews import ProofStatus, ReviewCounts, Sample

if TYPE_CHECKING:
    from entitlement_ledger.ledger import Ledger

COLUMNS: tuple[Column[EventRow], ...] = (
    Column("event", 7, lambda row: str(row.sequence), right=True, order=lambda r: r.sequence),
    Column("recorded", 16, lambda row: when(row.recorded_at), wide_only=True),
    Column("by", 14, lambda row: row.actor, order=lambda row: row.actor),
    Column("what", 12, telling.what, order=telling.what),
    Column("subject", 10, lambda row: row.subject, order=lambda row: row.subject),
    Column("change", 22, telling.difference,
           style=lambda row: STATUS_SIGNS["refused"][1] if row.code else ""),
)  # fmt: skip


class AuditScreen(QueueScreen):
    """The journal above, the event under the cursor below; or a sample of it."""

    WHERE: ClassVar[tuple[str, ...]] = (AUDIT, TABLE)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(AUDIT)
    hint = "{search} filter: actor:… what:adjust review:flagged entitlement:… over:… words"
    nothing_then = "nothing was recorded by then"
    empty = "the journal is empty: import customers, or go to Customers ({go_customers})"

    def __init__(self) -> None:
        super().__init__()
        self._sample: Sample | None = None
        self._sampled_at = self.moment
        self._left: int | None = None
        self._proofs: dict[int, ProofStatus] = {}

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Audit",)

    def compose_body(self) -> ComposeResult:
        """Lay out the table over the event."""
        yield from super().compose_body()
        yield from self.compose_queue_line()
        with VerticalScroll(id="event", can_focus=False):
            yield Static(Content(""), id="event-text")

    def make_table(self) -> PagedTable[EventRow]:
        """Make the table of events."""
        mark: Column[EventRow] = Column(
            "", 2, lambda row: self.mark_text(row, telling.sign_of(row)), style=telling.colour_of
        )
        return PagedTable((mark, *COLUMNS), key=lambda row: str(row.sequence), id="rows")

    def load(self) -> None:
        """Ask for everything; what was proved may not hold any more.

        A sample is left where the moment is another: what was drawn may not have been then.
        """
        self._proofs.clear()
        self._left = None
        if self._sample is not None and self.moment != self._sampled_at:
            self._take_sample(None, self.moment)
            self.notify("Another moment: the sample was left.", markup=False, timeout=4)
        super().load()

    def page(self, ledger: Ledger, only: EventFilter, after: int | None) -> Page[EventRow, int]:
        """Ask for a page of events, or of the sample."""
        sample = self._sample
        if sample is None:
            return ledger.events(only, after=after, limit=self.rows_wanted(after))
        left = [each for each in sample.sequences if after is None or each < after]
        limit = self.rows_wanted(after)
        rows = ledger.events_of(left[:limit], known_at=only.known_at)
        return Page(tuple(rows), left[limit - 1] if len(left) > limit else None)

    def asked_by(self, only: EventFilter) -> object:
        """Tell a sample from what it was drawn from."""
        return only, self._sample

    def count(self, ledger: Ledger, only: EventFilter) -> int:
        """Count the events that match, or are in the sample."""
        return ledger.count_events(only) if self._sample is None else len(self._sample.chosen)

    def count_reviews(self) -> Callable[[Ledger], ReviewCounts]:
        """Give the question that counts what is listed by how it is marked."""
        only, sample = self.wanted(), self._sample
        if sample is None:
            return lambda ledger: ledger.review_counts(only)
        return lambda ledger: ledger.review_counts_of(sample.sequences, known_at=only.known_at)

    def _show_count(self, count: int) -> None:
        if self._sample is None:
            super()._show_count(count)
            if self.only_unreviewed and not self.query_one("#filter", Input).value.strip():
                self._left = count
                self._chip(f"{count:,} left to review")
        else:
            keys = self.with_keys("{export} exports it   {back} leaves it")
            self._chip(f" {count:,} in the sample   {keys} ", "$background on $warning")

    def _count(self, row: EventRow, mark: str) -> None:
        super()._count(row, mark)
        if self._left is not None and row.review is None:
            self._left -= 1
            self._chip(f"{self._left:,} left to review")

    def what_is_listed(self) -> tuple[str, str] | None:
        """Name the sample, if one is listed."""
        sample = self._sample
        if sample is None:
            return super().what_is_listed()
        return f"SAMPLE {sample.method}, seed {sample.seed[:12]}", "warning"

    # The event under the cursor

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """Show the event under the cursor."""
        self.row_changed()

    def _show_first(self, page: Page[EventRow, int]) -> None:
        super()._show_first(page)
        self.row_changed()

    def row_changed(self) -> None:
        """Show the event, and ask whether it is proved."""
        row = self.table.selected
        proof = None if row is None else self._proofs.get(row.sequence)
        shown = Content("") if row is None else telling.event(row, proof)
        self.query_one("#event-text", Static).update(shown)
        if row is not None and proof is None:
            number = row.sequence
            self.ask(
                "proof", lambda ledger: ledger.proof_status(number), partial(self._proved, number)
            )

    def _proved(self, sequence: int, proof: ProofStatus) -> None:
        self._proofs[sequence] = proof
        row = self.table.selected
        if row is not None and row.sequence == sequence:
            self.query_one("#event-text", Static).update(telling.event(row, proof))

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """Show the transaction, where the event is one."""
        row = self.table.selected
        if row is not None and row.event == "transaction":
            self.app.push_screen(TransactionScreen(transaction_id(row.sequence)))

    def action_open_customer(self) -> None:
        """Show the customer that the event is about."""
        row = self.table.selected
        if row is not None and row.event in ("transaction", "customer"):
            self.console.open_customer(row.subject)

    # Sampling

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave out what takes a sample where none is listed."""
        if action == "export" and self._sample is None:
            return False
        return super().check_action(action, parameters)

    def action_sample(self) -> None:
        """Draw a sample of what the filter lists."""
        from entitlement_ledger.console.screens.audit_sample import SampleScreen

        if self.session is not None:
            drawn = partial(self._list_sample, moment=self.moment)
            self.app.push_screen(SampleScreen(self.wanted(), drawn))

    def _list_sample(self, sample: Sample | None, moment: Moment) -> None:
        self._take_sample(sample, moment)
        self.load()
        self.table.focus()

    def _take_sample(self, sample: Sample | None, moment: Moment) -> None:
        """List a sample, drawn of what was known at a moment; None is everything again."""
        self._sample, self._sampled_at = sample, moment
        self.query_one("#filter", Input).disabled = sample is not None
        self.refresh_bindings()

    def action_export(self) -> None:
        """Write the working paper of the sample."""
        from entitlement_ledger.console.screens.audit_paper import PaperScreen

        if self._sample is not None:
            self.app.push_screen(PaperScreen(self._sample))

    def action_search(self) -> None:
        """Type a filter; a sample is left first."""
        if self._sample is None:
            super().action_search()
        else:
            self.notify(self.with_keys("{back} leaves the sample first."), markup=False, timeout=3)

    def action_back(self) -> None:
        """Leave the filter's line; else give up the selection, the sample, what was typed."""
        if self.focused is self.query_one("#filter", Input):
            super().action_back()
        elif self._selected:
            self.clear_selection()
        elif self._sample is not None:
            self._list_sample(None, self.moment)
        else:
            super().action_back()
