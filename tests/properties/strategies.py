"""Random histories: few customers, small quantities, times close together, so that things meet."""

from __future__ import annotations

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
_back = st.integers(1, 12)


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
_any = st.one_of(_issue, _consume, _issue, _consume, _adjust, _reverse)
_step = st.integers(0, 3).map(lambda hour: hour * HOUR)
_again = st.integers(1, _RARE)

Step = tuple[int, dict[str, Any]]


def _with_keys(drawn: list[tuple[int, dict[str, Any], int, int]]) -> list[Step]:
    """Number the lines by key; one in some dozens takes an earlier key, or repeats that line."""
    steps: list[Step] = []
    for number, (wait, line, again, back) in enumerate(drawn):
        keyed = {**line, "key": f"k{number}"}
        if "transaction" in line:
            keyed["transaction"] = f"k{number - line['transaction']}"
        if again == _RARE and steps:
            earlier = steps[max(number - back, 0)][1]
            keyed = dict(earlier) if back % 2 else {**keyed, "key": earlier["key"]}
        steps.append((wait, keyed))
    return steps


history = st.lists(st.tuples(_step, _any, _again, _back), min_size=15, max_size=40).map(_with_keys)
"""Each line with how long after the line before it is posted."""


def as_given(line: dict[str, Any]) -> dict[str, Any]:
    """Write a line as the ledger is given it."""
    names = {"at": "effective_at", "until": "expires_at"}
    return {
        names.get(name, name): format_instant(value) if name in names else value
        for name, value in line.items()
    }
