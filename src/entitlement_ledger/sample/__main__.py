"""Writes the sample company's files: `python -m entitlement_ledger.sample FOLDER [SEED]`."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

from entitlement_ledger.sample.activities import ACTIVITIES, Intent
from entitlement_ledger.sample.catalogue import ENTITLEMENT_COLUMNS, ENTITLEMENTS, PRODUCTS
from entitlement_ledger.sample.company import Company
from entitlement_ledger.sample.people import make_customers
from entitlement_ledger.sample.subscriptions import maps, repairs
from entitlement_ledger.sample.support import support

SEED = 20251101


def make_files(seed: int = SEED) -> dict[str, bytes]:
    """Make every file of the sample company, by name. The same seed gives the same bytes."""
    random = Random(seed)  # noqa: S311 - made-up data, no secrets
    company = Company(random, make_customers(random))
    live(company, usual(company))
    return files(company)


def usual(company: Company) -> list[Intent]:
    """Give what people and systems do in a usual year."""
    return [
        intent
        for activity in (*ACTIVITIES, support, maps, repairs)
        for intent in activity(company.random, company.customers)
    ]


def live(company: Company, intents: Iterable[Intent]) -> None:
    """Let a company live through its year."""
    for at, act in sorted(intents, key=lambda intent: intent[0]):
        act(company, at)
    company.tickets.sort(key=lambda ticket: (ticket.opened_at, ticket.id))


def files(company: Company) -> dict[str, bytes]:
    """Write down what a company went through, by the name of the file."""
    return {
        "customers.csv": _csv(
            ("id", "name", "email", "segment", "status", "created_at"),
            (person.row() for person in company.customers),
        ),
        "entitlements.csv": _csv(ENTITLEMENT_COLUMNS, ENTITLEMENTS),
        "products.json": _json(PRODUCTS, indent=2) + b"\n",
        "tickets.csv": _csv(
            ("id", "customer", "status", "subject", "opened_at", "closed_at"),
            (ticket.row() for ticket in company.tickets),
        ),
        "billing.csv": _csv(
            ("invoice_line", "customer", "product", "entitlement", "quantity", "amount",
             "currency", "status", "invoiced_at"),
            company.billing,
        ),
        "commands.jsonl": b"".join(_json(line) + b"\n" for line in company.lines),
    }  # fmt: skip


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _json(value: object, indent: int | None = None) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=indent).encode()


def main(arguments: Sequence[str]) -> None:
    """Write the files into a folder."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in make_files(*map(int, arguments[1:])).items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main(sys.argv[1:])
