"""Cases of suspicious activity, planted among what people do in a year, beside near misses.

Each case is labelled with the rule that should find it and with its commands; a near miss has the
same look and an innocent explanation. Amounts, hours and numbers are drawn anew for every seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random

from entitlement_ledger.domain.instants import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Instant,
    parse_instant,
    to_datetime,
)
from entitlement_ledger.sample.activities import Intent
from entitlement_ledger.sample.company import Company, Fields
from entitlement_ledger.sample.people import BILLING, CHECKOUT, LOYALTY, STAFF, Person
from entitlement_ledger.sample.year import YEAR_FROM, office_hours

POINTS = "TRAIL-POINTS"


@dataclass(frozen=True, slots=True)
class Case:
    """One planted case: the rule that should find it, and the keys of its commands."""

    rule: str
    keys: tuple[str, ...]


@dataclass(slots=True)
class Plants:
    """Plants cases into a company, each at a moment of its own.

    Attributes:
        sleepers: customers who do nothing in a usual year.
    """

    random: Random
    customers: list[Person]
    cases: list[Case] = field(default_factory=list)
    near_misses: list[Case] = field(default_factory=list)
    sleepers: list[Person] = field(default_factory=list)
    _arrivals: dict[str, Instant] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)
    _number: int = 0

    def intents(self, each: int) -> Iterator[Intent]:
        """Give every kind of case so many times, and as many near misses."""
        for plant in (*CASES, *NEAR_MISSES):
            for _ in range(each):
                after = YEAR_FROM + self.random.randrange(120, 330) * DAY
                yield office_hours(self.random, after=after), partial(self._plant, plant=plant)

    def _plant(self, company: Company, at: Instant, *, plant: Plant) -> None:
        case = plant(self, company, at)
        if case is not None:
            (self.near_misses if plant in NEAR_MISSES else self.cases).append(case)

    def in_order(self, lines: list[Fields]) -> list[Fields]:
        """Give all lines in the order of their arrival: a case of many days was planted at once."""
        arrived, latest = [], 0
        for line in lines:
            planted = self._arrivals.get(line["key"])
            if planted is None:
                latest = max(latest, parse_instant(line["effective_at"]))
            arrived.append((latest if planted is None else planted, line))
        return [line for _, line in sorted(arrived, key=lambda each: each[0])]

    # What plants are made of

    def key(self) -> str:
        """Give a key of its own."""
        self._number += 1
        return f"plant-{self._number}"

    def people(self, number: int) -> list[Person]:
        """Give some active customers; one or two are such that no other case is about."""
        active = [each for each in self.customers if each.status == "active"]
        if number > 2:
            return self.random.sample(active, number)
        unused = [each for each in active if each.id not in self._used]
        if len(unused) < number:
            self._used.clear()
            unused = active
        chosen = self.random.sample(unused, number)
        self._used |= {each.id for each in chosen}
        return chosen

    def staff(self) -> str:
        """Give somebody of the staff."""
        return self.random.choice(STAFF)

    def amount(self, low: int, high: int) -> int:
        """Give a quantity that looks like any other."""
        return self.random.randrange(low, high)

    def arrives(self, key: str, at: Instant) -> None:
        """Say when a line arrives."""
        self._arrivals[key] = at

    def ask(
        self,
        company: Company,
        at: Instant,
        actor: str,
        person: Person,
        arrives: Instant | None = None,
        **more: object,
    ) -> str:
        """Ask for something, which arrives at once or later; give the key."""
        key = self.key()
        self.arrives(key, at if arrives is None else arrives)
        fields: Fields = {"type": "adjust", "key": key, "customer": person.id, **more}
        company.ask(at, actor, fields)
        return key

    def give(self, company: Company, at: Instant, actor: str, person: Person, quantity: int,
             **more: object) -> str:  # fmt: skip
        """Adjust in somebody's favour, with a ticket unless it says otherwise."""
        said: Fields = {
            "entitlement": POINTS,
            "quantity": quantity,
            "reason": self.reason(),
            **more,
        }
        if "reference" not in said:
            said["reference"] = company.open_ticket(person.id, "Question about my points", at)
        return self.ask(company, at, actor, person, **said)

    def earn(self, company: Company, at: Instant, person: Person, quantity: int) -> None:
        """Let somebody earn points, as anybody does: it is part of no case."""
        self.ask(
            company, at, LOYALTY, person, type="issue", entitlement=POINTS, quantity=quantity,
            reference=f"order:{70000 + company.next('order')}",
        )  # fmt: skip

    def reason(self) -> str:
        """Give a reason that nobody else gives in these words."""
        what = ("parcel", "tour", "refund", "voucher", "return", "exchange", "delay", "booking")
        return f"{self.random.choice(what)} {self.random.randrange(1000, 9999)} made good"

    def draw(self, company: Company, at: Instant, person: Person, quantity: int) -> str:
        """Use points at the checkout."""
        return self.ask(
            company, at, CHECKOUT, person, type="consume", entitlement=POINTS, quantity=quantity,
            reference=f"order:{70000 + company.next('order')}",
        )  # fmt: skip


Plant = Callable[[Plants, Company, Instant], Case | None]


def _burst(plants: Plants, company: Company, at: Instant) -> Case:
    (person,) = plants.people(1)
    plants.earn(company, at - HOUR, person, 900)
    moments = sorted(at + plants.random.randrange(8 * 60) * SECOND for _ in range(12))
    keys = [plants.draw(company, each, person, plants.amount(3, 30)) for each in moments]
    return Case("burst", tuple(keys))


def _outflow(plants: Plants, company: Company, at: Instant) -> Case | None:
    (person,) = plants.people(1)
    for week in range(12):
        moment = at - (14 - week) * 6 * DAY
        plants.earn(company, moment, person, 40)
        plants.draw(company, moment + 3 * HOUR, person, plants.amount(10, 30))
    plants.earn(company, at - 2 * DAY, person, 6000)
    return Case("outflow", (plants.draw(company, at, person, plants.amount(3000, 5000)),))


def _dormant(plants: Plants, company: Company, at: Instant) -> Case | None:
    """Somebody who used a few points long ago, and from one day on all of them."""
    if not plants.sleepers:
        return None
    person = plants.sleepers.pop()
    begins = at - plants.random.randrange(110, 118) * DAY
    plants.earn(company, begins, person, plants.amount(300, 900))
    for number in range(3):
        plants.draw(company, begins + (number + 1) * DAY, person, plants.amount(5, 20))
    have = company.available(person.id, POINTS, at)
    first = plants.draw(company, at, person, have // 2)
    second = plants.draw(company, at + 40 * MINUTE, person, have // 2 - 5)
    return Case("dormant_then_drained", (first, second))


def _granted(plants: Plants, company: Company, at: Instant) -> Case:
    (person,) = plants.people(1)
    quantity = plants.amount(300, 900)
    key = plants.give(company, at, plants.staff(), person, quantity)
    used = company.available(person.id, POINTS, at + MINUTE)
    return Case("granted_then_drained", (key, plants.draw(company, at + 7 * MINUTE, person, used)))


def _same_amount(plants: Plants, company: Company, at: Instant) -> Case:
    actor, quantity, keys = plants.staff(), plants.amount(120, 900), []
    for person in plants.people(plants.random.randrange(10, 16)):
        at += plants.random.randrange(20, 140) * SECOND
        keys.append(plants.give(company, at, actor, person, quantity))
    return Case("same_amount", tuple(keys))


def _under_limit(plants: Plants, company: Company, at: Instant) -> Case:
    actor, keys = plants.staff(), []
    for number in range(plants.random.randrange(9, 14)):
        (person,) = plants.people(1)
        moment = at + number * 2 * DAY + plants.random.randrange(3 * 3600) * SECOND
        keys.append(plants.give(company, moment, actor, person, plants.amount(1930, 2000)))
    return Case("under_limit", tuple(keys))


def _no_reference(plants: Plants, company: Company, at: Instant) -> Case:
    (person,) = plants.people(1)
    actor = plants.staff()
    keys = [
        plants.give(company, at + n * DAY, actor, person, plants.amount(50, 400), reference=None)
        for n in range(3)
    ]
    return Case("no_reference", tuple(keys))


def _closed_ticket(plants: Plants, company: Company, at: Instant) -> Case | None:
    closed = [
        each
        for each in company.tickets
        if each.closed_at is not None and at - 60 * DAY < each.closed_at < at - 5 * DAY
    ]
    if not closed:
        return None
    ticket = plants.random.choice(closed)
    person = next(each for each in plants.customers if each.id == ticket.customer)
    key = plants.give(
        company, at, plants.staff(), person, plants.amount(50, 500), reference=f"ticket:{ticket.id}"
    )
    return Case("closed_ticket", (key,))


def _others_ticket(plants: Plants, company: Company, at: Instant) -> Case:
    person, other = plants.people(2)
    reference = company.open_ticket(other.id, "Where is my parcel?", at)
    quantity = plants.amount(50, 500)
    key = plants.give(company, at, plants.staff(), person, quantity, reference=reference)
    return Case("others_ticket", (key,))


def _own_beneficiary(plants: Plants, company: Company, at: Instant) -> Case:
    """A customer of the actor's name, or with an email that is the actor's name."""
    staff = plants.random.choice([each for each in STAFF if each in company.namesakes])
    person = company.namesakes[staff]
    keys = [
        plants.give(company, at + n * 9 * DAY, staff, person, plants.amount(50, 400))
        for n in range(2)
    ]
    return Case("own_beneficiary", tuple(keys))


def _odd_hours(plants: Plants, company: Company, at: Instant) -> Case:
    night = at - at % DAY + plants.random.randrange(0, 4) * HOUR
    actor, keys = plants.staff(), []
    for person in plants.people(4):
        night += plants.random.randrange(2, 12) * MINUTE
        keys.append(plants.give(company, night, actor, person, plants.amount(50, 500)))
    return Case("odd_hours", tuple(keys))


def _first_use(plants: Plants, company: Company, at: Instant) -> Case:
    """An actor who has only ever corrected gives something for the first time."""
    actor = f"desk.{plants.key()}"
    for number in range(60):
        person = plants.random.choice(plants.customers)
        if company.available(person.id, POINTS, at - (70 - number) * DAY) > 5:
            plants.give(company, office_hours(plants.random, after=at - (70 - number) * DAY),
                        actor, person, -plants.amount(1, 4))  # fmt: skip
    (person,) = plants.people(1)
    key = plants.ask(
        company, at + 12 * DAY, actor, person, type="issue", entitlement=POINTS,
        quantity=plants.amount(200, 900), reason=plants.reason(),
        reference=company.open_ticket(person.id, "Points missing", at + 12 * DAY),
    )  # fmt: skip
    return Case("first_use", (key,))


def _copied(plants: Plants, company: Company, at: Instant) -> Case:
    actor, reason, keys = plants.staff(), plants.reason(), []
    for person in plants.people(plants.random.randrange(7, 11)):
        at += plants.random.randrange(3, 50) * MINUTE
        quantity = plants.amount(40, 900)
        keys.append(plants.give(company, at, actor, person, quantity, reason=reason))
    return Case("copied_reasons", tuple(keys))


def _blank(plants: Plants, company: Company, at: Instant) -> Case:
    actor, keys = plants.staff(), []
    for number in range(plants.random.randrange(4, 8)):
        (person,) = plants.people(1)
        reason = plants.random.choice((".", "-", "x", "ok", "...", "n/a"[:2]))
        quantity = plants.amount(40, 400)
        moment = at + number * DAY
        keys.append(plants.give(company, moment, actor, person, quantity, reason=reason))
    return Case("blank_reasons", tuple(keys))


def _backdated(plants: Plants, company: Company, at: Instant) -> Case:
    (person,) = plants.people(1)
    actor = plants.staff()
    keys = []
    for _ in range(2):
        happened = at - plants.random.randrange(25, 60) * DAY
        ticket = company.open_ticket(person.id, "Late booking", happened)
        quantity = plants.amount(40, 400)
        keys.append(
            plants.give(company, happened, actor, person, quantity, reference=ticket, arrives=at)
        )
    return Case("backdated", tuple(keys))


def _invoice_twice(plants: Plants, company: Company, at: Instant) -> Case | None:
    given = [
        line
        for line in company.lines[-900:]
        if str(line.get("reference", "")).startswith("invoice:") and line["type"] == "issue"
    ]
    if not given:
        return None
    line = plants.random.choice(given)
    key = plants.key()
    again = {name: value for name, value in line.items() if name not in ("effective_at", "actor")}
    again.pop("expires_at", None)
    plants.arrives(key, at)
    company.ask(at, plants.staff(), {**again, "key": key})
    return Case("invoice_twice", (str(line["key"]), key))


def _no_claw_back(plants: Plants, company: Company, at: Instant) -> Case | None:
    lines = {str(row[0]): row for row in company.billing}
    given = [
        line
        for line in company.lines[-1200:]
        if line["type"] == "issue"
        and str(line["key"]).startswith("bill-")
        and lines[str(line["reference"]).removeprefix("invoice:")][7] == "paid"
    ]
    if not given:
        return None
    line = plants.random.choice(given)
    lines[str(line["reference"]).removeprefix("invoice:")][7] = plants.random.choice(
        ("refunded", "void")
    )
    del at
    return Case("no_claw_back", (str(line["key"]),))


def _no_billing(plants: Plants, company: Company, at: Instant) -> Case:
    (person,) = plants.people(1)
    key = plants.ask(
        company, at, plants.staff(), person, type="issue", entitlement=POINTS,
        quantity=plants.amount(100, 900),
        reference=f"invoice:INV-9{plants.random.randrange(10_000, 99_999)}-1",
    )  # fmt: skip
    return Case("no_billing", (key,))


def _pairs(plants: Plants, company: Company, at: Instant) -> Case:
    actor, keys = plants.staff(), []
    for number in range(plants.random.randrange(4, 7)):
        (person,) = plants.people(1)
        moment = at + number * 3 * DAY
        key = plants.give(company, moment, actor, person, plants.amount(100, 600))
        back = plants.ask(
            company, moment + plants.random.randrange(20, 600) * MINUTE, actor, person,
            type="reverse", transaction=key, reason=plants.reason(),
        )  # fmt: skip
        keys += [key, back]
    return Case("adjust_and_reverse", tuple(keys))


def _refusals(plants: Plants, company: Company, at: Instant) -> Case:
    (person,) = plants.people(1)
    keys = []
    for _ in range(plants.random.randrange(5, 9)):
        at += plants.random.randrange(5, 90) * SECOND
        have = company.available(person.id, POINTS, at)
        keys.append(plants.draw(company, at, person, have + plants.amount(50, 900)))
    plants.earn(company, at, person, 40)
    keys.append(plants.draw(company, at + MINUTE, person, 20))
    return Case("refusals_then_success", tuple(keys))


def _round(plants: Plants, company: Company, at: Instant) -> Case:
    actor, keys = f"desk.{plants.key()}", []
    ending = plants.random.choice((0, 99, 77))
    for number in range(24):
        (person,) = plants.people(1)
        quantity = plants.random.randrange(1, 9) * 100 + ending
        if plants.random.random() < 0.1:
            quantity += plants.random.randrange(1, 60)
        keys.append(plants.give(company, at + number * 11 * HOUR, actor, person, quantity))
    return Case("round_endings", tuple(keys))


def _digits(plants: Plants, company: Company, at: Instant) -> Case:
    actor, keys = f"desk.{plants.key()}", []
    for number in range(130):
        (person,) = plants.people(1)
        quantity = plants.random.choice((7, 8, 9)) * 10 ** plants.random.randrange(1, 4)
        quantity += plants.random.randrange(quantity // 9)
        keys.append(plants.give(company, at + number * 2 * HOUR, actor, person, quantity))
    return Case("first_digits", tuple(keys))


CASES: tuple[Plant, ...] = (
    _burst, _outflow, _dormant, _granted, _same_amount, _under_limit, _no_reference,
    _closed_ticket, _others_ticket, _own_beneficiary, _odd_hours, _first_use, _copied, _blank,
    _backdated, _invoice_twice, _no_claw_back, _no_billing, _pairs, _refusals, _round, _digits,
)  # fmt: skip


# Near misses


def _family_evening(plants: Plants, company: Company, at: Instant) -> Case:
    (person,) = plants.people(1)
    plants.earn(company, at - HOUR, person, 300)
    keys = [plants.draw(company, at + n * 9 * MINUTE, person, 4) for n in range(4)]
    return Case("burst", tuple(keys))


def _holiday(plants: Plants, company: Company, at: Instant) -> Case:
    """Back after a long time, and one small order."""
    (person,) = plants.people(1)
    plants.earn(company, at - 80 * DAY, person, 500)
    return Case("dormant_then_drained", (plants.draw(company, at, person, 20),))


def _outage(plants: Plants, company: Company, at: Instant) -> Case:
    """An apology to a handful of customers, each by what it cost them."""
    actor, keys = plants.staff(), []
    for person in plants.people(5):
        at += plants.random.randrange(60, 400) * SECOND
        keys.append(plants.give(company, at, actor, person, plants.amount(40, 300)))
    return Case("same_amount", tuple(keys))


def _goodwill_used_later(plants: Plants, company: Company, at: Instant) -> Case:
    (person,) = plants.people(1)
    key = plants.give(company, at, plants.staff(), person, 200)
    return Case("granted_then_drained", (key, plants.draw(company, at + 3 * DAY, person, 150)))


def _near_limit_once(plants: Plants, company: Company, at: Instant) -> Case:
    (person,) = plants.people(1)
    key = plants.give(company, at, plants.staff(), person, 1950)
    return Case("under_limit", (key,))


def _late_shift(plants: Plants, company: Company, at: Instant) -> Case:
    """An hour after the usual end of work."""
    evening = at - at % DAY + 17 * HOUR + plants.random.randrange(40) * MINUTE
    if to_datetime(evening).weekday() >= 5:
        evening -= 2 * DAY
    (person,) = plants.people(1)
    return Case("odd_hours", (plants.give(company, evening, plants.staff(), person, 80),))


def _mistyped(plants: Plants, company: Company, at: Instant) -> Case:
    (person,) = plants.people(1)
    have = company.available(person.id, POINTS, at)
    first = plants.draw(company, at, person, have + 5)
    plants.earn(company, at, person, 30)
    return Case("refusals_then_success", (first, plants.draw(company, at + MINUTE, person, 5)))


def _one_correction(plants: Plants, company: Company, at: Instant) -> Case:
    (person,) = plants.people(1)
    actor = plants.staff()
    key = plants.give(company, at, actor, person, 150)
    back = plants.ask(
        company, at + HOUR, actor, person, type="reverse", transaction=key, reason=plants.reason()
    )
    return Case("adjust_and_reverse", (key, back))


def _refunded_properly(plants: Plants, company: Company, at: Instant) -> Case:
    (person,) = plants.people(1)
    line = f"INV-8{plants.random.randrange(10_000, 99_999)}-1"
    company.billing.append([line, person.id, "CREDIT-PACK", POINTS, "100", "500", "EUR",
                            "refunded", "2026-05-01T00:00:00Z"])  # fmt: skip
    key = plants.ask(company, at, BILLING, person, type="issue", entitlement=POINTS, quantity=100,
                     reference=f"invoice:{line}")  # fmt: skip
    back = plants.ask(company, at + HOUR, BILLING, person, type="reverse", transaction=key,
                      reason="refunded", reference=f"invoice:{line}")  # fmt: skip
    return Case("no_claw_back", (key, back))


NEAR_MISSES: tuple[Plant, ...] = (
    _family_evening, _holiday, _outage, _goodwill_used_later, _near_limit_once, _late_shift,
    _mistyped, _one_correction, _refunded_properly,
)  # fmt: skip
