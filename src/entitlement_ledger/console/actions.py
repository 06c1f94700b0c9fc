"""The registry of actions: bindings, footer, help, palette and documentation are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from textual.binding import Binding, BindingType
from textual.keys import REPLACED_KEYS, key_to_character

EVERYWHERE, TABLE = "everywhere", "table"
CUSTOMERS, LEDGER, AUDIT, DETAIL = "customers", "ledger", "audit", "detail"
FORM, TRANSACTION = "form", "transaction"
ALERTS, FINDING, REVIEW, CHECKS = "alerts", "finding", "review", "checks"
RECONCILE, FEED, RUN, DISCREPANCY = "reconcile", "feed", "run", "discrepancy"
REPORTS, REPORT, EXPORT = "reports", "report", "export"
CATALOGUE = "catalogue"
FIRST = "first"
GRAPH, CALENDAR, DAY_OF_LAPSES = "graph", "calendar", "day"
SCREENS = Binding.Group("Screens", compact=True)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a key does.

    Attributes:
        name: the method that does it, without `action_`.
        keys: separated by commas; the first is the one shown.
        label: two words at most, for the footer.
        help: one sentence, for help, palette and documentation.
        where: the screens that have it.
        footer: whether the footer names it.
        group: whether the footer puts its key beside its neighbours', with one label for all.
        changes: whether it records something: absent in read-only mode.
    """

    name: str
    keys: str
    label: str
    help: str
    where: tuple[str, ...]
    footer: bool = True
    changes: bool = False
    group: bool = False


ACTIONS: tuple[Action, ...] = (
    Action("go_customers", "1", "Customers", "Go to the customers.", (EVERYWHERE,), group=True),
    Action("go_ledger", "2", "Ledger", "Go to the history of all transactions.", (EVERYWHERE,),
           group=True),
    Action("go_audit", "3", "Audit", "Go to the audit trail.", (EVERYWHERE,), group=True),
    Action("go_alerts", "4", "Alerts", "Go to what the rules noticed.", (EVERYWHERE,), group=True),
    Action("go_checks", "5", "Checks", "Go to the checks.", (EVERYWHERE,), group=True),
    Action("go_reconcile", "6", "Reconcile", "Go to the reconciliation of outside files.",
           (EVERYWHERE,), group=True),
    Action("go_reports", "7", "Reports", "Go to the reports.", (EVERYWHERE,), group=True),
    Action("go_catalogue", "8", "Catalogue", "Go to the catalogue.", (EVERYWHERE,), group=True),
    Action("search", "slash", "Search", "Search the whole ledger.", (CUSTOMERS,)),
    Action("search", "slash", "Filter", "Filter the whole ledger.", (LEDGER, AUDIT)),
    Action("search", "slash", "Filter", "Filter all findings.", (ALERTS,)),
    Action("search", "slash", "Filter", "Filter the whole catalogue.", (CATALOGUE,)),
    Action("search", "slash", "Filter", "Go to what the report is asked with.", (REPORT,)),
    Action("issue", "i", "Issue", "Issue a grant to the customer.", (CUSTOMERS,), changes=True),
    Action("adjust", "a", "Adjust", "Correct the customer's balance.", (CUSTOMERS,), changes=True),
    Action("consume", "u", "Use", "Consume for the customer.", (CUSTOMERS,), footer=False,
           changes=True),
    Action("hold", "h", "Hold", "Hold a quantity.", (CUSTOMERS,), footer=False, changes=True),
    Action("purchase", "p", "Purchase", "Open a subscription.", (CUSTOMERS,), footer=False,
           changes=True),
    Action("renew", "n", "Renew", "Renew a subscription.", (CUSTOMERS,), footer=False,
           changes=True),
    Action("upgrade", "plus", "Upgrade", "Change to a higher product.", (CUSTOMERS,),
           footer=False, changes=True),
    Action("downgrade", "minus", "Downgrade", "Change to a lower product.", (CUSTOMERS,),
           footer=False, changes=True),
    Action("cancel", "x", "Cancel", "End a subscription.", (CUSTOMERS,), footer=False,
           changes=True),
    Action("statement", "S", "Statement", "Show the customer's statement, to be exported.",
           (CUSTOMERS,), footer=False),
    Action("why", "w", "Why", "Say why: of the balance, or of a refusal, in sentences.",
           (CUSTOMERS, LEDGER, DETAIL), footer=False),
    Action("compare", "equals_sign", "Compare", "Compare the balances with those of another time.",
           (CUSTOMERS,), footer=False),
    Action("view", "v", "View", "See the use of the balance over time.", (CUSTOMERS,),
           footer=False),
    Action("view", "v", "View", "See how many there were of each type over time.", (LEDGER,),
           footer=False),
    Action("situation", "o", "Situation", "See what was lost and why, lapses, is held, was asked.",
           (CUSTOMERS,), footer=False),
    Action("lapses", "l", "Lapses", "See on a calendar what lapses for the customer.", (CUSTOMERS,),
           footer=False),
    Action("by_day", "d", "Day", "Show it by day.", (GRAPH,)),
    Action("by_week", "w", "Week", "Show it by week.", (GRAPH,)),
    Action("by_month", "m", "Month", "Show it by month.", (GRAPH,)),
    Action("earlier", "h,left", "Earlier", "Go to the month before.", (CALENDAR,)),
    Action("later", "l,right", "Later", "Go to the next month.", (CALENDAR,)),
    Action("today", "t", "Today", "Go to the month in which today is.", (CALENDAR,)),
    Action("reverse", "v", "Reverse", "Undo this transaction.", (TRANSACTION,), changes=True),
    Action("capture", "t", "Capture", "Consume what this hold keeps.", (TRANSACTION,),
           changes=True),
    Action("release", "l", "Release", "Give back what this hold keeps.", (TRANSACTION,),
           changes=True),
    Action("approve", "A", "Approve", "Carry out this proposal.", (TRANSACTION,), changes=True),
    Action("reject", "R", "Reject", "Turn this proposal down.", (TRANSACTION,), changes=True),
    Action(
        "open_customer", "c", "Customer", "Show the customer of this row.",
        (LEDGER, AUDIT, DETAIL, FINDING, RUN, DISCREPANCY, DAY_OF_LAPSES),
        footer=False,
    ),
    Action("mark_reviewed", "d", "Reviewed",
           "Mark the event, or what is selected, as reviewed, and go on.", (AUDIT,), changes=True),
    Action("flag", "F", "Flag", "Flag the event, or what is selected, with a note.", (AUDIT,),
           changes=True),
    Action("only_unreviewed", "u", "Unreviewed",
           "Show only what is not reviewed, or everything again.", (AUDIT,)),
    Action("next_unreviewed", "n", "Next", "Go to the next event that is not reviewed.", (AUDIT,),
           footer=False),
    Action("previous_unreviewed", "N", "Previous", "Go to the event before that is not reviewed.",
           (AUDIT,), footer=False),
    Action("select_event", "x", "Select", "Select the event, or not any more.", (AUDIT,),
           footer=False),
    Action("select_range", "X", "Range", "Select from the event selected last to this one.",
           (AUDIT,), footer=False),
    Action("select_loaded", "A", "All", "Select all that is loaded and not reviewed, or nothing.",
           (AUDIT,), footer=False),
    Action("sample", "m", "Sample", "Draw a sample of what is listed.", (AUDIT,), footer=False),
    Action("run_rules", "r", "Run", "Run the rules on what is new.", (ALERTS,)),
    Action("next_open", "n", "Next", "Go to the next open finding.", (ALERTS,), footer=False),
    Action("take", "t", "Take", "Take the finding to investigate it.", (REVIEW,), changes=True),
    Action("confirm", "C", "Confirm", "Confirm the finding.", (REVIEW,), changes=True),
    Action("dismiss_finding", "D", "Dismiss", "Dismiss the finding.", (REVIEW,), changes=True),
    Action("new_run", "n", "New run", "Reconcile a file.", (RECONCILE,), changes=True),
    Action("post_proposal", "p", "Post", "Post the proposal, after a look at what it would do.",
           (DISCREPANCY,), changes=True),
    Action("export", "e", "Export", "Write it to a file.", (RECONCILE, RUN, REPORT)),
    Action("export", "e", "Export", "Write the working paper of the sample.", (AUDIT,)),
    Action("export_now", "ctrl+s", "Write", "Write it to a file at once, as is proposed.",
           (REPORT,)),
    Action("start", "ctrl+s", "Start", "Start what is asked for.", (FEED, EXPORT)),
    Action("preview", "ctrl+s", "Preview", "Show what the form would do.", (FORM,), changes=True),
    Action("scroll_down", "j", "Down", "Go down one line.", (DETAIL,), footer=False),
    Action("scroll_up", "k", "Up", "Go up one line.", (DETAIL,), footer=False),
    Action("scroll_home", "g", "Top", "Go to the top.", (DETAIL,), footer=False),
    Action("scroll_end", "G", "End", "Go to the end.", (DETAIL,), footer=False),
    Action("reload", "r", "Reload", "Ask the ledger again.",
           (CUSTOMERS, LEDGER, AUDIT, CHECKS, RECONCILE, RUN, DISCREPANCY, REPORTS, REPORT, GRAPH,
            CALENDAR, DAY_OF_LAPSES, CATALOGUE),
           footer=False),
    Action("show_value", "space", "Value", "Show the whole row.", (TABLE,), footer=False),
    Action("copy_value", "y", "Copy", "Copy the row's id.", (TABLE, DETAIL), footer=False),
    Action("sort", "s", "Sort", "Sort by the next column.", (TABLE,), footer=False),
    Action("cursor_down", "j", "Down", "Go down one row.", (TABLE,), footer=False),
    Action("cursor_up", "k", "Up", "Go up one row.", (TABLE,), footer=False),
    Action("scroll_top", "g", "First", "Go to the first row.", (TABLE,), footer=False),
    Action("scroll_bottom", "G", "Last", "Go to the last row loaded.", (TABLE,), footer=False),
    Action("back", "escape", "Back", "Go back, or clear the filter.",
           (CUSTOMERS, LEDGER, AUDIT, DETAIL, FORM, ALERTS, FINDING, CHECKS, FEED, RUN, DISCREPANCY,
            REPORT, EXPORT, GRAPH, CALENDAR, DAY_OF_LAPSES, CATALOGUE)),
    Action("demo", "d", "Demo", "Look at the sample company, in a store that is thrown away.",
           (FIRST,)),
    Action("new_store", "n", "New store", "Make an empty store.", (FIRST,), changes=True),
    Action("open_other", "o", "Open", "Open another store.", (FIRST,)),
    Action("retry", "r", "Retry", "Try to open the store again.", (FIRST,)),
    Action("back", "escape", "Back", "Go back, or leave the console.", (FIRST,), footer=False),
    Action("tour", "T", "Tour", "Be shown around in six steps.", (EVERYWHERE,), footer=False),
    Action("tour_next", "ctrl+g", "Next", "Go on to the tour's next step.", (EVERYWHERE,),
           footer=False),
    Action("tour_back", "ctrl+o", "Back", "Go back to the tour's step before.", (EVERYWHERE,),
           footer=False),
    Action("leave_tour", "ctrl+t", "Leave tour", "Leave the tour.", (EVERYWHERE,), footer=False),
    Action("travel", "at", "As of", "Show everything as of another time, or of now again.",
           (EVERYWHERE,), footer=False),
    Action("calendar", "L", "Calendar", "See on a calendar what lapses, for all customers.",
           (EVERYWHERE,), footer=False),
    Action("backup", "B", "Backup", "Back up the store into a new folder beside it.", (EVERYWHERE,),
           footer=False, changes=True),
    Action("help", "question_mark,f1", "Help", "Show the keys of this screen.", (EVERYWHERE,)),
    Action("command_palette", "ctrl+p,colon", "Palette", "Find anything by name.", (EVERYWHERE,),
           footer=False),
    Action("leave", "q,ctrl+q", "Quit", "Leave the console.", (EVERYWHERE,)),
)  # fmt: skip


CHANGES = frozenset(action.name for action in ACTIONS if action.changes)
"""The names of what records something: absent in read-only mode."""

NEED_STORE = frozenset(
    action.name
    for action in ACTIONS
    if EVERYWHERE in action.where and action.name not in ("help", "command_palette", "leave")
)
"""The names of what there is everywhere once a store is open."""


@cache
def actions_of(*where: str) -> tuple[Action, ...]:
    """Give the actions of some places, in the order of the registry."""
    return tuple(action for action in ACTIONS if set(action.where) & set(where))


def bindings_of(*where: str) -> list[BindingType]:
    """Make the bindings of some places."""
    return [
        Binding(
            action.keys,
            action.name,
            action.label,
            show=action.footer,
            tooltip=action.help,
            group=SCREENS if action.group else None,
            # Before the next key is looked at: what is typed right behind it is to be searched for.
            priority=action.name == "search",
            id=f"{next(place for place in where if place in action.where)}.{action.name}",
        )
        for action in actions_of(*where)
    ]


_KEY_NAMES = {
    "slash": "/", "question_mark": "?", "colon": ":", "escape": "Esc", "space": "Space",
    "plus": "+", "minus": "-",
}  # fmt: skip


def key_names(action: Action) -> str:
    """Write an action's keys as people call them."""
    return " ".join(_key_name(key) for key in action.keys.split(","))


def _key_name(key: str) -> str:
    return _KEY_NAMES.get(key) or character_of(key) or key


def character_of(key: str) -> str | None:
    """Give the character that a key types, or None where it types none."""
    character = key_to_character(REPLACED_KEYS.get(key, key))
    return character if character is not None and character.isprintable() else None


def keys_table() -> str:
    """Write the registry as a table for the documentation."""
    rows = [
        f"| `{key_names(action)}` | {action.help} | {', '.join(action.where)} |"
        for action in ACTIONS
    ]
    return "\n".join(["| key | does | where |", "| --- | --- | --- |", *rows])
