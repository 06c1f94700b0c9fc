"""Random histories: few customers, small quantities, times close together, so that things meet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from support import START

from entitlement_ledger.domain.instants import HOUR, format_instant

_RARE = 12
"""One in so many is a customer, entitlement or key out of the ordinary."""


def _mostly(usual: list[str], unusual: list[str]) -> st.SearchStrategy[str]:
    return st.integers(1, _RARE).flatmap(
        lambda chance: st.sampled_from(unusual if chance == _RARE else usual)
    )


def _quantity(largest: int, smallest: int = 1) -> st.SearchStrategy[int]:
    """Seldom zero, which is refused; of the others, none more often than the rest."""
    usual = [number for number in range(smallest, largest + 1) if number]
    return st.integers(1, _RARE).flatmap(
        lambda chance: st.just(0) if chance == _RARE else st.sampled_from(usual)
    )


_customer = _mostly(["C1"], ["C2", "SUSP", "SHUT", "NOBODY"])
_entitlement = _mostly(["PTS"], ["CRD", "FEA", "OLD", "NOTHING"])
_at = st.integers(-30, 30).map(lambda hour: START + hour * HOUR)
_BACK_MAX = 12
_back = st.integers(1, _BACK_MAX)


def _line(kind: str, optional: dict[str, Any], **required: Any) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"type": st.just(kind), "customer": _customer, **required},
        optional={"at": _at, **optional},
    )


_issue = _line(
    "issue",
    {
        "until": st.integers(0, 60).map(lambda hour: START + hour * HOUR),
        "priority": st.sampled_from([1, 200]),
        "category": st.sampled_from(["paid", "promo"]),
    },
    entitlement=_entitlement,
    quantity=_quantity(12),
)
_consume = _line("consume", {}, entitlement=_entitlement, quantity=_quantity(7))
_adjust = _line(
    "adjust",
    {},
    entitlement=_entitlement,
    quantity=_quantity(6, -6),
    reason=_mostly(["why"], ["", " "]),
)
_reverse = _line("reverse", {"quantity": _quantity(4)}, transaction=_back)
_until = st.integers(-10, 60).map(lambda hour: START + hour * HOUR)
_hold = _line("hold", {"until": _until}, entitlement=_entitlement, quantity=_quantity(7))
_capture = _line("capture", {"quantity": _quantity(7)}, transaction=_back)
_release = _line("release", {}, transaction=_back)
_product = _mostly(["BASIC", "PLUS", "LIFE"], ["GONE", "NOTHING"])
_purchase = _line("purchase", {}, product=_product)
_renew = _line("renew", {}, product=_product)
_timing = st.sampled_from(["immediate", "period_end"])
_changing: dict[str, Any] = {
    "timing": _timing,
    "carry_over": st.sampled_from(["none", "remaining"]),
}
_upgrade = _line(
    "upgrade",
    _changing,
    **{"from": _mostly(["BASIC"], ["PLUS"]), "to": _mostly(["PLUS", "LIFE"], ["BASIC", "GONE"])},
)
_downgrade = _line(
    "downgrade",
    _changing,
    **{"from": _mostly(["LIFE", "PLUS"], ["BASIC"]), "to": _mostly(["BASIC", "PLUS"], ["LIFE"])},
)
_cancel = _line("cancel", {"timing": _timing}, product=_product)
_cancel_grant = _line("cancel", {}, grant=_back)

_sentence = {"reason": _mostly(["seen"], [" "])}
_approve = _line("approve", {}, transaction=_back, **_sentence)
_reject = _line("reject", {}, transaction=_back, **_sentence)

_single = [_issue, _consume, _issue, _consume, _adjust, _reverse, _cancel_grant]
_held = [_issue, _hold, _hold, _consume, _capture, _capture, _release, _reverse, _cancel_grant]
_sold = [_purchase, _consume, _renew, _upgrade, _downgrade, _cancel, _hold, _capture, _reverse]
_watched = [_issue, _consume, _hold, _hold, _purchase, _adjust, _reverse, _capture, _upgrade]
_watched += [_cancel, _cancel_grant, _approve, _approve, _approve, _approve, _reject]
_step = st.integers(0, 3).map(lambda hour: hour * HOUR)
_again = st.integers(1, _RARE)

Step = tuple[int, dict[str, Any]]

WATCHED = {"issue": 4, "consume": 4, "hold": 4, "adjust": 2, "reverse": 0, "purchase": 0,
           "upgrade": 0, "cancel": 0}  # fmt: skip
"""Which types need a second person, and from which quantity."""


_ABOUT = {
    "capture": ("hold",),
    "release": ("hold",),
    "reverse": ("consume", "issue", "adjust", "capture", "purchase"),
    "cancel": ("issue", "purchase"),
    "approve": tuple(WATCHED),
    "reject": tuple(WATCHED),
}
"""What a line that names an earlier one is mostly about."""


def _about(steps: list[Step], line: dict[str, Any], back: int) -> dict[str, Any] | None:
    """Give an earlier line that this one can be about: mostly one of the last few."""
    if back == _BACK_MAX:
        return steps[0][1] if steps else None
    found = [earlier for _, earlier in steps if earlier["type"] in _ABOUT[line["type"]]]
    if line["type"] in ("approve", "reject") and back % 4:
        decided = {earlier.get("transaction") for _, earlier in steps}
        found = [
            earlier
            for earlier in found
            if abs(earlier.get("quantity", 0)) >= WATCHED[earlier["type"]]
            and earlier["key"] not in decided
        ]
    return found[-1 - back % min(len(found), 4)] if found else None


def _with_keys(drawn: list[tuple[int, dict[str, Any], int, int]]) -> list[Step]:
    """Number the lines by key; one in some dozens takes an earlier key, or repeats that line."""
    steps: list[Step] = []
    for number, (wait, line, again, back) in enumerate(drawn):
        keyed = {**line, "key": f"k{number}"}
        for name in ("transaction", "grant"):
            if name in line:
                about = _about(steps, line, line[name])
                keyed[name] = about["key"] if about else "nothing"
                if about and line[name] != 1:
                    keyed["customer"] = about["customer"]
        if again == _RARE and steps:
            earlier = steps[max(number - back, 0)][1]
            keyed = dict(earlier) if back % 2 else {**keyed, "key": earlier["key"]}
        steps.append((wait, keyed))
    return steps


def _histories(
    kinds: list[st.SearchStrategy[Any]], shortest: int = 15, longest: int = 40
) -> st.SearchStrategy[list[Step]]:
    """Draw lines of these kinds, one named twice twice as often: `one_of` would count it once."""
    lines = st.tuples(_step, st.sampled_from(kinds).flatmap(lambda kind: kind), _again, _back)
    return st.lists(lines, min_size=shortest, max_size=longest).map(_with_keys)


history = st.one_of(_histories(_single), _histories(_held), _histories(_sold))
"""Each line with how long after the line before it is posted."""


def _by_two(steps: list[Step]) -> list[Step]:
    """Say who asks: mostly Ann, and Bob decides; now and then it is the other way round."""
    said = []
    for wait, line in steps:
        turned = int(line["key"][1:]) % 7 == 0
        deciding = line["type"] in ("approve", "reject")
        said.append((wait, {**line, "actor": "bob" if deciding != turned else "ann"}))
    return said


watched_history = _histories(_watched).map(_by_two)
"""A history under four eyes: what `WATCHED` names waits for somebody else."""


_now_and_then = st.integers(1, _RARE).flatmap(
    lambda chance: st.just({}) if chance > 2 else st.fixed_dictionaries({"at": _at})
)


def _plain(kind: str, largest: int) -> st.SearchStrategy[dict[str, Any]]:
    """Draw lines that have nothing unusual about them, but now and then a time of their own."""
    customer = st.sampled_from(["C1", "C2"])
    line = st.fixed_dictionaries(
        {
            "type": st.just(kind),
            "customer": customer,
            "entitlement": _mostly(["PTS"], ["CRD"]),
            "quantity": st.integers(1, largest),
        },
        optional={"reference": _mostly(["order:1", "ticket:é/<>&'"], ['a "b" \\', "\u202e"])},
    )
    return st.tuples(line, _now_and_then).map(lambda both: both[0] | both[1])


_plainly = [_plain("issue", 12), _plain("issue", 6), _plain("consume", 5)] * 30
_plainly += [_plain("consume", 9)] * 30
_plainly += [_issue, _issue, _hold, _hold, _capture, _release, _adjust, _reverse]
_plainly += [_cancel_grant, _purchase]
plain_history = _histories(_plainly, 50, 100)
"""A history of mostly plain commands."""


closings = st.dictionaries(
    st.integers(5, 35), st.integers(0, 30).map(lambda hour: hour * HOUR), min_size=1, max_size=3
)
"""Before which lines a period is closed, and how long ago it ended then."""


def as_given(line: dict[str, Any], grants: Mapping[str, str]) -> dict[str, Any]:
    """Write a line as the ledger is given it; `grants` gives the first grant of a key."""
    names = {"at": "effective_at", "until": "expires_at"}
    given = {
        names.get(name, name): format_instant(value) if name in names else value
        for name, value in line.items()
    }
    if "grant" in given:
        given["grant"] = grants.get(given["grant"], f"G0.{given['grant']}")
    return given
