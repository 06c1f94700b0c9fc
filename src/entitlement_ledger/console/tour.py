"""The tour: six steps, each with what to press; it goes on by itself once that was done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to try. Keys stand in texts as `{place.action}`, for those that the user has.

    Attributes:
        asks: what to press, in one or two sentences.
        goal: what is seen once that was done: a mode, and the screen in it or what was done there.
        reached: one sentence about it.
        instead: what is said where nothing is to be tried out: on a store that is not the demo's.
    """

    title: str
    asks: str
    goal: str
    reached: str
    instead: str = ""


RECORDED, SUBMITTED = "recorded", "submitted"

STEPS: tuple[Step, ...] = (
    Step(
        "Find a customer",
        "{go_customers} shows the customers. {customers.search} goes to the search: type a part of "
        "a name, an email or an id, then Enter.",
        f"customers {SUBMITTED}",
        "Found while you typed; beside it is what they have, and what happened last.",
    ),
    Step(
        "Read a balance, and why",
        "Enter goes from the customer to the balances. Enter on one of them explains it: grant by "
        "grant, and what the next draw would take.",
        "customers ExplanationScreen",
        "Every number comes from the transactions that are named here.",
    ),
    Step(
        "Make a change",
        "{customers.back} goes back, {customers.issue} issues a grant: fill it in, {form.preview} "
        "shows before → after, then Tab and Enter confirm.",
        f"customers {RECORDED}",
        "Recorded with your name and your reason; a refusal is recorded, too.",
        "On a customer, {customers.issue} issues and {customers.adjust} adjusts; before → after is "
        "shown first. Try it in the demo: here, {tour_next} goes on.",
    ),
    Step(
        "Filter the whole ledger",
        "{go_ledger} lists all transactions. {ledger.search} filters every one of them: type "
        "type:consume status:refused, then Enter.",
        f"ledger {SUBMITTED}",
        "The count is that of the whole ledger, however long it is.",
    ),
    Step(
        "Ask for the proof",
        "{go_audit} is the journal: who, why, before → after. Enter opens a transaction; at the "
        "end of its page is the hash by which the event is proved.",
        "audit TransactionScreen",
        "`entl proof` writes a proof of it that needs no trust in this program.",
    ),
    Step(
        "Alerts and reports",
        "{go_alerts} is what the rules noticed: {alerts.run_rules} runs them. {go_reports} lists "
        "the reports: Enter opens one, {report.export} writes it to a file.",
        "reports ReportsScreen",
        "Each can be filtered, and handed over as a file.",
    ),
)

END_TITLE = "That is all"
END = (
    "{help} lists the keys of every screen, {command_palette} finds anything by name, {tour} "
    "begins the tour again."
)


@dataclass(slots=True)
class Tour:
    """Where somebody is on the tour.

    Attributes:
        trying: whether changes may be tried out.
        place: the step, from 0; past the last one the tour has ended.
        done: whether the step before was done, and not passed over.
    """

    trying: bool
    place: int = 0
    done: bool = False

    @property
    def ended(self) -> bool:
        """Whether there is no further step."""
        return self.place == len(STEPS)

    @property
    def title(self) -> str:
        """The title of the step."""
        return END_TITLE if self.ended else STEPS[self.place].title

    @property
    def asks(self) -> str:
        """What to press."""
        if self.ended:
            return END
        step = STEPS[self.place]
        return step.asks if self.trying else step.instead or step.asks

    @property
    def reached(self) -> str:
        """What there is to say of the step before, if that was done."""
        return STEPS[self.place - 1].reached if self.done else ""

    def saw(self, what: str) -> bool:
        """Go on if this is what the step asks for; say whether it is."""
        if self.ended or what != STEPS[self.place].goal:
            return False
        self.place, self.done = self.place + 1, True
        return True

    def pass_over(self) -> None:
        """Go on without doing what the step asks for."""
        self.place, self.done = min(self.place + 1, len(STEPS)), False

    def go_back(self) -> None:
        """Go to the step before."""
        self.place, self.done = max(self.place - 1, 0), False
