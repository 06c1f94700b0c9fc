"""The review queue: what has not been looked at, one key an event, or many at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from entitlement_ledger.answers import EventFilter, EventReview, EventRow, Page
from entitlement_ledger.console.screens.audit_event import is_review
from entitlement_ledger.console.screens.confirm import ConfirmScreen
from entitlement_ledger.console.screens.paged import PagedScreen
from entitlement_ledger.console.screens.reason import ReasonScreen
from entitlement_ledger.harmless import harmless
from entitlement_ledger.reviews import FLAGGED, REVIEWED, ReviewCounts

if TYPE_CHECKING:
    from entitlement_ledger.ledger import Ledger

_SEEK_PAGES = 20
"""How many pages are loaded at most to come to the next event that is not reviewed."""


class QueueScreen(PagedScreen[EventRow, EventFilter, int]):
    """Events to be gone through. What is being recorded is marked at once, and never twice."""

    def __init__(self) -> None:
        super().__init__(EventFilter)
        self.only_unreviewed = False
        self._selected: set[int] = set()
        self._last_selected: int | None = None
        self._recording: set[int] = set()
        self._acts = 0
        self._pages_to_seek = 0
        self._counts: ReviewCounts | None = None

    def compose_queue_line(self) -> ComposeResult:
        """Lay out the line that tells how far the review has come."""
        yield Static(Content(""), id="queue-line")

    def wanted(self) -> EventFilter:
        """Give the filter as it was typed, or what of that is not reviewed."""
        only = super().wanted()
        if self.only_unreviewed and only.review is None:
            return replace(only, review="unreviewed")
        return only

    def load(self) -> None:
        """Ask for events and, beside them, for how many are reviewed."""
        self._selected.clear()
        self._last_selected, self._pages_to_seek = None, 0
        super().load()
        self.ask("reviews", self.count_reviews(), self._show_counts)

    def count_reviews(self) -> Callable[[Ledger], ReviewCounts]:
        """Give the question that counts what is listed by how it is marked."""
        raise NotImplementedError

    def _show_counts(self, counts: ReviewCounts) -> None:
        self._counts = counts
        self.show_queue()

    def what_is_listed(self) -> tuple[str, str] | None:
        """Name what is listed instead of everything, with a theme colour."""
        narrows = self.only_unreviewed and self._only.review in (None, "unreviewed")
        return ("only unreviewed", "accent") if narrows else None

    def show_queue(self) -> None:
        """Show how far the review has come, what is listed, and what is selected."""
        parts: list[tuple[str, str]] = []
        listed = self.what_is_listed()
        if listed is not None:
            parts.append((f" {harmless(listed[0])} ", f"bold $background on ${listed[1]}"))
        if self._counts is not None:
            counts = self._counts
            parts.append((f"{counts.reviewed:,} of {counts.events:,} reviewed", "$secondary"))
            if counts.flagged:
                parts.append((f"⚑ {counts.flagged:,} flagged", "$error"))
        if self._selected:
            parts.append((f"▸ {len(self._selected):,} selected", "bold $primary"))
        shown = Content(" · ").join(Content.assemble(part) for part in parts)
        self.query_one("#queue-line", Static).update(shown)

    # The rows

    def mark_text(self, row: EventRow, sign: str) -> str:
        """Give what stands before a row: whether it is selected, and how it is marked."""
        before = "▸" if row.sequence in self._selected else " "
        return before + ("…" if row.sequence in self._recording else sign)

    def _mine(self, row: EventRow) -> bool:
        """Say whether whoever reviews has asked for it, or for what it carried out."""
        return self.session is not None and self.session.actor in (row.actor, row.proposer)

    def _open(self, row: EventRow) -> bool:
        """Say whether somebody else has done it, and nobody has looked at it."""
        marked = row.review is not None or row.sequence in self._recording
        return not (marked or is_review(row) or self._mine(row))

    def _rows(self, sequences: Iterable[int]) -> list[EventRow]:
        wanted = set(sequences)
        return [row for row in self.table.rows_held if row.sequence in wanted]

    def _show_again(self, sequences: Iterable[int]) -> None:
        for row in self._rows(sequences):
            self.table.update_row(row)
        self.show_queue()

    # Going through them

    def action_only_unreviewed(self) -> None:
        """Show only what is not reviewed, or everything again."""
        self.only_unreviewed = not self.only_unreviewed
        self.load()

    def action_next_unreviewed(self) -> None:
        """Go to the next event that is not reviewed, as far down as there is one."""
        self._pages_to_seek = _SEEK_PAGES
        self._seek()

    def action_previous_unreviewed(self) -> None:
        """Go to the event before that is not reviewed."""
        rows = self.table.rows_held
        for place in range(self.table.cursor_row - 1, -1, -1):
            if self._open(rows[place]):
                self.table.move_cursor(row=place, animate=False)
                return
        self.notify("Nothing above is left to review.", markup=False, timeout=3)

    def _seek(self) -> None:
        """Go down to what is not reviewed; load what comes next as long as there is none."""
        table = self.table
        for place in range(table.cursor_row + 1, len(table.rows_held)):
            if self._open(table.rows_held[place]):
                self._pages_to_seek = 0
                table.move_cursor(row=place, animate=False)
                return
        if table.more and self._pages_to_seek:
            self._pages_to_seek -= 1
            table.want_more()
            return
        self._pages_to_seek = 0
        said = "Nothing further down is left to review."
        if table.more:
            said = self.with_keys("None of the next is: {only_unreviewed} lists what is left.")
        self.notify(said, markup=False, timeout=3)

    def no_more(self, message: str) -> None:
        """Say why the next page does not come; nothing is sought in it any longer."""
        self._pages_to_seek = 0
        super().no_more(message)

    def _show_more(self, page: Page[EventRow, int]) -> None:
        super()._show_more(page)
        if self._pages_to_seek:
            self._seek()

    # Selecting

    def action_select_event(self) -> None:
        """Select the event under the cursor, or not any more, and go on."""
        row = self.table.selected
        if row is None:
            return
        if is_review(row):
            self.notify("A review itself: nobody reviews those.", markup=False, timeout=3)
            return
        self._selected ^= {row.sequence}
        self._last_selected = row.sequence
        self._show_again([row.sequence])
        self.table.action_cursor_down()

    def action_select_range(self) -> None:
        """Select from the event selected last to the one under the cursor."""
        rows, here = self.table.rows_held, self.table.cursor_row
        places = [n for n, row in enumerate(rows) if row.sequence == self._last_selected]
        if not places:
            self.notify(self.with_keys("Select the first with {select_event}, then the last here."),
                        markup=False, timeout=4)  # fmt: skip
            return
        first, last = sorted((places[0], here))
        self._select(rows[first : last + 1])

    def action_select_loaded(self) -> None:
        """Select all that is loaded and not reviewed; or nothing any more."""
        if self._selected:
            self.clear_selection()
        else:
            self._select(self.table.rows_held)

    def _select(self, rows: Sequence[EventRow]) -> None:
        found = [row.sequence for row in rows if self._open(row)]
        self._selected |= {*found}
        self._show_again(found)
        mine = sum(self._mine(row) and row.review is None for row in rows)
        if mine:
            self.notify(f"{mine:,} of your own left out: somebody else must review them.",
                        markup=False, timeout=4)  # fmt: skip

    def clear_selection(self) -> None:
        """Select nothing any more."""
        were = [*self._selected]
        self._selected.clear()
        self._last_selected = None
        self._show_again(were)

    # Marking

    def action_mark_reviewed(self) -> None:
        """Mark the event under the cursor, or what is selected, as reviewed."""
        wanted = self._wanted()
        if len(wanted) > 1:
            self._mark_together([*wanted])
        elif wanted:
            (row,) = wanted
            review = row.review
            if review is None:
                self._record([row], REVIEWED, None)
            elif review.mark == REVIEWED:
                self.notify(harmless(f"{review.actor} has reviewed it."), markup=False, timeout=3)
                self.action_next_unreviewed()
            else:
                question = f"Event {row.sequence} is flagged: {review.note}. Why is it right?"
                self._ask_why(question, [row], REVIEWED)

    def _mark_together(self, rows: list[EventRow]) -> None:
        """Ask before many are marked; where some are flagged, why they are right."""
        question = f"Mark {len(rows):,} selected events as reviewed?"
        flagged = [each for each in rows if each.review and each.review.mark == FLAGGED]
        if not flagged:
            self.app.push_screen(ConfirmScreen(question, "Record"), partial(self._agreed, rows))
            return
        first = flagged[0]
        note = first.review.note if first.review else ""
        self._ask_why(
            f"{question} {len(flagged):,} of them are flagged, event {first.sequence} for one: "
            f"{note}. Why are they right?",
            rows,
            REVIEWED,
        )

    def action_flag(self) -> None:
        """Flag the event under the cursor, or what is selected, with a note."""
        wanted = self._wanted()
        if wanted:
            of = f"event {wanted[0].sequence}" if len(wanted) == 1 else f"{len(wanted):,} events"
            self._ask_why(f"Flag {of}: what is wrong?", wanted, FLAGGED)

    def _wanted(self) -> list[EventRow]:
        """Give what is to be marked: what is selected, else the event under the cursor."""
        if self._selected:
            rows = self._rows(self._selected)
        else:
            rows = [] if self.table.selected is None else [self.table.selected]
        if len(rows) == 1 and is_review(rows[0]):
            self.notify("A review itself: nobody reviews those.", markup=False, timeout=3)
            return []
        return [row for row in rows if row.sequence not in self._recording]

    def _ask_why(
        self, question: str, rows: list[EventRow], mark: str, typed: str = "", problem: str = ""
    ) -> None:
        def said(reason: str | None) -> None:
            if reason is not None:
                again = partial(self._ask_why, question, rows, mark, reason)
                self._record(rows, mark, reason, again)

        self.app.push_screen(ReasonScreen(question, typed, problem), said)

    def _agreed(self, rows: list[EventRow], agreed: bool | None) -> None:
        if agreed:
            self._record(rows, REVIEWED, None)

    def _record(
        self,
        rows: list[EventRow],
        mark: str,
        note: str | None,
        ask_again: Callable[[str], None] | None = None,
    ) -> None:
        """Record it in a worker, and go on at once: in a slot of its own, it is never dropped.

        `ask_again` is told why nothing was recorded, and keeps the note that was typed.
        """
        if self.session is None or self.console.read_only:
            return  # another moment was gone to meanwhile
        actor, sequences = self.session.actor, [row.sequence for row in rows]
        self._recording |= {*sequences}
        self._selected -= {*sequences}
        self._show_again(sequences)
        self._acts += 1

        def question(ledger: Ledger) -> EventReview:
            return ledger.review_events(sequences, mark=mark, note=note, actor=actor)

        self.ask(
            f"review {self._acts}",
            question,
            partial(self._recorded, sequences),
            partial(self._not_recorded, sequences, ask_again),
        )
        here = self.table.selected
        if here is not None and not self._open(here):
            self.action_next_unreviewed()

    def _recorded(self, sequences: list[int], review: EventReview) -> None:
        """Show the marks; nothing else in front has changed, and other screens are old now."""
        self._recording -= {*sequences}
        self.console.version += 1
        self._seen = self.console.version
        marked = {*sequences}
        for place, row in enumerate(self.table.rows_held):
            if row.sequence in marked:
                self._count(row, review.mark)
                self.table.rows_held[place] = replace(row, review=review)
        self._show_again(sequences)
        self.row_changed()

    def _count(self, row: EventRow, mark: str) -> None:
        """Count one event as marked otherwise than it was."""
        if self._counts is not None:
            before = "unreviewed" if row.review is None else row.review.mark
            fewer = replace(self._counts, **{before: getattr(self._counts, before) - 1})
            self._counts = replace(fewer, **{mark: getattr(fewer, mark) + 1})

    def _not_recorded(
        self, sequences: list[int], ask_again: Callable[[str], None] | None, message: str
    ) -> None:
        """Say why nothing was recorded, also where it was stopped, and what it was about."""
        self._recording -= {*sequences}
        if len(sequences) > 1:
            self._selected |= {*sequences}
        self._show_again(sequences)
        said = harmless(message)
        if len(sequences) == 1 and str(sequences[0]) not in said:
            said = f"event {sequences[0]}: {said}"
        if ask_again is None:
            self.notify(said, title="Not recorded", severity="error", markup=False)
        else:
            ask_again(f"Not recorded: {said}. Enter tries again.")

    def row_changed(self) -> None:
        """Show the event under the cursor once more."""
        raise NotImplementedError
