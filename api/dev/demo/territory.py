"""Who lives in the demo territory: the texts of `territory.json`, and the employees made from its names."""

import re
import unicodedata
from importlib import resources
from itertools import product
from random import Random
from typing import NamedTuple

import msgspec

from api.dev.demo.days import Seeded
from api.missions.schemas import Regimes, Remote
from api.organisations.schemas import Address, Causes, CompanyRole, Format
from api.organisations.schemas_policy import PolicyIn

SEED = 20_260_101

POLICIES = {
    "aurelmat": PolicyIn(approval="manager"),
    "saonelle-assurances": PolicyIn(approval="automatic", hours_approval="hr"),
    "novaterne": PolicyIn(approval="automatic"),
    "brugnac-ingenierie": PolicyIn(approval="hr", hours_approval="hr", legal_form="secondment"),
    "logivaize": PolicyIn(approval="manager", hours_approval="manager"),
    "mercerol-imprimeurs": PolicyIn(approval="hr"),
    "delorge-associes": PolicyIn(approval="automatic", regimes=["working_time"]),
}


class Founder(msgspec.Struct, frozen=True):
    """A person of an association."""

    given_name: str
    family_name: str
    email: str
    role: str


class Host(msgspec.Struct, frozen=True):
    """An association as its owner registers it."""

    key: str
    name: str
    legal_form: str
    purpose: str
    causes: Causes
    rna: str | None
    siren: str | None
    address: Address
    website: str | None
    contact_email: str
    people: list[Founder]

    @property
    def owner(self) -> Founder:
        """Give the person who registers it."""
        return next(person for person in self.people if person.role == "owner")


class Firm(msgspec.Struct, frozen=True):
    """A company, and how many people work there."""

    slug: str
    name: str
    siren: str
    legal_form: str
    domain: str
    sites: list[str]
    departments: list[str]
    employees: int


class Need(msgspec.Struct, frozen=True):
    """A mission without its days."""

    association: str
    title: str
    summary: str
    description: str
    deliverable: str
    prerequisites: list[str]
    format: Format
    causes: Causes
    places: int
    effort_minutes: int
    regimes: Regimes
    remote: Remote
    city: str
    postal_code: str
    latitude: float
    longitude: float
    languages: list[str]
    skills: list[str]


class Territory(msgspec.Struct, frozen=True):
    """All the texts; the last association is new, and nobody has verified it yet."""

    associations: list[Host]
    companies: list[Firm]
    given_names: list[str]
    family_names: list[str]
    missions: list[Need]
    motivations: list[str]
    hours_notes: list[str]


class Employee(NamedTuple):
    """A person as their company's identity provider knows them; `manager` is an address."""

    company: str
    given_name: str
    family_name: str
    email: str
    site: str
    department: str
    roles: list[CompanyRole]
    manager: str | None

    @property
    def subject(self) -> str:
        """Give the name that the provider signs."""
        return self.email.partition("@")[0]


def read_territory() -> Territory:
    """Read the shipped texts."""
    text = (resources.files("api.dev.demo") / "territory.json").read_bytes()
    return msgspec.json.decode(text, type=Territory)


def make_staff(territory: Territory) -> dict[str, list[Employee]]:
    """Give every company's employees, the same ones each time: HR first, then the heads of department."""
    random = Seeded(SEED)
    names = list(product(territory.given_names, territory.family_names))
    chosen = iter(random.sample(names, sum(firm.employees for firm in territory.companies)))
    return {
        firm.slug: _staff(random, firm, [next(chosen) for _ in range(firm.employees)])
        for firm in territory.companies
    }


def _staff(random: Random, firm: Firm, names: list[tuple[str, str]]) -> list[Employee]:
    # HR sits in the last department; the smallest companies have no head for each of theirs.
    headed = firm.departments[: firm.employees // 5]
    people = []
    for number, name in enumerate(names):
        head = 0 < number <= len(headed)
        department = headed[number - 1] if head else random.choice(firm.departments)
        people.append(
            Employee(
                firm.slug,
                *name,
                email=f"{_plain(name[0])}.{_plain(name[1])}@{firm.domain}",
                site=random.choice(firm.sites),
                department=department if number else firm.departments[-1],
                roles=["employee", "hr"]
                if number == 0
                else ["employee", "manager"]
                if head
                else ["employee"],
                manager=None,
            )
        )
    heads = {head.department: head.email for head in people[1 : len(headed) + 1]}
    return people[: len(headed) + 1] + [
        one._replace(manager=heads.get(one.department)) for one in people[len(headed) + 1 :]
    ]


def _plain(name: str) -> str:
    """Write a name as addresses do: no accent, no space."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z]+", "-", letters).strip("-")
