"""Who asks, and whose entitlements they are."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from entitlement_ledger.domain.instants import DAY, Instant, format_instant
from entitlement_ledger.sample.year import YEAR_FROM

STAFF = (
    "anna.berg",
    "david.okafor",
    "elif.yilmaz",
    "jonas.lind",
    "maria.costa",
    "priya.nair",
    "tom.fischer",
    "wei.zhang",
)
BILLING, CHECKOUT, LOYALTY = "billing-system", "shop-checkout", "loyalty-engine"

_NAMES = """
Aino Virtanen|Alejandro Ruiz|Amélie Laurent|Andrzej Nowak|Bao Trần|Beatriz Almeida|Björn Håkansson
Carla Esposito|Chiara Conti|Daniel O'Connor|Dóra Szabó|Ebba Lindqvist|Emre Demir|Erik Sørensen
Fatima Zahra|François Lefèvre|Gizem Kaya|Greta Müller|Hana Nováková|Haruto Tanaka|Ingrid Dahl
Isabel Romero|Ivan Petrov|Jakub Černý|James Whitfield|Jürgen Köhler|Kateřina Dvořák|Kofi Mensah
Lars Nyström|Léa Moreau|Li Na|Lucía Fernández|Mads Kjær|Marek Zieliński|Mehmet Öztürk|Mia Schäfer
Nadia Haddad|Niamh Byrne|Noah Baumann|Olena Kovalenko|Óscar Pérez|Paolo Greco|Petra Vogel
Rahul Mehta|Renske de Vries|Rosa Marín|Sanne Bakker|Sigrún Jónsdóttir|Simon Dubois|Sofie Claes
Stefan Ilić|Tomás Ferreira|Valentina Rossi|Yuki Sato|Zeynep Arslan
"""
_COMPANIES = (
    "Alpin Guides GmbH",
    "Bergblick Hostels",
    "Fjell & Fjord AS",
    "Kestrel Outdoor Ltd",
    "Nordlys Kayak",
    "株式会社 山の友",
)
_SUSPENDED = (11, 37)
_CLOSED = (23, 52)


@dataclass(frozen=True, slots=True)
class Person:
    """A customer as CAM knows it."""

    id: str
    name: str
    email: str
    segment: str
    status: str
    created_at: Instant

    def row(self) -> list[str]:
        """Give the row of `customers.csv`."""
        created = format_instant(self.created_at)
        return [self.id, self.name, self.email, self.segment, self.status, created]


def make_customers(random: Random) -> list[Person]:
    """Make the customers: people, then a few companies."""
    names = [name for line in _NAMES.split("\n") for name in line.split("|") if name]
    people: list[Person] = []
    number = 10_400
    for place, name in enumerate([*names, *_COMPANIES]):
        number += random.randrange(3, 40)
        company = place >= len(names)
        segment = "business" if company else random.choice(("member", "member", "plus", "guide"))
        status = "suspended" if place in _SUSPENDED else "closed" if place in _CLOSED else "active"
        domain = ("example.com", "example.net", "example.org")[number % 3]
        created_at = YEAR_FROM - random.randrange(20, 900) * DAY - random.randrange(DAY)
        people.append(
            Person(
                id=f"C-{number}",
                name=name,
                email=f"{'office' if company else 'user'}{number}@{domain}",
                segment=segment,
                status=status,
                created_at=created_at - created_at % 1_000_000,
            )
        )
    return people
