"""What staff do in a year: goodwill, corrections, reversals, and the mistakes that get refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from random import Random

from entitlement_ledger.domain.instants import HOUR, Instant, format_instant
from entitlement_ledger.sample.company import Company, Fields
from entitlement_ledger.sample.people import CHECKOUT, STAFF, Person
from entitlement_ledger.sample.year import YEAR_FROM, YEAR_UNTIL, any_time, office_hours

_GOODWILL = (
    ("parcel arrived two weeks late", "Where is my parcel?"),
    ("points of a tour were not booked", "Points missing after the tour"),
    ("wrong size sent twice", "Second exchange, still wrong"),
    ("apology for the outage of the map service", "Maps would not load"),
    ("tent damaged in transport", "Torn tent"),
    ("price matched after the sale", "Cheaper a day later"),
)
_CORRECTION = (
    ("booked on the wrong account", "These points are not mine"),
    ("campaign points given twice", "Question about my points"),
    ("order cancelled before dispatch", "Please cancel my order"),
)
_RETURN = (
    ("goods came back", "Return of an order"),
    ("delivery was refused", "Parcel sent back"),
    ("charged twice at the checkout", "Charged twice"),
)


def support(random: Random, customers: list[Person]) -> Iterator[tuple[Instant, _Act]]:
    """Staff help customers in office hours."""
    acts = [(_goodwill, 190), (_correct, 85), (_return, 150), (_mistake, 45)]
    for act, times in acts:
        for _ in range(times):
            at = office_hours(random, after=min(any_time(random), YEAR_UNTIL - 96 * HOUR))
            person, actor = random.choice(customers), random.choice(STAFF)
            yield at, partial(act, person=person, actor=actor)
    for subject in ("Opening hours?", "New address", "Which tent for two?", "Invoice copy, please"):
        for _ in range(9):
            at = office_hours(random, after=min(any_time(random), YEAR_UNTIL - 96 * HOUR))
            yield at, partial(_talk, person=random.choice(customers), subject=subject)


_Act = Callable[[Company, Instant], None]


def _key(company: Company, at: Instant, actor: str) -> str:
    first_name, _, _ = actor.partition(".")
    return f"desk-{first_name}-{format_instant(at)[:10]}-{company.next('desk'):04}"


def _talk(company: Company, at: Instant, *, person: Person, subject: str) -> None:
    company.open_ticket(person.id, subject, at)


def _goodwill(company: Company, at: Instant, *, person: Person, actor: str) -> None:
    random = company.random
    reason, subject = random.choice(_GOODWILL)
    code, quantity = random.choice(
        (("TRAIL-POINTS", 50), ("TRAIL-POINTS", 150), ("SHOP-CREDIT", 500), ("SHOP-CREDIT", 1250),
         ("REPAIR-CREDIT", 900), ("FREE-RENTAL", 1), ("DELIVERY-QUOTA", 1), ("MAP-QUOTA", 25))
    )  # fmt: skip
    fields: Fields = {
        "type": "adjust" if random.random() < 0.7 else "issue",
        "key": _key(company, at, actor),
        "customer": person.id,
        "entitlement": code,
        "quantity": quantity if quantity == 1 else quantity + random.randrange(0, 30) * 5,
        "reason": reason,
        "reference": company.open_ticket(person.id, subject, at),
    }
    if fields["type"] == "issue":
        fields |= {"category": "promo", "priority": 50}
    company.ask(at, actor, fields)


def _correct(company: Company, at: Instant, *, person: Person, actor: str) -> None:
    have = company.available(person.id, "TRAIL-POINTS", at)
    if have < 20:
        return
    reason, subject = company.random.choice(_CORRECTION)
    company.ask(
        at,
        actor,
        {
            "type": "adjust",
            "key": _key(company, at, actor),
            "customer": person.id,
            "entitlement": "TRAIL-POINTS",
            "quantity": -company.random.randrange(10, min(have, 300)),
            "reason": reason,
            "reference": company.open_ticket(person.id, subject, at),
        },
    )


def _return(company: Company, at: Instant, *, person: Person, actor: str) -> None:
    """Reverse a recent consume, whole or in part; `person` only calls on somebody's behalf."""
    random = company.random
    recent = [event for event in company.drawn[-60:] if event.effective_at < at]
    if not recent:
        return
    original = random.choice(recent)
    reason, subject = random.choice(_RETURN)
    fields: Fields = {
        "type": "reverse",
        "key": _key(company, at, actor),
        "customer": original.customer,
        "transaction": original.key,
        "reason": reason,
        "reference": company.open_ticket(original.customer, subject, at),
    }
    if (original.quantity or 0) > 4 and random.random() < 0.4:
        fields["quantity"] = random.randrange(1, original.quantity or 2)
    company.ask(at, actor, fields)


def _mistake(company: Company, at: Instant, *, person: Person, actor: str) -> None:
    """Ask for something that the ledger refuses."""
    random = company.random
    base: Fields = {"key": _key(company, at, actor), "customer": person.id}
    adjust: Fields = {
        **base,
        "type": "adjust",
        "entitlement": "TRAIL-POINTS",
        "quantity": 100,
        "reason": "goodwill",
    }
    asks: list[Fields] = [
        {**adjust, "customer": person.id.replace("C-", "C-0")},
        {name: value for name, value in adjust.items() if name != "reason"},
        {**adjust, "quantity": 0},
        {**adjust, "entitlement": "TRAIL-POINT"},
        {**base, "type": "consume", "entitlement": "PRIORITY-SUPPORT", "quantity": 1},
        {**base, "type": "reverse", "transaction": "shop-2025-00-000000", "reason": "return"},
    ]
    undone = [event for event in company.drawn[-80:] if event.effective_at < at]
    if undone:
        original = random.choice(undone)
        asks.append(
            {
                **base,
                "type": "reverse",
                "customer": original.customer,
                "transaction": original.key,
                "quantity": (original.quantity or 0) + 1,
                "reason": "customer asks for more back",
            }
        )
    if company.drawn and random.random() < 0.1:
        # A key used before, for something else.
        used = company.drawn[-1]
        asks = [{**adjust, "key": used.key, "customer": used.customer}]
        actor = CHECKOUT
    company.ask(max(at, YEAR_FROM), actor, random.choice(asks))
