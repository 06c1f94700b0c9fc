"""Lines: a command as it comes from outside, as JSON in bytes."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import msgspec

from entitlement_ledger.domain.commands import Line
from entitlement_ledger.domain.quantities import fits
from entitlement_ledger.domain.refusals import Code, Refused

LINE_BYTES_MAX = 1 << 20
_DIGITS_MAX = 4000


def parse_line(line: bytes) -> Line:
    """Read one line as JSON; what it may hold is the rules' business."""
    if len(line) > LINE_BYTES_MAX:
        return Refused(Code.INVALID_FIELD, f"the line is longer than {LINE_BYTES_MAX} bytes")
    return _parse_simple(line) or _parse(line)


def _parse_simple(line: bytes) -> Line | None:
    """Read a line that is a flat object of texts and whole numbers; None where it is not.

    A field that is named twice shows in the quotation marks: without a backslash there are two to a
    name and two to a text.
    """
    if b"\\" in line:
        return None
    try:
        fields = msgspec.json.decode(line)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    if type(fields) is not dict:
        return None
    texts = len(fields)
    for value in fields.values():
        if type(value) is str:
            texts += 1
        elif value is not None and not (type(value) is int and fits(value)):
            return None
    return fields if line.count(b'"') == 2 * texts else None


def _parse(line: bytes) -> Line:
    try:
        return _decoder.decode(line.decode("utf-8"))  # type: ignore[no-any-return]
    except Refused as refused:
        return refused
    except UnicodeDecodeError:
        return Refused(Code.INVALID_FIELD, "the line is not UTF-8 text")
    except json.JSONDecodeError as error:
        return Refused(
            Code.INVALID_FIELD,
            f"the line is not JSON: {error.msg.removesuffix(' at')} at character {error.pos + 1}",
        )
    except RecursionError:
        return Refused(Code.INVALID_FIELD, "the line is nested too deeply")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Refused(Code.INVALID_FIELD, "a field is named twice")
    return fields


def _integer(digits: str) -> int:
    # A longer one is out of range just the same, and Python would refuse to read it.
    return int(digits[:_DIGITS_MAX])


def _constant(name: str) -> NoReturn:
    raise Refused(Code.INVALID_FIELD, f"{name} is not a JSON value")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_constant=_constant)
