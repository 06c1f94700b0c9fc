"""What a report is asked with, as a person types it, and how the file of it is called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from entitlement_ledger.console.filters import time_of
from entitlement_ledger.console.requests import FieldError
from entitlement_ledger.reports.parameters import Parameters, ReportInfo

TIMES = ("at", "known-at", "since", "until")
_PARTS = ("customer", "entitlement", "product", "segment", "actor")
_PART_MAX = 40
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
_FOR_PEOPLE = ("statement", "reconciliation")

HINTS = {
    "at": "a day, or empty: now",
    "known-at": "a day, or empty: now",
    "since": "a day, or empty: all",
    "until": "a day, which is out",
    "run": "its number",
}


def parameters_of(report: ReportInfo, typed: Mapping[str, str]) -> Parameters:
    """Read what a report is asked with; what is left empty is not asked.

    Raises:
        FieldError: the first that cannot be used, or is needed and left empty.
    """
    said: dict[str, Any] = {}
    for name in report.options:
        text = typed.get(name, "").strip()
        if text:
            said[name.replace("-", "_")] = _value(name, text)
        elif name in report.needs:
            raise FieldError(name, "say which: this report needs it")
    return replace(Parameters(), **said)


def _value(name: str, text: str) -> str | int:
    if name in TIMES:
        try:
            return time_of(name, text)
        except ValueError as error:
            raise FieldError(name, str(error).removeprefix(f"{name}: ")) from None
    if name == "run":
        if not (text.isascii() and text.isdigit()):
            raise FieldError(name, "takes the number of a run, such as 3")
        return int(text)
    return text


def format_for(report: str) -> str:
    """Give the format that is offered first: what people read is printable."""
    return "html" if report in _FOR_PEOPLE else "csv"


def file_name(report: str, asked: Parameters, suffix: str) -> str:
    """Call a file by its report and by what it was narrowed to: `statement-C-11667.html`."""
    parts = [report, *(getattr(asked, name) or "" for name in _PARTS)]
    if asked.run is not None:
        parts.append(f"run-{asked.run}")
    clean = (_NOT_IN_NAMES.sub("_", part)[:_PART_MAX].strip("._-") for part in parts)
    return f"{'-'.join(part for part in clean if part)}.{suffix}"
