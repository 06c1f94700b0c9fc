"""Alerts: what the rules of suspicious activity found, the worst first, and its review."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Static

from entitlement_ledger.answers import (
    Finding,
    FindingFilter,
    FindingPlace,
    HistoryFilter,
    Page,
    ReviewStep,
    TransactionRow,
)
from entitlement_ledger.console.actions import ALERTS, FINDING, REVIEW, TABLE, bindings_of
from entitlement_ledger.console.screens import ledger as history
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.screens.detail import TransactionScreen
from entitlement_ledger.console.screens.listing import FilteredListing
from entitlement_ledger.console.screens.reason import ReasonScreen
from entitlement_ledger.console.widgets.paged_table import Column, PagedTable
from entitlement_ledger.console.wording import amount, plain, sign_of, when
from entitlement_ledger.counted import counted
from entitlement_ledger.harmless import harmless

if TYPE_CHECKING:
    from entitlement_ledger.ledger import Ledger

_SIGNS = {"high": ("▲", "error"), "medium": ("◆", "warning"), "low": ("▽", "secondary")}
_STATES = {"open": "○ open", "investigating": "◐ taken", "confirmed": "● confirmed",
           "dismissed": "✗ dismissed"}  # fmt: skip
_TIMELINE = 30
_SEEK_PAGES = 20
"""How many pages are loaded at most to come to the next open finding."""

COLUMNS: tuple[Column[Finding], ...] = (
    Column("severity", 10, lambda row: f"{_SIGNS[row.severity][0]} {row.severity}",
           style=lambda row: _SIGNS[row.severity][1],
           order=lambda row: list(_SIGNS).index(row.severity)),
    Column("score", 5, lambda row: str(row.score), right=True, order=lambda row: -row.score,
           wide_only=True),
    Column("rule", 22, lambda row: row.rule.replace("_", " "), order=lambda row: row.rule,
           least=14),
    Column("state", 11, lambda row: _STATES[row.state], order=lambda row: row.state),
    Column("about", 16, lambda row: row.actor or row.customer or "", least=8,
           order=lambda row: row.actor or row.customer or ""),
    Column("why", 10, lambda row: row.why),
)  # fmt: skip

Told = tuple[Finding, list[ReviewStep]]


class ReviewingScreen(LedgerScreen):
    """A screen on which the finding that it is about can be reviewed."""

    def about(self) -> Finding | None:
        """Give the finding that keys are about."""
        raise NotImplementedError

    def action_take(self) -> None:
        """Take the finding: it is under investigation by whoever is asking."""
        self._decide("investigating", "Take")

    def action_confirm(self) -> None:
        """Confirm that it is what it looks like."""
        self._decide("confirmed", "Confirm")

    def action_dismiss_finding(self) -> None:
        """Dismiss it: it comes back with new evidence only."""
        self._decide("dismissed", "Dismiss")

    def _decide(self, decision: str, word: str) -> None:
        found, session = self.about(), self.session
        if found is None or session is None:
            return
        question = f"{word} {found.id}: {found.why}"
        record = partial(self._record, question, found, decision, session.actor)
        self.app.push_screen(ReasonScreen(question), record)

    def _record(
        self, question: str, found: Finding, decision: str, actor: str, reason: str | None
    ) -> None:
        if reason is None:
            return

        def ask_again(problem: str) -> None:
            self.app.push_screen(
                ReasonScreen(question, reason, f"{problem}. Enter tries again."),
                partial(self._record, question, found, decision, actor),
            )

        taker = actor if decision == "investigating" else None
        self.ask(
            "review",
            lambda ledger: ledger.review(
                found.id, decision=decision, reason=reason, actor=actor, assigned_to=taker
            ),
            self._recorded,
            ask_again,
        )

    def _recorded(self, found: Finding) -> None:
        said = f"{found.id} is {_STATES[found.state][2:]}."
        self.notify(harmless(said), markup=False, timeout=4)
        self.console.recorded()


class AlertsScreen(ReviewingScreen, FilteredListing[Finding, FindingFilter, FindingPlace]):
    """What the rules found, above; why, below."""

    WHERE: ClassVar[tuple[str, ...]] = (ALERTS, REVIEW, TABLE)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(ALERTS, REVIEW)
    hint = "{search} filter: rule:… customer:… actor:… severity:high state:open words"
    empty = "nothing open: {run_rules} runs the rules"
    when_stopped = "stopped: {run_rules} runs the rules"

    def __init__(self) -> None:
        super().__init__(FindingFilter)
        self._pages_to_seek = 0
        self._not_kept: dict[str, Finding] = {}

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Alerts",)

    def make_table(self) -> PagedTable[Finding]:
        """Make the table of findings."""
        return PagedTable(COLUMNS, key=lambda row: row.id, id="rows")

    def told(self, row: Finding) -> Content:
        """Tell why it was found."""
        return _why(row)

    def about(self) -> Finding | None:
        """Give the finding under the cursor."""
        return self.table.selected

    def load(self) -> None:
        """Ask for what was found last."""
        self._pages_to_seek = 0
        self._not_kept.clear()
        super().load()

    def page(
        self, ledger: Ledger, only: FindingFilter, after: FindingPlace | None
    ) -> Page[Finding, FindingPlace]:
        """Ask for a page of findings."""
        return ledger.findings_page(only, after=after, limit=self.rows_wanted(after))

    def count(self, ledger: Ledger, only: FindingFilter) -> int:
        """Count the findings that match."""
        return ledger.count_findings(only)

    def in_all(self, count: int) -> str:
        """Say how many are open, of how many."""
        vouched = self.session.vouched if self.session is not None else None
        open_ = "" if vouched is None else f"{vouched.findings_open:,} open of "
        return f"{open_}{counted(count, 'finding')}"

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """Show the finding with its evidence."""
        found = self.table.selected
        if found is not None:
            self.app.push_screen(FindingScreen(found.id, self._not_kept.get(found.id)))

    def action_run_rules(self) -> None:
        """Run the rules on what is new."""
        self._chip(self.with_keys("running the rules… {back} cancels"), "$warning")
        self.ask("run", lambda ledger: ledger.suspicious(since_last=True), self._ran)

    def _ran(self, found: list[Finding]) -> None:
        """Show what was found, and count in the status line what is open now."""
        if not self.console.opening.read_only:
            self.console.changed()
            return
        self._not_kept = {each.id: each for each in found}
        self.table.show_rows(found, more=False)
        self._chip(f"{len(found):,} found, and not kept: the store is only read", "$warning")
        self.show_selected()

    def action_next_open(self) -> None:
        """Go to the next finding that nobody has looked at; behind the last is the first."""
        self._pages_to_seek = _SEEK_PAGES
        self._seek()

    def _seek(self) -> None:
        """Go down to what is open; load what comes next as long as there is none."""
        table, here = self.table, self.table.cursor_row
        below = range(here + 1, len(table.rows_held))
        if self._go_to_open(below):
            return
        if table.more and self._pages_to_seek:
            self._pages_to_seek -= 1
            table.want_more()
        elif table.more:
            self.notify("None of the next is open: state:open lists them.", markup=False)
        elif not self._go_to_open(range(here + 1)):
            self.notify("Nothing is open.", markup=False, timeout=3)

    def _go_to_open(self, places: range) -> bool:
        rows = self.table.rows_held
        place = next((each for each in places if rows[each : each + 1] and _open(rows[each])), None)
        if place is not None:
            self._pages_to_seek = 0
            self.table.move_cursor(row=place, animate=False)
        return place is not None

    def _show_more(self, page: Page[Finding, FindingPlace]) -> None:
        super()._show_more(page)
        if self._pages_to_seek:
            self._seek()

    def no_more(self, message: str) -> None:
        """Say why the next page does not come; nothing is sought in it any longer."""
        self._pages_to_seek = 0
        super().no_more(message)

    def action_back(self) -> None:
        """Give up running the rules; else what is filtered by."""
        if self.focused is self.table and self.asking("run") is not None:
            self.stop("run")
            self.load()
        else:
            super().action_back()


def _open(found: Finding) -> bool:
    return found.state == "open"


def _why(found: Finding) -> Content:
    sign, colour = _SIGNS[found.severity]
    who = (
        ", ".join(part for part in (found.customer, found.actor) if part) or "nobody in particular"
    )
    assigned = f", assigned to {found.assigned_to}" if found.assigned_to else ""
    evidence = ", ".join(found.transactions[:12])
    more = len(found.transactions) - 12
    lines = (
        Content.assemble(
            (f"{sign} {found.severity} {found.score}  ", f"bold ${colour}"),
            (harmless(f"{found.rule.replace('_', ' ')}: {who}"), "bold"),
        ),
        plain(found.why),
        Content.assemble((harmless(f"{_STATES[found.state]}{assigned}"), "$secondary")),
        Content.assemble(
            (
                harmless(f"evidence: {evidence}{f' and {more} more' if more > 0 else ''}"),
                "$secondary",
            )
        ),
    )
    return Content("\n").join(lines)


class FindingScreen(ReviewingScreen):
    """One finding: why, its evidence, and the timelines of the customer and the actor."""

    WHERE: ClassVar[tuple[str, ...]] = (FINDING, REVIEW, TABLE)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(FINDING, REVIEW)

    def __init__(self, name: str, not_kept: Finding | None = None) -> None:
        super().__init__()
        self._finding = name
        self._not_kept = not_kept
        self._told: Told | None = None

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Alerts", self._finding)

    def compose_body(self) -> ComposeResult:
        """Lay out why, the evidence, and two timelines side by side."""
        yield Static(Content("…"), id="why")
        yield PagedTable(history.COLUMNS, key=lambda row: row.transaction, id="rows")
        with Horizontal(id="timelines"):
            for side in ("customer", "actor"):
                with VerticalScroll(classes="timeline", can_focus=False):
                    yield Static(Content(""), id=f"timeline-{side}")

    def on_mount(self) -> None:
        """Begin in the evidence."""
        self.query("#rows").focus()

    @property
    def table(self) -> PagedTable[TransactionRow]:
        """The table of evidence."""
        return self.query_one("#rows", PagedTable)

    def about(self) -> Finding | None:
        """Give the finding."""
        return self._told[0] if self._told else None

    def load(self) -> None:
        """Ask for the finding, then for what it is about."""
        self.ask("finding", lambda ledger: ledger.finding(self._finding), self._show, self._unknown)

    def _unknown(self, message: str) -> None:
        """Show what was just found where nothing may be recorded: nobody can have reviewed it."""
        if self._not_kept is None:
            self.failed(message)
        else:
            self._show((self._not_kept, []))

    def _show(self, told: Told) -> None:
        self._told = told
        found, steps = told
        lines = [_why(found)]
        lines += [
            plain(f"{when(step.recorded_at)}  {step.decision} by {step.actor}: {step.reason}")
            for step in steps
        ]
        self.query_one("#why", Static).update(Content("\n").join(lines))
        self.ask(
            "evidence",
            lambda ledger: ledger.transactions(found.transactions),
            lambda rows: self.table.show_rows(rows, more=False),
        )
        for side, only, name in (
            ("customer", HistoryFilter(customer=found.customer), found.customer),
            ("actor", HistoryFilter(actor=found.actor), found.actor),
        ):
            if name is not None:
                self.ask(
                    side, partial(_timeline, only=only), partial(self._show_timeline, side, name)
                )
            else:
                self._show_timeline(side, "", ())

    def _show_timeline(self, side: str, name: str, rows: tuple[TransactionRow, ...]) -> None:
        head = f"{side} {name}" if name else f"no {side} in particular"
        evidence = set(self._told[0].transactions) if self._told else set()
        lines = [Content.assemble((harmless(head), "bold $primary"))]
        for row in rows:
            mark = "▸" if row.transaction in evidence else " "
            other = row.actor if side == "customer" else row.customer
            of = row.entitlement or row.product
            what = (row.type, amount(row.quantity, row.scale), of, other)
            told = " ".join(word for word in what if word)
            if row.status != "completed":
                told += f" ({row.status.replace('_', ' ')})"
            lines.append(plain(f"{mark}{sign_of(row.status)} {when(row.effective_at)} {told}"))
        self.query_one(f"#timeline-{side}", Static).update(Content("\n").join(lines))

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """Show the transaction."""
        row = self.table.selected
        if row is not None:
            self.app.push_screen(TransactionScreen(row.transaction))

    def action_open_customer(self) -> None:
        """Show the customer of the evidence under the cursor."""
        row = self.table.selected
        if row is not None:
            self.console.open_customer(row.customer)


def _timeline(ledger: Ledger, *, only: HistoryFilter) -> tuple[TransactionRow, ...]:
    return tuple(ledger.latest(only, limit=_TIMELINE))
