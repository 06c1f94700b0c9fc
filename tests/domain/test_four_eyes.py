"""What needs a second person: proposals, approvals, and who may ask for what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import START, HandClock, command, hours, new_store, write_feeds

from entitlement_ledger.domain.decide import Outcome
from entitlement_ledger.domain.instants import HOUR
from entitlement_ledger.domain.policy import ApprovalRule
from entitlement_ledger.errors import InputError
from entitlement_ledger.ledger import Ledger
from entitlement_ledger.settings import load_settings

RULES = (
    ApprovalRule(types=frozenset({"issue", "adjust"}), above=100),
    ApprovalRule(types=frozenset({"reverse", "hold", "purchase"})),
)
ROLES = {"sam": "support", "sue": "supervisor", "max": "supervisor", "ann": "auditor",
         "sys": "system"}  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    store = new_store(tmp_path)
    with Ledger.open(store, clock=HandClock(), approvals=RULES, roles=ROLES) as ledger:
        yield ledger


def say(ledger: Ledger, actor: str, type: str, key: str, **fields: Any) -> Outcome:
    return ledger.post([command(type, key, **fields)], actor=actor)[0]


def decide(ledger: Ledger, actor: str, type: str, about: str, **fields: Any) -> Outcome:
    fields.setdefault("reason", "seen")
    return say(ledger, actor, type, f"{type}-{about}-{actor}", transaction=about, **fields)


def available(ledger: Ledger) -> int:
    return sum(each.available for each in ledger.balances("C1", "PTS"))


def test_a_large_grant_waits_for_a_second_person(ledger: Ledger) -> None:
    assert say(ledger, "sam", "issue", "small", quantity=100).status == "completed"
    large = say(ledger, "sam", "issue", "large", quantity=101)
    assert (large.status, large.grants, large.balance) == ("pending", (), None)
    assert available(ledger) == 100
    assert say(ledger, "sam", "issue", "large", quantity=101).duplicate
    approved = decide(ledger, "sue", "approve", "large")
    assert approved.status == "completed"
    assert len(approved.grants) == 1
    assert available(ledger) == 201
    assert ledger.transaction("large").row.status == "completed"
    assert decide(ledger, "max", "approve", "large").code == "not_pending"


def test_what_is_only_proposed_or_rejected_is_no_beginning_of_history(ledger: Ledger) -> None:
    assert say(ledger, "sam", "issue", "now", quantity=1).status == "completed"
    say(ledger, "sam", "issue", "large", quantity=101, effective_at=hours(-500))
    with pytest.raises(InputError, match="history begins at 2026-03-01T12:00:00"):
        ledger.balances("C1", "PTS", at=START - 400 * HOUR)
    decide(ledger, "sue", "reject", "large", effective_at=hours(-500))
    with pytest.raises(InputError, match="history begins at 2026-03-01T12:00:00"):
        ledger.balances("C1", "PTS", at=START - 400 * HOUR)
    say(ledger, "sam", "issue", "again", quantity=101, effective_at=hours(-500))
    decide(ledger, "sue", "approve", "again")
    assert ledger.balances("C1", "PTS", at=START - 400 * HOUR)[0].available == 101


def test_nobody_decides_on_what_they_proposed(ledger: Ledger) -> None:
    say(ledger, "sue", "issue", "mine", quantity=500)
    assert decide(ledger, "sue", "approve", "mine").code == "own_proposal"
    other_key = say(ledger, "sue", "approve", "k2", transaction="mine", reason="r")
    assert other_key.code == "own_proposal"
    assert decide(ledger, "sue", "reject", "mine").code == "own_proposal"
    assert available(ledger) == 0


def test_only_a_role_that_may_decides(ledger: Ledger) -> None:
    say(ledger, "sue", "issue", "large", quantity=500)
    assert decide(ledger, "sam", "approve", "large").code == "not_permitted"
    assert decide(ledger, "ann", "approve", "large").code == "not_permitted"
    assert decide(ledger, "max", "approve", "large", reason=" ").code == "reason_required"
    assert decide(ledger, "max", "reject", "large").code is None
    assert ledger.transaction("large").row.status == "refused"
    assert decide(ledger, "sue", "approve", "large").code == "not_pending"
    assert available(ledger) == 0


def test_an_auditor_imports_nothing(ledger: Ledger, tmp_path: Path) -> None:
    feeds = write_feeds(tmp_path / "again")
    with pytest.raises(InputError, match="ann may not import"):
        ledger.import_files([feeds], actor="ann")
    assert ledger.import_files([feeds], actor="sam")


def test_an_auditor_posts_nothing_and_only_the_system_posts_history(ledger: Ledger) -> None:
    assert say(ledger, "ann", "issue", "a", quantity=1).code == "not_permitted"
    lines = [command("issue", "h", quantity=500)]
    assert ledger.post(lines, actor="sue", history=True)[0].code == "not_permitted"
    lines = [command("issue", "h2", quantity=500, actor="sam")]
    assert ledger.post(lines, actor="sys", history=True)[0].status == "completed"


def test_what_is_approved_is_decided_anew(ledger: Ledger) -> None:
    say(ledger, "sam", "issue", "give", quantity=50)
    say(ledger, "sam", "consume", "use", quantity=10)
    assert say(ledger, "sam", "reverse", "undo", transaction="give", quantity=40).status == (
        "pending"
    )
    say(ledger, "sam", "consume", "use more", quantity=20)
    assert decide(ledger, "sue", "approve", "undo").code == "insufficient_balance"
    say(ledger, "sam", "issue", "b", quantity=1)
    assert ledger.transaction("undo").row.status == "pending"


def test_an_approved_proposal_is_known_by_its_key_like_what_it_did(ledger: Ledger) -> None:
    say(ledger, "sam", "issue", "give", quantity=50)
    say(ledger, "sam", "hold", "keep", quantity=20, expires_at=hours(9))
    assert say(ledger, "sam", "capture", "early", transaction="keep").code == "not_a_hold"
    held = decide(ledger, "sue", "approve", "keep")
    assert held.status == "pending"
    assert held.balance is not None
    assert (held.balance.available, held.balance.held) == (30, 20)
    captured = say(ledger, "sam", "capture", "take", transaction="keep", quantity=5)
    assert captured.status == "completed"
    assert available(ledger) == 45
    assert [each.name for each in ledger.check() if not each.ok] == []


def test_proposals_survive_a_restart(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    with Ledger.open(store, clock=HandClock(), approvals=RULES, roles=ROLES) as ledger:
        say(ledger, "sam", "purchase", "buy", product="BASIC")
    with Ledger.open(store, clock=HandClock(), approvals=RULES, roles=ROLES) as ledger:
        assert len(decide(ledger, "sue", "approve", "buy").grants) == 2
    with Ledger.open(store, clock=HandClock(), approvals=RULES, roles=ROLES) as ledger:
        say(ledger, "sam", "reverse", "undo", transaction="buy")
        assert decide(ledger, "sue", "approve", "undo").code is None
        assert available(ledger) == 0
        assert ledger.transaction("buy").row.status == "completed"
        assert [each.name for each in ledger.check() if not each.ok] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[approval]]\ntypes = ["gift"]', "approval 1: types must list some of issue"),
        ('[[approval]]\ntypes = ["issue"]\nabove = "10"', "above must be a whole number"),
        ('[[approval]]\ntypes = ["issue"]\ncolour = 1', "may have types, kinds"),
        ('[roles]\nsam = "boss"', "boss is not one of support"),
        ("colour = 1", "colour is not a setting"),
    ],
)
def test_settings_that_cannot_be_used_say_what_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    monkeypatch.setenv("ENTL_CONFIG", str(tmp_path))
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(InputError, match=says):
        load_settings()


def test_settings_name_what_needs_a_second_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENTL_CONFIG", str(tmp_path))
    (tmp_path / "settings.toml").write_text(
        '[roles]\nsue = "supervisor"\n[[approval]]\ntypes = ["issue"]\nkinds = ["points"]\n'
        'above = 100\napprovers = ["finance"]\n'
    )
    (rule,) = load_settings().approvals
    assert rule == ApprovalRule(
        frozenset({"issue"}), frozenset({"points"}), 100, frozenset({"finance"})
    )


def test_a_proposal_that_is_asked_for_again_is_not_decided_twice(tmp_path: Path) -> None:
    store, clock = new_store(tmp_path), HandClock()
    proposed = [command("issue", key, quantity=101) for key in ("yes", "no")]
    with Ledger.open(store, clock=clock, approvals=RULES, roles=ROLES) as ledger:
        ledger.post(proposed, actor="sam")
        assert decide(ledger, "sue", "approve", "yes").status == "completed"
        assert decide(ledger, "sue", "reject", "no").status == "completed"
    with Ledger.open(store, clock=clock, approvals=RULES, roles=ROLES) as ledger:
        again = ledger.post([*proposed, command("issue", "new", quantity=1)], actor="sam")
        assert [each.duplicate for each in again] == [True, True, False]
        for key in ("yes", "no"):
            assert decide(ledger, "max", "approve", key).code == "not_pending"
        assert available(ledger) == 102


def test_what_is_approved_by_a_ledger_just_opened_is_done(tmp_path: Path) -> None:
    """Each is proposed by one, and approved by another, who have to read what it is about."""
    store, clock = new_store(tmp_path), HandClock()
    every = ApprovalRule(types=frozenset({"reverse", "capture", "release", "purchase", "renew",
                                          "upgrade", "cancel"}))  # fmt: skip

    def posted(line: dict[str, Any], actor: str) -> str:
        with Ledger.open(store, clock=clock, approvals=[every], roles=ROLES) as ledger:
            return str(ledger.post([line], actor=actor)[0].status)

    for line in (
        command("issue", "i", quantity=50),
        command("consume", "c", quantity=5),
        command("hold", "h", quantity=5),
        command("hold", "h2", quantity=5),
    ):
        with Ledger.open(store, clock=clock) as ledger:
            assert ledger.post([line], actor="sam")[0].code is None
    for line in (
        command("reverse", "r", transaction="c", reason="x"),
        command("capture", "cap", transaction="h"),
        command("release", "rel", transaction="h2"),
        command("purchase", "p", product="BASIC"),
        command("renew", "rn", product="BASIC"),
        command("upgrade", "u", **{"from": "BASIC", "to": "PLUS"}),
        command("cancel", "x", product="PLUS"),
        command("reverse", "r2", transaction="i", quantity=1, reason="x"),
    ):
        assert posted(line, "sam") == "pending", line
        approval = command("approve", f"a{line['key']}", transaction=line["key"], reason="seen")
        assert posted(approval, "sue") == "completed", line
