"""One discrepancy: both sides beside each other, why, and what its proposal would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Static

from entitlement_ledger.console.actions import DISCREPANCY, TABLE, bindings_of
from entitlement_ledger.console.differences import Catalogue, Compared, Tally, age, compared
from entitlement_ledger.console.screens import describing
from entitlement_ledger.console.screens.base import LedgerScreen
from entitlement_ledger.console.screens.confirm import ConfirmScreen
from entitlement_ledger.console.screens.detail import TransactionScreen
from entitlement_ledger.console.widgets.paged_table import Column, PagedTable
from entitlement_ledger.console.wording import when_exactly
from entitlement_ledger.harmless import harmless
from entitlement_ledger.reconciliations import Discrepancy, Run

if TYPE_CHECKING:
    from entitlement_ledger.domain.decide import Outcome
    from entitlement_ledger.ledger import Ledger

Found = tuple[Catalogue, "Outcome | None"]

COLUMNS: tuple[Column[Compared], ...] = (
    Column(" ", 1, lambda row: row.sign, style=lambda row: row.style),
    Column("", 12, lambda row: row.name, style=lambda _: "secondary"),
    Column("ours", 30, lambda row: row.ours, style=lambda row: row.style),
    Column("theirs", 30, lambda row: row.theirs, style=lambda row: row.style),
)


class DiscrepancyScreen(LedgerScreen):
    """Ours beside theirs; below, the proposal as the ledger would carry it out."""

    WHERE: ClassVar[tuple[str, ...]] = (DISCREPANCY, TABLE)
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(DISCREPANCY)

    def __init__(self, found: Discrepancy, run: Run) -> None:
        super().__init__()
        self._found = found
        self._run = run
        self._catalogue: Catalogue = {}
        self._foreseen: Outcome | None = None
        self._posting = self._posted = False

    def places(self) -> tuple[str, ...]:
        """Say where this is."""
        return ("Reconcile", f"Run {self._run.number}", self._found.reference)

    def compose_body(self) -> ComposeResult:
        """Lay out why, both sides, and the proposal."""
        yield Static(self._why(), id="why")
        yield PagedTable(
            COLUMNS,
            key=lambda row: row.key,
            id="rows",
            copied=lambda row: row.transaction or self._found.reference,
        )
        with VerticalScroll(id="event"):
            yield Static(Content("…"), id="event-text")

    def _why(self) -> Content:
        found = self._found
        tally = Tally(found.class_.value, 1)
        seen = f"{age(found, self._run)}, first seen {when_exactly(found.first_seen)}"
        who = f" {found.customer}" if found.customer else ""
        return Content("\n").join(
            (
                Content.assemble(
                    (f"{tally.words}  ", f"bold ${tally.sign[1]}"),
                    (harmless(f"{found.reference}{who}"), "bold"),
                ),
                Content(harmless(found.why)),
                Content.assemble((seen, "$secondary")),
            )
        )

    def on_mount(self) -> None:
        """Begin with both sides."""
        self.query("#rows").focus()

    @property
    def table(self) -> PagedTable[Compared]:
        """The table of both sides."""
        return self.query_one("#rows", PagedTable)

    def load(self) -> None:
        """Ask for the units of quantities, and what the proposal would do now."""
        assert self.session is not None
        proposal, actor = self._found.proposal, self.session.actor

        def question(ledger: Ledger) -> Found:
            outcome = None if proposal is None else ledger.preview([proposal], actor=actor)[0]
            return {each.code: each for each in ledger.entitlements()}, outcome

        self.ask("sides", question, self._show)

    def _show(self, found: Found) -> None:
        self._catalogue, self._foreseen = found
        selected = self.table.selected
        rows = compared(self._found, self._catalogue)
        self.table.show_rows(rows, more=False, keep=selected.key if selected else None)
        if not self._posted:
            self._effect(Content("\n").join((self._proposal(), *self._hint())))
        self.refresh_bindings()

    def _effect(self, content: Content) -> None:
        self.query_one("#event-text", Static).update(content)

    def _proposal(self) -> Content:
        """Tell what is proposed, and what it would do."""
        proposal, foreseen = self._found.proposal, self._foreseen
        if proposal is None or foreseen is None:
            return Content.assemble(("No command would settle it: look into it.", "$secondary"))
        rest = {name: given for name, given in proposal.items() if name not in ("key", "type")}
        said = ", ".join(f"{name} {given}" for name, given in rest.items())
        lines = [Content.assemble((f"{proposal['type']}: ", "bold $primary"), harmless(said))]
        if foreseen.duplicate:
            lines.append(_known(foreseen))
        else:
            lines.append(describing.outcome(foreseen, self._catalogue, happened=False))
        return Content("\n").join(lines)

    def _hint(self) -> list[Content]:
        if not self._can_post() or self.console.read_only:
            return []
        hint = self.with_keys("{post_proposal} posts it, once you have agreed.")
        return [Content.assemble((hint, "$accent"))]

    def _can_post(self) -> bool:
        foreseen = self._foreseen
        new = foreseen is not None and not foreseen.duplicate and foreseen.code is None
        return new and not self._posting and not self._posted

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to post only what would be accepted, and once."""
        if action == "post_proposal" and not self._can_post():
            return False
        return super().check_action(action, parameters)

    def action_post_proposal(self) -> None:
        """Show once more what the proposal would do, and ask whether that is meant."""
        if not self._can_post():
            return
        question = f"Post the proposal for {self._found.reference}?"
        self.app.push_screen(ConfirmScreen(question, "Post", self._proposal()), self._post)

    def _post(self, agreed: bool | None) -> None:
        proposal, session = self._found.proposal, self.session
        if not agreed or proposal is None or session is None or not self._can_post():
            return
        actor = session.actor
        self._posting = True
        self._effect(Content.assemble(("posting…", "$secondary")))
        self.ask("post", lambda ledger: ledger.post([proposal], actor=actor)[0], self._show_result)

    def _show_result(self, outcome: Outcome) -> None:
        self._posting, self._posted = False, True
        self._effect(
            _known(outcome)
            if outcome.duplicate
            else describing.outcome(outcome, self._catalogue, happened=True)
        )
        self.refresh_bindings()
        self.console.recorded()

    def failed(self, message: str) -> None:
        """Say what went wrong; the key stays the same, so trying again records it once at most."""
        self._posting = False
        self._effect(Content.assemble((harmless(message), "$error")))
        self.refresh_bindings()

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """Show the transaction of our side."""
        row = self.table.selected
        if row is None:
            return
        if row.transaction is None:
            self.notify("The ledger has no transaction for this.", markup=False, timeout=3)
        else:
            self.app.push_screen(TransactionScreen(row.transaction))

    def action_open_customer(self) -> None:
        """Show the customer that it is about."""
        if self._found.customer is not None:
            self.console.open_customer(self._found.customer)

    def action_back(self) -> None:
        """Go back to the run; but not while the ledger is recording."""
        if not self._posting:
            super().action_back()


def _known(outcome: Outcome) -> Content:
    """Tell what became of a proposal that was posted before."""
    if outcome.code is not None:
        said = f"✗ It was posted and refused: {outcome.code}: {outcome.message}"
        return Content.assemble((harmless(said), "$error"))
    said = f"✓ It was posted as {outcome.transaction}, {outcome.status}."
    return Content.assemble((harmless(said), "bold $success"))
