"""Every command has a form; what it shows before is what it does."""

from __future__ import annotations

from typing import Any

import pytest
from console_support import make_app, opened, press, screen_text, settled, type_in
from support import command
from textual.pilot import Pilot
from textual.widgets import Input, Select

from entitlement_ledger.console.app import ConsoleApp
from entitlement_ledger.console.requests import _AT_FAULT, FORMS, FieldError, at_fault, command_of
from entitlement_ledger.console.screens.describing import outcome
from entitlement_ledger.console.screens.detail import _possible
from entitlement_ledger.console.screens.form import FormScreen
from entitlement_ledger.domain.policy import ApprovalRule
from entitlement_ledger.domain.refusals import Code
from entitlement_ledger.ledger import Ledger


def ledger_of(pilot: Pilot[Any]) -> Ledger:
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    assert app.session is not None
    return app.session.ledger


async def fill(pilot: Pilot[Any], **fields: str) -> None:
    """Fill in the form in front, and its reason."""
    screen = pilot.app.screen
    assert isinstance(screen, FormScreen)
    for name, value in {**fields, "reason": "asked for"}.items():
        widget = screen.query_one(f"#{name}")
        if isinstance(widget, Select):
            widget.value = value
        else:
            assert isinstance(widget, Input)
            widget.value = value
    await settled(pilot)


async def confirm(pilot: Pilot[Any]) -> str:
    """Preview, confirm, close; give what the preview showed."""
    await press(pilot, "ctrl+s")
    shown = screen_text(pilot)
    await press(pilot, "tab", "enter")
    assert "Recorded as" in screen_text(pilot), screen_text(pilot)
    await press(pilot, "enter")
    return shown


async def test_a_hold_is_made_and_captured_in_part_from_its_transaction(store: str) -> None:
    async with make_app(store).run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "h")
        await fill(pilot, entitlement="PTS", quantity="80", expires_at="2027-01-01")
        shown = await confirm(pilot)
        assert "520 pt" in shown
        assert "PTS held: 80 pt" in shown
        await press(pilot, "2", "enter", "t")
        await fill(pilot, quantity="50")
        await confirm(pilot)
        (balance,) = ledger_of(pilot).balances("C1", "PTS")
        assert (balance.available, balance.held) == (550, 0)


async def test_a_subscription_is_bought_upgraded_and_cancelled(store: str) -> None:
    async with make_app(store).run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "p")
        await fill(pilot, product="BASIC")
        assert "gives a new grant: 5 pt of PTS" in await confirm(pilot)
        assert "BASIC to 2026-03-02" in screen_text(pilot)
        await press(pilot, "plus")
        await fill(pilot, to="PLUS", timing="period_end")
        assert "at 2026-03-02 12:00: upgrade BASIC to PLUS" in await confirm(pilot)
        assert "then upgrade PLUS" in screen_text(pilot)
        await press(pilot, "plus")
        await fill(pilot, to="PLUS", carry_over="remaining")
        await confirm(pilot)
        await press(pilot, "x")
        await fill(pilot)
        await confirm(pilot)
        assert ledger_of(pilot).subscriptions("C1") == []


async def test_what_is_about_a_subscription_is_not_asked_where_there_is_none(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        for key in ("n", "plus", "minus", "x"):
            await press(pilot, key)
            assert not isinstance(pilot.app.screen, FormScreen)
            (said,) = pilot.app._notifications
            assert said.message == "There is no subscription: p opens one."
            pilot.app.clear_notifications()
        await press(pilot, "p")
        assert isinstance(pilot.app.screen, FormScreen)


async def test_what_is_used_renewed_and_downgraded(store: str) -> None:
    async with make_app(store).run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "u")
        await fill(pilot, entitlement="PTS", quantity="40")
        assert "560 pt" in await confirm(pilot)
        await press(pilot, "p")
        await fill(pilot, product="PLUS")
        await confirm(pilot)
        await press(pilot, "n")
        await fill(pilot, product="PLUS")
        assert "gives a new grant: 9 pt of PTS" in await confirm(pilot)
        await press(pilot, "minus")
        await fill(pilot, **{"from": "PLUS"}, to="BASIC", timing="period_end")
        assert "downgrade PLUS to BASIC" in await confirm(pilot)
        (bought,) = ledger_of(pilot).subscriptions("C1")
        assert bought.product == "PLUS"


async def test_a_hold_is_released_from_its_transaction(store: str) -> None:
    async with make_app(store).run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "h")
        await fill(pilot, entitlement="PTS", quantity="80")
        await confirm(pilot)
        await press(pilot, "2", "enter", "l")
        await fill(pilot)
        assert "600 pt" in await confirm(pilot)
        (balance,) = ledger_of(pilot).balances("C1", "PTS")
        assert (balance.available, balance.held) == (600, 0)


@pytest.mark.parametrize(("key", "available"), [("A", 610), ("R", 600)], ids=["approve", "reject"])
async def test_a_proposal_is_decided_from_its_transaction(
    store: str, key: str, available: int
) -> None:
    rules = [ApprovalRule(frozenset({"issue"}))]
    async with make_app(store, approvals=rules).run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        line = command("issue", "proposed", quantity=10, reference="order:7")
        ledger_of(pilot).post([line], actor="somebody else")
        await press(pilot, "2", "r", "slash")
        await type_in(pilot, "status:pending")
        await press(pilot, "enter", "enter")
        assert "a second person to approve or reject it" in screen_text(pilot)
        await press(pilot, "v")
        assert not isinstance(pilot.app.screen, FormScreen)
        await press(pilot, key)
        proposal = ledger_of(pilot).history(limit=1).rows[0].transaction
        await fill(pilot)
        verb = "completed" if key == "A" else "refused"
        assert isinstance(pilot.app.screen, FormScreen)
        assert pilot.app.screen.places()[:2] == ("Ledger", proposal)
        assert f"{proposal} is {verb} from then on" in await confirm(pilot)
        (balance,) = ledger_of(pilot).balances("C1", "PTS")
        assert balance.available == available
        await press(pilot, key)
        assert not isinstance(pilot.app.screen, FormScreen)


async def test_a_transaction_is_reversed_from_where_it_is_shown(store: str) -> None:
    async with make_app(store).run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "2", "slash")
        await type_in(pilot, "order:7")
        await press(pilot, "enter", "enter", "v")
        await fill(pilot, quantity="100")
        assert "back to" in await confirm(pilot)
        (balance,) = ledger_of(pilot).balances("C1", "PTS")
        assert balance.available == 700


def test_what_a_reversal_takes_is_not_said_to_come_back(store: str) -> None:
    with Ledger.open(store) as ledger:
        for made, said in (
            (command("issue", "given", quantity=7), "  7 from G"),
            (command("consume", "drawn", quantity=3), "  3 back to G"),
        ):
            ledger.post([made], actor="x")
            line = command("reverse", "undo", transaction=made["key"], reason="x")
            (answered,) = ledger.preview([line], actor="x")
            assert answered.code is None, answered.message
            assert said in outcome(answered, {}, happened=False).plain


async def test_q_in_a_form_asks_before_what_was_typed_is_lost(store: str) -> None:
    async with make_app(store).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "i")
        await fill(pilot)
        pilot.app.screen.query_one("#preview").focus()
        await press(pilot, "q")
        assert pilot.app.is_running
        assert isinstance(pilot.app.screen, FormScreen)
        (said,) = [each.message for each in pilot.app._notifications]
        assert said == "What you typed is not recorded: once more leaves"
        await press(pilot, "q")
        assert not pilot.app.is_running or pilot.app._exit


async def test_what_cannot_be_undone_has_no_key_for_it(store: str) -> None:
    async with make_app(store).run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "2", "slash")
        await type_in(pilot, "status:refused")
        await press(pilot, "enter", "enter", "v")
        assert not isinstance(pilot.app.screen, FormScreen)


async def test_what_has_been_done_has_no_key_to_do_it_again(store: str) -> None:
    with Ledger.open(store) as ledger:
        for line in (
            command("issue", "before", quantity=5),
            command("hold", "kept", quantity=1),
            command("capture", "used", transaction="kept"),
            command("issue", "given", quantity=1),
            command("reverse", "undone", transaction="given", reason="x"),
        ):
            (answered,) = ledger.post([line], actor="x")
            assert answered.code is None, answered.message
        details = {key: ledger.transaction(key) for key in ("kept", "used", "given", "undone")}
    possible = {key: _possible(detail) for key, detail in details.items()}
    assert possible == {"kept": (), "used": ("reverse",), "given": (), "undone": ()}


@pytest.mark.parametrize("kind", FORMS)
def test_every_form_asks_for_a_reason(kind: str) -> None:
    typed = {name: "1" for name in FORMS[kind].fields if name != "expires_at"}
    with pytest.raises(FieldError, match="say why"):
        command_of(kind, {}, typed, 0)
    line = command_of(kind, {"key": "k"}, {**typed, "reason": "r"}, 0)
    assert line["type"] == kind
    assert line["reason"] == "r"


@pytest.mark.parametrize(
    ("kind", "typed", "field"),
    [
        ("issue", {"entitlement": "E", "quantity": ""}, "quantity"),
        ("issue", {"entitlement": "E", "quantity": "-1"}, "quantity"),
        ("adjust", {"entitlement": "E", "quantity": "0"}, "quantity"),
        ("issue", {"entitlement": "", "quantity": "1"}, "entitlement"),
        ("hold", {"entitlement": "E", "quantity": "1", "expires_at": "soon"}, "expires_at"),
        ("purchase", {"product": ""}, "product"),
        ("capture", {"quantity": "x"}, "quantity"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(kind: str, typed: dict[str, str], field: str) -> None:
    with pytest.raises(FieldError) as raised:
        command_of(kind, {}, {**typed, "reason": "r"}, 0)
    assert raised.value.name == field


@pytest.mark.parametrize(
    ("key", "fields", "field", "said"),
    [
        ("u", {"entitlement": "PTS", "quantity": "9000"}, "quantity", "insufficient_balance"),
        ("u", {"entitlement": "PTS", "quantity": "0"}, "quantity", "quantity: must be above zero"),
        ("i", {"entitlement": "PTS", "quantity": "5", "expires_at": "2020-01-01"},
         "expires_at", "expires: it would be refused"),
        ("u", {"entitlement": "FEA", "quantity": "5"}, "entitlement", "not_consumable"),
        ("p", {"product": "PLUS", "timezone": "Nowhere/Else"}, "timezone",
         "timezone: it would be refused"),
    ],
)  # fmt: skip
async def test_a_refused_preview_goes_to_the_field_at_fault_and_names_it(
    store: str, key: str, fields: dict[str, str], field: str, said: str
) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, key)
        await fill(pilot, **fields)
        pilot.app.screen.query_one("#preview").focus()
        await press(pilot, "enter")
        shown = screen_text(pilot)
        assert said in shown, shown
        assert f"{field.replace('_at', '')}: " in shown
        assert pilot.app.focused is not None and pilot.app.focused.id == field
        for name, value in {**fields, "reason": "asked for"}.items():
            widget = pilot.app.screen.query_one(f"#{name}")
            assert isinstance(widget, (Input, Select)) and widget.value == value


async def test_a_missing_reason_is_gone_to_and_what_was_typed_stays(store: str) -> None:
    async with make_app(store).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "u")
        await fill(pilot, entitlement="PTS", quantity="5")
        pilot.app.screen.query_one("#reason", Input).value = " "
        await press(pilot, "ctrl+s")
        assert "reason: say why" in screen_text(pilot)
        assert pilot.app.focused is not None and pilot.app.focused.id == "reason"
        assert pilot.app.screen.query_one("#quantity", Input).value == "5"


def test_every_code_of_a_refusal_and_field_at_fault_is_one_that_there_is() -> None:
    assert set(_AT_FAULT) <= {code.value for code in Code}
    known = {"reason", *(field for form in FORMS.values() for field in form.fields)}
    assert {field for fields in _AT_FAULT.values() for field in fields} <= known
    assert at_fault("issue", "invalid_field", "reason is too long") == "reason"
    assert at_fault("release", "already_resolved", "the hold has been resolved") is None
