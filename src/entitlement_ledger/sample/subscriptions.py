"""Subscriptions to the maps, and repairs whose price is held until the work is done."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random

from entitlement_ledger.domain.events import Status
from entitlement_ledger.domain.instants import DAY, HOUR, MINUTE, Instant, format_instant
from entitlement_ledger.domain.periods import nth, parse_period, parse_zone
from entitlement_ledger.sample.company import Company, Fields
from entitlement_ledger.sample.people import BILLING, CHECKOUT, STAFF, Person
from entitlement_ledger.sample.year import YEAR_FROM, YEAR_UNTIL, any_time, office_hours

_MONTH = parse_period("P1M")
_ZONES = ("Europe/Berlin", "Europe/Lisbon", "Europe/Helsinki", "UTC")
_ENDINGS = ("upgrade", "upgrade", "upgrade later", "cancel", "cancel later", "")


def maps(random: Random, customers: list[Person]) -> Iterator[tuple[Instant, partial[None]]]:
    """Some customers subscribe to the maps, renew for months, and change or leave."""
    active = [person for person in customers if person.status == "active"]
    for number, person in enumerate(random.sample(active, 18), 1):
        start = YEAR_FROM + random.randrange(60, 200) * DAY + random.randrange(86_400) * 1_000_000
        zone = random.choice(_ZONES)
        yield start, partial(_subscribe, person=person, number=number, zone=zone)
        months = random.randrange(1, 6)
        for month in range(1, months + 1):
            renewed = nth(start, _MONTH, month, parse_zone(zone)) - HOUR
            yield renewed, partial(_renew, person=person, number=number, month=month)
        ends = nth(start, _MONTH, months, parse_zone(zone)) + random.randrange(1, 20) * DAY
        ending = _ENDINGS[number % len(_ENDINGS)]
        ends = office_hours(random, after=min(ends, YEAR_UNTIL - 96 * HOUR))
        if ending:
            yield ends, partial(_change, person=person, number=number, ending=ending)
        if ending == "upgrade":
            back = min(ends + random.randrange(30, 60) * DAY, YEAR_UNTIL - 96 * HOUR)
            back = office_hours(random, after=back)
            yield back, partial(_change, person=person, number=number, ending="downgrade")


def _ask(company: Company, at: Instant, actor: str, person: Person, fields: Fields) -> None:
    if at < YEAR_UNTIL:
        company.ask(at, actor, {**fields, "customer": person.id})


def _subscribe(company: Company, at: Instant, *, person: Person, number: int, zone: str) -> None:
    _ask(company, at, BILLING, person, {
        "type": "purchase", "key": f"maps-{number}", "product": "MAPS-BASIC", "timezone": zone,
        "reference": f"order:{70000 + company.next('order')}",
    })  # fmt: skip


def _renew(company: Company, at: Instant, *, person: Person, number: int, month: int) -> None:
    _ask(company, at, BILLING, person, {
        "type": "renew", "key": f"maps-{number}-renewal-{month}", "product": "MAPS-BASIC",
    })  # fmt: skip


def _change(company: Company, at: Instant, *, person: Person, number: int, ending: str) -> None:
    kind, _, later = ending.partition(" ")
    fields: Fields = {"type": kind, "key": f"maps-{number}-{kind}"}
    if kind == "cancel":
        fields["product"] = "MAPS-BASIC"
    else:
        codes = ("MAPS-BASIC", "MAPS-PRO")
        fields["from"], fields["to"] = codes if kind == "upgrade" else codes[::-1]
        fields["carry_over"] = "remaining"
    if later:
        fields["timing"] = "period_end"
    actor = company.random.choice(STAFF)
    if at < YEAR_UNTIL:
        reference = company.open_ticket(person.id, "My maps subscription", at)
        fields |= {"reason": f"{kind} asked for by the customer", "reference": reference}
    _ask(company, at, actor, person, fields)


def repairs(random: Random, customers: list[Person]) -> Iterator[tuple[Instant, partial[None]]]:
    """What a repair may cost is held; then it is taken, in whole or in part, or given back."""
    for number in range(1, 81):
        at = min(any_time(random), YEAR_UNTIL - 12 * DAY)
        person = random.choice(customers)
        yield at, partial(_hold, person=person, number=number)
        done = at + random.randrange(1, 7) * DAY + random.randrange(600) * MINUTE
        fate = random.choices(("whole", "part", "release", "late", ""), (50, 20, 15, 3, 12))[0]
        if fate == "late":
            done = at + 11 * DAY
        if fate:
            yield done, partial(_resolve, person=person, number=number, fate=fate)


def _hold(company: Company, at: Instant, *, person: Person, number: int) -> None:
    for code in ("REPAIR-CREDIT", "SHOP-CREDIT"):
        have = company.available(person.id, code, at)
        if have > 400:
            _ask(company, at, CHECKOUT, person, {
                "type": "hold", "key": f"repair-{number}", "entitlement": code,
                "quantity": company.random.randrange(200, min(have, 2000)),
                "expires_at": format_instant(at + 10 * DAY).replace(".000000Z", "Z"),
                "reference": f"order:{70000 + company.next('order')}",
            })  # fmt: skip
            return


def _resolve(company: Company, at: Instant, *, person: Person, number: int, fate: str) -> None:
    held = company.book.original(f"repair-{number}")
    if held is None or held.event.status is not Status.PENDING:
        return
    kind = "release" if fate == "release" else "capture"
    fields: Fields = {
        "type": kind, "key": f"repair-{number}-{kind}", "transaction": f"repair-{number}",
    }  # fmt: skip
    if fate == "part":
        fields["quantity"] = company.random.randrange(100, held.event.quantity or 101)
    _ask(company, at, CHECKOUT, person, fields)
