"""A billing extract and the commands that it was made with, and what is wrong between the two."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from entitlement_ledger.domain.instants import DAY, HOUR, Instant, format_instant

HEADER = "invoice_line,customer,product,entitlement,quantity,amount,currency,status,invoiced_at\n"
_CODES = ("POINTS", "CREDITS", "STORAGE")
_KINDS = (
    "missing_here",
    "missing_there",
    "less",
    "more",
    "twice_there",
    "twice_here",
    "timing",
    "kept",
)
_CLASS = {
    "less": "amount",
    "more": "amount",
    "kept": "amount",
    "twice_there": "duplicate",
    "twice_here": "duplicate",
}


@dataclass(slots=True)
class Planted:
    """What was planted.

    Attributes:
        expected: reference and class of every discrepancy there is.
        lines: how many lines the file has; `agree` of them have nothing wrong.
    """

    since: Instant
    until: Instant
    expected: set[tuple[str, str]] = field(default_factory=set)
    lines: int = 0
    agree: int = 0
    commands: int = 0


def plant(
    file: Path, count: int, every: int, customers: int, begin: Instant, seed: int, done: Planted
) -> Iterator[dict[str, Any]]:
    """Write a file of about so many lines; give the commands that go with it.

    About one line in `every` has something wrong with it, of every kind in turn. Some are given in
    two parts, some are refunded and taken back: they agree. Many are alike but for their id.
    """
    chance = random.Random(seed)  # noqa: S311 - not secret
    span = done.until - done.since
    wrong = 0
    with file.open("w", encoding="utf-8") as out:
        out.write(HEADER)
        for number in range(count):
            name, customer = f"INV-{number:07}", f"C{chance.randrange(customers)}"
            at = begin + 10 * DAY + chance.randrange(span - 20 * DAY)
            row = _Row(name, customer, chance.choice(_CODES), chance.choice((50, 100, 250)), at)
            kind = "agrees"
            if chance.randrange(every) == 0:
                kind = _KINDS[wrong % len(_KINDS)]
                wrong += 1
                done.expected.add((f"invoice:{name}", _CLASS.get(kind, kind)))
            elif number % 50 == 1:
                kind = "parts"
            elif number % 50 == 2:
                kind = "refunded"
            lines, commands = row.make(kind, done.until)
            done.agree += kind in ("agrees", "parts", "refunded", "twice_there")
            done.lines += len(lines)
            done.commands += len(commands)
            out.writelines(lines)
            yield from commands


@dataclass(slots=True)
class _Row:
    name: str
    customer: str
    code: str
    quantity: int
    at: Instant

    def make(self, kind: str, until: Instant) -> tuple[list[str], list[dict[str, Any]]]:
        """Give the lines and the commands of one case."""
        return self._lines(kind, until), self._commands(kind, until)

    def _lines(self, kind: str, until: Instant) -> list[str]:
        if kind == "missing_there":
            return []
        status = "refunded" if kind in ("kept", "refunded") else "paid"
        line = self._line(until - HOUR if kind == "timing" else self.at, status)
        return [line, line] if kind == "twice_there" else [line]

    def _commands(self, kind: str, until: Instant) -> list[dict[str, Any]]:
        whole, half = self.quantity, self.quantity // 2
        match kind:
            case "missing_here":
                return []
            case "less":
                return [self._issue("a", half)]
            case "more":
                return [self._issue("a", whole + 1)]
            case "twice_here":
                return [self._issue("a", whole), self._issue("b", whole)]
            case "timing":
                return [self._issue("a", whole, until + HOUR)]
            case "parts":
                return [self._issue("a", half), self._issue("b", whole - half)]
            case "refunded":
                return [self._issue("a", whole), self._reverse()]
            case _:
                return [self._issue("a", whole)]

    def _line(self, at: Instant, status: str) -> str:
        when = format_instant(at)
        return f"{self.name},{self.customer},,{self.code},{self.quantity},0,EUR,{status},{when}\n"

    def _issue(self, key: str, quantity: int, at: Instant | None = None) -> dict[str, Any]:
        return {
            "type": "issue",
            "key": f"{self.name}:{key}",
            "customer": self.customer,
            "entitlement": self.code,
            "quantity": quantity,
            "effective_at": format_instant(self.at if at is None else at),
            "reference": f"invoice:{self.name}",
        }

    def _reverse(self) -> dict[str, Any]:
        return {
            "type": "reverse",
            "key": f"{self.name}:r",
            "customer": self.customer,
            "transaction": f"{self.name}:a",
            "effective_at": format_instant(self.at + HOUR),
            "reason": "refunded",
        }
