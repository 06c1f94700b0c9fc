"""What people and systems do in a year: each activity gives the moments at which it acts.

A new kind of activity is a function here and a line in `ACTIVITIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from random import Random

from entitlement_ledger.domain.instants import DAY, HOUR, MINUTE, Instant, format_instant
from entitlement_ledger.domain.periods import nth, parse_period, parse_zone
from entitlement_ledger.sample.catalogue import PRICES, PRODUCTS
from entitlement_ledger.sample.company import Company, Fields
from entitlement_ledger.sample.people import BILLING, CHECKOUT, LOYALTY, Person
from entitlement_ledger.sample.year import YEAR_UNTIL, any_time, month_starts

Act = Callable[[Company, Instant], None]
Intent = tuple[Instant, Act]
"""When the line arrives, and what is asked for then."""

_UTC = parse_zone("UTC")
_BY_CODE = {product["code"]: product for product in PRODUCTS}


def invoices(random: Random, customers: list[Person]) -> Iterator[Intent]:
    """Every month each customer is invoiced for what was ordered, and given it."""
    starts = month_starts()
    for person in customers:
        orders = [random.choice(("TRAIL-BASIC", "TRAIL-BASIC", "TRAIL-PLUS", "TRAIL-SUMMIT"))]
        if person.segment == "business":
            orders = ["TEAM-SUMMIT", "MAPS-PRO"]
        elif random.random() < 0.4:
            orders.append(random.choice(("MAPS-BASIC", "MAPS-PRO")))
        first = random.choice((0, 0, 0, 0, 1, 2, 4, 6))
        last = 12 if random.random() < 0.85 else random.randrange(first + 2, 12)
        for month in range(first, last):
            at = starts[month] + random.randrange(4 * 60) * MINUTE
            for code in orders:
                yield at, partial(_invoice, person=person, code=code, until=starts[month + 1])
    for person in random.sample(customers, 26):
        code = random.choice(("CREDIT-PACK", "CREDIT-PACK", "GUIDEBOOK-SET"))
        yield any_time(random), partial(_invoice, person=person, code=code, until=None)


def _invoice(
    company: Company, at: Instant, *, person: Person, code: str, until: Instant | None
) -> None:
    product = _BY_CODE[code]
    invoice = f"INV-{20000 + company.next('invoice')}"
    lines = product["lines"]
    for place, line in enumerate(lines, 1):
        reference = f"{invoice}-{place}"
        status = "paid"
        fields: Fields = {
            "type": "issue",
            "key": f"bill-{reference}",
            "customer": person.id,
            "entitlement": line["entitlement"],
            "quantity": line["quantity"],
            "reference": f"invoice:{reference}",
        }
        if line["category"] == "promo":
            fields |= {"category": "promo", "priority": line["priority"]}
        expires_at = until if line["valid_for"] == "period" else _expiry(at, line["valid_for"])
        if expires_at is not None:
            fields["expires_at"] = format_instant(expires_at).replace(".000000Z", "Z")
        event = company.ask(at, BILLING, fields)
        if company.random.random() < 0.012 and event is not None:
            status = _claw_back(company, at, person.id, event.key, reference)
        amount = PRICES[code] if place == 1 else 0
        company.billing.append(
            [reference, person.id, code, line["entitlement"], str(line["quantity"]),
             str(amount), "EUR", status, format_instant(at)]
        )  # fmt: skip


def _claw_back(company: Company, at: Instant, customer: str, key: str, reference: str) -> str:
    """Take back what was given for an invoice that was refunded or declared void."""
    status = company.random.choice(("refunded", "refunded", "void"))
    company.ask(
        at + company.random.randrange(2, 30) * MINUTE,
        BILLING,
        {
            "type": "reverse",
            "key": f"bill-back-{reference}",
            "customer": customer,
            "transaction": key,
            "reason": f"invoice line {status}",
            "reference": f"invoice:{reference}",
        },
    )
    return status


def _expiry(at: Instant, valid_for: str | None) -> Instant | None:
    return None if valid_for is None else nth(at, parse_period(valid_for), 1, _UTC)


def earning(random: Random, customers: list[Person]) -> Iterator[Intent]:
    """Purchases and campaigns earn points."""
    for _ in range(900):
        yield any_time(random), partial(_earn, person=random.choice(customers))


def _earn(company: Company, at: Instant, *, person: Person) -> None:
    random = company.random
    promo = random.random() < 0.25
    months = "P60D" if promo else "P12M"
    expires_at = _expiry(at, months)
    assert expires_at is not None
    fields: Fields = {
        "type": "issue",
        "key": f"loyalty-{format_instant(at)[:10]}-{company.next('loyalty'):05}",
        "customer": person.id,
        "entitlement": "SUMMIT-POINTS" if random.random() < 0.15 else "TRAIL-POINTS",
        "quantity": random.randrange(4, 90) * (5 if promo else 1),
        "expires_at": format_instant(expires_at).replace(".000000Z", "Z"),
        "reference": f"order:{70000 + company.next('order')}",
    }
    if promo:
        fields |= {"category": "promo", "priority": 50, "reason": "double points week"}
    company.ask(at, LOYALTY, fields)


def spending(random: Random, customers: list[Person]) -> Iterator[Intent]:
    """Customers spend what they have; some lines arrive hours or days late."""
    for _ in range(1750):
        at = any_time(random)
        late = random.randrange(3 * HOUR, 4 * DAY) if random.random() < 0.03 else 0
        arrives = min(at + late, YEAR_UNTIL - 1)
        yield arrives, partial(_spend, person=random.choice(customers), happened=at)


def _spend(company: Company, _arrives: Instant, *, person: Person, happened: Instant) -> None:
    random = company.random
    choices = (
        ("TRAIL-POINTS", 400),
        ("SUMMIT-POINTS", 200),
        ("SHOP-CREDIT", 2500),
        ("REPAIR-CREDIT", 1200),
        ("DELIVERY-QUOTA", 1),
        ("MAP-QUOTA", 30),
        ("API-QUOTA", 600),
        ("FREE-GUIDEBOOK", 1),
        ("FREE-RENTAL", 1),
    )
    can = [
        (code, min(most, have))
        for code, most in choices
        if (have := company.available(person.id, code, happened)) > 0
    ]
    if not can:
        return
    code, most = random.choice(can)
    asked = random.randrange(1, most + 1)
    if random.random() < 0.02:
        asked += company.available(person.id, code, happened)
    fields: Fields = {
        "type": "consume",
        "key": f"shop-{format_instant(happened)[:10]}-{company.next('shop'):06}",
        "customer": person.id,
        "entitlement": code,
        "quantity": asked,
        "reference": f"order:{70000 + company.next('order')}",
    }
    event = company.ask(happened, CHECKOUT, fields)
    if event is not None and event.status == "completed":
        company.drawn.append(event)
    if random.random() < 0.004:
        # The checkout did not hear the answer and asks again.
        company.ask(happened, CHECKOUT, fields)


ACTIVITIES: tuple[Callable[[Random, list[Person]], Iterator[Intent]], ...] = (
    invoices,
    earning,
    spending,
)
