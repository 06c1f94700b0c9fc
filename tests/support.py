"""What the tests share: a small catalogue, a clock set by hand, the program as a process."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import msgspec
import program

from entitlement_ledger.domain.book import Book
from entitlement_ledger.domain.catalogue import (
    CatalogueStatus,
    Customer,
    CustomerStatus,
    Entitlement,
    Kind,
    Product,
)
from entitlement_ledger.domain.commands import parse_command
from entitlement_ledger.domain.decide import Asker, Outcome, answer, decide, refusal, repeat
from entitlement_ledger.domain.due import expiries, periods
from entitlement_ledger.domain.events import RecordEvent
from entitlement_ledger.domain.instants import HOUR, format_instant, parse_instant
from entitlement_ledger.domain.policy import ANYTHING, ApprovalRule, Policy
from entitlement_ledger.domain.refusals import Refused
from entitlement_ledger.domain.rules.context import Context
from entitlement_ledger.ledger import Ledger

SOAK = int(os.environ.get("ENTL_SOAK", "1"))
"""How many times as many random histories as usual: `make soak` sets it."""

PROJECT = Path(__file__).parents[1]
START = parse_instant("2026-03-01T12:00:00Z")

CUSTOMERS = {"C1": "active", "C2": "active", "SUSP": "suspended", "SHUT": "closed"}
ENTITLEMENTS = {
    "PTS": ("points", "active"),
    "CRD": ("credits", "active"),
    "FEA": ("feature", "active"),
    "OLD": ("points", "retired"),
}


@dataclass
class HandClock:
    """A clock that stands still until it is set."""

    now: int = START

    def __call__(self) -> int:
        return self.now


PRODUCTS: dict[str, dict[str, Any]] = {
    "BASIC": {
        "tier": 1,
        "length": 24 * HOUR,
        "status": "active",
        "lines": [("PTS", 5, "period", 100, "paid", 2), ("CRD", 3, None, 50, "promo", None)],
    },
    "PLUS": {
        "tier": 2,
        "length": 24 * HOUR,
        "status": "active",
        "lines": [("PTS", 9, 36 * HOUR, 100, "paid", None)],
    },
    "LIFE": {
        "tier": 3,
        "length": None,
        "status": "active",
        "lines": [("PTS", 7, None, 200, "paid", None), ("FEA", 1, None, 100, "paid", None)],
    },
    "GONE": {"tier": 2, "length": 24 * HOUR, "status": "retired", "lines": []},
}
"""Products as the model takes them: lengths in microseconds, lines as tuples."""


def product_rows() -> list[dict[str, Any]]:
    """Give the products as they are imported."""

    def duration(length: int | str | None) -> str | None:
        return f"PT{length // HOUR}H" if isinstance(length, int) else length

    names = ("entitlement", "quantity", "valid_for", "priority", "category", "rollover_max")
    return [
        {
            "code": code,
            "name": code.title(),
            "tier": product["tier"],
            "period": duration(product["length"]),
            "lines": [
                {**dict(zip(names, line, strict=True)), "valid_for": duration(line[2])}
                for line in product["lines"]
            ],
            "status": product["status"],
        }
        for code, product in PRODUCTS.items()
    ]


def full_book() -> Book:
    return Book(
        customers={
            name: Customer(id=name, segment="s", status=CustomerStatus(status))
            for name, status in CUSTOMERS.items()
        },
        all_customers=True,
        entitlements={
            code: Entitlement(
                code=code,
                name=code.title(),
                description="",
                kind=Kind(kind),
                unit="pt",
                scale=2 if kind == "credits" else 0,
                resources=(),
                status=CatalogueStatus(status),
            )
            for code, (kind, status) in ENTITLEMENTS.items()
        },
        products={
            row["code"]: [(START - 1000 * HOUR, msgspec.convert(row, Product))]
            for row in product_rows()
        },
    )


def policy_of(watched: Mapping[str, int]) -> Policy:
    """Give the policy by which these types need a second person from these quantities."""
    return Policy(
        approvals=tuple(
            ApprovalRule(frozenset({name}), above=least - 1 if least else None)
            for name, least in watched.items()
        )
    )


@dataclass
class Pure:
    """The rules over a book in memory, without a store."""

    book: Book = field(default_factory=full_book)
    now: int = START
    policy: Policy = ANYTHING
    closed: dict[int, int] = field(default_factory=dict)
    """When each period ended that was closed, by the sequence of the event that says so."""

    def post(self, *lines: Mapping[str, Any], history: bool = False) -> list[Outcome]:
        return [self._post(line, history) for line in lines]

    def sweep(self, until: int) -> int:
        """Record what has expired by an instant; give how many expiries that were."""
        pairs = list(self.book.holdings)
        last = self.book.last_recorded_at
        now = self.now if last is None else max(self.now, last)
        return len(expiries(self.book, pairs, until, now))

    def renew(self) -> int:
        """Record the renewals and changes that are due now; give how many that were."""
        last = self.book.last_recorded_at
        now = self.now if last is None else max(self.now, last)
        return len(periods(self.book, list(CUSTOMERS), now, now))

    def close(self, until: int) -> None:
        """Close the period before an instant, once what is due in it is recorded."""
        last = self.book.last_recorded_at
        now = self.now if last is None else max(self.now, last)
        periods(self.book, list(CUSTOMERS), until - 1, now)
        expiries(self.book, list(self.book.holdings), until - 1, now)
        self.closed[self.book.last_sequence + 1] = until
        self.book.take(
            RecordEvent(
                sequence=self.book.last_sequence + 1,
                recorded_at=now,
                record="archive",
                id=format_instant(until),
                actor="tester",
                role=None,
                before=None,
                after={},
            )
        )

    def _post(self, line: Mapping[str, Any], history: bool) -> Outcome:
        try:
            command = parse_command(line)
        except Refused as refused:
            return refusal(None, refused)
        first = repeat(self.book, command)
        if first is not None:
            return first
        last = self.book.last_recorded_at
        now = self.now if last is None else max(self.now, last)
        context = Context(now, self.book.last_sequence + 1, history, self.policy)
        event = decide(self.book, command, context, Asker("tester"))
        self.book.take(event)
        return answer(event)


def write_feeds(folder: Path) -> Path:
    """Write the small catalogue as files to import."""
    folder.mkdir(parents=True, exist_ok=True)
    customers = "".join(
        f"{name},{name} Name,{name.lower()}@example.com,plus,{status},2025-01-01T00:00:00Z\n"
        for name, status in CUSTOMERS.items()
    )
    (folder / "customers.csv").write_text(
        "id,name,email,segment,status,created_at\n" + customers, "utf-8"
    )
    entitlements = "".join(
        f"{code},{code.title()},,{kind},pt,{2 if kind == 'credits' else 0},,{status}\n"
        for code, (kind, status) in ENTITLEMENTS.items()
    )
    (folder / "products.json").write_text(json.dumps(product_rows()), "utf-8")
    (folder / "entitlements.csv").write_text(
        "code,name,description,kind,unit,scale,resources,status\n" + entitlements, "utf-8"
    )
    return folder


def new_store(folder: Path, clock: HandClock | None = None) -> str:
    """Make a store with the small catalogue; its knowledge begins when the clock says.

    One is made for each beginning and copied after that: most tests want one.
    """
    begins = START - 1000 * HOUR if clock is None else clock.now
    if begins not in _TEMPLATES:
        _TEMPLATES[begins] = Path(mkdtemp(prefix="entl-template-"))
        atexit.register(shutil.rmtree, _TEMPLATES[begins], ignore_errors=True)
        _make_store(_TEMPLATES[begins], HandClock(begins))
    shutil.copytree(_TEMPLATES[begins], folder, dirs_exist_ok=True)
    return str(folder / "ledger.duckdb")


_TEMPLATES: dict[int, Path] = {}


def _make_store(folder: Path, clock: HandClock) -> None:
    store = str(folder / "ledger.duckdb")
    Ledger.create(store)
    with Ledger.open(store, clock=clock) as ledger:
        loaded = ledger.import_files([write_feeds(folder / "feeds")], actor="setup")
        assert not any(each.problems for each in loaded)


def command(type: str, key: str, **fields: Any) -> dict[str, Any]:
    """Make a command for customer C1 and entitlement PTS unless it says otherwise."""
    line: dict[str, Any] = {"type": type, "key": key, "customer": "C1", **fields}
    if type in ("issue", "consume", "adjust", "hold"):
        line.setdefault("entitlement", "PTS")
    if type == "adjust":
        line.setdefault("reason", "corrected")
    return line


def hours(number: float) -> str:
    """Give the instant so many hours after the start, as a command says it."""
    return format_instant(START + round(number * HOUR))


def entl(
    *arguments: str,
    store: str | Path | None = None,
    stdin: str | bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the program as a user does."""
    options = [] if store is None else ["--store", str(store)]
    given = stdin.encode() if isinstance(stdin, str) else stdin
    done = program.run([*options, *arguments], given, environment or {})
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def json_lines(commands: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(line) + "\n" for line in commands)


def outcomes_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def post(store: str | Path, commands: Sequence[Mapping[str, Any]], *options: str) -> list[Any]:
    """Post commands through the program; it must answer each."""
    done = entl("post", "-", *options, store=store, stdin=json_lines(commands))
    outcomes = outcomes_of(done.stdout)
    assert len(outcomes) == len(commands), done.stderr
    return outcomes


def one_line(text: str) -> str:
    """Give what an error says, which has to be one line without a traceback."""
    assert text.endswith("\n"), text
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text.strip()
