"""Lines from outside: read quickly where they are simple, and never otherwise than in full."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entitlement_ledger.domain import lines
from entitlement_ledger.domain.refusals import Refused

_value = st.one_of(
    st.text(max_size=5),
    st.integers(-(1 << 70), 1 << 70),
    st.booleans(),
    st.none(),
    st.floats(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)
_object = st.lists(st.tuples(st.sampled_from(["key", "a", '"', "é"]), _value), max_size=4)


def _written(fields: list[tuple[str, Any]], plainly: bool) -> bytes:
    def text(value: Any) -> str:
        return json.dumps(value, ensure_ascii=not plainly)

    parts = [f"{text(name)}: {text(value)}" for name, value in fields]
    return ("{" + ", ".join(parts) + "}").encode("utf-8", "surrogatepass")


def _same(line: bytes) -> None:
    """Hold what is read quickly against what the whole of JSON says."""
    quick, whole = lines._parse_simple(line), lines._parse(line)
    if quick is not None:
        assert not isinstance(whole, Refused), (line, whole)
        assert json.dumps(quick) == json.dumps(whole)


@settings(max_examples=500, deadline=None)
@given(_object, st.booleans())
def test_what_is_read_quickly_is_what_json_says(
    fields: list[tuple[str, Any]], plainly: bool
) -> None:
    _same(_written(fields, plainly))


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet='{}[]":,0123456789.eE+-ntrufalsNI \t\\é', max_size=20))
def test_what_is_no_json_is_not_read_quickly(text: str) -> None:
    _same(text.encode())
    _same(b'{"a": ' + text.encode() + b"}")


@pytest.mark.parametrize(
    "line",
    [
        b'{"a": 1, "a": 2}',
        b'{"a": "x", "a": "y"}',
        b'{"a": 1.0}',
        b'{"a": 1e2}',
        b'{"a": 123456789012345678901234567890}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": NaN}',
        b'{"a": "\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"a": "\\u0041"}',
        b"[]",
        b"",
    ],
)
def test_what_only_the_whole_of_json_can_say(line: bytes) -> None:
    assert lines._parse_simple(line) is None


def test_a_usual_line_is_read_quickly() -> None:
    line = b'{"type": "issue", "key": "k", "quantity": 5, "reason": null}'
    assert lines._parse_simple(line) == lines._parse(line)
